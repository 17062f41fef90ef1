//! A merged summary as people read it.

use std::cmp::Reverse;
use std::time::Duration;

use serde_json::Value;

use super::{at, float, number};
use crate::measures::words;
use crate::summary::text::Page;

/// Counts by name that are shown, the most frequent first.
const SHOWN_COUNTS: usize = 8;

/// What is told of a section that not every shard measured.
const NOT_MEASURED: &str = "n/a";

/// The merged summary as a framed block, ending in a line end.
#[must_use]
pub fn render(merged: &Value) -> String {
    let mut page = Page::default();
    let count = number(merged, &["merged", "count"]).unwrap_or(1);
    let shards = list(merged, &["merged", "shards"]);
    page.rule('=');
    let of = words::plural(count, "shard");
    let version = env!("CARGO_PKG_VERSION");
    page.line(&format!(" ffmpeg-hls-swarm {version}: summary of {} of {of}", shards.len()));
    page.rule('=');
    run(&mut page, merged);
    processes(&mut page, merged);
    page.rule('-');
    stream(&mut page, merged);
    errors(&mut page, merged);
    page.rule('-');
    hosts(&mut page, merged);
    warnings(&mut page, merged, count);
    page.rule('-');
    page.row("Seed", &at(merged, &["run", "seed"]).map_or_else(none, Value::to_string));
    if let Some(command) = text(merged, &["run", "command"]) {
        page.line(" All of it from one host:");
        page.folded(command);
    }
    page.rule('=');
    page.text
}

fn none() -> String {
    NOT_MEASURED.to_owned()
}

fn list<'a>(merged: &'a Value, path: &[&str]) -> &'a [Value] {
    at(merged, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(merged: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(merged, path)?.as_str()
}

/// A span of so many seconds; the longest that can be told for one that is longer.
fn span(secs: f64) -> String {
    words::span(Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX))
}

fn counted(merged: &Value, path: &[&str]) -> String {
    number(merged, path).map_or_else(none, words::count)
}

