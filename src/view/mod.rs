//! A snapshot made visible.

pub mod metrics;
pub mod summary;
