//! The memory of a client's process: reports once that it is large, and kills a process
//! that exceeds the limit.
//!
//! SIGKILL is sent at once: an FFmpeg that grows by 70 MB a second, as on an endless
//! playlist, ignores SIGTERM while it reads.

use super::{Client, Event};
use crate::stats::State;
use crate::swarm::deadlines::Timer;
use crate::swarm::turn::Turn;
use crate::swarm::{Action, Report, Signal};

/// Resident memory of one FFmpeg from which on there is a warning, in bytes: five times
/// what Debian's needs for a common stream, shared libraries included.
pub const MEMORY_WARNING_BYTES: u64 = 256 * 1024 * 1024;

/// Number of signals sent to a process that is ended alone, once it was killed.
const KILLED: u8 = 3;

impl Client {
    /// A sample of its live process: its resident memory.
    pub(in crate::swarm) fn memory_seen(&mut self, turn: &mut Turn<'_>, resident_bytes: u64) {
        if !matches!(self.state, State::Running | State::Stopping) {
            return;
        }
        match turn.common.settings.ffmpeg_memory_max {
            Some(limit) if resident_bytes > limit.get() => {
                turn.common.counts.totals.note_memory(self.id, resident_bytes);
                self.end_for_memory(turn, resident_bytes, limit.get());
            }
            _ => self.note_memory(turn, resident_bytes),
        }
    }

    /// Its process has or had so much memory. Reports once for each process that this
    /// is large.
    pub(super) fn note_memory(&mut self, turn: &mut Turn<'_>, resident_bytes: u64) {
        turn.common.counts.totals.note_memory(self.id, resident_bytes);
        if resident_bytes < MEMORY_WARNING_BYTES || std::mem::replace(&mut self.attempt.large, true)
        {
            return;
        }
        if turn.common.memory_reports.allows(turn.now) {
            let (client, pid) = (self.id, self.attempt.pid);
            turn.report(Report::MemoryHigh { client, pid, resident_bytes });
        }
    }

    fn end_for_memory(&mut self, turn: &mut Turn<'_>, resident_bytes: u64, limit_bytes: u64) {
        if self.step(turn, Event::TooLarge) {
            self.attempt.over_memory = true;
            self.attempt.viewing.ended_by_us(turn.now, &mut turn.common.counts.totals.playback);
            if turn.common.memory_reports.allows(turn.now) {
                let (client, pid) = (self.id, self.attempt.pid);
                turn.report(Report::MemoryLimit { client, pid, resident_bytes, limit_bytes });
            }
        }
        if self.attempt.own_signals < KILLED {
            self.attempt.own_signals = KILLED;
            turn.common.deadlines.clear(self.timer(Timer::Signal));
            turn.act(Action::Signal { client: self.id, signal: Signal::Kill });
        }
    }
}
