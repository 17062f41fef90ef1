//! What a client does about its log: reads each line, counts what it tells of
//! requests and bytes, and keeps the last lines.

use super::{Client, Desired};
use crate::ffmpeg::log::{self, Level, Line, Note};
use crate::http::redact::CUT;
use crate::stats::{ClientFigures, Reading, Totals};
use crate::swarm::turn::Turn;
use crate::swarm::{Action, Report, TcpDelta};
use crate::units::Moment;
use crate::units::process::Pipe;

/// Bytes received by a client. The kernel's samples tell them as they come, the
/// closing lines of the log exactly but late; of each attempt the higher counts.
///
/// Connections that are closed before the first sample, as most are with which an
/// attempt begins, are in no sample: what the log told of them is added to all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Received {
    /// Of this attempt, by the kernel.
    sampled: u64,
    /// Of this attempt, by the log before the first sample.
    unsampled: Option<u64>,
    /// Of this attempt, as far as it is in the totals.
    counted: u64,
    /// Of the attempts before.
    before: u64,
}

impl Received {
    /// An attempt begins.
    pub(super) fn begin(&mut self) {
        *self = Self { before: self.before + self.counted, ..Self::default() };
    }

    /// The kernel told of more bytes.
    fn sample(&mut self, bytes: u64, by_log: u64) {
        self.unsampled.get_or_insert(by_log);
        self.sampled += bytes;
    }

    /// Brings the totals to what is known of this attempt now.
    fn settle(&mut self, by_log: u64, totals: &mut Totals) {
        let known = by_log.max(self.sampled + self.unsampled.unwrap_or_default());
        totals.requests.bytes += known.saturating_sub(self.counted);
        self.counted = self.counted.max(known);
    }

    /// Of all attempts.
    const fn all(&self) -> u64 {
        self.before + self.counted
    }
}

impl Client {
    /// Takes in bytes of stderr; `None` is its end.
    pub(super) fn read_lines(&mut self, turn: &mut Turn<'_>, bytes: Option<&[u8]>) {
        let mut splitter = std::mem::take(&mut self.splitter);
        let each = |line: &[u8], cut: bool| self.read_line(turn, line, cut);
        match bytes {
            Some(bytes) => splitter.feed(bytes, each),
            None => splitter.finish(each),
        }
        self.splitter = splitter;
    }

    fn read_line(&mut self, turn: &mut Turn<'_>, line: &[u8], cut: bool) {
        let totals = &mut turn.common.ledger.totals;
        totals.stderr_lines += 1;
        totals.stderr_lines_cut += u64::from(cut);
        let read = log::parse(line);
        self.last_lines.push(line, read.level);
        if turn.common.settings.stats {
            self.note(turn, line, &read);
        }
        if turn.common.settings.verbose {
            let (client, pipe) = (self.id, Pipe::Stderr);
            let mut line = String::from_utf8_lossy(line).into_owned();
            line.extend(cut.then_some(CUT));
            turn.report(Report::Line { client, pipe, line });
        }
    }

    /// Counts what a line tells.
    fn note(&mut self, turn: &mut Turn<'_>, line: &[u8], read: &Line<'_>) {
        let seen_since = turn.common.seen_since;
        let tick = seen_since.filter(|_| self.unread.stderr).unwrap_or(turn.now);
        let moment = Moment { tick, wall: turn.common.wall };
        let reading =
            Reading { began: self.spawned_at, seen_since, ..turn.common.settings.reading() };
        let totals = &mut turn.common.ledger.totals;
        // What FFmpeg complains of when it is told to end is no fault of the origin.
        if matches!(read.level, Level::Fatal | Level::Error) && self.desired == Desired::Up {
            totals.error_patterns.add(line);
        }
        if let Some(age) = self.requests.note(moment, read, &reading, &mut totals.requests) {
            totals.playback.playlist_edge_age.record(age);
        }
        match read.note {
            Some(Note::BytesRead { .. }) => self.received.settle(self.requests.bytes(), totals),
            Some(Note::InputOpened) => self.viewing.opened(turn.now),
            Some(Note::Connected) => turn.act(Action::SampleSockets { client: self.id }),
            _ => {}
        }
    }

    /// The attempt is over and its log is read to the end.
    pub(super) fn finish_requests(&mut self, turn: &mut Turn<'_>) {
        let totals = &mut turn.common.ledger.totals;
        self.requests.finish(&mut totals.requests);
        self.received.settle(self.requests.bytes(), totals);
    }

    /// A socket of the process was sampled.
    pub(in crate::swarm) fn traffic(&mut self, turn: &mut Turn<'_>, delta: TcpDelta) {
        let totals = &mut turn.common.ledger.totals;
        totals.requests.sample_socket(delta.retransmits, delta.rtt);
        self.received.sample(delta.bytes_received, self.requests.bytes());
        self.received.settle(self.requests.bytes(), totals);
    }

    /// What is shown of a single client.
    pub(in crate::swarm) fn figures(&self) -> ClientFigures {
        ClientFigures {
            client: self.id,
            state: self.state,
            restarts: u64::from(self.attempts).saturating_sub(1),
            stalled: self.viewing.is_stalled(),
            media: self.media_before + self.viewing.media(),
            speed: self.viewing.speed(),
            bytes: Some(self.received.all()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to an attempt.
    enum Event {
        /// The log tells of a closed connection of so many bytes.
        Closed(u64),
        /// The kernel tells of so many more bytes.
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
            assert_eq!(received.all(), totals.requests.bytes);
            totals.requests.bytes
        };
        events.iter().map(each).collect()
    }

    #[test]
    fn bytes_are_what_the_kernel_and_the_log_know_together() {
        for (events, want) in [
            (vec![Sampled(10), Sampled(5)], vec![10, 15]),
            // No sample can hold what was closed before the first.
            (vec![Closed(7), Closed(1), Sampled(10), Sampled(5)], vec![7, 8, 18, 23]),
            // A connection that was sampled is not counted again when it closes.
            (vec![Closed(7), Sampled(10), Closed(10), Sampled(3)], vec![7, 17, 17, 20]),
            // One that no sample saw to its end is, once the log has told of more.
            (vec![Sampled(10), Closed(12), Closed(9)], vec![10, 12, 21]),
        ] {
            assert_eq!(received(&events), want);
        }
    }

    #[test]
    fn an_attempt_begins_at_nothing_and_the_total_goes_on() {
        let (mut received, mut totals) = (Received::default(), Totals::default());
        received.sample(10, 4);
        received.settle(4, &mut totals);
        received.begin();
        received.settle(3, &mut totals);
        received.sample(1, 3);
        received.settle(3, &mut totals);
        assert_eq!((received.all(), totals.requests.bytes), (18, 18));
    }
}
