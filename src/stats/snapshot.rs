//! All numbers at one moment. Dashboard, summary and `/metrics` are made from it, so
//! they cannot disagree.

use std::time::Duration;

use super::{ActiveTime, Totals};
use crate::units::{Tick, nanos};

/// The actual state of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Not due yet.
    Idle,
    /// The start of its process was requested and has no result yet.
    Starting,
    /// Its process runs.
    Running,
    /// Its process has exited; its pipes are read to their end.
    Draining,
    /// It waits to start again.
    Backoff,
    /// Its process was signalled and has not ended yet.
    Stopping,
    /// It stays down.
    Stopped,
}

impl State {
    /// Every state, in the order of a client's life.
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::Starting,
        Self::Running,
        Self::Draining,
        Self::Backoff,
        Self::Stopping,
        Self::Stopped,
    ];

    /// The state's place in [`State::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The state as a label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Backoff => "backoff",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// The phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The ramp has not begun.
    Before,
    /// Some clients were never started.
    Ramp,
    /// Every client was started at least once.
    Hold,
    /// Everything is being stopped.
    Drain,
    /// Nothing is left.
    Finished,
}

/// All numbers at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// The moment.
    pub now: Tick,
    /// The phase of the run.
    pub phase: Phase,
    /// Since the ramp began; zero before.
    pub elapsed: Duration,
    /// The target number of clients.
    pub target: u32,
    /// Whether the pending first starts are held.
    pub ramp_held: bool,
    /// Clients by state, in the order of [`State::ALL`]. They sum to the
    /// highest target so far: a client above the target stays down.
    pub by_state: [u32; State::ALL.len()],
    /// Clients that were started at least once.
    pub ever_started: u32,
    /// Most clients running at once.
    pub peak_active: u32,
    /// CPU time of the clients' processes: exact for those reaped, the last
    /// sample for those alive. Never decreases.
    pub children_cpu: Duration,
    /// Resident memory of live processes in bytes: the mean of those sampled times the
    /// number alive; `None` if none alive was sampled.
    pub children_resident_bytes: Option<u64>,
    /// Time spent at each number of clients running, from the start of the ramp
    /// until the stop was asked.
    pub active_time: &'a ActiveTime,
    /// Clients whose media time has not moved for longer than the threshold. Once the
    /// run stops, this and the two counts below keep their values of that moment.
    pub stalled: u32,
    /// Time in stalls, current ones included.
    pub stall_time: Duration,
    /// Playing clients whose media time fell more than one second behind the wall clock
    /// in their last window.
    pub below_realtime: u32,
    /// Playing clients that kept up with the wall clock in their last window, to the
    /// second.
    pub above_realtime: u32,
    /// Running totals.
    pub totals: &'a Totals,
}

impl Snapshot<'_> {
    /// Whether as many clients as the target ran at once at any time.
    #[must_use]
    pub const fn target_reached(&self) -> bool {
        self.peak_active >= self.target
    }

    /// Clients in this state.
    #[must_use]
    pub fn in_state(&self, state: State) -> u32 {
        self.by_state.get(state.index()).copied().unwrap_or(0)
    }

    /// Processes alive: running, or signalled and not ended yet.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.in_state(State::Running) + self.in_state(State::Stopping)
    }

    /// Median of the clients running, weighted by time, from the start of the
    /// ramp until the stop was asked; exact. Takes O(target), all the rest of a
    /// snapshot O(1): for the summary, not for a scrape.
    #[must_use]
    pub fn median_active(&self) -> u32 {
        self.active_time.median(self.now)
    }

    /// When the ramp began; `now` before that.
    #[must_use]
    pub fn began(&self) -> Tick {
        Tick::from_nanos(self.now.as_nanos().saturating_sub(nanos(self.elapsed)))
    }

    /// From the start of the ramp to `at`; zero if that was before.
    #[must_use]
    pub const fn since_start(&self, at: Tick) -> Duration {
        self.elapsed.saturating_sub(self.now.since(at))
    }

    /// Clients that were started and never received media. If progress is not read,
    /// this is all of them.
    #[must_use]
    pub const fn never_played(&self) -> u32 {
        self.ever_started.saturating_sub(self.totals.reception.played())
    }

    /// Clients whose process runs.
    #[must_use]
    pub fn active(&self) -> u32 {
        self.in_state(State::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_places_in_the_list_of_all() {
        for (place, state) in State::ALL.into_iter().enumerate() {
            assert_eq!(state.index(), place, "{}", state.name());
        }
    }

    #[test]
    fn the_target_is_reached_if_as_many_clients_ran_at_once() {
        let totals = Totals::default();
        let mut active_time = ActiveTime::new(4);
        active_time.begin(Tick::ZERO);
        for (active, target, reached) in
            [(0, 1, false), (2, 3, false), (3, 3, true), (1, 3, true), (0, 4, false), (0, 2, true)]
        {
            active_time.change(Tick::ZERO, active);
            let snapshot = Snapshot {
                now: Tick::ZERO,
                phase: Phase::Hold,
                elapsed: Duration::ZERO,
                target,
                ramp_held: false,
                by_state: [0; State::ALL.len()],
                ever_started: 0,
                peak_active: active_time.peak(),
                children_cpu: Duration::ZERO,
                children_resident_bytes: None,
                active_time: &active_time,
                stalled: 0,
                stall_time: Duration::ZERO,
                below_realtime: 0,
                above_realtime: 0,
                totals: &totals,
            };
            assert_eq!(snapshot.target_reached(), reached, "{active} of {target}");
        }
    }
}
