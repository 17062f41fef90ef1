//! How everything stops: SIGTERM, SIGTERM again, SIGKILL, and the end whatever
//! is left.
//!
//! One SIGTERM is not enough for an FFmpeg that is stuck on a playlist, and it
//! takes the network timeout to end a hung read; a second one ends it at once.

use std::time::Duration;

use super::client::Client;
use super::deadlines::{Key, RunKey};
use super::turn::Turn;
use super::{Action, Report, Signal, Swarm};
use crate::units::Tick;

/// The second SIGTERM comes so long after the first.
pub const TERMINATE_AGAIN_AFTER: Duration = Duration::from_millis(300);

/// SIGKILL comes so long after the first SIGTERM.
pub const KILL_AFTER: Duration = Duration::from_secs(5);

/// What SIGKILL has not ended after this (a process in an uninterruptible read, or in
/// the hands of a debugger) is left behind.
pub const FORCED_FINISH_AFTER_KILL: Duration = Duration::from_secs(3);

/// The whole shutdown is done within this, from the signal to the exit of this process:
/// docker stop(1) and many another supervisor kill after 10 s. What is left of it after
/// [`FORCED_FINISH_AFTER_KILL`] is for orphans, files and readers.
pub const SHUTDOWN: Duration = Duration::from_secs(10);

impl Swarm {
    /// Puts every client down; `signal` goes to every process at once.
    pub(super) fn stop(&mut self, now: Tick, signal: Signal, actions: &mut Vec<Action>) {
        if self.common.stop.is_some() {
            return;
        }
        self.common.stop = Some(signal);
        self.stop_began = Some(now);
        self.ready.clear();
        self.common.ledger.active_time.end(now);
        self.keep_viewers(now);
        let deadlines = &mut self.common.deadlines;
        for key in [RunKey::End, RunKey::Dangerous, RunKey::Progress] {
            deadlines.clear(Key::Run(key));
        }
        deadlines.set(Key::Run(RunKey::TerminateAgain), now.after(TERMINATE_AGAIN_AFTER));
        deadlines.set(Key::Run(RunKey::Kill), now.after(KILL_AFTER));
        let forced = now.after(KILL_AFTER + FORCED_FINISH_AFTER_KILL);
        deadlines.set(Key::Run(RunKey::ForcedFinish), forced);
        actions.push(Action::Report(Report::Stopping { live: self.snapshot(now).live() }));
        self.with_all(now, actions, Client::stop);
    }

    /// Keeps how the clients are doing, since ending them ends their stalls. A stall
    /// that has begun and waits for its check counts.
    fn keep_viewers(&mut self, now: Tick) {
        let playback = &mut self.common.ledger.totals.playback;
        for client in &mut self.clients {
            client.note_stall(now, playback);
        }
        self.common.viewers_at_stop = Some(playback.viewers);
    }

    /// Sends SIGKILL to every process, and stops if that was not asked yet.
    pub(super) fn kill(&mut self, now: Tick, actions: &mut Vec<Action>) {
        if self.common.stop.is_none() {
            self.stop(now, Signal::Kill, actions);
        } else {
            self.common.stop = Some(Signal::Kill);
            self.signal_those_left(now, actions);
        }
        let deadlines = &mut self.common.deadlines;
        deadlines.clear(Key::Run(RunKey::TerminateAgain));
        deadlines.clear(Key::Run(RunKey::Kill));
        let forced = now.after(FORCED_FINISH_AFTER_KILL);
        deadlines.set_if_earlier(Key::Run(RunKey::ForcedFinish), forced);
    }

    /// Sends the signal of this stage to every process that was told to end and
    /// has not ended.
    pub(super) fn signal_those_left(&mut self, now: Tick, actions: &mut Vec<Action>) {
        self.with_all(now, actions, Client::signal_if_left);
    }

    /// Ends the run although something is left.
    pub(super) fn force_finish(&mut self, now: Tick, actions: &mut Vec<Action>) {
        self.with_all(now, actions, Client::abandon);
        self.finish(now, actions);
    }

    /// Ends the run.
    pub(super) fn finish(&mut self, now: Tick, actions: &mut Vec<Action>) {
        if self.common.stop.is_none() {
            // Nobody asked for it: every client used up its restarts.
            self.stop_began = Some(now);
            self.common.ledger.active_time.end(now);
            actions.push(Action::Report(Report::Stopping { live: 0 }));
        }
        self.finished = true;
        self.common.deadlines.clear_all();
        actions.push(Action::Finish);
    }

    fn with_all(
        &mut self,
        now: Tick,
        actions: &mut Vec<Action>,
        mut act: impl FnMut(&mut Client, &mut Turn<'_>),
    ) {
        let mut turn = Turn { now, common: &mut self.common, actions };
        for client in &mut self.clients {
            act(client, &mut turn);
        }
    }
}
