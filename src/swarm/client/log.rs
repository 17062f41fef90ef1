//! What a client does about its log: reads each line, counts what it tells of
//! requests and bytes, and keeps the last lines.

use super::{Client, Desired};
use crate::ffmpeg::log::{self, Level, Line, Note};
use crate::stats::totals::Stream;
use crate::stats::{ClientFigures, Totals};
use crate::swarm::turn::Turn;
use crate::swarm::{Action, Report, TcpDelta};
use crate::units::Moment;

/// Bytes received by a client. The kernel's samples tell them as they come, the
/// closing lines of the log exactly but late; of each attempt the higher counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Received {
    /// Of this attempt, by the kernel.
    sampled: u64,
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

    /// Brings the totals to what is known of this attempt now.
    fn settle(&mut self, by_log: u64, totals: &mut Totals) {
        let known = self.sampled.max(by_log);
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
            let (client, stream) = (self.id, Stream::Stderr);
            let line = String::from_utf8_lossy(line).into_owned();
            turn.report(Report::Line { client, stream, line });
        }
    }

    /// Counts what a line tells.
    fn note(&mut self, turn: &mut Turn<'_>, line: &[u8], read: &Line<'_>) {
        let moment = Moment { tick: turn.now, wall: turn.common.wall };
        let reading = turn.common.settings.reading();
        let totals = &mut turn.common.ledger.totals;
        // What FFmpeg complains of when it is told to end is no fault of the origin.
        if matches!(read.level, Level::Fatal | Level::Error) && self.desired == Desired::Up {
            totals.error_patterns.add(line);
        }
        if let Some(latency) = self.requests.note(moment, read, &reading, &mut totals.requests) {
            totals.playback.live_latency.record(latency);
        }
        match read.note {
            Some(Note::BytesRead { .. }) => self.received.settle(self.requests.bytes(), totals),
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
        self.received.sampled += delta.bytes_received;
        self.received.settle(self.requests.bytes(), totals);
    }

    /// What is shown of a single client.
    pub(in crate::swarm) fn figures(&self) -> ClientFigures {
        ClientFigures {
            client: self.id,
            state: self.state,
            restarts: self.attempts.saturating_sub(1),
            stalled: self.viewing.is_stalled(),
            media: self.media_before + self.viewing.media(),
            speed: self.viewing.speed(),
            bytes: Some(self.received.all()),
        }
    }
}
