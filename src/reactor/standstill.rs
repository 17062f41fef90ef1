//! Whether the loop stood still: its process was stopped (SIGSTOP), frozen with its
//! cgroup or machine, or got no CPU.
//!
//! Told by the clock alone: something was due, and the loop came much later.

use std::time::Duration;

use super::host::reports;
use super::timer::Clock;
use super::{Application, Reactor};
use crate::swarm::Input;
use crate::units::{Tick, nanos};

/// A loop that is so much too late stood still. A busy turn takes some
/// milliseconds.
const STOOD_STILL: Duration = Duration::from_millis(500);

/// While clients write, the clock is read at least once in this time, at its whole
/// multiples; so no standstill is missed that is longer than both together.
const PULSE: Duration = Duration::from_secs(1);

/// After so long without output the pulse stops: what is silent is not timed.
/// FFmpeg tells its progress once a second.
const PULSE_FOR: Duration = Duration::from_secs(2);

impl Reactor {
    /// Reads both clocks at the start of a turn. `due` is what the loop slept for.
    pub(super) fn look(&mut self, due: Option<Tick>, application: &mut dyn Application) -> Tick {
        let now = self.look_since(due, application);
        self.wall = Clock::wall();
        now
    }

    /// Reads the clock within a turn that began at `began`, and returns that unless
    /// the loop stood still meanwhile.
    pub(super) fn look_again(&mut self, began: Tick, application: &mut dyn Application) -> Tick {
        let (now, looked_at) = (self.clock.tick(), self.looked_at);
        if now.since(looked_at) < STOOD_STILL {
            return began.max(looked_at);
        }
        self.look(Some(looked_at), application)
    }

    fn look_since(&mut self, due: Option<Tick>, application: &mut dyn Application) -> Tick {
        let now = self.clock.tick();
        let before = std::mem::replace(&mut self.looked_at, now);
        let away = due.map(|due| now.since(due.max(before))).unwrap_or_default();
        if away >= STOOD_STILL {
            reports::stood_still(away);
            self.health.standstills.add(now, away);
            application.handle(now, Input::StoodStill { span: away }, &mut self.actions);
        }
        now
    }

    /// When the clock is to be read at the latest, so that a standstill shows.
    pub(super) fn pulse(&self) -> Option<Tick> {
        let heard = self.looked_at.since(self.heard_at?) < PULSE_FOR;
        let next = self.looked_at.as_nanos() / nanos(PULSE) + 1;
        heard.then(|| Tick::from_nanos(next.saturating_mul(nanos(PULSE))))
    }
}
