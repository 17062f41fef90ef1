//! What must hold after every step: the referee compares the swarm with independent
//! accounts, and each action with the rules.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use ffmpeg_hls_swarm::ffmpeg::outcome::Outcome;
use ffmpeg_hls_swarm::stats::client::PATIENCE;
use ffmpeg_hls_swarm::stats::{Phase, State};
use ffmpeg_hls_swarm::swarm::client::{ClientView, Desired, Event, next};
use ffmpeg_hls_swarm::swarm::stopping::{
    FORCED_FINISH_AFTER_KILL, KILL_AFTER, TERMINATE_AGAIN_AFTER,
};
use ffmpeg_hls_swarm::swarm::{
    Action, Input, PROGRESS_EVERY, Report, SPAWN_FAILURE_REPORTS_PER_SEC, SPAWNS_PER_TURN,
    STALL_REPORTS_PER_SEC, Settings, Signal, Swarm, plan,
};
use ffmpeg_hls_swarm::units::process::{ExitStatus, Pipe};
use ffmpeg_hls_swarm::units::{ClientId, Tick};

use crate::books::Books;
use crate::plan::{LAG_MAX, Plan};
use crate::viewing::Viewings;

/// Longest stop.
const STOP_MAX: Duration = Duration::from_secs(10);

/// Longest time from SIGKILL to the end in a prompt world: the longest death of the
/// plan and the timer of the drain.
const KILLED_MAX: Duration = Duration::from_millis(50 + 250);

pub(crate) struct Referee {
    settings: Settings,
    /// The plan as it was before any change.
    ramp: plan::Plan,
    prompt: bool,
    mortal: bool,
    books: Books,
    viewings: Viewings,
    exits_reported: u64,
    /// Transitions seen.
    pub(crate) made: BTreeSet<(State, Event)>,
    states: Vec<State>,
    peak: u32,
    /// Time spent at 0, 1, 2, … clients running, from the start to the stop.
    levels: Vec<Duration>,
    active: u32,
    last_step: Tick,
    began: Option<Tick>,
    stopped_at: Option<Tick>,
    killed_at: Option<Tick>,
    last_input: Tick,
    active_since_progress: bool,
    ramp_complete: bool,
    failure_reports: VecDeque<Tick>,
    stall_reports: VecDeque<Tick>,
    finishes: u32,
    room: u32,
    target: u32,
    held: bool,
    /// The ramp was held or the target changed at some time.
    changed: bool,
}

