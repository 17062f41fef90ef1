//! A snapshot made visible: to Prometheus, to a browser, and to people when the
//! run is over.
//!
//! Pure functions from numbers to text; knows no clock and no socket.

pub mod endpoints;
pub mod exposition;
pub mod families;
pub mod metrics;
pub mod summary;
pub mod verdict;
mod words;

use crate::stats::{Health, Snapshot};

/// All that is shown while a run goes on.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What the clients lived through.
    pub snapshot: &'a Snapshot<'a>,
    /// What the generator itself did.
    pub health: &'a Health,
    /// FFmpeg's version, as it says it.
    pub ffmpeg_version: &'a str,
}

#[cfg(test)]
mod fixture;