/// The counts by name that came, the most frequent first.
fn by_name(merged: &Value, path: &[&str]) -> String {
    let Some(Value::Object(counts)) = at(merged, path) else { return none() };
    let mut seen: Vec<(String, u64)> = Vec::new();
    for (name, value) in counts {
        let inner = value.as_object().into_iter().flatten();
        seen.extend(inner.filter_map(|(more, n)| Some((format!("{name} {more}"), n.as_u64()?))));
        seen.extend(value.as_u64().map(|n| (name.clone(), n)));
    }
    seen.retain(|&(_, n)| n > 0);
    seen.sort_by_key(|&(_, n)| Reverse(n));
    let rest: u64 = seen.iter().skip(SHOWN_COUNTS).fold(0, |sum, &(_, n)| sum.saturating_add(n));
    let shown = seen.iter().take(SHOWN_COUNTS);
    let mut parts: Vec<_> =
        shown.map(|(name, n)| format!("{name}: {}", words::count(*n))).collect();
    if rest > 0 {
        parts.push(format!("others: {}", words::count(rest)));
    }
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// The percentiles of a histogram of spans.
fn spans(merged: &Value, path: &[&str]) -> String {
    let percentiles = at(merged, path).and_then(|all| all.get("percentiles"));
    let of = |name| percentiles.and_then(|all| float(all, &[name])).map(span);
    match (of("p50"), of("p95"), of("p99")) {
        (Some(p50), Some(p95), Some(p99)) => format!("P50 {p50}, P95 {p95}, P99 {p99}"),
        _ => none(),
    }
}

fn run(page: &mut Page, merged: &Value) {
    for shard in list(merged, &["merged", "shards"]) {
        let name = format!("Shard {}", number(shard, &["index"]).unwrap_or(0));
        let (clients, starts) = (counted(shard, &["clients"]), counted(shard, &["started"]));
        let file = text(shard, &["file"]).unwrap_or_default();
        page.row(&name, &format!("{clients} clients, {starts} starts: {file}"));
    }
    page.row("Ended", text(merged, &["run", "ended"]).unwrap_or("not all in the same way"));
    let duration = float(merged, &["run", "duration_seconds"]).map_or_else(none, span);
    page.row("Duration", &format!("{duration}, that of the longest"));
    let target = counted(merged, &["clients", "target"]);
    page.row("Clients", &format!("target {target}, active: {}", active(merged)));
    if at(merged, &["clients", "target_reached"]).and_then(Value::as_bool) == Some(false) {
        page.row("Target", "not reached by every shard");
    }
    for remark in list(merged, &["merged", "remarks"]).iter().filter_map(Value::as_str) {
        page.wrapped("", remark);
    }
    if let Some(never) = number(merged, &["clients", "never_played"]) {
        let of = counted(merged, &["clients", "ever_started"]);
        let causes = Some(by_name(merged, &["clients", "kept_by"])).filter(|_| never > 0);
        let causes = causes.map_or_else(String::new, |causes| format!(": {causes}"));
        page.row("Never played", &format!("{} of {of} clients{causes}", words::count(never)));
    }
}

/// Peak and median of the active clients. The peak of shards is known at the ends of
/// intervals, so their own peaks bound it.
fn active(merged: &Value) -> String {
    let peak = number(merged, &["clients", "peak_active"]);
    let bound = number(merged, &["clients", "peak_active_at_most"]);
    let median = counted(merged, &["clients", "median_active"]);
    let peak = match (peak, bound.map(words::count)) {
        (Some(peak), Some(at_most)) if bound != Some(peak) => {
            format!("peak {} ({at_most} at most)", words::count(peak))
        }
        (Some(peak), _) => format!("peak {}", words::count(peak)),
        (None, Some(at_most)) => format!("peak {at_most} at most (the sum of the shards' own)"),
        (None, None) => "peak n/a".to_owned(),
    };
    format!("{peak}, median {median}")
}

fn processes(page: &mut Page, merged: &Value) {
    let of = |field| counted(merged, &["processes", field]);
    page.row("Starts", &format!("{}, restarts among them: {}", of("started"), of("restarted")));
    page.row("Used up restarts", &format!("{} clients", of("max_restarts_reached")));
    page.row("Spawn failures", &by_name(merged, &["processes", "spawn_failures"]));
    let judgement = text(merged, &["processes", "uptime_judgement"]);
    let judgement = judgement.map_or_else(String::new, |word| format!(": {word}"));
    page.row("Uptime", &format!("{}{judgement}", spans(merged, &["processes", "uptime"])));
    page.row("Outcomes", &by_name(merged, &["processes", "outcomes"]));
    page.row("Exits", &by_name(merged, &["processes", "exits"]));
}

fn stream(page: &mut Page, merged: &Value) {
    if let Some(bytes) = number(merged, &["bytes", "downloaded"]) {
        let rate = float(merged, &["bytes", "bits_per_second_per_client"]).map(words::bit_rate);
        let rate = rate.map_or_else(String::new, |rate| format!("; each client {rate}"));
        page.row("Bytes", &format!("{}{rate}", words::bytes(bytes)));
    }
    if at(merged, &["requests"]).is_none() {
        page.line(" Requests, times and stalls were not measured by every shard.");
        return;
    }
    let of = |field| counted(merged, &["requests", field]);
    page.row("Segments", &of("segments_downloaded"));
    page.row("Playlist refreshes", &of("playlist_refreshes"));
    page.row("Requests", &by_name(merged, &["requests", "by_kind"]));
    let (new, reused) = (of("connections_new"), of("connections_reused"));
    page.row("Connections", &format!("{new} new, {reused} reused"));
    page.row("Failed requests", &by_name(merged, &["requests", "errors"]));
    page.row("Error statuses", &by_name(merged, &["requests", "http_errors"]));
    page.row("Sequence jumps", &of("sequence_jumps"));
    page.row("Failed reloads", &of("playlist_reload_failures"));
    page.row("Connects", &spans(merged, &["requests", "tcp_connect"]));
    page.row("Segment times", &spans(merged, &["requests", "segment_download"]));
    page.row("Playlist times", &spans(merged, &["requests", "playlist_download"]));
    page.row("Start-up", &spans(merged, &["playback", "startup"]));
    let stalled = float(merged, &["playback", "stall_seconds"]).map_or_else(none, span);
    let stalls = counted(merged, &["playback", "stalls"]);
    page.row("Stalls", &format!("{stalls}, {stalled} in all"));
    let after = float(merged, &["playback", "stall_threshold_seconds"]);
    let after = after.map_or_else(|| "not the same in every shard".to_owned(), span);
    page.row("Stall threshold", &after);
    page.row("Speed", &speeds(merged));
    page.row("Drift", &spans(merged, &["playback", "drift"]));
    page.row("Playlist edge age", &spans(merged, &["playback", "playlist_edge_age"]));
    page.row("TCP round trips", &spans(merged, &["tcp", "rtt"]));
}

fn speeds(merged: &Value) -> String {
    let of = |name| float(merged, &["playback", "speed", "percentiles", name]);
    match (of("p50"), of("p5"), of("p1")) {
        (Some(p50), Some(p5), Some(p1)) => format!("P50 {p50:.2}, P5 {p5:.2}, P1 {p1:.2}"),
        _ => none(),
    }
}

fn errors(page: &mut Page, merged: &Value) {
    let refused = by_name(merged, &["log", "values_refused"]);
    if refused != "none" && refused != NOT_MEASURED {
        page.row("Values refused", &refused);
    }
    let patterns = list(merged, &["log", "error_patterns"]);
    page.row("Errors in the log", &format!("{} lines", counted(merged, &["log", "error_lines"])));
    if patterns.is_empty() {
        return;
    }
    page.rule('-');
    page.line(" Most frequent errors in FFmpeg's log; # is a number, ~ is about:");
    for pattern in patterns {
        let exact = ["overcount", "undercount"].iter().all(|n| number(pattern, &[n]) == Some(0));
        let about = if exact { "" } else { "~" };
        let head = format!("{about}{}", counted(pattern, &["count"]));
        page.wrapped(&head, text(pattern, &["pattern"]).unwrap_or_default());
    }
}

fn hosts(page: &mut Page, merged: &Value) {
    let of = |field| float(merged, &["host", field]).map_or_else(none, span);
    page.row("Own CPU", &format!("{} in all", of("own_cpu_seconds")));
    let cores = number(merged, &["host", "cores"]);
    let cores = cores.map_or_else(String::new, |n| format!("; all hosts have {n} cores"));
    page.row("FFmpeg's CPU", &format!("{} in all{cores}", of("ffmpeg_cpu_seconds")));
    let secs = |field| {
        let told = float(merged, &["host", field]).unwrap_or_default();
        Duration::try_from_secs_f64(told).unwrap_or(Duration::MAX)
    };
    let times = number(merged, &["host", "standstills"]).unwrap_or(0);
    let (all, longest) = (secs("standstill_seconds"), secs("standstill_longest_seconds"));
    if let Some(stood) = words::standstills(times, all, longest, None) {
        page.row("Stood still", &stood);
    }
    let lateness = spans(merged, &["processes", "start_lateness"]);
    page.row(
        "Late starts",
        &format!("{}; {lateness}", counted(merged, &["processes", "late_starts"])),
    );
}

fn warnings(page: &mut Page, merged: &Value, count: u64) {
    let missing = list(merged, &["merged", "missing"]);
    if !missing.is_empty() {
        page.rule('-');
        page.line(" WARNING: not all of the run is here; the numbers are without");
        for index in missing {
            page.line(&format!(" - shard {index}/{count}"));
        }
    }
    let shortfalls = list(merged, &["host", "shortfalls"]);
    if !shortfalls.is_empty() {
        page.rule('-');
        page.line(" WARNING: a host, not the origin, was a bottleneck of this run:");
        for shortfall in shortfalls.iter().filter_map(Value::as_str) {
            page.line(&format!(" - {shortfall}"));
        }
    }
}
