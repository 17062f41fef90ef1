//! What belongs to one FFmpeg process of a client, and the sums that outlive it.

use std::time::Duration;

use crate::ffmpeg::last_lines::LastLines;
use crate::ffmpeg::lines::LineSplitter;
use crate::ffmpeg::progress::Progress;
use crate::stats::{ClientRequests, LiveUse, Totals, Viewing};
use crate::swarm::Exit;
use crate::units::Tick;
use crate::units::process::Pipe;

/// All that belongs to one process. The next process of the client replaces it as a
/// whole; until then it shows what the last one did.
///
/// The fields that each line of the log or of progress touches come first. With
/// thousands of clients none of them is in a cache when the line is read.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Attempt {
    pub(super) pipes: Pipes,
    /// Pipes that were not read since the loop stood still.
    pub(super) unread: Pipes,
    /// Signals sent to end this process alone, for a stall or a lower target.
    pub(super) own_signals: u8,
    /// It is ended for a stall.
    pub(super) stalled_out: bool,
    /// It was seen to have much memory.
    pub(super) large: bool,
    /// It is ended for its memory.
    pub(super) over_memory: bool,
    pub(super) splitter: LineSplitter,
    pub(super) last_lines: LastLines,
    pub(super) requests: ClientRequests,
    pub(super) received: Received,
    pub(super) progress_splitter: LineSplitter,
    pub(super) progress: Progress,
    pub(super) viewing: Viewing,
    pub(super) spawned_at: Tick,
    pub(super) end: Option<End>,
    pub(super) live_use: LiveUse,
    pub(super) pid: u32,
}

impl Attempt {
    /// The process was spawned at `now` and is not watched yet.
    pub(super) fn spawned(pid: u32, now: Tick) -> Self {
        Self { pid, spawned_at: now, pipes: Pipes::BOTH, ..Self::default() }
    }
}

/// Sums over the attempts of a client before the current one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past {
    /// Media time read.
    pub(super) media: Duration,
    /// Bytes received.
    pub(super) bytes: u64,
}

impl Past {
    /// Adds an attempt that is over.
    pub(super) fn add(&mut self, attempt: &Attempt) {
        self.media += attempt.viewing.media();
        self.bytes += attempt.received.bytes();
    }
}

/// How the process ended, kept until its pipes are drained.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) exit: Exit,
    /// Whether we had asked it to end.
    pub(super) asked: bool,
    pub(super) uptime: Duration,
}

/// Some of the two pipes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Pipes {
    pub(super) stderr: bool,
    pub(super) stdout: bool,
}

impl Pipes {
    pub(super) const NONE: Self = Self { stderr: false, stdout: false };
    pub(super) const BOTH: Self = Self { stderr: true, stdout: true };

    pub(super) const fn of(&mut self, pipe: Pipe) -> &mut bool {
        match pipe {
            Pipe::Stderr => &mut self.stderr,
            Pipe::Stdout => &mut self.stdout,
        }
    }
}

/// Bytes that an attempt received. The kernel's samples report them as they come, the
/// closing lines of the log report them exactly but late. The higher of the two counts.
///
/// Most of the first connections of an attempt are closed before the first sample, so
/// no sample has them. What the log had reported by then is added to all samples.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Received {
    /// By the kernel.
    sampled: u64,
    /// By the log before the first sample.
    unsampled: Option<u64>,
    /// What of it is in the totals.
    counted: u64,
}

impl Received {
    /// The kernel reported more bytes, the log `by_log` so far.
    pub(super) fn sample(&mut self, bytes: u64, by_log: u64) {
        self.unsampled.get_or_insert(by_log);
        self.sampled += bytes;
    }

    /// Brings the totals to what is known of this attempt now.
    pub(super) fn settle(&mut self, by_log: u64, totals: &mut Totals) {
        let known = by_log.max(self.sampled + self.unsampled.unwrap_or_default());
        totals.requests.bytes += known.saturating_sub(self.counted);
        self.counted = self.counted.max(known);
    }

    /// Bytes that are in the totals.
    pub(super) const fn bytes(&self) -> u64 {
        self.counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to an attempt.
    enum Event {
        /// The log reports a closed connection of so many bytes.
        Closed(u64),
        /// The kernel reports so many more bytes.
        Sampled(u64),
    }
    use Event::{Closed, Sampled};

    fn received(events: &[Event]) -> Vec<u64> {
        let (mut received, mut totals, mut by_log) = (Received::default(), Totals::default(), 0);
        let each = |event: &Event| {
            match *event {
                Closed(bytes) => by_log += bytes,
                Sampled(bytes) => received.sample(bytes, by_log),
            }
            received.settle(by_log, &mut totals);
            assert_eq!(received.bytes(), totals.requests.bytes);
            totals.requests.bytes
        };
        events.iter().map(each).collect()
    }

    #[test]
    fn bytes_combine_samples_of_the_kernel_and_lines_of_the_log() {
        for (events, want) in [
            (vec![Sampled(10), Sampled(5)], vec![10, 15]),
            // No sample has connections that were closed before the first.
            (vec![Closed(7), Closed(1), Sampled(10), Sampled(5)], vec![7, 8, 18, 23]),
            // A connection that was sampled is not counted again when it closes.
            (vec![Closed(7), Sampled(10), Closed(10), Sampled(3)], vec![7, 17, 17, 20]),
            // One that no sample saw to its end counts once the log has reported more.
            (vec![Sampled(10), Closed(12), Closed(9)], vec![10, 12, 21]),
        ] {
            assert_eq!(received(&events), want);
        }
    }

    #[test]
    fn a_new_attempt_starts_at_zero_and_the_past_keeps_the_sum() {
        let (mut attempt, mut past, mut totals) =
            (Attempt::default(), Past::default(), Totals::default());
        attempt.received.sample(10, 4);
        attempt.received.settle(4, &mut totals);
        past.add(&attempt);
        attempt = Attempt::spawned(7, Tick::ZERO);
        attempt.received.settle(3, &mut totals);
        attempt.received.sample(1, 3);
        attempt.received.settle(3, &mut totals);
        let all = past.bytes + attempt.received.bytes();
        assert_eq!((all, totals.requests.bytes), (18, 18));
    }
}
