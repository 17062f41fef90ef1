//! The built-in test origin: live and VOD HLS, synthesised, from memory.

mod bits;
pub mod media;
mod picture;
pub mod playlist;
mod sound;
mod transport;

use std::time::Duration;

/// What the origin serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Total bit rate of each variant in bit/s, video, audio and container together.
    pub variant_bitrates: Vec<u64>,
    /// Duration of a segment.
    pub segment_duration: Duration,
    /// Segments in the live playlist.
    pub window: usize,
}
