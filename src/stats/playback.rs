//! What a viewer would have felt.

use std::time::Duration;

use super::Histogram;

/// Upper bounds of start-up, drift and live latency, in seconds.
const VIEWER_SECS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 15.0, 30.0, 60.0];

/// Upper bounds of a windowed speed, in media seconds a wall second. The
/// histogram counts spans, so a speed of 1 is recorded as one second.
const SPEEDS: &[f64] = &[0.25, 0.5, 0.75, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 4.0];

/// Running totals of what the clients' viewers would have felt.
#[derive(Debug, Clone)]
pub struct Playback {
    /// Spawn to first media time.
    pub startup: Histogram,
    /// Windowed speed, one a window of each client; 1.0 is recorded as 1 s.
    pub speed: Histogram,
    /// Wall clock less media clock since start-up, one a window; a client ahead
    /// of the wall clock counts as zero.
    pub drift: Histogram,
    /// Wall clock less programme date time of the newest segment in a playlist.
    pub live_latency: Histogram,
    /// Stalls that began.
    pub stalls: u64,
    /// Time in stalls that have ended.
    pub stalled: Duration,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            startup: Histogram::new(VIEWER_SECS),
            speed: Histogram::new(SPEEDS),
            drift: Histogram::new(VIEWER_SECS),
            live_latency: Histogram::new(VIEWER_SECS),
            stalls: 0,
            stalled: Duration::ZERO,
        }
    }
}
