//! Decisions: when a client starts, what its end means, when it restarts, and how the
//! run stops.
//!
//! Knows no clock, descriptor or process: [`Swarm::handle`] takes an input and its
//! time, and appends the actions that follow. The reactor performs them; a failure
//! comes back as an input. An input that does not fit the state of its client is
//! dropped.

pub mod backoff;
pub mod client;
pub mod deadlines;
pub mod plan;
pub mod random;
pub mod stopping;

mod contract;
mod rate_limit;
mod report;
mod settings;
mod target;
mod turn;

use std::collections::VecDeque;
use std::time::Duration;

use crate::stats::{ClientFigures, Phase, Snapshot, State};
use crate::units::{ClientId, Tick};

use client::Client;
use deadlines::{Key, RunKey, Timer};
use plan::Plan;
use turn::{Common, Turn};

pub use client::{ClientDetail, ClientView, MEMORY_WARNING_BYTES};
pub use contract::{Action, Exit, Input, Sample, Signal, TcpDelta};
pub use report::{OriginProgress, Report};
pub use settings::{
    Backoff, STALL_TARGET_DURATIONS, Settings, StallThreshold, TARGET_DURATION_DEFAULT,
    TargetDurationSource,
};
pub use turn::{
    DANGEROUS_EVERY, MEMORY_REPORTS_PER_SEC, PROGRESS_EVERY, SPAWN_FAILURE_REPORTS_PER_SEC,
    STALL_REPORTS_PER_SEC,
};

/// Most processes started in one turn, so that a ramp or a storm of restarts
/// leaves the loop responsive; at some 100 µs a start this is under 2 ms.
pub const SPAWNS_PER_TURN: usize = 16;

/// All clients and what is decided about them.
#[derive(Debug)]
pub struct Swarm {
    clients: Vec<Client>,
    /// Clients that are due and not started yet, because the starts of a turn are
    /// bounded. Kept apart from the deadlines, so that a host that cannot keep up
    /// with the starts still drains and stops in time.
    ready: VecDeque<ClientId>,
    common: Common,
    /// Clients among the target that were never started.
    unstarted: u32,
    /// When the ramp began.
    began: Option<Tick>,
    ramp_complete: bool,
    /// When the stop began.
    stop_began: Option<Tick>,
    finished: bool,
}

