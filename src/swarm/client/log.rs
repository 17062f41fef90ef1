//! Reads the log of a client: counts requests and bytes, and keeps the last lines.

use super::{Client, Desired};
use crate::ffmpeg::log::{self, Level, Line, Note};
use crate::http::redact::CUT;
use crate::stats::{ClientFigures, LogContext};
use crate::swarm::turn::Turn;
use crate::swarm::{Action, Report, TcpDelta};
use crate::units::Moment;
use crate::units::process::Pipe;

impl Client {
    /// Reads bytes of stderr; `None` is its end.
    pub(super) fn read_lines(&mut self, turn: &mut Turn<'_>, bytes: Option<&[u8]>) {
        let mut splitter = std::mem::take(&mut self.attempt.splitter);
        let each = |line: &[u8], cut: bool| self.read_line(turn, line, cut);
        match bytes {
            Some(bytes) => splitter.feed(bytes, each),
            None => splitter.finish(each),
        }
        self.attempt.splitter = splitter;
    }

    fn read_line(&mut self, turn: &mut Turn<'_>, line: &[u8], cut: bool) {
        let totals = &mut turn.common.counts.totals;
        totals.stderr_lines += 1;
        totals.stderr_lines_cut += u64::from(cut);
        let read = log::parse(line);
        self.attempt.last_lines.push(line, read.level);
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

    /// Counts what a line reports.
    fn note(&mut self, turn: &mut Turn<'_>, line: &[u8], read: &Line<'_>) {
        if turn.common.settings.tap {
            return self.note_beside_exchanges(turn, line, read);
        }
        let seen_since = turn.common.seen_since;
        let tick = seen_since.filter(|_| self.attempt.unread.stderr).unwrap_or(turn.now);
        let moment = Moment { tick, wall: turn.common.wall };
        let context = LogContext {
            began: self.attempt.spawned_at,
            seen_since,
            ..turn.common.settings.log_context()
        };
        let totals = &mut turn.common.counts.totals;
        // An error that FFmpeg logs after our signal is no fault of the origin.
        if matches!(read.level, Level::Fatal | Level::Error) && self.desired == Desired::Up {
            totals.error_patterns.add(line);
        }
        if let Some(age) = self.attempt.requests.note(moment, read, &context, &mut totals.requests)
        {
            totals.playback.playlist_edge_age.record(age);
        }
        match read.note {
            Some(Note::BytesRead { .. }) => {
                self.attempt.received.settle(self.attempt.requests.bytes(), totals);
            }
            Some(Note::InputOpened) => self.attempt.viewing.opened(turn.now),
            Some(Note::Connected) => turn.act(Action::SampleSockets { client: self.id }),
            _ => {}
        }
    }

    /// What a line shows when the exchanges are known.
    fn note_beside_exchanges(&mut self, turn: &mut Turn<'_>, line: &[u8], read: &Line<'_>) {
        if matches!(read.level, Level::Fatal | Level::Error) && self.desired == Desired::Up {
            turn.common.counts.totals.error_patterns.add(line);
        }
        if let Some(note) = read.note {
            self.attempt.requests.note_beside_exchanges(note);
        }
    }

    /// The attempt is over and its log is read to the end.
    pub(super) fn finish_requests(&mut self, turn: &mut Turn<'_>) {
        let totals = &mut turn.common.counts.totals;
        self.attempt.requests.finish(&mut totals.requests);
        self.attempt.received.settle(self.attempt.requests.bytes(), totals);
    }

    /// A socket of the process was sampled.
    pub(in crate::swarm) fn traffic(&mut self, turn: &mut Turn<'_>, delta: TcpDelta) {
        let totals = &mut turn.common.counts.totals;
        totals.requests.sample_socket(delta.retransmits, delta.rtt);
        self.attempt.received.sample(delta.bytes_received, self.attempt.requests.bytes());
        self.attempt.received.settle(self.attempt.requests.bytes(), totals);
    }

    /// What is shown of a single client.
    pub(in crate::swarm) fn figures(&self) -> ClientFigures {
        ClientFigures {
            client: self.id,
            state: self.state,
            restarts: u64::from(self.attempts).saturating_sub(1),
            stalled: self.attempt.viewing.is_stalled(),
            media: self.past.media + self.attempt.viewing.media(),
            speed: self.attempt.viewing.speed(),
            bytes: Some(self.past.bytes + self.attempt.received.bytes()),
        }
    }
}
