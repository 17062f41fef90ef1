//! `--check`: what one client's ten seconds say, in words.
//!
//! Judges by the process and by how far its media time came; the last lines of
//! FFmpeg's log are shown with the verdict.

use std::time::Duration;

use super::words;
use crate::stats::Totals;
use crate::stats::totals::SpawnFailureReason;

/// What a check saw before the client was asked to stop.
#[derive(Debug, Clone, Copy)]
pub struct CheckInput<'a> {
    /// Running totals.
    pub totals: &'a Totals,
    /// Whether the client's process ran.
    pub running: bool,
    /// How far the media time came, as FFmpeg's progress told it; `None` if no
    /// media came.
    pub media: Option<Duration>,
    /// How long the client was given.
    pub asked: Duration,
    /// The last lines of FFmpeg's stderr, if any were kept.
    pub last_lines: &'a [String],
    /// Whether FFmpeg logged a warning or an error.
    pub trouble: bool,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The client started and stayed up.
    Good,
    /// The client read to the end of what there is, without a warning.
    Ended,
    /// It did not, for this reason.
    Bad(String),
}

/// Judges a check.
#[must_use]
pub fn verdict(check: &CheckInput<'_>) -> Verdict {
    let totals = check.totals;
    let failed = SpawnFailureReason::ALL.iter().zip(totals.spawn_failures).find(|(_, n)| *n > 0);
    if totals.started == 0 {
        return Verdict::Bad(match failed {
            Some((reason, _)) => format!("FFmpeg could not be started ({})", reason.name()),
            None => "FFmpeg was not started in time".to_owned(),
        });
    }
    let exits: u64 = totals.exits.iter().sum();
    if only_clean_exits(totals) && check.media.is_some() && !check.trouble {
        return Verdict::Ended;
    }
    if exits > 0 {
        let codes: Vec<_> = (0_u8..=255)
            .zip(totals.exits.iter())
            .filter(|&(_, &exits)| exits > 0)
            .map(|(code, _)| words::exit_code(code))
            .collect();
        let times = words::plural(exits, "time");
        return Verdict::Bad(format!("FFmpeg ended by itself {times}: exit {}", codes.join(", ")));
    }
    if !check.running {
        return Verdict::Bad("FFmpeg was not running at the end".to_owned());
    }
    if check.media.is_none() {
        return Verdict::Bad("FFmpeg kept running, but no media came".to_owned());
    }
    Verdict::Good
}

/// The verdict as text for people, ending in a line end.
#[must_use]
pub fn render(check: &CheckInput<'_>) -> String {
    let asked = words::span(check.asked);
    let mut text = match verdict(check) {
        Verdict::Good => format!("check passed: one client played without a restart for {asked}\n"),
        Verdict::Ended => "check passed: one client read the stream to its end\n".to_owned(),
        Verdict::Bad(reason) => format!("check failed: {reason}\n"),
    };
    let media = check.media.map_or_else(|| "none".to_owned(), words::span);
    let running = if check.running { "yes" } else { "no" };
    text.push_str(&format!(
        "  starts {}, restarts {}, running at the end: {running}, media read: {media}\n",
        check.totals.started, check.totals.restarted
    ));
    if only_clean_exits(check.totals) && verdict(check) != Verdict::Ended {
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

/// Exit 0 hides both an end and a failure, which no exit code tells apart; an
/// origin that stops serving a playlist makes FFmpeg warn first.
fn only_clean_exits(totals: &Totals) -> bool {
    let exits = &totals.exits;
    exits.first().is_some_and(|&clean| clean > 0) && exits.iter().skip(1).all(|&n| n == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check of one client with these totals that ran to the end and played.
    fn check(totals: &Totals) -> CheckInput<'_> {
        let asked = Duration::from_secs(10);
        let media = Some(Duration::from_secs(12));
        CheckInput { totals, running: true, media, asked, last_lines: &[], trouble: true }
    }

    fn ended(code: usize, times: u64) -> Totals {
        let mut totals = Totals { started: times, restarted: times - 1, ..Totals::default() };
        totals.exits[code] = times;
        totals
    }

    #[test]
    fn each_verdict_has_its_words() {
        let up = Totals { started: 1, ..Totals::default() };
        let none = Totals::default();
        let refused = Totals { spawn_failures: [0, 0, 0, 2, 0, 0], ..Totals::default() };
        let (flapped, clean) = (ended(1, 3), ended(0, 1));
        let cases = [
            (check(&up), "passed: one client played without a restart for 10.0 s"),
            (
                CheckInput { media: None, ..check(&up) },
                "failed: FFmpeg kept running, but no media came",
            ),
            (
                CheckInput { running: false, ..check(&up) },
                "failed: FFmpeg was not running at the end",
            ),
            (check(&none), "failed: FFmpeg was not started in time"),
            (check(&refused), "failed: FFmpeg could not be started (not_found)"),
            (check(&flapped), "failed: FFmpeg ended by itself 3 times: exit 1 (error)"),
            (check(&clean), "failed: FFmpeg ended by itself 1 time: exit 0 (clean)"),
            (
                CheckInput { trouble: false, ..check(&clean) },
                "passed: one client read the stream to its end",
            ),
            (
                CheckInput { trouble: false, media: None, ..check(&clean) },
                "failed: FFmpeg ended by itself 1 time: exit 0 (clean)",
            ),
            (
                CheckInput { trouble: false, ..check(&flapped) },
                "failed: FFmpeg ended by itself 3 times: exit 1 (error)",
            ),
        ];
        for (input, want) in cases {
            assert_eq!(render(&input).lines().next(), Some(&*format!("check {want}")));
        }
    }

    #[test]
    fn the_text_says_what_was_seen() {
        let lines = ["HTTP error 404 Not Found".to_owned()];
        let totals = ended(1, 2);
        let input =
            CheckInput { running: false, media: None, last_lines: &lines, ..check(&totals) };
        assert_eq!(
            render(&input),
            "check failed: FFmpeg ended by itself 2 times: exit 1 (error)\n  \
             starts 2, restarts 1, running at the end: no, media read: none\n  \
             the last lines of FFmpeg's log:\n  | HTTP error 404 Not Found\n"
        );
        assert!(render(&check(&ended(0, 2))).contains("the playlist ended (VOD)"));
        assert!(!render(&check(&ended(1, 2))).contains("VOD"));
        let ended = ended(0, 2);
        assert!(!render(&CheckInput { trouble: false, ..check(&ended) }).contains("VOD"));
    }
}
