//! Decides when the next frame is due: at every whole second of the run, because the
//! clock changes then, and soon after a key, but at most four times a second.

use std::time::Duration;

use crate::units::{Tick, nanos};

/// Minimum time between two frames.
pub const FRAMES_APART: Duration = Duration::from_millis(250);

/// The clock on the screen shows seconds.
const CLOCK: Duration = Duration::from_secs(1);

/// The times of the last and the next frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pacing {
    last: Option<Tick>,
    /// Whether a frame was requested.
    wanted: bool,
}

impl Pacing {
    /// Requests a frame.
    pub const fn want(&mut self) {
        self.wanted = true;
    }

    /// Records that a frame was drawn.
    pub const fn drawn(&mut self, now: Tick) {
        self.last = Some(now);
        self.wanted = false;
    }

    /// When the next frame is due, with seconds counted from `zero`.
    #[must_use]
    pub fn next(&self, zero: Tick) -> Tick {
        let Some(last) = self.last else { return Tick::ZERO };
        let soonest = last.after(FRAMES_APART);
        if self.wanted {
            return soonest;
        }
        let since_ns = nanos(last.since(zero));
        let next_ns = (since_ns / nanos(CLOCK) + 1) * nanos(CLOCK);
        zero.after(Duration::from_nanos(next_ns)).max(soonest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Tick {
        Tick::from_millis(ms)
    }

    #[test]
    fn frames_follow_the_clock_and_keys_but_keep_apart() {
        let mut pacing = Pacing::default();
        assert_eq!(pacing.next(at(300)), Tick::ZERO);
        pacing.drawn(at(700));
        assert_eq!(pacing.next(at(300)), at(1_300));
        pacing.want();
        assert_eq!(pacing.next(at(300)), at(950));
        pacing.drawn(at(1_200));
        // The next whole second is too close to the last frame.
        assert_eq!(pacing.next(at(300)), at(1_450));
        pacing.drawn(at(1_450));
        assert_eq!(pacing.next(at(300)), at(2_300));
    }
}
