//! `--check`: what one client's ten seconds say, in words.
//!
//! Judges by the outcomes of its attempts and by the media that it read; the last
//! lines of FFmpeg's log are shown with the verdict.

use std::time::Duration;

use crate::ffmpeg::outcome::Outcome;
use crate::measures::never_played;
use crate::measures::words;
use crate::stats::Totals;
use crate::units::process::SpawnFailureReason;

/// What a check saw.
#[derive(Debug, Clone, Copy)]
pub struct CheckInput<'a> {
    /// Running totals, after the client was stopped.
    pub totals: &'a Totals,
    /// Media time that the client read; zero if none came.
    pub media: Duration,
    /// How long the client was given.
    pub asked: Duration,
    /// The last lines of FFmpeg's stderr before the stop, if any were kept.
    pub last_lines: &'a [String],
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    /// The client started and stayed up.
    Good,
    /// The client read to the end of what there is and skipped nothing.
    Ended,
    /// It did not, for this reason.
    Bad(String),
}

/// Judges a check.
#[must_use]
pub fn verdict(check: &CheckInput<'_>) -> CheckResult {
    let totals = check.totals;
    let failed = SpawnFailureReason::ALL.iter().zip(totals.spawn_failures).find(|(_, n)| *n > 0);
    if totals.started == 0 {
        return CheckResult::Bad(match failed {
            Some((reason, _)) => format!("FFmpeg could not be started ({})", reason.name()),
            None => "FFmpeg was not started in time".to_owned(),
        });
    }
    let by_itself = || ends_by_itself(totals);
    let count: u64 = by_itself().map(|(_, ends)| ends).sum();
    let skipped = totals.requests.segments_skipped;
    if count > 0 && skipped == 0 && by_itself().all(|(outcome, _)| outcome == Outcome::Completed) {
        return CheckResult::Ended;
    }
    if count > 0 {
        let names: Vec<_> = by_itself().map(|(outcome, _)| outcome.name()).collect();
        let times = words::plural(count, "time");
        let mut reason = format!("FFmpeg ended by itself {times}: {}", names.join(", "));
        if skipped > 0 {
            reason.push_str(&format!("; {} skipped", words::plural(skipped, "segment")));
        }
        return CheckResult::Bad(reason);
    }
    if !ran_at_the_end(totals) {
        return CheckResult::Bad("FFmpeg was not running at the end".to_owned());
    }
    if check.media.is_zero() {
        return CheckResult::Bad(format!(
            "FFmpeg kept running, but no media came{}",
            kept_by(totals)
        ));
    }
    CheckResult::Good
}

/// The verdict as text for people, ending in a line end.
#[must_use]
pub fn render(check: &CheckInput<'_>) -> String {
    let asked = words::span(check.asked);
    let mut text = match verdict(check) {
        CheckResult::Good => {
            format!("PASSED: one client played without a restart for {asked}\n")
        }
        CheckResult::Ended => "PASSED: one client read the stream to its end\n".to_owned(),
        CheckResult::Bad(reason) => format!("FAILED: {reason}\n"),
    };
    let media = if check.media.is_zero() { "none".to_owned() } else { words::span(check.media) };
    let running = if ran_at_the_end(check.totals) { "yes" } else { "no" };
    text.push_str(&format!(
        "  starts {}, restarts {}, running at the end: {running}, media read: {media}\n",
        check.totals.started, check.totals.restarted
    ));
    if !check.last_lines.is_empty() {
        text.push_str("  the last lines of FFmpeg's log:\n");
    }
    for line in check.last_lines {
        text.push_str(&format!("  | {line}\n"));
    }
    text
}

/// What kept the client from playing, as far as that is known.
fn kept_by(totals: &Totals) -> String {
    let kept = totals.reception.kept();
    let known = kept.first().filter(|(outcome, ..)| outcome.is_failure());
    known.map_or_else(String::new, |(outcome, _, example)| {
        format!(": {}", never_played::named(*outcome, example))
    })
}

/// The outcomes of attempts that we did not end, with their counts.
fn ends_by_itself(totals: &Totals) -> impl Iterator<Item = (Outcome, u64)> + '_ {
    let ends = totals.outcomes.into_iter().zip(totals.outcomes_by_us);
    let ends = ends.map(|(all, by_us)| all.saturating_sub(by_us));
    Outcome::ALL.into_iter().zip(ends).filter(|&(_, ends)| ends > 0)
}

/// Only a process that ran at the end of the check was ended by the program.
fn ran_at_the_end(totals: &Totals) -> bool {
    totals.outcomes_by_us.iter().any(|&ends| ends > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check of one client with these totals that read media.
    fn check(totals: &Totals) -> CheckInput<'_> {
        let (asked, media) = (Duration::from_secs(10), Duration::from_secs(12));
        CheckInput { totals, media, asked, last_lines: &[] }
    }

    fn ended(outcomes: &[Outcome]) -> Totals {
        let started = outcomes.len() as u64;
        let mut totals = Totals { started, restarted: started - 1, ..Totals::default() };
        let by_us = |outcome| outcome == Outcome::Stopped;
        outcomes.iter().for_each(|&outcome| totals.count_outcome(outcome, by_us(outcome)));
        totals
    }

    #[test]
    fn each_verdict_has_its_words() {
        use Outcome::{Completed, NetworkError, PlaylistError, Stopped};
        let none = Totals::default();
        let refused = Totals { spawn_failures: [0, 0, 0, 2, 0, 0], ..Totals::default() };
        let gone = Totals { started: 1, ..Totals::default() };
        let (up, vod) = (ended(&[Stopped]), ended(&[Completed, Stopped]));
        let mut skipping = ended(&[Completed]);
        skipping.requests.segments_skipped = 2;
        let flapped = ended(&[NetworkError, PlaylistError, NetworkError, Stopped]);
        let relapsed = ended(&[Completed, PlaylistError]);
        let by_itself = "FAILED: FFmpeg ended by itself";
        let cases = [
            (check(&up), "PASSED: one client played without a restart for 10.0 s".to_owned()),
            (
                CheckInput { media: Duration::ZERO, ..check(&up) },
                "FAILED: FFmpeg kept running, but no media came".to_owned(),
            ),
            (check(&gone), "FAILED: FFmpeg was not running at the end".to_owned()),
            (check(&none), "FAILED: FFmpeg was not started in time".to_owned()),
            (check(&refused), "FAILED: FFmpeg could not be started (not_found)".to_owned()),
            (check(&flapped), format!("{by_itself} 3 times: playlist_error, network_error")),
            (check(&vod), "PASSED: one client read the stream to its end".to_owned()),
            (check(&skipping), format!("{by_itself} 1 time: completed; 2 segments skipped")),
            (check(&relapsed), format!("{by_itself} 2 times: completed, playlist_error")),
        ];
        for (input, want) in cases {
            assert_eq!(render(&input).lines().next(), Some(&*want));
        }
    }

    #[test]
    fn the_text_says_what_was_seen() {
        let lines = ["HTTP error 404 Not Found".to_owned()];
        let totals = ended(&[Outcome::PlaylistError, Outcome::PlaylistError]);
        let input = CheckInput { media: Duration::ZERO, last_lines: &lines, ..check(&totals) };
        assert_eq!(
            render(&input),
            "FAILED: FFmpeg ended by itself 2 times: playlist_error\n  \
             starts 2, restarts 1, running at the end: no, media read: none\n  \
             the last lines of FFmpeg's log:\n  | HTTP error 404 Not Found\n"
        );
    }
}
