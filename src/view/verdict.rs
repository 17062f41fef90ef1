//! `--check`: what one client's ten seconds say, in words.
//!
//! Judges by the process alone. FFmpeg can go on without end on a stream that
//! gives it no media, so the last lines of its log are shown with the verdict.

use std::time::Duration;

use super::words;
use crate::stats::Snapshot;
use crate::stats::totals::SpawnFailureReason;

/// What a check saw.
#[derive(Debug, Clone, Copy)]
pub struct CheckInput<'a> {
    /// All numbers, taken before anything was asked to stop.
    pub before_stop: &'a Snapshot<'a>,
    /// How long the client was given.
    pub asked: Duration,
    /// The last lines of FFmpeg's stderr, if any were kept.
    pub last_lines: &'a [String],
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The client started and stayed up.
    Good,
    /// It did not, for this reason.
    Bad(String),
}

/// Judges a check.
#[must_use]
pub fn verdict(check: &CheckInput<'_>) -> Verdict {
    let snapshot = check.before_stop;
    let totals = snapshot.totals;
    let failed = SpawnFailureReason::ALL.iter().zip(totals.spawn_failures).find(|(_, n)| *n > 0);
    if totals.started == 0 {
        return Verdict::Bad(match failed {
            Some((reason, _)) => format!("FFmpeg could not be started ({})", reason.name()),
            None => "FFmpeg was not started in time".to_owned(),
        });
    }
    let exits: u64 = totals.exits.iter().sum();
    if exits > 0 {
        let codes: Vec<_> = (0_u8..=255)
            .zip(totals.exits.iter())
            .filter(|&(_, &exits)| exits > 0)
            .map(|(code, _)| words::exit_code(code))
            .collect();
        let times = words::plural(exits, "time");
        return Verdict::Bad(format!("FFmpeg ended by itself {times}: exit {}", codes.join(", ")));
    }
    if snapshot.active() == 0 {
        return Verdict::Bad("FFmpeg was not running at the end".to_owned());
    }
    Verdict::Good
}

/// The verdict as text for people, ending in a line end.
#[must_use]
pub fn render(check: &CheckInput<'_>) -> String {
    let totals = check.before_stop.totals;
    let asked = words::span(check.asked);
    let mut text = match verdict(check) {
        Verdict::Good => format!("check passed: one client started and kept running for {asked}\n"),
        Verdict::Bad(reason) => format!("check failed: {reason}\n"),
    };
    let running = if check.before_stop.active() > 0 { "yes" } else { "no" };
    text.push_str(&format!(
        "  starts {}, restarts {}, running at the end: {running}\n",
        totals.started, totals.restarted
    ));
    if only_clean_exits(check.before_stop) {
        text.push_str(
            "  exit 0 means that the playlist ended (VOD) or that its origin stopped serving it\n",
        );
    }
    if !check.last_lines.is_empty() {
        text.push_str("  the last lines of FFmpeg's log:\n");
    }
    for line in check.last_lines {
        text.push_str(&format!("  | {line}\n"));
    }
    text
}

/// Exit 0 hides both an end and a failure, which no exit code tells apart.
fn only_clean_exits(snapshot: &Snapshot<'_>) -> bool {
    let exits = &snapshot.totals.exits;
    exits.first().is_some_and(|&clean| clean > 0) && exits.iter().skip(1).all(|&n| n == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{State, Totals};
    use crate::view::fixture::{Numbers, busy_run};

    /// The text of a check of one client with these totals.
    fn text(totals: Totals, state: State, last_lines: &[String]) -> String {
        let numbers = Numbers { totals, ..busy_run() };
        let mut snapshot = numbers.snapshot();
        snapshot.by_state = State::ALL.map(|s| u32::from(s == state));
        let asked = Duration::from_secs(10);
        render(&CheckInput { before_stop: &snapshot, asked, last_lines })
    }

    fn ended(code: usize, times: u64) -> Totals {
        let mut totals = Totals { started: times, restarted: times - 1, ..Totals::default() };
        totals.exits[code] = times;
        totals
    }

    #[test]
    fn each_verdict_has_its_words() {
        let up = Totals { started: 1, ..Totals::default() };
        let refused = Totals { spawn_failures: [0, 0, 0, 2, 0, 0], ..Totals::default() };
        let cases = [
            (up.clone(), State::Running, "passed: one client started and kept running for 10.0 s"),
            (up, State::Draining, "failed: FFmpeg was not running at the end"),
            (Totals::default(), State::Starting, "failed: FFmpeg was not started in time"),
            (refused, State::Backoff, "failed: FFmpeg could not be started (not_found)"),
            (ended(1, 3), State::Running, "failed: FFmpeg ended by itself 3 times: exit 1 (error)"),
            (ended(0, 1), State::Backoff, "failed: FFmpeg ended by itself 1 time: exit 0 (clean)"),
        ];
        for (totals, state, want) in cases {
            let got = text(totals, state, &[]);
            assert_eq!(got.lines().next(), Some(&*format!("check {want}")));
        }
    }

    #[test]
    fn the_text_says_what_was_seen() {
        let lines = ["HTTP error 404 Not Found".to_owned()];
        let got = text(ended(1, 2), State::Backoff, &lines);
        assert_eq!(
            got,
            "check failed: FFmpeg ended by itself 2 times: exit 1 (error)\n  \
             starts 2, restarts 1, running at the end: no\n  \
             the last lines of FFmpeg's log:\n  | HTTP error 404 Not Found\n"
        );
        assert!(text(ended(0, 2), State::Backoff, &[]).contains("the playlist ended (VOD)"));
        assert!(!text(ended(1, 2), State::Backoff, &[]).contains("VOD"));
    }
}
