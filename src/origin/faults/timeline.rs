//! Where media time jumps, as a function of the number of a live segment.
//!
//! The past is kept: when recipes change, jumps at served segments remain, since
//! clients would otherwise meet a jump that no playlist marks. Knows no clock and no
//! playlist.

use std::ops::Range;
use std::time::Duration;

use super::super::playlist::Window;
use crate::units::nanos;

/// Smallest jump: longer than the seconds that players bridge.
const JUMP: Duration = Duration::from_secs(1_000);

/// Duration of a picture in nanoseconds; a jump is a multiple of it, so that every
/// segment keeps its stated length.
const PICTURE_NS: u64 = 40_000_000;

/// Segments for which past runs are kept: more than the longest playlist and the
/// segments that left it.
const KEPT: u64 = 1_000;

/// Discontinuities at every multiple of `every` among these segments.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    segments: Range<u64>,
    every: u64,
}

impl Run {
    /// Discontinuities at segments before `end`.
    fn before(&self, end: u64) -> u64 {
        let end = end.min(self.segments.end);
        end.div_ceil(self.every).saturating_sub(self.segments.start.div_ceil(self.every))
    }

    fn is_at(&self, segment: u64) -> bool {
        self.segments.contains(&segment) && segment.is_multiple_of(self.every)
    }
}

/// The discontinuities of the live stream.
#[derive(Debug, Clone)]
pub struct Timeline {
    segment_ns: u64,
    /// Number of discontinuities in runs that are no longer kept.
    forgotten: u64,
    runs: Vec<Run>,
}

impl Timeline {
    /// A timeline without discontinuities, for segments of this duration.
    #[must_use]
    pub fn new(segment_duration: Duration) -> Self {
        Self { segment_ns: nanos(segment_duration).max(1), forgotten: 0, runs: Vec::new() }
    }

    /// The first segment that starts at or after this time, in nanoseconds since the
    /// Unix epoch.
    #[must_use]
    pub fn first_from(&self, unix_ns: u64) -> u64 {
        unix_ns.div_ceil(self.segment_ns)
    }

    /// Replaces the discontinuities from this segment on: each pair is a range of
    /// segments and the distance between discontinuities in it. The ranges must not
    /// overlap.
    pub fn go_on(&mut self, from: u64, runs: impl IntoIterator<Item = (Range<u64>, u64)>) {
        for run in &mut self.runs {
            run.segments.end = run.segments.end.min(from);
        }
        let old = from.saturating_sub(KEPT);
        for run in self.runs.iter().filter(|run| run.segments.end <= old) {
            self.forgotten += run.before(u64::MAX);
        }
        self.runs.retain(|run| run.segments.end > old && run.before(u64::MAX) > 0);
        self.runs.extend(runs.into_iter().map(|(segments, every)| Run {
            segments: segments.start.max(from)..segments.end,
            every: every.max(1),
        }));
    }

    /// Whether there are no discontinuities, past or future.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.forgotten == 0 && self.runs.is_empty()
    }

    /// Whether there is a discontinuity between this segment and the one before.
    #[must_use]
    pub fn jumps_at(&self, segment: u64) -> bool {
        self.runs.iter().any(|run| run.is_at(segment))
    }

    /// Discontinuities at segments before this one, which is the
    /// `EXT-X-DISCONTINUITY-SEQUENCE` of a playlist that begins with it
    /// (RFC 8216 §6.2.2).
    #[must_use]
    pub fn jumps_before(&self, segment: u64) -> u64 {
        self.runs.iter().fold(self.forgotten, |sum, run| sum.saturating_add(run.before(segment)))
    }

    /// Whether a playlist with these segments contains a discontinuity.
    #[must_use]
    pub fn is_in(&self, window: Window) -> bool {
        self.jumps_before(window.end) > self.jumps_before(window.first)
    }

    /// The segment of the stream without discontinuities whose media this segment has.
    #[must_use]
    pub fn media_of(&self, segment: u64) -> u64 {
        let jumps = self.jumps_before(segment.saturating_add(1));
        segment.saturating_add(jumps.saturating_mul(self.jump_segments()))
    }

    /// Segments skipped by a jump.
    fn jump_segments(&self) -> u64 {
        let whole = PICTURE_NS / greatest_common_divisor(self.segment_ns, PICTURE_NS);
        nanos(JUMP).div_ceil(self.segment_ns).next_multiple_of(whole)
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timeline() -> Timeline {
        Timeline::new(Duration::from_secs(2))
    }

    #[test]
    fn even_stream_is_unchanged() {
        let even = timeline();
        assert!(even.is_even());
        assert_eq!((even.media_of(7), even.jumps_before(7), even.jumps_at(5)), (7, 0, false));
    }

    #[test]
    fn keeps_the_past_when_recipes_change() {
        let mut timeline = timeline();
        timeline.go_on(100, [(100..u64::MAX, 5)]);
        let before: Vec<_> = (90..120).map(|n| timeline.media_of(n)).collect();
        assert_eq!(before[9], 99);
        assert_eq!(before[10], 600, "a jump of 1000 s is 500 segments");
        timeline.go_on(120, []);
        let after: Vec<_> = (90..120).map(|n| timeline.media_of(n)).collect();
        assert_eq!(before, after);
        assert_eq!(timeline.jumps_before(1_000_000), 4);
        assert!(!timeline.jumps_at(120) && timeline.jumps_at(115));
        timeline.go_on(1_000_000, [(1_000_000..1_000_010, 2)]);
        assert_eq!(timeline.runs.len(), 1, "expired runs are only counted");
        assert_eq!(timeline.jumps_before(1_000_003), 6);
    }

    proptest! {
        /// Media time advances by one segment, except at a discontinuity, where it
        /// jumps.
        #[test]
        fn every_jump_is_listed(
            millis in 1_000_u64..10_000, from in 0_u64..1_000, length in 0_u64..100,
            every in 1_u64..20, later in 0_u64..200, again in 1_u64..20,
        ) {
            let mut timeline = Timeline::new(Duration::from_millis(millis));
            timeline.go_on(from, [(from..from + length, every)]);
            timeline.go_on(from + later, [(from + later..u64::MAX, again)]);
            for n in from..from + 300 {
                let step = timeline.media_of(n + 1) - timeline.media_of(n);
                prop_assert_eq!(step != 1, timeline.jumps_at(n + 1));
                let listed = timeline.jumps_before(n + 1) - timeline.jumps_before(n);
                prop_assert_eq!(listed, u64::from(timeline.jumps_at(n)));
                let jumped = (step - 1) * millis * 1_000_000;
                prop_assert!(jumped.is_multiple_of(PICTURE_NS));
                prop_assert!(step == 1 || jumped >= nanos(JUMP));
            }
        }
    }
}
