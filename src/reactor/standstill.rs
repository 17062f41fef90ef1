//! Whether the loop stood still: its process was stopped (SIGSTOP), frozen with its
//! cgroup or machine, or got no CPU.
//!
//! Inferred from the clock alone: something was due, and the loop ran much later.

use std::time::Duration;

use super::host::reports;
use super::timer::Clock;
use super::turn::Turn;
use crate::swarm::Input;
use crate::units::{Tick, nanos};

/// A loop that runs this much too late stood still. A busy turn takes some
/// milliseconds.
const STOOD_STILL: Duration = Duration::from_millis(500);

/// While clients write, the clock is read at least this often, at its whole multiples;
/// so no standstill is missed that is longer than both together.
const PULSE: Duration = Duration::from_secs(1);

/// After this time without output the pulse stops: silent clients are not timed.
/// FFmpeg reports its progress once a second.
const PULSE_FOR: Duration = Duration::from_secs(2);

impl Turn<'_> {
    /// Reads both clocks at the start of a turn. `due` is what the loop slept for.
    pub(super) fn look(&mut self, due: Option<Tick>) {
        self.now = self.core.clock.tick();
        let before = std::mem::replace(&mut self.core.looked_at, self.now);
        let away = due.map(|due| self.now.since(due.max(before))).unwrap_or_default();
        if away >= STOOD_STILL {
            reports::stood_still(away);
            self.core.health.standstills.add(self.now, away);
            self.input(Input::StoodStill { span: away });
        }
        self.core.wall = Clock::wall();
    }

    /// Reads the clock within a turn, and keeps the turn's time unless the loop stood
    /// still meanwhile.
    pub(super) fn look_again(&mut self) {
        let looked_at = self.core.looked_at;
        if self.core.clock.tick().since(looked_at) < STOOD_STILL {
            self.now = self.now.max(looked_at);
        } else {
            self.look(Some(looked_at));
        }
    }
}

/// When the clock is to be read at the latest to notice a standstill: `None` unless a
/// client wrote something shortly before the clock was last read.
pub(super) fn pulse(heard_at: Option<Tick>, looked_at: Tick) -> Option<Tick> {
    let heard = looked_at.since(heard_at?) < PULSE_FOR;
    let next = looked_at.as_nanos() / nanos(PULSE) + 1;
    heard.then(|| Tick::from_nanos(next.saturating_mul(nanos(PULSE))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulses_at_whole_seconds_while_clients_write() {
        let at = Tick::from_millis;
        for (heard_ms, looked_ms, pulse_ms) in [
            (None, 5_000, None),
            (Some(5_000), 5_000, Some(6_000)),
            (Some(5_000), 5_999, Some(6_000)),
            (Some(5_000), 6_999, Some(7_000)),
            (Some(5_000), 7_000, None),
        ] {
            let (heard, next) = (heard_ms.map(at), pulse_ms.map(at));
            assert_eq!(pulse(heard, at(looked_ms)), next, "{heard_ms:?} {looked_ms}");
        }
    }
}
