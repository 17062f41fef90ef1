//! When a line of the log was written, by FFmpeg's stamp if it has one.

use std::time::Duration;

use crate::ffmpeg::log::Stamp;
use crate::units::Tick;

/// Largest difference between a span of FFmpeg's stamps and that of the reads. Beyond
/// it, FFmpeg's clock has jumped (a new local time, a suspended host).
const CLOCK_JUMP: Duration = Duration::from_secs(60);

/// When a line was written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct At {
    pub(super) tick: Tick,
    pub(super) stamp: Option<Stamp>,
}

impl At {
    pub(super) fn since(self, earlier: Self) -> Duration {
        let arrivals = self.tick.since(earlier.tick);
        let stamps = self.stamp.zip(earlier.stamp).map(|(now, then)| now.since(then));
        stamps.filter(|span| span.abs_diff(arrivals) < CLOCK_JUMP).unwrap_or(arrivals)
    }
}