impl Swarm {
    /// A swarm in which every client is idle. Its target can be lowered and raised
    /// again.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with_room(settings, 0)
    }

    /// The same with room for `room` clients: while it runs its target can be raised
    /// up to that.
    #[must_use]
    pub fn with_room(settings: Settings, room: u32) -> Self {
        let plan = Plan::new(&settings, room);
        let (seed, target) = (settings.seed, plan.target());
        let clients = (0..target).map(|place| Client::new(seed, plan.client(place))).collect();
        let mut common = Common::new(settings, plan);
        common.counts.joined(target);
        Self {
            clients,
            ready: VecDeque::new(),
            common,
            unstarted: target,
            began: None,
            ramp_complete: false,
            stop_began: None,
            finished: false,
        }
    }

    /// Handles what happened at `now` and appends the actions that follow, in order.
    ///
    /// `now` must not decrease from call to call. After [`Action::Finish`] every input
    /// is ignored.
    pub fn handle(&mut self, now: Tick, input: Input<'_>, actions: &mut Vec<Action>) {
        if self.finished {
            return;
        }
        match input {
            Input::Started => self.begin(now, Duration::ZERO, actions),
            Input::StartedLate { behind } => self.begin(now, behind, actions),
            Input::StoodStill { span } => self.stood_still(now, span),
            Input::DeadlineReached => self.deadline_reached(now, actions),
            Input::StopAsked => self.stop(now, Signal::Terminate, actions),
            Input::KillAsked => self.kill(now, actions),
            Input::RampHeld(true) => self.hold_ramp(now, actions),
            Input::RampHeld(false) => self.resume_ramp(now, actions),
            Input::TargetAsked { clients } => self.set_target(now, clients, actions),
            Input::Sampled { client, sample } => {
                self.with_client(now, client, actions, |c, turn| c.sampled(turn, sample));
            }
            Input::MemorySeen { client, resident_bytes } => {
                self.with_client(now, client, actions, |c, turn| {
                    c.memory_seen(turn, resident_bytes);
                });
            }
            Input::Traffic { client, delta } => {
                self.with_client(now, client, actions, |c, turn| c.traffic(turn, delta));
            }
            Input::Exchange { client, record, wall } => {
                self.common.wall = wall;
                self.with_client(now, client, actions, |c, turn| c.exchange(turn, record));
            }
            Input::Spawned { client, pid } => self.spawned(now, client, pid, actions),
            Input::SpawnFailed { client, failure } => {
                self.note_activity(now);
                self.with_client(now, client, actions, |c, turn| c.spawn_failed(turn, failure));
            }
            Input::Output { client, pipe, bytes, wall } => {
                self.note_activity(now);
                self.common.wall = wall;
                self.with_client(now, client, actions, |c, turn| c.output(turn, pipe, bytes));
            }
            Input::PipeEnded { client, pipe } => {
                self.with_client(now, client, actions, |c, turn| c.pipe_ended(turn, pipe));
            }
            Input::Exited { client, exit } => {
                self.note_activity(now);
                self.with_client(now, client, actions, |c, turn| c.exited(turn, exit));
            }
        }
        let stopped = self.common.counts.in_state(State::Stopped) as usize;
        if !self.finished && stopped == self.clients.len() {
            self.finish(now, actions);
        }
    }

    /// Fetches from memory what the next output of this client touches.
    pub fn prefetch(&self, client: ClientId) {
        if let Some(client) = self.clients.get(client.index()) {
            client.prefetch();
        }
    }

    /// When [`Input::DeadlineReached`] is due next; a point in the past means at once.
    /// `None` if only other inputs are awaited.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        let ready = self.ready.front().and_then(|&id| self.clients.get(id.index()));
        let ready = ready.map(Client::due);
        [ready, self.common.deadlines.next()].into_iter().flatten().min()
    }

    /// All numbers at `now`, in O(1).
    #[must_use]
    pub fn snapshot(&self, now: Tick) -> Snapshot<'_> {
        let counts = &self.common.counts;
        let playback = &counts.totals.playback;
        let viewers = self.common.viewers_at_stop.unwrap_or(playback.viewers);
        let mut snapshot = Snapshot {
            now,
            phase: self.phase(),
            elapsed: self.began.map(|began| now.since(began)).unwrap_or_default(),
            target: self.common.plan.target(),
            ramp_held: self.common.plan.is_held(),
            by_state: counts.by_state,
            ever_started: counts.ever_started,
            peak_active: counts.active_time.peak(),
            children_cpu: counts.children.cpu(),
            children_resident_bytes: None,
            active_time: &counts.active_time,
            stalled: viewers.stalled(),
            stall_time: playback.stall_time(now),
            below_realtime: viewers.below_realtime(),
            above_realtime: viewers.above_realtime(),
            totals: &counts.totals,
        };
        snapshot.children_resident_bytes = counts.children.resident_bytes(snapshot.live());
        snapshot
    }

    /// When the stop began; `None` before it.
    #[must_use]
    pub fn stop_began(&self) -> Option<Tick> {
        self.stop_began
    }

    /// The figures of every client, in the order of their numbers. Takes O(clients),
    /// while a snapshot takes O(1).
    pub fn figures(&self) -> impl Iterator<Item = ClientFigures> + '_ {
        self.clients.iter().map(Client::figures)
    }

    /// Every client, in the order of their numbers.
    pub fn clients(&self) -> impl Iterator<Item = ClientView> + '_ {
        self.clients.iter().map(|client| client.view(&self.common.deadlines))
    }

    /// All that is shown of one client; `None` if there is no such client.
    #[must_use]
    pub fn detail(&self, client: ClientId, now: Tick) -> Option<ClientDetail> {
        Some(self.clients.get(client.index())?.detail(now))
    }

    fn phase(&self) -> Phase {
        if self.finished {
            Phase::Finished
        } else if self.common.stop.is_some() {
            Phase::Drain
        } else if self.began.is_none() {
            Phase::Before
        } else if self.unstarted > 0 {
            Phase::Ramp
        } else {
            Phase::Hold
        }
    }

    /// Sets every client's first start and the deadlines of the run, whose
    /// schedule began `behind` ago.
    fn begin(&mut self, now: Tick, behind: Duration, actions: &mut Vec<Action>) {
        if self.began.is_some() {
            return;
        }
        self.began = Some(now);
        let mut turn = Turn { now, common: &mut self.common, actions };
        let settings = &turn.common.settings;
        turn.actions.push(Action::Report(Report::StartingRamp {
            clients: settings.share(),
            shard: settings.shard,
            rate: settings.ramp_rate,
            seed: settings.seed,
        }));
        if let Some(duration) = settings.duration {
            let left = duration.saturating_sub(behind);
            turn.common.deadlines.set(Key::Run(RunKey::End), now.after(left));
        }
        if settings.dangerous {
            turn.common.deadlines.set(Key::Run(RunKey::Dangerous), now.after(DANGEROUS_EVERY));
        }
        turn.common.counts.active_time.begin(now);
        for client in &mut self.clients {
            client.schedule_first(&mut turn, behind);
        }
    }

    /// Discards the times of what the clients did in the last `span`.
    fn stood_still(&mut self, now: Tick, span: Duration) {
        self.common.seen_since = Some(now);
        let playback = &mut self.common.counts.totals.playback;
        for client in &mut self.clients {
            client.stood_still(now, span, playback);
        }
    }

    fn spawned(&mut self, now: Tick, client: ClientId, pid: u32, actions: &mut Vec<Action>) {
        self.note_activity(now);
        let before = self.common.counts.ever_started;
        self.with_client(now, client, actions, |c, turn| c.spawned(turn, pid));
        if self.common.counts.ever_started > before && self.common.plan.wants(client) {
            self.unstarted = self.unstarted.saturating_sub(1);
        }
        self.report_ramp_complete(now, actions);
    }

    fn with_client(
        &mut self,
        now: Tick,
        id: ClientId,
        actions: &mut Vec<Action>,
        act: impl FnOnce(&mut Client, &mut Turn<'_>),
    ) {
        if let Some(client) = self.clients.get_mut(id.index()) {
            act(client, &mut Turn { now, common: &mut self.common, actions });
        }
    }

    fn deadline_reached(&mut self, now: Tick, actions: &mut Vec<Action>) {
        while let Some(key) = self.common.deadlines.pop_due(now) {
            match key {
                Key::Run(key) => self.run_deadline(now, key, actions),
                Key::Client(id, Timer::Start) => self.ready.push_back(id),
                Key::Client(id, Timer::StallCheck) => {
                    self.with_client(now, id, actions, Client::check_stall);
                }
                Key::Client(id, Timer::Signal) => {
                    self.with_client(now, id, actions, Client::signal_alone);
                }
                Key::Client(id, Timer::Drain) => {
                    self.with_client(now, id, actions, Client::drained);
                }
            }
        }
        for _ in 0..SPAWNS_PER_TURN {
            let Some(id) = self.ready.pop_front() else { break };
            self.with_client(now, id, actions, Client::start);
        }
    }

    fn run_deadline(&mut self, now: Tick, key: RunKey, actions: &mut Vec<Action>) {
        match key {
            RunKey::End => self.stop(now, Signal::Terminate, actions),
            RunKey::TerminateAgain => self.signal_those_left(now, actions),
            RunKey::Kill => self.kill(now, actions),
            RunKey::ForcedFinish => self.force_finish(now, actions),
            RunKey::Dangerous => {
                actions.push(Action::Report(Report::Dangerous));
                self.common.deadlines.set(Key::Run(key), now.after(DANGEROUS_EVERY));
            }
            RunKey::Progress => self.report_progress(now, actions),
        }
    }

    /// Arms the timer of the next line of progress. A silent swarm has none and never
    /// wakes.
    fn note_activity(&mut self, now: Tick) {
        let key = Key::Run(RunKey::Progress);
        if self.common.stop.is_none() && self.common.deadlines.get(key).is_none() {
            self.common.deadlines.set(key, now.after(PROGRESS_EVERY));
        }
    }

    fn report_progress(&self, now: Tick, actions: &mut Vec<Action>) {
        let snapshot = self.snapshot(now);
        actions.push(Action::Report(Report::Progress {
            active: snapshot.active(),
            target: snapshot.target,
            started: snapshot.totals.started,
            restarted: snapshot.totals.restarted,
            origin: self.common.settings.stats.then(|| OriginProgress {
                stalled: snapshot.stalled,
                requests: snapshot.totals.requests.made(),
                failed: snapshot.totals.requests.failed(),
                bytes: snapshot.totals.requests.bytes,
            }),
            elapsed: snapshot.elapsed,
        }));
    }

    /// Reports once that every client was started, in place of a line of progress.
    fn report_ramp_complete(&mut self, now: Tick, actions: &mut Vec<Action>) {
        let snapshot = self.snapshot(now);
        if self.ramp_complete || snapshot.phase != Phase::Hold {
            return;
        }
        let (active, elapsed) = (snapshot.active(), snapshot.elapsed);
        self.ramp_complete = true;
        actions.push(Action::Report(Report::RampComplete { active, elapsed }));
        self.common.deadlines.clear(Key::Run(RunKey::Progress));
    }
}

#[cfg(test)]
mod tests;
