//! The pane of failures: requests by reason and status, attempts by outcome, and the most
//! frequent error lines.

use super::View;
use super::pen::{BAD, GOOD, PLAIN, Pen, WARN, say};
use crate::exchange::{ERROR_STATUSES, ErrorReason, RequestKind};
use crate::ffmpeg::outcome::Outcome;
use crate::measures::words;
use crate::units::process::SpawnFailureReason;

const NAME: usize = 10;

/// Lines of counts above the most frequent error lines.
const COUNTS: usize = 5;

pub(super) fn draw(mut pen: Pen<'_>, board: &View<'_>) {
    let totals = board.scene.snapshot.totals;
    let reasons: Vec<_> = (ErrorReason::ALL.iter())
        .map(|reason| {
            let of = |kind: &RequestKind| {
                let by_reason = totals.requests.errors.get(kind.index());
                by_reason.and_then(|errors| errors.get(reason.index())).copied().unwrap_or(0)
            };
            (reason.name().to_owned(), RequestKind::ALL.iter().map(of).sum::<u64>())
        })
        .collect();
    let statuses = ERROR_STATUSES.map(|status| status.to_string());
    let statuses: Vec<_> = statuses.zip(totals.requests.http_errors.iter().copied()).collect();
    let outcomes = Outcome::ALL.iter().zip(totals.outcomes).filter(|(o, _)| o.is_failure());
    let outcomes: Vec<_> = outcomes.map(|(o, count)| (o.name().to_owned(), count)).collect();
    let failures = SpawnFailureReason::ALL.iter().zip(totals.spawn_failures);
    let failures: Vec<_> = failures.map(|(r, count)| (r.name().to_owned(), count)).collect();
    counts(&mut pen, "requests", reasons, BAD);
    counts(&mut pen, "statuses", statuses, BAD);
    counts(&mut pen, "attempts", outcomes, WARN);
    counts(&mut pen, "starts", failures, BAD);
    let skipped = totals.requests.segments_skipped;
    if pen.left() > COUNTS || skipped > 0 {
        let reconnections = words::count(totals.requests.reconnections);
        let also =
            format!("{} skipped segments, {reconnections} reconnects", words::count(skipped));
        pen.row("also", NAME, [say(also, PLAIN)]);
    }
    if pen.left() > COUNTS {
        pen.skip();
    }
    for frequent in totals.error_patterns.top(pen.left()) {
        let pattern = String::from_utf8_lossy(frequent.pattern);
        let shown = without_address(&pattern).to_owned();
        pen.line([say(format!("{:>7}  ", words::count(frequent.count)), BAD), say(shown, PLAIN)]);
    }
}

/// One row of counts, the largest first, as many as fit.
fn counts(
    pen: &mut Pen<'_>,
    name: &str,
    mut all: Vec<(String, u64)>,
    style: ratatui::style::Style,
) {
    all.retain(|(_, count)| *count > 0);
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if all.is_empty() {
        pen.row(name, NAME, [say("none", GOOD)]);
        return;
    }
    let spans = all.into_iter().flat_map(|(name, count)| {
        [say(words::count(count), style), say(format!(" {name}  "), PLAIN)]
    });
    pen.row(name, NAME, spans);
}

/// A pattern without the `[... @ 0x#] ` that starts every line of FFmpeg.
fn without_address(pattern: &str) -> &str {
    pattern.split_once("] ").map_or(pattern, |(_, rest)| rest)
}
