//! The media time of a client: reads it, notes a stall, and ends the process for that
//! if the settings say so.
//!
//! A line of progress moves no deadline. Each running client has one pending check. If
//! the client has moved by then, the check is set again. Checks are at whole seconds,
//! so thousands of clients wake the loop once a second at most. A client that is
//! stalled and has played before has a check at the end of each window of its speed;
//! one that has never played has none. The next movement ends the stall.

use std::time::Duration;

use super::{Client, Event};
use crate::stats::{Playback, State, Viewing};
use crate::swarm::deadlines::Timer;
use crate::swarm::stopping::{KILL_AFTER, TERMINATE_AGAIN_AFTER};
use crate::swarm::turn::Turn;
use crate::swarm::{Action, Report, Signal};
use crate::units::{Tick, nanos};

/// Checks are at whole multiples of this.
const CHECK_GRID: Duration = Duration::from_secs(1);

impl Client {
    /// The process was spawned. One that is ended at once is not watched.
    pub(super) fn begin_viewing(&mut self, turn: &mut Turn<'_>) {
        if turn.common.settings.stats && self.state == State::Running {
            let stall_after = turn.common.settings.stall_after();
            let played_before = !self.past.media.is_zero();
            self.attempt.viewing =
                Viewing::spawned(turn.now, stall_after).after_media(played_before);
            self.schedule_check(turn);
        }
    }

    /// Reads bytes of stdout; `None` is its end. A process that is ended for a stall
    /// stays stalled until it exits.
    pub(super) fn read_progress(&mut self, turn: &mut Turn<'_>, bytes: Option<&[u8]>) {
        if !turn.common.settings.stats || self.attempt.stalled_out {
            return;
        }
        let was_stalled = self.attempt.viewing.is_stalled();
        let playback = &mut turn.common.counts.totals.playback;
        let (viewing, progress, now) =
            (&mut self.attempt.viewing, &mut self.attempt.progress, turn.now);
        let undated = self.attempt.unread.stdout;
        let each = |line: &[u8], _| match progress.line(line).and_then(|block| block.media) {
            Some(media) if undated => viewing.progress_undated(now, media, playback),
            Some(media) => viewing.progress(now, media, playback),
            None => {}
        };
        match bytes {
            Some(bytes) => self.attempt.progress_splitter.feed(bytes, each),
            None => self.attempt.progress_splitter.finish(each),
        }
        if !self.played && !self.attempt.viewing.media().is_zero() {
            self.played = true;
            turn.common.counts.totals.reception.plays(self.kept_by);
        }
        if was_stalled && !self.attempt.viewing.is_stalled() && self.state == State::Running {
            self.schedule_check(turn);
        }
    }

    /// The loop stood still for `span`, up to `now`: what is in the pipes has no time.
    pub(in crate::swarm) fn stood_still(
        &mut self,
        now: Tick,
        span: Duration,
        playback: &mut Playback,
    ) {
        self.attempt.unread = self.attempt.pipes;
        self.attempt.viewing.stood_still(now, span, playback);
    }

    /// Notes a stall that has begun by now, and reports nothing.
    pub(in crate::swarm) fn note_stall(&mut self, now: Tick, playback: &mut Playback) {
        self.attempt.viewing.note(now, playback);
    }

    /// The check is due: the client is stalled, or has moved since it was set.
    pub(in crate::swarm) fn check_stall(&mut self, turn: &mut Turn<'_>) {
        let playback = &mut turn.common.counts.totals.playback;
        let newly_stalled = self.attempt.viewing.note(turn.now, playback);
        self.attempt.viewing.stand_still(turn.now, playback);
        self.schedule_check(turn);
        if !newly_stalled {
            return;
        }
        if turn.common.stall_reports.allows(turn.now) {
            let still_for = self.attempt.viewing.still_for(turn.now);
            turn.report(Report::ClientStalled { client: self.id, still_for });
        }
        if turn.common.settings.restart_on_stall && self.step(turn, Event::Stalled) {
            self.attempt.stalled_out = true;
            self.signal_alone(turn);
        }
    }

    /// Sends the next signal to a process that is ended alone: the signals and delays are
    /// those of the stop of the run.
    pub(in crate::swarm) fn signal_alone(&mut self, turn: &mut Turn<'_>) {
        self.attempt.own_signals = self.attempt.own_signals.saturating_add(1);
        let (signal, next) = match self.attempt.own_signals {
            1 => (Signal::Terminate, Some(TERMINATE_AGAIN_AFTER)),
            2 => (Signal::Terminate, Some(KILL_AFTER.saturating_sub(TERMINATE_AGAIN_AFTER))),
            _ => (Signal::Kill, None),
        };
        turn.act(Action::Signal { client: self.id, signal });
        if let Some(delay) = next {
            turn.common.deadlines.set(self.timer(Timer::Signal), turn.now.after(delay));
        }
    }

    fn schedule_check(&self, turn: &mut Turn<'_>) {
        if let Some(due) =
            self.attempt.viewing.stall_due().or_else(|| self.attempt.viewing.window_due())
        {
            turn.common.deadlines.set(self.timer(Timer::StallCheck), on_grid(due));
        }
    }
}

/// The next whole multiple of [`CHECK_GRID`], or the tick itself if it is one.
fn on_grid(tick: Tick) -> Tick {
    let grid_ns = nanos(CHECK_GRID);
    Tick::from_nanos(tick.as_nanos().div_ceil(grid_ns).saturating_mul(grid_ns))
}
