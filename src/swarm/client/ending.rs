//! What the end of an attempt means, and how it is told.

use super::{Client, End};
use crate::ffmpeg::outcome::{Ending, Outcome, classify};
use crate::swarm::Report;
use crate::swarm::turn::Turn;

impl Client {
    /// What the end means, by its status, its media time and its log.
    pub(super) fn outcome(&self, turn: &Turn<'_>, end: End) -> Outcome {
        let stalled_by_us = self.stalled_out;
        classify(&Ending {
            status: end.exit.status,
            told: end.told && !stalled_by_us,
            stalled_by_us,
            oom: end.exit.oom_suspected,
            media: turn.common.settings.stats.then(|| self.viewing.media()),
            evidence: self.requests.evidence(),
        })
    }

    pub(super) fn report_exit(&mut self, turn: &mut Turn<'_>, end: End, outcome: Outcome) {
        turn.report(Report::ClientExited {
            client: self.id,
            pid: self.pid,
            status: end.exit.status,
            outcome,
            uptime: end.uptime,
            last_lines: if outcome.is_failure() { self.last_lines.texts() } else { Vec::new() },
        });
    }
}
