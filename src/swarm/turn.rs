//! What a step of one client may change besides the client: counts, deadlines and
//! actions.

use std::time::Duration;

use super::deadlines::Deadlines;
use super::plan::Plan;
use super::rate_limit::RateLimit;
use super::{Action, Report, Settings, Signal};
use crate::stats::{ActiveTime, ChildrenUse, State, Totals, Viewers};
use crate::units::{Tick, Wall};

/// Interval of the reminder that TLS is not verified.
pub const DANGEROUS_EVERY: Duration = Duration::from_secs(60);

/// Interval of the lines of progress, while something happens.
pub const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Exits that happened while the loop stood still are handled within this, even
/// thousands of them.
const CAUGHT_UP_AFTER: Duration = Duration::from_secs(1);

/// Failed starts reported a second at most; all are counted. On a host that is out of
/// processes thousands of starts fail with the same message.
pub const SPAWN_FAILURE_REPORTS_PER_SEC: u32 = 5;

/// Stalls reported a second at most; all are counted. When an origin freezes
/// thousands of clients stall together.
pub const STALL_REPORTS_PER_SEC: u32 = 5;

/// Processes with much memory reported a second at most: one stream makes all of them
/// grow alike.
pub const MEMORY_REPORTS_PER_SEC: u32 = 1;

/// The counts over all clients.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) totals: Totals,
    pub(super) active_time: ActiveTime,
    pub(super) children: ChildrenUse,
    /// Clients by state, in the order of [`State::ALL`].
    pub(super) by_state: [u32; State::ALL.len()],
    /// Clients that were started at least once.
    pub(super) ever_started: u32,
}

impl Counts {
    fn new(room: u32) -> Self {
        Self {
            totals: Totals::default(),
            active_time: ActiveTime::new(room),
            children: ChildrenUse::default(),
            by_state: [0; State::ALL.len()],
            ever_started: 0,
        }
    }

    /// Adds clients, all of them idle.
    pub(super) fn joined(&mut self, clients: u32) {
        if let Some(idle) = self.by_state.get_mut(State::Idle.index()) {
            *idle += clients;
        }
    }

    /// Clients in this state.
    pub(super) fn in_state(&self, state: State) -> u32 {
        self.by_state.get(state.index()).copied().unwrap_or(0)
    }

    /// A client changed its state.
    pub(super) fn moved(&mut self, now: Tick, from: State, to: State) {
        if from == to {
            return;
        }
        if let Some(count) = self.by_state.get_mut(from.index()) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.by_state.get_mut(to.index()) {
            *count += 1;
        }
        if from == State::Running || to == State::Running {
            self.active_time.change(now, self.in_state(State::Running));
        }
    }
}

/// What all clients share.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) settings: Settings,
    pub(super) plan: Plan,
    pub(super) counts: Counts,
    pub(super) deadlines: Deadlines,
    pub(super) failure_reports: RateLimit,
    pub(super) stall_reports: RateLimit,
    pub(super) memory_reports: RateLimit,
    /// The wall clock at the last output.
    pub(super) wall: Wall,
    /// The end of the last standstill of the loop.
    pub(super) seen_since: Option<Tick>,
    /// The signal of this stage of the stop; `None` before the stop.
    pub(super) stop: Option<Signal>,
    /// How many clients were stalled and slow when the stop began.
    pub(super) viewers_at_stop: Option<Viewers>,
}

impl Common {
    /// With tables for all clients of the plan.
    pub(super) fn new(settings: Settings, plan: Plan) -> Self {
        let room = plan.room();
        let deadlines = Deadlines::new(room).in_shard(settings.shard);
        Self {
            settings,
            plan,
            counts: Counts::new(room),
            deadlines,
            failure_reports: RateLimit::new(SPAWN_FAILURE_REPORTS_PER_SEC),
            stall_reports: RateLimit::new(STALL_REPORTS_PER_SEC),
            memory_reports: RateLimit::new(MEMORY_REPORTS_PER_SEC),
            wall: Wall::default(),
            seen_since: None,
            stop: None,
            viewers_at_stop: None,
        }
    }
}

/// One step: its time, what it may change, and where its actions go.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Tick,
    pub(super) common: &'a mut Common,
    pub(super) actions: &'a mut Vec<Action>,
}

impl Turn<'_> {
    /// Whether something that is noticed now may have happened while the loop stood
    /// still.
    pub(super) fn is_undated(&self) -> bool {
        self.common.seen_since.is_some_and(|since| self.now.since(since) < CAUGHT_UP_AFTER)
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(super) fn report(&mut self, report: Report) {
        self.actions.push(Action::Report(report));
    }
}
