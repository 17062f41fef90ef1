//! Limits of a connection: bytes and times. Knows no stage.

use std::time::Duration;

/// Limits of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest request head in bytes; a longer one gets 431.
    pub head_bytes: usize,
    /// Longest time from the first byte of a head to its last, and again for the body
    /// of a `POST`; then 408.
    pub head_time: Duration,
    /// Longest silence between two requests; then the connection is closed.
    pub idle_time: Duration,
    /// Longest time in which the peer takes no byte of a response that may be sent;
    /// then the connection is closed.
    pub write_time: Duration,
}

impl Default for Limits {
    /// A head as long as other servers accept, times that a busy host can keep, and a
    /// silence longer than the usual minute between two scrapes.
    fn default() -> Self {
        Self {
            head_bytes: 8 * 1024,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(120),
            write_time: Duration::from_secs(10),
        }
    }
}
