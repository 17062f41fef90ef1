//! What `--check` watches of its one client beside what the swarm counts.

use std::time::Duration;

use crate::ffmpeg::lines::{LastLines, LineSplitter};
use crate::ffmpeg::log::parse;
use crate::ffmpeg::progress::media_time;
use crate::reactor::journal::for_people;
use crate::stats::totals::Stream;
use crate::stats::{Phase, Snapshot, Totals};
use crate::swarm::Input;
use crate::view::verdict::{self, CheckInput, Verdict};

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Check {
    asked: Duration,
    progress: LineSplitter,
    log: LineSplitter,
    last_lines: LastLines,
    media: Option<Duration>,
    /// The numbers before the stop was asked, and whether the process ran.
    before_stop: Option<(Totals, bool)>,
}

impl Check {
    /// A check of this length.
    pub(super) fn new(asked: Duration) -> Self {
        Self {
            asked,
            progress: LineSplitter::new(),
            log: LineSplitter::new(),
            last_lines: LastLines::new(),
            media: None,
            before_stop: None,
        }
    }

    /// Takes note of what the swarm is about to be told.
    pub(super) fn watch(&mut self, input: &Input<'_>, before: &Snapshot<'_>) {
        match input {
            Input::Output { stream: Stream::Stdout, bytes, .. } => {
                let media = &mut self.media;
                self.progress.feed(bytes, |line, _| *media = (*media).max(media_time(line)));
            }
            Input::Output { stream: Stream::Stderr, bytes, .. }
                if matches!(before.phase, Phase::Ramp | Phase::Hold) =>
            {
                let last = &mut self.last_lines;
                self.log.feed(bytes, |line, _| last.push(line, parse(line).level));
            }
            // Any of these may be what begins the stop; the last one before it
            // counts.
            Input::DeadlineReached | Input::StopAsked | Input::KillAsked
                if matches!(before.phase, Phase::Ramp | Phase::Hold) =>
            {
                self.before_stop = Some((before.totals.clone(), before.active() > 0));
            }
            _ => {}
        }
    }

    /// The verdict: its text, and whether it is a good one.
    pub(super) fn conclude(&self, end: &Snapshot<'_>) -> (String, bool) {
        let (totals, running) =
            self.before_stop.as_ref().map_or((end.totals, false), |(t, running)| (t, *running));
        let last_lines: Vec<_> =
            self.last_lines.iter().map(|line| for_people(&String::from_utf8_lossy(line))).collect();
        let input = CheckInput {
            totals,
            running,
            media: self.media,
            asked: self.asked,
            last_lines: &last_lines,
            trouble: self.last_lines.tell_trouble(),
        };
        let passed = !matches!(verdict::verdict(&input), Verdict::Bad(_));
        (verdict::render(&input), passed)
    }
}
