//! The part of the summary that speaks of the origin: what was asked for, how
//! fast it came, what a viewer would have felt, and what the log complained of.

use std::cmp::Reverse;

use super::{Page, SummaryInput, WIDTH, percentiles};
use crate::exchange::{ERROR_STATUSES, ErrorReason, RequestKind};
use crate::ffmpeg::outcome::Outcome;
use crate::measures::words;
use crate::stats::patterns::Frequent;
use crate::stats::{Histogram, Requests, Snapshot};
use crate::swarm::StallThreshold;
use crate::units::text::visible;

/// Error patterns that are shown.
pub(crate) const SHOWN_PATTERNS: usize = 5;

/// Most kinds of failure, and most error statuses, that are named.
const SHOWN_FAILURES: usize = 8;

/// Columns before an error pattern, its count among them.
const PATTERN_INDENT: usize = 12;

/// Adds requests, times and stalls, as far as they were measured.
pub(super) fn add(page: &mut Page, input: &SummaryInput<'_>) {
    page.rule('-');
    let requests = &input.snapshot.totals.requests;
    if input.measured.bytes() {
        let bytes = with_rate(input.snapshot, words::bytes(requests.bytes), |secs| {
            words::bit_rate(requests.bytes as f64 * 8.0 / secs)
        });
        page.row("Bytes", &bytes);
    }
    if input.measured.log {
        counts(page, input.snapshot);
        times(page, requests);
        playback(page, input);
    } else {
        page.line(" Requests, times and stalls were not measured (-stats=false).");
    }
    if input.measured.tcp {
        page.row("TCP round trips", &or_na(percentiles(&requests.tcp_rtt)));
        page.row("TCP retransmits", &words::count(requests.tcp_retransmits));
    }
    if input.measured.log {
        page.line(" Times of connects, segments and playlists are inferred from FFmpeg's log.");
    }
}

fn or_na(text: Option<String>) -> String {
    text.unwrap_or_else(|| "n/a".to_owned())
}

/// A total, and what of it came to each client that was active, if one was.
fn with_rate(snapshot: &Snapshot<'_>, total: String, rate: impl Fn(f64) -> String) -> String {
    match client_secs(snapshot) {
        Some(secs) => format!("{total}; each client {}", rate(secs)),
        None => total,
    }
}

/// Seconds that all clients together were active; `None` if none was.
pub(crate) fn client_secs(snapshot: &Snapshot<'_>) -> Option<f64> {
    let secs = snapshot.active_time.client_time(snapshot.now).as_secs_f64();
    (secs > 0.0).then_some(secs)
}

fn counts(page: &mut Page, snapshot: &Snapshot<'_>) {
    let requests = &snapshot.totals.requests;
    let counted = |count: u64| {
        with_rate(snapshot, words::count(count), |secs| {
            format!("{:.1} a minute", count as f64 * 60.0 / secs)
        })
    };
    page.row("Segments", &counted(requests.segments_downloaded));
    page.row("Playlist refreshes", &counted(requests.playlist_refreshes));
    let by_kind: Vec<_> = (RequestKind::ALL.iter().zip(requests.by_kind))
        .filter(|&(_, count)| count > 0)
        .map(|(kind, count)| format!("{} {}", kind.name(), words::count(count)))
        .collect();
    page.row("Requests", &or_none(&by_kind));
    let (new, reused) = (requests.connections_new, requests.connections_reused);
    let connections = format!("{} new, {} reused", words::count(new), words::count(reused));
    page.row("Connections", &connections);
    page.rows("Failed requests", &failures(requests));
    page.row("Error statuses", &statuses(requests));
    let lost: Vec<_> = [
        (requests.segments_skipped, "skipped segment"),
        (requests.reconnections, "reconnect"),
        (requests.timeouts, "timeout"),
    ]
    .into_iter()
    .filter(|&(count, _)| count > 0)
    .map(|(count, noun)| words::plural(count, noun))
    .collect();
    page.row("Interruptions", &or_none(&lost));
    page.row("Sequence jumps", &count_or_none(requests.sequence_jumps));
    page.row("Failed reloads", &count_or_none(requests.reload_failures));
}

fn count_or_none(count: u64) -> String {
    if count == 0 { "none".to_owned() } else { words::count(count) }
}

