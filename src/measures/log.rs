//! What was read from FFmpeg's output, and what its log complained of.

use super::declare::measures;
use super::measure::{Kind, Measure, Merge};
use super::value::{Counts, Pattern, Value};
use crate::stats::patterns::Frequent;
use crate::stats::refused::Claim;
use crate::units::text::visible;

/// Error patterns that a summary shows.
pub const SHOWN_PATTERNS: usize = 5;

measures! {
    LINES = Measure::counter("log_lines", "FFmpeg's log lines")
        .family("hlsswarm_log_lines_total", "Complete lines read from FFmpeg's stderr; none is dropped.")
        .labels(&["stream"]).fixed(&["stderr"])
        .field("log.lines")
        .read(|scene| Value::Whole(scene.snapshot.totals.stderr_lines));
    LINES_CUT = Measure::counter("log_lines_cut", "Lines cut short")
        .family("hlsswarm_log_lines_cut_total",
            "Lines of FFmpeg's stderr longer than the line limit; only their beginning was kept.")
        .labels(&["stream"]).fixed(&["stderr"])
        .field("log.lines_cut")
        .read(|scene| Value::Whole(scene.snapshot.totals.stderr_lines_cut));
    ERROR_LINES = Measure::counter("error_lines", "Errors in the log")
        .field("log.error_lines")
        .read(|scene| Value::Whole(scene.snapshot.totals.error_patterns.lines()));
    VALUES_REFUSED = Measure::counts("log_values_refused", "Values refused")
        .family("hlsswarm_log_values_refused_total",
            "Numbers in FFmpeg's log and progress that were out of bounds and not counted, by kind.")
        .labels(&["value"])
        .field("log.values_refused").sparse()
        .read(|scene| Counts::made(
            |place| Claim::ALL.get(place).map_or("", |claim| claim.name()),
            scene.snapshot.totals.refused().by_claim().map(|(_, count)| count),
        ));
    ERROR_PATTERNS = Measure::note("error_patterns", Kind::Patterns)
        .field("log.error_patterns").merge(Merge::Patterns)
        .read(|scene| {
            let top = scene.snapshot.totals.error_patterns.top(SHOWN_PATTERNS);
            Value::Patterns(top.iter().map(pattern).collect())
        });
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = ALL;

/// A pattern as it can be shown: hidden characters escaped.
fn pattern(frequent: &Frequent<'_>) -> Pattern {
    Pattern {
        pattern: visible(&String::from_utf8_lossy(frequent.pattern)).into_owned(),
        count: frequent.count,
        overcount: frequent.overcount,
        undercount: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_has_no_hidden_character() {
        let frequent =
            Frequent { pattern: "\x1b[31m\u{202e}Cookie".as_bytes(), count: 1, overcount: 0 };
        assert_eq!(pattern(&frequent).pattern, "\\u{1b}[31m\\u{202e}Cookie");
    }
}
