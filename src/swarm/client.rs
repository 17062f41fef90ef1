//! One client's life.
//!
//! A client has a desired state (up or down) apart from its actual one, so that
//! a stop is accepted at any moment of its life. Knows no other client; what it
//! shares with them comes in as a turn.

mod attempt;
mod detail;
mod ending;
mod exchange;
mod log;
mod memory;
mod raise;
mod stall;
mod transitions;

use std::hint::black_box;
use std::time::Duration;

pub use self::detail::ClientDetail;
pub use self::memory::MEMORY_WARNING_BYTES;
pub use self::transitions::{Desired, Event, next};

use self::attempt::{Attempt, End, Past, Pipes};
use self::transitions::timer_of;
use super::backoff::with_jitter;
use super::deadlines::{Deadlines, Key, Timer};
use super::random::Random;
use super::turn::Turn;
use super::{Action, Exit, Report, Sample};
use crate::ffmpeg::outcome::Outcome;
use crate::stats::{Pace, State};
use crate::units::process::{Pipe, SpawnFailure};
use crate::units::{ClientId, Tick};

/// Longest wait for the end of a pipe after the exit of the process.
pub const DRAIN_MAX: Duration = Duration::from_secs(1);

/// The same while the client goes down.
pub const DRAIN_MAX_STOPPING: Duration = Duration::from_millis(250);

/// An attempt of at least this length resets the delay to the initial one.
pub const STABLE_AFTER: Duration = Duration::from_secs(30);

/// An exit with code 0 earlier than this counts as a failure, so that a dead
/// playlist, on which FFmpeg exits 0 at once, cannot cause a restart storm.
pub const CLEAN_EXIT_AFTER: Duration = Duration::from_secs(5);

/// Least delay, before jitter, after a start that failed because the host is out of
/// processes, descriptors or memory: such resources are freed slowly.
pub const EXHAUSTED_BACKOFF_MIN: Duration = Duration::from_secs(1);

/// A client in a list of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientView {
    /// Which client.
    pub client: ClientId,
    /// Its actual state.
    pub state: State,
    /// Its processes so far.
    pub attempts: u64,
    /// The earliest deadline of its timers.
    pub deadline: Option<Tick>,
    /// Whether it is stalled.
    pub stalled: bool,
    /// Whether it keeps up with real time; `None` if that is not known yet.
    pub pace: Option<Pace>,
}

/// One client. The fields that each line of its log touches come first, aligned to a
/// cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Client {
    id: ClientId,
    state: State,
    desired: Desired,
    attempt: Attempt,
    /// Processes so far.
    attempts: u32,
    /// Failures in a row, which lengthen the delay.
    failures: u32,
    /// Sums over its earlier attempts.
    past: Past,
    /// Its restarts are used up.
    used_up: bool,
    /// It received media at least once.
    played: bool,
    /// The outcome of its last attempt.
    last_outcome: Option<Outcome>,
    /// Why it has not played yet, by the last attempt that shows a reason.
    kept_by: Option<Outcome>,
    /// When the start is or was due.
    due: Tick,
    random: Random,
}

