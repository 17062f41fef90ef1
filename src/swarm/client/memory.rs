//! What a client does about the memory of its process: says once that it is much, and
//! ends a process that exceeds the limit.
//!
//! It is ended by SIGKILL at once: one that grows by 70 MB a second, as on an endless
//! playlist, does not heed SIGTERM while it reads.

use super::{Client, Event};
use crate::stats::State;
use crate::swarm::deadlines::Timer;
use crate::swarm::turn::Turn;
use crate::swarm::{Action, Report, Signal};

/// Resident memory of one FFmpeg that is worth a warning, in bytes: five times what
/// Debian's takes for a usual stream, shared libraries included.
pub const MEMORY_WARNING_BYTES: u64 = 256 * 1024 * 1024;

/// Signals of an end alone, the last of which kills.
const KILLED: u8 = 3;

impl Client {
    /// Its live process was seen to have so much resident memory.
    pub(in crate::swarm) fn memory_seen(&mut self, turn: &mut Turn<'_>, resident_bytes: u64) {
        if !matches!(self.state, State::Running | State::Stopping) {
            return;
        }
        match turn.common.settings.ffmpeg_memory_max {
            Some(limit) if resident_bytes > limit.get() => {
                turn.common.ledger.totals.note_memory(self.id, resident_bytes);
                self.end_for_memory(turn, resident_bytes, limit.get());
            }
            _ => self.note_memory(turn, resident_bytes),
        }
    }

    /// Its process has or had so much memory: says once for each process if that is
    /// much.
    pub(super) fn note_memory(&mut self, turn: &mut Turn<'_>, resident_bytes: u64) {
        turn.common.ledger.totals.note_memory(self.id, resident_bytes);
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
            self.attempt.viewing.told_to_end(turn.now, &mut turn.common.ledger.totals.playback);
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
