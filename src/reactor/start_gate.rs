//! A start at a time of the wall clock, the same on every host.
//!
//! The wall clock can be set while we wait, so it is re-read at least once a second
//! and never turned into one long deadline. Knows nothing of what starts.

use std::time::Duration;

use super::host::reports;
use super::part::Part;
use super::timer::Clock;
use super::turn::Turn;
use crate::swarm::Input;
use crate::units::{Moment, Tick, Wall, nanos};

/// Interval between readings of the wall clock while we wait: a clock that is set is
/// noticed after this, and one that is slewed (500 ppm at most, adjtimex(2)) makes the
/// start 0.5 ms wrong.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A wall clock that differs by this much from the monotonic one was set.
const SET_BY: Duration = Duration::from_millis(500);

/// A start later than this is logged as a warning: synchronized clocks differ by less.
const LATE: Duration = Duration::from_secs(1);

/// A start that is waited for.
#[derive(Debug)]
pub(super) struct StartGate {
    at: Wall,
    seen: Moment,
    /// When the clock is read next; `None` once the run has started.
    look_at: Option<Tick>,
}

/// The result of a look at the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// It is not time yet.
    Wait {
        /// The time left until the start, if the wall clock was set.
        set: Option<Duration>,
    },
    /// The time has come, or has passed.
    Go {
        /// How long ago.
        behind: Duration,
    },
}

impl StartGate {
    /// Waits from `now` until the wall clock says `at`.
    pub(super) const fn new(at: Wall, now: Moment) -> Self {
        Self { at, seen: now, look_at: Some(now.tick) }
    }

    /// Logs how long it is until the start.
    pub(super) fn report(&self) {
        reports::waiting(self.left(Clock::wall()));
    }

    /// How long it is until the start by this wall clock; zero if it has passed.
    const fn left(&self, wall: Wall) -> Duration {
        Duration::from_nanos(self.at.as_unix_nanos().saturating_sub(wall.as_unix_nanos()))
    }

    /// Looks at the clock.
    fn look(&mut self, now: Moment) -> Look {
        let before = std::mem::replace(&mut self.seen, now);
        let left = self.left(now.wall);
        if left.is_zero() {
            self.look_at = None;
            let behind_ns = now.wall.as_unix_nanos().saturating_sub(self.at.as_unix_nanos());
            return Look::Go { behind: Duration::from_nanos(behind_ns) };
        }
        self.look_at = Some(now.tick.after(left.min(LOOK_EVERY)));
        let ticked_ns = nanos(now.tick.since(before.tick));
        let expected_ns = before.wall.as_unix_nanos().saturating_add(ticked_ns);
        let moved = Duration::from_nanos(now.wall.as_unix_nanos().abs_diff(expected_ns));
        Look::Wait { set: (moved >= SET_BY).then_some(left) }
    }
}

impl Part for StartGate {
    fn deadline(&self, _: &Turn<'_>) -> Option<Tick> {
        self.look_at
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        let now = turn.core.clock.moment();
        match self.look(now) {
            Look::Go { behind } => {
                if behind > LATE {
                    reports::late_start(behind);
                }
                let input = Input::StartedLate { behind };
                turn.application.handle(now.tick, input, &mut turn.core.actions);
            }
            Look::Wait { set: Some(left) } => reports::clock_set(left),
            Look::Wait { set: None } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH_NS: u64 = 1_700_000_000_000_000_000;
    const WAIT: Look = Look::Wait { set: None };

    /// The monotonic clock at `tick_ms`, the wall clock at `wall_ms`.
    fn at(tick_ms: u64, wall_ms: u64) -> Moment {
        let wall = Wall::from_unix_nanos(EPOCH_NS + wall_ms * 1_000_000);
        Moment { tick: Tick::from_millis(tick_ms), wall }
    }

    #[test]
    fn looks_once_a_second_and_starts_on_time() {
        let mut gate = StartGate::new(at(0, 12_500).wall, at(5, 10_000));
        assert_eq!(gate.look_at, Some(Tick::from_millis(5)));
        let mut looks = Vec::new();
        let behind = loop {
            let tick_ms = gate.look_at.unwrap().as_nanos() / 1_000_000;
            looks.push(tick_ms);
            match gate.look(at(tick_ms, tick_ms - 5 + 10_000)) {
                Look::Go { behind } => break behind,
                wait => assert_eq!(wait, WAIT),
            }
        };
        assert_eq!((looks, behind), (vec![5, 1_005, 2_005, 2_505], Duration::ZERO));
        assert_eq!(gate.look_at, None);
    }

    #[test]
    fn a_past_time_starts_at_once_and_late() {
        let mut gate = StartGate::new(at(0, 1_000).wall, at(0, 61_000));
        assert_eq!(gate.left(at(0, 61_000).wall), Duration::ZERO);
        assert_eq!(gate.look(at(0, 61_000)), Look::Go { behind: Duration::from_secs(60) });
    }

    #[test]
    fn a_clock_that_is_set_moves_the_start() {
        let mut gate = StartGate::new(at(0, 5_000).wall, at(0, 0));
        assert_eq!(gate.look(at(0, 0)), WAIT);
        // Back by an hour, and slewed by a little.
        let mut gate = StartGate::new(at(0, 3_605_000).wall, at(0, 3_600_000));
        assert_eq!(gate.look(at(1_000, 3_601_020)), WAIT);
        let back = Look::Wait { set: Some(Duration::from_secs(3_603)) };
        assert_eq!(gate.look(at(2_000, 2_000)), back);
        assert_eq!(gate.look(at(3_000, 3_000)), WAIT);
        // Ahead, beyond the start.
        let behind = Duration::from_secs(1);
        assert_eq!(gate.look(at(4_000, 3_606_000)), Look::Go { behind });
    }

    #[test]
    fn waits_for_the_latest_time() {
        let mut gate = StartGate::new(Wall::from_unix_nanos(u64::MAX), at(0, 0));
        assert_eq!(gate.look(at(1, 1)), WAIT);
        assert_eq!(gate.look_at, Some(Tick::from_millis(1_001)));
    }
}
