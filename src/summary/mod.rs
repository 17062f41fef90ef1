//! The run as a document: as text for people, as JSON for programs, read back and
//! merged.
//!
//! Knows no file and no clock.

pub mod check;
pub mod document;
pub mod json;
pub mod merge;
pub mod text;

#[cfg(test)]
pub(crate) mod fixture;