fn or_none(parts: &[String]) -> String {
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// The failed requests by kind and reason, the most frequent first.
fn failures(requests: &Requests) -> Vec<String> {
    let mut seen: Vec<(u64, String)> = Vec::new();
    for (kind, row) in RequestKind::ALL.iter().zip(&requests.errors) {
        for (reason, &count) in ErrorReason::ALL.iter().zip(row).filter(|&(_, &count)| count > 0) {
            seen.push((count, format!("{} {}", kind.name(), reason.name())));
        }
    }
    let rows = most_frequent(seen, |count, name| format!("{name}: {}", words::count(count)));
    if rows.is_empty() { vec!["none".to_owned()] } else { rows }
}

fn statuses(requests: &Requests) -> String {
    let seen = ERROR_STATUSES.zip(requests.http_errors.iter().copied());
    let seen = seen.filter(|&(_, count)| count > 0).map(|(s, count)| (count, s.to_string()));
    or_none(&most_frequent(seen.collect(), |count, status| {
        format!("{status}: {}", words::count(count))
    }))
}

/// The most frequent of some counts, and the rest of them as one.
fn most_frequent(mut seen: Vec<(u64, String)>, show: impl Fn(u64, &str) -> String) -> Vec<String> {
    seen.sort_by_key(|&(count, _)| Reverse(count));
    let rest: u64 = seen.iter().skip(SHOWN_FAILURES).map(|(count, _)| count).sum();
    let shown = seen.iter().take(SHOWN_FAILURES);
    let mut rows: Vec<_> = shown.map(|(count, name)| show(*count, name)).collect();
    if rest > 0 {
        rows.push(show(rest, "others"));
    }
    rows
}

fn times(page: &mut Page, requests: &Requests) {
    page.row("Connects", &or_na(percentiles(&requests.connect)));
    page.row("Segment times", &or_na(percentiles(&requests.segment_download)));
    page.row("Playlist times", &or_na(percentiles(&requests.playlist_download)));
}

fn playback(page: &mut Page, input: &SummaryInput<'_>) {
    let snapshot = input.snapshot;
    let playback = &snapshot.totals.playback;
    page.row("Start-up", &or_na(percentiles(&playback.startup)));
    let stalls = match playback.stalls {
        0 => "none".to_owned(),
        stalls => format!(
            "{}, {} in all, {} stalled at the end",
            words::count(stalls),
            words::span(snapshot.stall_time),
            words::plural(u64::from(snapshot.stalled), "client")
        ),
    };
    page.row("Stalls", &stalls);
    let StallThreshold { target_duration, source, after } = input.stall;
    page.row("Stall threshold", &words::stall_threshold(after, target_duration, source.name()));
    page.row("Speed", &or_na(speeds(&playback.speed)));
    page.row("Drift", &or_na(percentiles(&playback.drift)));
    page.row("Playlist edge age", &or_na(percentiles(&playback.playlist_edge_age)));
}

/// The median of the speeds and their lower end, which is the one that hurts.
fn speeds(of: &Histogram) -> Option<String> {
    let at = |quantile| of.quantile(quantile).map(|speed| speed.as_secs_f64());
    Some(format!("P50 {:.2}, P5 {:.2}, P1 {:.2}", at(0.5)?, at(0.05)?, at(0.01)?))
}

/// The outcomes that came, the most frequent first, with their shares.
pub(super) fn outcomes(snapshot: &Snapshot<'_>) -> Vec<String> {
    let mut seen: Vec<_> =
        Outcome::ALL.iter().zip(snapshot.totals.outcomes).filter(|&(_, n)| n > 0).collect();
    seen.sort_by_key(|&(_, count)| Reverse(count));
    let all: u64 = seen.iter().map(|&(_, count)| count).sum();
    let rows: Vec<_> =
        seen.iter().map(|&(outcome, n)| super::share_row(outcome.name(), n, all)).collect();
    if rows.is_empty() { vec!["none".to_owned()] } else { rows }
}

/// Adds the most frequent error patterns.
pub(super) fn error_patterns(page: &mut Page, input: &SummaryInput<'_>) {
    let patterns = &input.snapshot.totals.error_patterns;
    if patterns.lines() == 0 {
        if input.measured.log {
            page.row("Errors in the log", "none");
        }
        return;
    }
    page.row("Errors in the log", &words::plural(patterns.lines(), "line"));
    let top = patterns.top(SHOWN_PATTERNS);
    if top.is_empty() {
        return;
    }
    page.rule('-');
    page.line(" Most frequent errors in FFmpeg's log; # is a number, ~ is at most:");
    for frequent in top {
        let about = if frequent.overcount > 0 { "~" } else { "" };
        let head = format!("{about}{}", words::count(frequent.count));
        add_wrapped(page, &head, &shown(&frequent));
    }
}

/// Adds a count, and beside it a text of as many lines as it takes.
pub(super) fn add_wrapped(page: &mut Page, head: &str, text: &str) {
    let mut head = head;
    for part in wrapped(text, WIDTH - PATTERN_INDENT) {
        page.line(&format!(" {head:>width$}  {part}", width = PATTERN_INDENT - 3));
        head = "";
    }
}

/// A pattern as it can be shown: hidden characters escaped.
pub(crate) fn shown(frequent: &Frequent<'_>) -> String {
    let text = String::from_utf8_lossy(frequent.pattern);
    visible(&text).into_owned()
}

/// Text in lines of at most so many characters, broken at blanks where possible.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let fits = line.chars().count() + 1 + word.chars().count() <= width;
        if !line.is_empty() && !fits {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            if line.chars().count() >= width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_wrapped_between_words_where_it_can() {
        let cases: [(&str, &[&str]); 5] = [
            ("", &[""]),
            ("one two", &["one two"]),
            ("one two three", &["one two", "three"]),
            ("abcdefghijklm n", &["abcdefghij", "klm n"]),
            ("a abcdefghijklm", &["a", "abcdefghij", "klm"]),
        ];
        for (text, want) in cases {
            assert_eq!(wrapped(text, 10), want, "{text}");
        }
    }

    #[test]
    fn the_rest_is_told_as_one() {
        let seen = (1..=12).map(|count| (count, format!("n{count}"))).collect();
        let rows = most_frequent(seen, |count, name| format!("{name} {count}"));
        assert_eq!(rows.len(), SHOWN_FAILURES + 1);
        assert_eq!((rows[0].as_str(), rows[8].as_str()), ("n12 12", "others 10"));
    }

    #[test]
    fn a_shown_pattern_has_no_hidden_character() {
        let pattern = "\x1b[31m\u{202e}Cookie".as_bytes();
        let frequent = Frequent { pattern, count: 1, overcount: 0 };
        assert_eq!(shown(&frequent), "\\u{1b}[31m\\u{202e}Cookie");
    }
}
