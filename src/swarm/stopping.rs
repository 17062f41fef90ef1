//! The stop of the run: SIGTERM, SIGTERM again, SIGKILL, and the forced end.
//!
//! One SIGTERM does not end an FFmpeg that is stuck on a playlist, and ends a hung
//! read only at the network timeout. A second one ends both at once.

use std::time::Duration;

use super::client::Client;
use super::deadlines::{Key, RunKey};
use super::turn::Turn;
use super::{Action, Report, Signal, Swarm};
use crate::units::Tick;

/// Delay from the first SIGTERM to the second.
pub const TERMINATE_AGAIN_AFTER: Duration = Duration::from_millis(300);

/// Delay from the first SIGTERM to SIGKILL.
pub const KILL_AFTER: Duration = Duration::from_secs(5);

/// Delay from SIGKILL to the forced end. A process that still lives (in an
/// uninterruptible read, or under a debugger) is left behind.
pub const FORCED_FINISH_AFTER_KILL: Duration = Duration::from_secs(3);

/// Longest shutdown, from the signal to the exit of this process: docker stop and many
/// other supervisors kill after 10 s. What remains after [`FORCED_FINISH_AFTER_KILL`]
/// is for orphans, files and readers of stdout.
pub const SHUTDOWN: Duration = Duration::from_secs(10);

impl Swarm {
    /// Stops every client; `signal` is sent to every process at once.
    pub(super) fn stop(&mut self, now: Tick, signal: Signal, actions: &mut Vec<Action>) {
        if self.common.stop.is_some() {
            return;
        }
        self.common.stop = Some(signal);
        self.stop_began = Some(now);
        self.ready.clear();
        self.common.counts.active_time.end(now);
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

    /// Keeps how many clients are stalled and slow, since ending them ends their stalls.
    /// A stall that has begun and waits for its check counts.
    fn keep_viewers(&mut self, now: Tick) {
        let playback = &mut self.common.counts.totals.playback;
        for client in &mut self.clients {
            client.note_stall(now, playback);
        }
        self.common.viewers_at_stop = Some(playback.viewers);
    }

    /// Sends SIGKILL to every process, and stops the run unless it stops already.
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

    /// Sends the signal of this stage to every process that has not ended.
    pub(super) fn signal_those_left(&mut self, now: Tick, actions: &mut Vec<Action>) {
        self.with_all(now, actions, Client::signal_if_left);
    }

    /// Ends the run whatever is left.
    pub(super) fn force_finish(&mut self, now: Tick, actions: &mut Vec<Action>) {
        self.with_all(now, actions, Client::abandon);
        self.finish(now, actions);
    }

    /// Ends the run.
    pub(super) fn finish(&mut self, now: Tick, actions: &mut Vec<Action>) {
        if self.common.stop.is_none() {
            // Nobody asked for it: every client used up its restarts.
            self.stop_began = Some(now);
            self.common.counts.active_time.end(now);
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
