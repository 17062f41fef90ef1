//! What `--check` records of its one client in addition to the swarm's counts: the last
//! log lines before the stop, since FFmpeg logs errors when it is stopped.

use std::time::Duration;

use crate::ffmpeg::last_lines::LastLines;
use crate::ffmpeg::lines::LineSplitter;
use crate::ffmpeg::log::parse;
use crate::http::redact::Masking;
use crate::reactor::host::journal::for_people;
use crate::stats::{Phase, Snapshot};
use crate::summary::check::{self, CheckInput, CheckResult};
use crate::swarm::Input;
use crate::units::process::Pipe;

/// The records so far.
#[derive(Debug)]
pub(super) struct Check {
    length: Duration,
    log: LineSplitter,
    last_lines: LastLines,
}

impl Check {
    /// A check of this length.
    pub(super) fn new(length: Duration) -> Self {
        Self { length, log: LineSplitter::new(), last_lines: LastLines::new() }
    }

    /// Observes an input of the swarm in this phase.
    pub(super) fn watch(&mut self, input: &Input<'_>, phase: Phase) {
        if let Input::Output { pipe: Pipe::Stderr, bytes, .. } = input
            && matches!(phase, Phase::Ramp | Phase::Hold)
        {
            let last = &mut self.last_lines;
            self.log.feed(bytes, |line, _| last.push(line, parse(line).level));
        }
    }

    /// The verdict: its text, and whether it is good.
    pub(super) fn conclude(
        &self,
        end: &Snapshot<'_>,
        media: Duration,
        masking: &Masking,
    ) -> (String, bool) {
        let last_lines: Vec<_> =
            self.last_lines.texts().iter().map(|line| for_people(line, masking)).collect();
        let (totals, asked) = (end.totals, self.length);
        let input = CheckInput { totals, media, asked, last_lines: &last_lines };
        let passed = !matches!(check::verdict(&input), CheckResult::Bad(_));
        (check::render(&input), passed)
    }
}