impl Referee {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            settings: plan.settings.clone(),
            ramp: plan::Plan::new(&plan.settings, plan.room),
            prompt: plan.is_prompt(),
            mortal: plan.is_mortal(),
            books: Books::new(plan.room),
            viewings: Viewings::new(&plan.settings, plan.room),
            exits_reported: 0,
            made: BTreeSet::new(),
            states: Vec::new(),
            peak: 0,
            levels: vec![Duration::ZERO; plan.room as usize + 1],
            active: 0,
            last_step: Tick::ZERO,
            began: None,
            stopped_at: None,
            killed_at: None,
            last_input: Tick::ZERO,
            active_since_progress: false,
            ramp_complete: false,
            failure_reports: VecDeque::new(),
            stall_reports: VecDeque::new(),
            finishes: 0,
            room: plan.room,
            target: plan.settings.clients.get(),
            held: false,
            changed: false,
        }
    }

    pub(crate) fn before(&mut self, swarm: &Swarm) {
        self.states.clear();
        self.states.extend(swarm.clients().map(|view| view.state));
    }

    pub(crate) fn after(
        &mut self,
        now: Tick,
        input: &Input<'_>,
        actions: &[Action],
        swarm: &Swarm,
    ) {
        assert_eq!(self.finishes, 0, "an input after the end");
        if self.began.is_some() && self.stopped_at.is_none() {
            self.levels[self.active as usize] += now.since(self.last_step);
        }
        self.last_step = now;
        self.take_in(now, input);
        for action in actions {
            self.check_action(now, action);
        }
        let spawns = actions.iter().filter(|a| matches!(a, Action::Spawn { .. })).count();
        assert!(spawns <= SPAWNS_PER_TURN, "{spawns} starts in a turn");
        let views: Vec<_> = swarm.clients().collect();
        self.check_transitions(input, &views);
        let snapshot = swarm.snapshot(now);
        self.books.compare(&snapshot, &views);
        let late_max = if self.prompt { Duration::ZERO } else { Duration::from_secs(1) };
        self.viewings.compare(&snapshot, &views, late_max);
        assert_eq!(snapshot.totals.outcomes.iter().sum::<u64>(), self.exits_reported);
        self.active = snapshot.active();
        self.peak = self.peak.max(self.active);
        assert_eq!(snapshot.peak_active, self.peak);
        self.check_deadlines(swarm, &views);
        self.check_stop(now, input, actions, &views);
        self.check_target(swarm, now, &views);
    }

    /// An input that the table does not admit for its client: it has no action and is
    /// not counted.
    pub(crate) fn after_stray(&mut self, now: Tick, actions: &[Action], swarm: &Swarm) {
        let only_reports = actions.iter().all(|action| matches!(action, Action::Report(_)));
        assert!(only_reports, "a stray input brought {actions:?}");
        let views: Vec<_> = swarm.clients().collect();
        assert!(views.iter().map(|view| view.state).eq(self.states.iter().copied()));
        self.books.compare(&swarm.snapshot(now), &views);
        // The swarm notes the activity before it looks at the client.
        self.active_since_progress = true;
        self.last_input = now;
        self.check_deadlines(swarm, &views);
    }

    /// The world is over.
    pub(crate) fn finished(&self, now: Tick, swarm: &Swarm) {
        assert_eq!(self.finishes, 1);
        assert_eq!(swarm.next_deadline(), None);
        let snapshot = swarm.snapshot(now);
        assert_eq!(snapshot.phase, Phase::Finished);
        assert_eq!(snapshot.totals.exits.iter().sum::<u64>(), self.books.reaped);
        assert_eq!(snapshot.totals.lateness.count(), self.books.started);
        self.check_median(snapshot.median_active());
        if self.prompt {
            assert_eq!(snapshot.totals.late_starts, 0);
        }
        if let Some(stopped_at) = self.stopped_at {
            let took = now.since(stopped_at);
            assert!(took <= STOP_MAX, "the stop took {took:?}");
        }
        if self.mortal {
            assert_eq!(
                snapshot.in_state(State::Stopped) as usize,
                swarm.clients().count(),
                "something is left"
            );
            assert!(self.books.clients.iter().all(|c| !c.live && !c.asked && c.exit.is_none()));
        }
        if let Some(killed_at) = self.killed_at {
            let sure = self.prompt && self.mortal;
            let most = if sure { KILLED_MAX } else { FORCED_FINISH_AFTER_KILL + LAG_MAX };
            let took = now.since(killed_at);
            assert!(took <= most, "the end took {took:?} after the kill");
        }
    }

    fn take_in(&mut self, now: Tick, input: &Input<'_>) {
        self.books.take_in(input);
        if let Input::Spawned { client, .. } = *input {
            let account = self.books.of(client);
            (account.spawned, account.signalled_at) = (now, None);
        }
        self.view(now, input);
        match input {
            Input::Started => self.began = Some(now),
            Input::KillAsked => self.killed_at = self.killed_at.or(Some(now)),
            Input::Spawned { .. }
            | Input::SpawnFailed { .. }
            | Input::Output { .. }
            | Input::Exited { .. } => self.active_since_progress = true,
            Input::RampHeld(held) if self.can_change() => {
                (self.held, self.changed) = (*held, true);
            }
            Input::TargetAsked { clients } if self.can_change() => self.change_target(*clients),
            _ => {}
        }
        if !matches!(input, Input::DeadlineReached) {
            self.last_input = now;
        }
    }

    fn can_change(&self) -> bool {
        self.began.is_some() && self.stopped_at.is_none()
    }

    fn change_target(&mut self, clients: u32) {
        (self.target, self.changed) = (clients.clamp(1, self.room), true);
        // A client that waits for a restart and is no longer wanted no longer waits.
        for account in self.books.clients.iter_mut().skip(self.target as usize) {
            account.due = None;
        }
    }

    /// Clients that are wanted are up, and the others go down.
    fn check_target(&self, swarm: &Swarm, now: Tick, views: &[ClientView]) {
        assert_eq!(swarm.snapshot(now).target, self.target);
        assert!(views.len() >= self.target as usize);
        let (wanted, others) = views.split_at(self.target as usize);
        let kept = |s| matches!(s, State::Idle | State::Running | State::Backoff);
        assert!(!others.iter().any(|view| kept(view.state)), "not taken down");
        let used_up = |view: &&ClientView| self.books.clients[view.client.index()].used_up;
        let left = wanted.iter().filter(|view| view.state == State::Stopped);
        assert!(
            self.stopped_at.is_some() || left.clone().all(|view| used_up(&view)),
            "not brought up"
        );
    }

    fn view(&mut self, now: Tick, input: &Input<'_>) {
        match *input {
            Input::Spawned { client, .. } => self.viewings.spawned(now, client),
            Input::Output { client, pipe: Pipe::Stdout, bytes, .. } => {
                self.viewings.output(now, client, bytes);
            }
            Input::PipeEnded { client, pipe: Pipe::Stdout } => {
                self.viewings.closed(now, client);
            }
            Input::Exited { client, .. } => self.viewings.exited(now, client),
            Input::Sampled { client, sample } => {
                let limit = self.settings.ffmpeg_memory_max;
                let account = self.books.of(client);
                let exceeds = limit.is_some_and(|most| sample.resident_bytes > most.get());
                account.too_large = exceeds && account.signals < 3;
            }
            _ => {}
        }
    }

    /// At most half of the time is below the median, and at most half is above.
    fn check_median(&self, median: u32) {
        let half = self.levels.iter().sum::<Duration>() / 2;
        let (below, rest) = self.levels.split_at(median as usize);
        let above: Duration = rest.iter().skip(1).sum();
        let ns = Duration::from_nanos(1);
        assert!(below.iter().sum::<Duration>() <= half + ns && above <= half + ns);
    }

    fn check_action(&mut self, now: Tick, action: &Action) {
        match action {
            Action::Spawn { client } => self.check_spawn(now, *client),
            Action::Signal { client, signal } => {
                if self.books.of(*client).too_large {
                    self.check_kill_for_memory(now, *client, *signal);
                } else if self.stopped_at.is_none() {
                    self.check_lone_signal(now, *client, *signal);
                }
                let account = self.books.of(*client);
                assert!(account.live, "a signal to a process that is gone");
                account.signals += 1;
                account.signalled_at.get_or_insert(now);
            }
            Action::ClosePipes { client } => {
                assert_ne!(self.books.of(*client).open, [false; 2], "no pipe to close");
                self.books.close(*client, Pipe::Stderr);
                self.books.close(*client, Pipe::Stdout);
                self.viewings.closed(now, *client);
            }
            Action::SampleSockets { client } => {
                assert_ne!(self.books.of(*client).open, [false; 2], "no log says so");
            }
            Action::Report(report) => self.check_report(now, report),
            Action::Finish => self.finishes += 1,
        }
    }

    fn check_spawn(&mut self, now: Tick, client: ClientId) {
        assert!(self.stopped_at.is_none(), "a start after the stop");
        assert!(client.number() < self.target, "a start of one too many");
        let first_due = self.began.unwrap().after(self.ramp.due(client));
        let (jitter, prompt) = (self.settings.ramp_jitter, self.prompt);
        let planned = !self.changed;
        let first = self.states[client.index()] == State::Idle;
        assert!(!first || !self.held, "a first start while they are held");
        let account = self.books.of(client);
        assert!(!account.live && !account.asked, "client {client} has a process");
        assert!(account.exit.is_none() && !account.used_up && account.open == [false; 2]);
        assert!(now >= first_due || !planned);
        match account.due.take() {
            Some(due) if prompt => assert_eq!(now, due),
            Some(due) => assert!(now >= due),
            None if prompt && planned && !account.ever_asked => {
                assert!(now <= first_due.after(jitter));
            }
            None => {}
        }
        (account.asked, account.ever_asked) = (true, true);
    }

    /// A process that is too large is killed at once, whatever else it is sent.
    fn check_kill_for_memory(&mut self, now: Tick, client: ClientId, signal: Signal) {
        assert_eq!(signal, Signal::Kill);
        let running = self.states[client.index()] == State::Running;
        let account = self.books.of(client);
        account.too_large = false;
        account.killed_for_memory |= running;
        account.ended_alone.get_or_insert((now, false));
        // The third signal to a single process is the last.
        account.signals = 2;
        if running {
            self.viewings.ended_by_us(now, client);
        }
    }

    /// Before the stop a signal is for a stall or to a client above the target, with the
    /// delays of the rules.
    fn check_lone_signal(&mut self, now: Tick, client: ClientId, signal: Signal) {
        let too_many = client.number() >= self.target;
        let account = self.books.of(client);
        let first = account.ended_alone.is_none();
        let (began, stalled) = *account.ended_alone.get_or_insert((now, !too_many));
        assert!(self.settings.restart_on_stall || !stalled, "a signal before the stop");
        let (wanted, after) = match account.signals {
            0 => (Signal::Terminate, Duration::ZERO),
            1 => (Signal::Terminate, TERMINATE_AGAIN_AFTER),
            2 => (Signal::Kill, KILL_AFTER),
            more => panic!("{more} signals to one"),
        };
        assert_eq!(signal, wanted);
        assert!(now >= began.after(after));
        assert!(!self.prompt || now == began.after(after));
        if !stalled && first {
            self.viewings.ended_by_us(now, client);
        } else if stalled {
            assert!(self.viewings.may_be_stalled(now, client));
            self.viewings.ending(client);
        }
    }

    fn check_exit(&mut self, client: ClientId, status: ExitStatus, outcome: Outcome) {
        let account = self.books.of(client);
        let stalled_out = account.ended_alone.is_some_and(|(_, stalled)| stalled);
        let lived = account.signalled_at.unwrap_or_default().since(account.spawned);
        let for_memory = account.killed_for_memory;
        let (ended, signalled) = account.exit.take().unwrap();
        assert_eq!(status, ended);
        let wanted = match (status, self.viewings.media(client)) {
            _ if for_memory => Outcome::MemoryLimit,
            _ if stalled_out => Outcome::Stalled,
            (_, Some(Duration::ZERO)) if signalled && lived >= PATIENCE => Outcome::NoInput,
            _ if signalled => Outcome::Stopped,
            (ExitStatus::Signal(_), _) => Outcome::Crashed,
            (_, Some(Duration::ZERO)) => Outcome::NoInput,
            (ExitStatus::Code(0), _) => Outcome::Completed,
            (ExitStatus::Code(_), _) => Outcome::Error,
        };
        assert_eq!(outcome, wanted);
        self.exits_reported += 1;
    }

    fn check_report(&mut self, now: Tick, report: &Report) {
        match report {
            Report::ClientExited { client, status, outcome, last_lines, .. } => {
                self.check_exit(*client, *status, *outcome);
                assert!(last_lines.is_empty() || outcome.is_failure());
            }
            Report::ClientStalled { client, still_for } => {
                assert!(self.viewings.may_be_stalled(now, *client));
                assert!(*still_for >= self.settings.stall_after());
                check_limit(&mut self.stall_reports, now, STALL_REPORTS_PER_SEC);
            }
            Report::RestartScheduled { client, backoff } => {
                assert!(self.stopped_at.is_none());
                self.check_backoff(*backoff, Duration::ZERO);
                self.books.of(*client).due = Some(now.after(*backoff));
            }
            Report::SpawnFailed { client, failure, backoff } => {
                let exhausted = failure.reason.is_exhaustion();
                self.check_backoff(*backoff, Duration::from_secs(u64::from(exhausted)));
                self.books.of(*client).due = Some(now.after(*backoff));
                check_limit(&mut self.failure_reports, now, SPAWN_FAILURE_REPORTS_PER_SEC);
            }
            Report::MaxRestartsReached { client } => {
                let most = self.settings.max_restarts.unwrap().get();
                let account = self.books.of(*client);
                assert_eq!(account.attempts, most + 1);
                assert!(!std::mem::replace(&mut account.used_up, true));
            }
            Report::Progress { .. } => {
                assert!(std::mem::take(&mut self.active_since_progress), "nothing happened");
            }
            Report::RampComplete { .. } => {
                assert!(!std::mem::replace(&mut self.ramp_complete, true));
                self.active_since_progress = false;
            }
            Report::Stopping { .. } => {
                assert!(self.stopped_at.is_none(), "stopped twice");
                self.stopped_at = Some(now);
                self.viewings.stop(now);
            }
            Report::MemoryHigh { .. } => panic!("no process has much memory here"),
            Report::MemoryLimit { resident_bytes, .. } => {
                assert!(*resident_bytes > self.settings.ffmpeg_memory_max.unwrap().get());
            }
            Report::Dangerous => assert!(self.settings.dangerous),
            Report::Line { .. } => assert!(self.settings.verbose),
            Report::RampHeld => assert!(self.held),
            Report::RampResumed => assert!(!self.held),
            Report::TargetChanged { target } => assert_eq!(*target, self.target),
            Report::StartingRamp { .. } | Report::ClientStarted { .. } => {}
        }
    }

    fn check_backoff(&self, backoff: Duration, least: Duration) {
        let (initial, max) = (self.settings.backoff.initial, self.settings.backoff.max);
        assert!(backoff >= initial.max(least).mul_f64(0.799_999), "{backoff:?} is too short");
        assert!(backoff <= max.max(least).mul_f64(1.200_001), "{backoff:?} is too long");
    }

    /// Every change of state is one that the table admits for this input.
    fn check_transitions(&mut self, input: &Input<'_>, views: &[ClientView]) {
        for (view, &from) in views.iter().zip(&self.states) {
            let events: &[Event] = match *input {
                Input::Spawned { client, .. } if client == view.client => {
                    self.made.insert((from, Event::Spawned));
                    assert_eq!(
                        Some(view.state),
                        next(from, Event::Spawned, self.desired(view.client))
                    );
                    continue;
                }
                Input::SpawnFailed { client, .. } if client == view.client => {
                    self.made.insert((from, Event::SpawnFailed));
                    assert_eq!(
                        Some(view.state),
                        next(from, Event::SpawnFailed, self.desired(view.client))
                    );
                    continue;
                }
                Input::Exited { client, .. } if client == view.client => {
                    assert_ne!(view.state, from);
                    &[Event::Exited, Event::Drained]
                }
                Input::PipeEnded { client, .. } if client == view.client => &[Event::Drained],
                Input::Sampled { client, .. } if client == view.client => &[Event::TooLarge],
                Input::StopAsked | Input::KillAsked => &[Event::Stop],
                Input::TargetAsked { .. } => &[Event::Stop, Event::Raised],
                Input::DeadlineReached if self.stopped_at.is_some() => {
                    &[Event::Drained, Event::Due, Event::Stop, Event::Stalled]
                }
                Input::DeadlineReached => &[Event::Drained, Event::Due, Event::Stalled],
                _ => &[],
            };
            let path = (0..=3).find_map(|steps| path(from, view.state, events, steps));
            let path = path.unwrap_or_else(|| panic!("{from:?} to {:?} by {input:?}", view.state));
            self.made.extend(path);
        }
    }

    pub(crate) fn desired(&self, client: ClientId) -> Desired {
        let wanted = self.stopped_at.is_none() && client.number() < self.target;
        if wanted { Desired::Up } else { Desired::Down }
    }

    fn check_deadlines(&self, swarm: &Swarm, views: &[ClientView]) {
        for view in views {
            match view.state {
                State::Draining => assert!(view.deadline.is_some(), "drains for ever"),
                State::Idle if self.held => assert_eq!(view.deadline, None, "not held"),
                State::Idle | State::Backoff => {
                    let waits = self.began.is_some();
                    assert!(!waits || swarm.next_deadline().is_some(), "forgotten");
                }
                State::Running if self.settings.stats && !view.stalled => {
                    // All checks of a second are at the same time.
                    let check = view.deadline.unwrap();
                    assert_eq!(check.as_nanos() % 1_000_000_000, 0);
                    assert!(check <= self.viewings.check(view.client), "the check comes late");
                }
                State::Running if self.settings.stats => {
                    // A client that never played has no deadline.
                    let window = view.deadline.unwrap_or_default();
                    assert_eq!(window.as_nanos() % 1_000_000_000, 0);
                }
                State::Stopping if self.stopped_at.is_none() => {
                    let killed = self.books.clients[view.client.index()].signals == 3;
                    assert_eq!(view.deadline.is_none(), killed);
                }
                _ => assert_eq!(view.deadline, None, "{:?} waits for something", view.state),
            }
        }
        let drains = views.iter().any(|view| view.state == State::Draining);
        if let (Some(stopped_at), Some(next), false) =
            (self.stopped_at, swarm.next_deadline(), drains)
        {
            assert!(next > stopped_at, "a start is still due after the stop");
        }
        let quiet = |view: &ClientView| view.deadline.is_none();
        let steady = views.iter().all(|view| view.state == State::Running && quiet(view));
        let Settings { duration: None, dangerous: false, .. } = self.settings else { return };
        if steady && self.ramp_complete {
            let quiet_from = self.last_input.after(PROGRESS_EVERY);
            let next = swarm.next_deadline();
            assert!(self.active_since_progress || next.is_none(), "a silent swarm wakes");
            assert!(next.is_none_or(|next| next <= quiet_from));
        }
    }

    fn check_stop(
        &mut self,
        now: Tick,
        input: &Input<'_>,
        actions: &[Action],
        views: &[ClientView],
    ) {
        if self.stopped_at.is_none() {
            return;
        }
        let gone = |s| matches!(s, State::Idle | State::Running | State::Backoff);
        assert!(!views.iter().any(|view| gone(view.state)), "not taken down");
        assert!(self.books.clients.iter().all(|c| !c.live || c.signals > 0), "not signalled");
        let client_input =
            !matches!(input, Input::StopAsked | Input::KillAsked | Input::DeadlineReached);
        if self.stopped_at != Some(now) || client_input {
            return;
        }
        if actions.iter().any(|a| matches!(a, Action::Report(Report::Stopping { .. }))) {
            for (view, &from) in views.iter().zip(&self.states) {
                let stays = matches!(from, State::Starting | State::Draining | State::Stopping);
                if stays && view.state == from {
                    self.made.insert((from, Event::Stop));
                }
            }
        }
    }
}

/// Windows of the limit start at any time, so a second may overlap two of them.
fn check_limit(reports: &mut VecDeque<Tick>, now: Tick, per_sec: u32) {
    reports.push_back(now);
    let second = Duration::from_secs(1);
    while reports.front().is_some_and(|&at| now.since(at) >= second) {
        reports.pop_front();
    }
    assert!(reports.len() <= 2 * per_sec as usize);
}

/// The transitions that lead in exactly so many steps from one state to another.
fn path(from: State, to: State, events: &[Event], steps: u32) -> Option<Vec<(State, Event)>> {
    if steps == 0 {
        return (from == to).then(Vec::new);
    }
    for &event in events {
        for desired in [Desired::Up, Desired::Down] {
            if let Some(between) = next(from, event, desired)
                && let Some(mut rest) = path(between, to, events, steps - 1)
            {
                rest.push((from, event));
                return Some(rest);
            }
        }
    }
    None
}