impl Client {
    pub(super) fn new(seed: u64, id: ClientId) -> Self {
        Self {
            id,
            state: State::Idle,
            desired: Desired::Up,
            attempt: Attempt::default(),
            attempts: 0,
            failures: 0,
            past: Past::default(),
            used_up: false,
            played: false,
            last_outcome: None,
            kept_by: None,
            due: Tick::ZERO,
            random: Random::new(seed, id),
        }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// When the start is or was due.
    pub(super) const fn due(&self) -> Tick {
        self.due
    }

    pub(super) fn view(&self, deadlines: &Deadlines) -> ClientView {
        ClientView {
            client: self.id,
            state: self.state,
            attempts: u64::from(self.attempts),
            deadline: deadlines.of_client(self.id),
            stalled: self.attempt.viewing.is_stalled(),
            pace: self.attempt.viewing.pace(),
        }
    }

    /// Touches what the next output reads first.
    pub(super) fn prefetch(&self) {
        black_box((self.state, self.attempt.requests.bytes(), self.attempt.viewing.is_stalled()));
    }

    /// Schedules the first start of a ramp that began `behind` ago.
    pub(super) fn schedule_first(&mut self, turn: &mut Turn<'_>, behind: Duration) {
        if self.state == State::Idle {
            let offset = turn.common.plan.offset(self.id, &mut self.random);
            self.schedule(turn, offset.saturating_sub(behind));
        }
    }

    /// The start is due and this turn has room for it.
    pub(super) fn start(&mut self, turn: &mut Turn<'_>) {
        if self.step(turn, Event::Due) {
            turn.act(Action::Spawn { client: self.id });
        }
    }

    pub(super) fn spawned(&mut self, turn: &mut Turn<'_>, pid: u32) {
        if !self.step(turn, Event::Spawned) {
            return;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.past.add(&self.attempt);
        self.attempt = Attempt::spawned(pid, turn.now);
        let counts = &mut turn.common.counts;
        counts.ever_started += u32::from(self.attempts == 1);
        counts.totals.count_start(u64::from(self.attempts), turn.now.since(self.due));
        let (client, attempt) = (self.id, u64::from(self.attempts));
        let scheduled = (attempt == 1).then(|| turn.common.plan.scheduled(client)).flatten();
        turn.report(Report::ClientStarted { client, pid, attempt, scheduled });
        self.begin_viewing(turn);
        if self.state == State::Stopping {
            self.end_process(turn);
        }
    }

    pub(super) fn spawn_failed(&mut self, turn: &mut Turn<'_>, failure: SpawnFailure) {
        if !self.step(turn, Event::SpawnFailed) {
            return;
        }
        turn.common.counts.totals.count_spawn_failure(failure.reason);
        if self.state == State::Stopped {
            return;
        }
        let exhausted = failure.reason.is_exhaustion();
        let least = if exhausted { EXHAUSTED_BACKOFF_MIN } else { Duration::ZERO };
        let backoff = self.back_off(turn, least);
        if turn.common.failure_reports.allows(turn.now) {
            turn.report(Report::SpawnFailed { client: self.id, failure, backoff });
        }
    }

    pub(super) fn output(&mut self, turn: &mut Turn<'_>, pipe: Pipe, bytes: &[u8]) {
        match pipe {
            _ if !*self.attempt.pipes.of(pipe) => {}
            Pipe::Stderr => self.read_lines(turn, Some(bytes)),
            Pipe::Stdout => self.read_progress(turn, Some(bytes)),
        }
        // One read takes all that a pipe holds.
        *self.attempt.unread.of(pipe) = false;
    }

    pub(super) fn pipe_ended(&mut self, turn: &mut Turn<'_>, pipe: Pipe) {
        let was_open = std::mem::take(self.attempt.pipes.of(pipe));
        match pipe {
            _ if !was_open => {}
            Pipe::Stderr => self.read_lines(turn, None),
            Pipe::Stdout => self.read_progress(turn, None),
        }
        if was_open && self.attempt.pipes == Pipes::NONE {
            self.drained(turn);
        }
    }

    pub(super) fn exited(&mut self, turn: &mut Turn<'_>, exit: Exit) {
        let asked = self.state == State::Stopping;
        if !self.step(turn, Event::Exited) {
            return;
        }
        let uptime = turn.now.since(self.attempt.spawned_at);
        let undated = turn.is_undated();
        let counts = &mut turn.common.counts;
        counts.totals.count_exit(exit.status);
        if !undated {
            counts.totals.uptime.record(uptime);
        }
        counts.children.reap(&mut self.attempt.live_use, exit.cpu);
        self.attempt.viewing.end(turn.now, &mut counts.totals.playback);
        self.note_memory(turn, exit.peak_resident_bytes);
        self.attempt.end = Some(End { exit, asked, uptime });
        if self.attempt.pipes == Pipes::NONE {
            self.drained(turn);
        } else {
            let up = self.desired == Desired::Up;
            let delay = if up { DRAIN_MAX } else { DRAIN_MAX_STOPPING };
            turn.common.deadlines.set(self.timer(Timer::Drain), turn.now.after(delay));
        }
    }

    /// Both pipes ended, or the timer of the drain expired: the attempt is over. Does
    /// nothing while the process lives.
    pub(super) fn drained(&mut self, turn: &mut Turn<'_>) {
        let Some(end) = self.attempt.end.take() else { return };
        self.close_pipes(turn);
        self.finish_requests(turn);
        let outcome = self.outcome(turn, end);
        self.count_outcome(turn, end, outcome);
        self.report_exit(turn, end, outcome);
        if self.desired == Desired::Up {
            self.note_restarts_used_up(turn);
        }
        self.step(turn, Event::Drained);
        if self.state == State::Backoff {
            let clean = outcome == Outcome::Completed && end.uptime >= CLEAN_EXIT_AFTER;
            if clean || end.uptime >= STABLE_AFTER {
                self.failures = 0;
            }
            let backoff = self.back_off(turn, Duration::ZERO);
            turn.report(Report::RestartScheduled { client: self.id, backoff });
        }
    }

    pub(super) fn sampled(&mut self, turn: &mut Turn<'_>, sample: Sample) {
        if matches!(self.state, State::Running | State::Stopping) {
            let children = &mut turn.common.counts.children;
            children.sample(&mut self.attempt.live_use, sample.cpu, sample.resident_bytes);
        }
        self.memory_seen(turn, sample.resident_bytes);
    }

    /// The run stops, or the target was lowered: the client goes down, now or as
    /// soon as it can.
    pub(super) fn stop(&mut self, turn: &mut Turn<'_>) {
        self.desired = Desired::Down;
        self.step(turn, Event::Stop);
        match self.state {
            State::Draining => {
                let drained = turn.now.after(DRAIN_MAX_STOPPING);
                turn.common.deadlines.set_if_earlier(self.timer(Timer::Drain), drained);
            }
            State::Stopping => self.end_process(turn),
            _ => {}
        }
    }

    /// Sends the signal of this stage of the stop to a process that has not ended.
    pub(super) fn signal_if_left(&mut self, turn: &mut Turn<'_>) {
        if let Some(signal) = turn.common.stop
            && self.state == State::Stopping
        {
            turn.act(Action::Signal { client: self.id, signal });
        }
    }

    /// Gives this client up at the forced end of the run.
    pub(super) fn abandon(&mut self, turn: &mut Turn<'_>) {
        self.drained(turn);
        self.close_pipes(turn);
    }

    /// Makes the transition of the table and clears the timer of the state that is
    /// left; false if the event does not fit.
    fn step(&mut self, turn: &mut Turn<'_>, event: Event) -> bool {
        let Some(next) = next(self.state, event, self.desired) else { return false };
        if let Some(timer) = timer_of(self.state).filter(|_| next != self.state) {
            turn.common.deadlines.clear(self.timer(timer));
        }
        turn.common.counts.moved(turn.now, self.state, next);
        self.state = next;
        true
    }

    const fn timer(&self, timer: Timer) -> Key {
        Key::Client(self.id, timer)
    }

    fn schedule(&mut self, turn: &mut Turn<'_>, delay: Duration) {
        self.due = turn.now.after(delay);
        turn.common.deadlines.set(self.timer(Timer::Start), self.due);
    }

    /// Sets the next start after one more failure and returns the delay.
    fn back_off(&mut self, turn: &mut Turn<'_>, least: Duration) -> Duration {
        let base = turn.common.settings.backoff.base(self.failures).max(least);
        self.failures = self.failures.saturating_add(1);
        let backoff = with_jitter(base, &mut self.random);
        self.schedule(turn, backoff);
        backoff
    }

    /// Closes the pipes that have not ended. An unfinished line counts.
    fn close_pipes(&mut self, turn: &mut Turn<'_>) {
        if self.attempt.pipes.stderr {
            self.read_lines(turn, None);
        }
        if self.attempt.pipes.stdout {
            self.read_progress(turn, None);
        }
        if std::mem::replace(&mut self.attempt.pipes, Pipes::NONE) != Pipes::NONE {
            turn.act(Action::ClosePipes { client: self.id });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten thousand clients are to cost a few megabytes.
    #[test]
    fn a_client_is_small() {
        let bytes = size_of::<Client>();
        assert!(bytes <= 704, "{bytes} bytes");
    }
}
