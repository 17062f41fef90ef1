//! The run as a document: as text for people, as JSON for programs, read back and
//! merged.
//!
//! Knows no file and no clock.

pub(crate) mod cells;
pub mod check;
pub mod document;
mod exporters;
pub mod json;
pub mod merge;
mod merged;
mod page;
mod rows;
pub(crate) mod series;
pub mod text;

pub use document::{Document, Unreadable};

#[cfg(test)]
pub(crate) mod fixture;
