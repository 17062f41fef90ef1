//! The outcome of an attempt: judged, counted and reported.

use super::{Client, End};
use crate::ffmpeg::log::{self, Level, Line, Note};
use crate::ffmpeg::outcome::{Ending, Outcome, classify};
use crate::swarm::Report;
use crate::swarm::turn::Turn;

impl Client {
    /// The outcome, by exit status, media time and log.
    pub(super) fn outcome(&self, turn: &Turn<'_>, end: End) -> Outcome {
        let stalled_by_us = self.attempt.stalled_out;
        classify(&Ending {
            status: end.exit.status,
            asked: end.asked && !stalled_by_us && !self.attempt.over_memory,
            stalled_by_us,
            over_memory: self.attempt.over_memory,
            oom: end.exit.oom_suspected,
            media: turn.common.settings.stats.then(|| self.attempt.viewing.media()),
            evidence: self.attempt.requests.evidence(),
        })
    }

    /// Counts the outcome, for the attempt and for the client.
    pub(super) fn count_outcome(&mut self, turn: &mut Turn<'_>, end: End, outcome: Outcome) {
        let totals = &mut turn.common.counts.totals;
        let by_us = end.asked && !self.attempt.stalled_out && !self.attempt.over_memory;
        totals.count_outcome(outcome, by_us);
        self.last_outcome = Some(outcome);
        // An attempt that we cut short does not replace the reason of an earlier one.
        let shows = outcome != Outcome::Stopped || self.kept_by.is_none();
        if !self.played && shows && turn.common.settings.stats {
            let last = self.kept_by.replace(outcome);
            let status = self.attempt.requests.evidence().lasting.status;
            totals.reception.never_played(last, outcome, status, || self.words(by_us));
        }
    }

    /// FFmpeg's message for why it did not play: of the last lines of its log, the
    /// first that names a failure, else the first error. A message that follows our
    /// signal is no reason.
    fn words(&self, by_us: bool) -> Option<String> {
        let evidence = self.attempt.requests.evidence();
        if by_us && evidence.lasting.failure.is_none() && !evidence.out_of_memory {
            return None;
        }
        let lines = || self.attempt.last_lines.iter().map(|line| (line, log::parse(line)));
        let error = |line: &Line<'_>| matches!(line.level, Level::Fatal | Level::Error);
        let found = lines().find(|(_, line)| line.note.is_some_and(Note::is_failure));
        let (line, _) = found.or_else(|| lines().find(|(_, line)| !by_us && error(line)))?;
        Some(String::from_utf8_lossy(log::words(line)).into_owned())
    }

    pub(super) fn report_exit(&mut self, turn: &mut Turn<'_>, end: End, outcome: Outcome) {
        turn.report(Report::ClientExited {
            client: self.id,
            pid: self.attempt.pid,
            status: end.exit.status,
            outcome,
            uptime: end.uptime,
            last_lines: if outcome.is_failure() {
                self.attempt.last_lines.texts()
            } else {
                Vec::new()
            },
        });
    }
}
