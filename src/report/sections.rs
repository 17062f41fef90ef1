//! The parts of a page that are words and tables.

use super::html::Html;
use super::scale::{Unit, span};
use super::verdict::{self, Verdict};
use crate::measures::words;
use crate::summary::document::{Asked, Counts, Distribution, Document, Playback, Share, total};

/// Most rows of a table of counts.
const ROWS_MAX: usize = 12;

/// A section with its heading.
pub(super) fn section(html: &mut Html, title: &str, inside: impl FnOnce(&mut Html)) {
    html.element("section", &[], |html| {
        html.leaf("h2", &[], title);
        inside(html);
    });
}

/// What the run was, in one line.
pub(super) fn summary_line(document: &Document) -> String {
    let mut parts = vec![
        words::plural(u64::from(document.clients.target), "client"),
        words::span(span(document.run.duration_seconds)),
    ];
    parts.extend(started(document).map(|at| format!("started {at}")));
    parts.extend(document.ffmpeg_version.iter().map(|version| format!("FFmpeg {version}")));
    parts.extend(document.version.iter().map(|version| format!("ffmpeg-hls-swarm {version}")));
    parts.join(" · ")
}

/// When the program started, in UTC, if that is known.
pub(super) fn started(document: &Document) -> Option<String> {
    let secs = document.run.started_unix_seconds?;
    let at = jiff::Timestamp::from_second(secs as i64).ok()?;
    Some(at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The verdict, which stands first.
pub(super) fn verdict(html: &mut Html, title: &str, verdict: &Verdict) {
    let class = format!("verdict {}", verdict.class);
    html.element("section", &[("class", &class)], |html| {
        html.leaf("h2", &[], title);
        html.leaf("p", &[("class", "headline")], &format!("{}.", verdict.headline));
        list(html, &verdict.reasons);
    });
}

fn list(html: &mut Html, items: &[String]) {
    if items.is_empty() {
        return;
    }
    html.element("ul", &[], |html| items.iter().for_each(|item| html.leaf("li", &[], item)));
}

/// The numbers that are asked for first.
pub(super) fn key_figures(html: &mut Html, document: &Document) {
    let clients = &document.clients;
    let exceeded = clients.peak_active.is_some_and(|peak| peak > clients.target);
    let target = words::count(u64::from(clients.target));
    let target =
        if exceeded { format!("target {target} at the end") } else { format!("of {target}") };
    let mut figures = vec![("Clients at once", peak(document), target)];
    if let Some(bytes) = &document.bytes {
        let each = bytes.bits_per_second_per_client.map(words::bit_rate);
        let each = each.map(|rate| format!("{rate} each")).unwrap_or_default();
        figures.push(("Received", words::bytes(bytes.downloaded), each));
    }
    if let Some(asked) = &document.requests {
        let all = total(asked.by_kind.values().copied());
        let failed = verdict::failed(document);
        // Requests may fail that were not seen to be sent.
        let beside = if failed > all {
            format!("{} seen to be sent", words::count(all))
        } else {
            format!("{} of {}", words::share(failed as f64, all as f64), words::count(all))
        };
        figures.push(("Failed requests", words::count(failed), beside));
        figures.extend(percentile("Segments P95", &asked.segment_download));
    }
    if let Some(playback) = &document.playback {
        figures.extend(percentile("Start-up P95", &playback.startup));
        let lasted = words::span(span(playback.stall_seconds));
        figures.push(("Stalls", words::count(playback.stalls), format!("{lasted} in all")));
    }
    let started = words::count(document.processes.started);
    let restarted = words::count(document.processes.restarted);
    figures.push(("Restarts", restarted, format!("{started} starts")));
    html.element("dl", &[("class", "figures")], |html| {
        for (name, value, beside) in &figures {
            html.element("div", &[], |html| {
                html.leaf("dt", &[], name);
                html.leaf("dd", &[("class", "value")], value);
                html.leaf("dd", &[], beside);
            });
        }
    });
}

/// Most clients running at once, or a bound of it.
pub(super) fn peak(document: &Document) -> String {
    let clients = &document.clients;
    match (clients.peak_active, clients.peak_active_at_most) {
        (Some(peak), _) => words::count(u64::from(peak)),
        (None, Some(bound)) => format!("at most {}", words::count(u64::from(bound))),
        (None, None) => "not known".to_owned(),
    }
}

fn percentile(name: &'static str, of: &Distribution) -> Option<(&'static str, String, String)> {
    let at = of.percentiles.as_ref()?;
    let median = Unit::Seconds.show(at.p50);
    Some((name, Unit::Seconds.show(at.p95), format!("P50 {median}")))
}

/// A table with a caption, headed columns and headed rows.
pub(super) fn table(html: &mut Html, caption: &str, heads: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    html.element("table", &[], |html| {
        html.leaf("caption", &[], caption);
        if !heads.is_empty() {
            html.element("thead", &[], |html| {
                html.element("tr", &[], |html| {
                    heads.iter().for_each(|head| html.leaf("th", &[("scope", "col")], head));
                });
            });
        }
        html.element("tbody", &[], |html| rows.iter().for_each(|row| table_row(html, row)));
    });
}

fn table_row(html: &mut Html, cells: &[String]) {
    html.element("tr", &[], |html| {
        for (place, cell) in cells.iter().enumerate() {
            if place == 0 {
                html.leaf("th", &[("scope", "row")], cell);
            } else {
                html.leaf("td", &[], cell);
            }
        }
    });
}

/// Counts by name with their shares, the most frequent first.
fn counts(html: &mut Html, caption: &str, name: &str, counts: Vec<(String, u64)>) {
    let mut counts: Vec<_> = counts.into_iter().filter(|&(_, count)| count > 0).collect();
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let all: f64 = counts.iter().map(|&(_, count)| count as f64).sum();
    let rest = total(counts.iter().skip(ROWS_MAX).map(|&(_, count)| count));
    counts.truncate(ROWS_MAX);
    if rest > 0 {
        counts.push(("others".to_owned(), rest));
    }
    let row = |(name, count): (String, u64)| {
        vec![name, words::count(count), words::share(count as f64, all)]
    };
    let rows: Vec<_> = counts.into_iter().map(row).collect();
    table(html, caption, &[name, "Count", "Share"], &rows);
}

fn pairs(counts: &Counts) -> Vec<(String, u64)> {
    counts.iter().map(|(name, &count)| (name.replace('_', " "), count)).collect()
}

/// What became of attempts and requests, and what the log complained of.
pub(super) fn outcomes(html: &mut Html, document: &Document) {
    html.element("div", &[("class", "columns")], |html| {
        let processes = &document.processes;
        counts(html, "How attempts ended", "Outcome", pairs(&processes.outcomes));
        let exit = |(code, &count): (&String, &u64)| {
            (code.parse().map_or_else(|_| code.clone(), words::exit_code), count)
        };
        let exits = processes.exits.iter().map(exit).collect();
        counts(html, "Exit codes", "Code", exits);
        if !document.clients.kept_by.is_empty() {
            let kept = pairs(&document.clients.kept_by);
            counts(html, "What kept clients from playing", "Last outcome", kept);
        }
        counts(html, "Starts that failed on this host", "Reason", pairs(&processes.spawn_failures));
        if let Some(asked) = &document.requests {
            let errors = asked.errors.iter().flat_map(|(kind, reasons)| {
                let name = move |reason: &str| format!("{kind}: {}", reason.replace('_', " "));
                reasons.iter().map(move |(reason, &count)| (name(reason), count))
            });
            counts(html, "Failed requests", "Kind and reason", errors.collect());
            counts(html, "Error statuses", "Status", pairs(&asked.http_errors));
            interruptions(html, asked);
            counts(html, "Requests", "Kind", pairs(&asked.by_kind));
        }
    });
    errors(html, "Most frequent errors in FFmpeg's log; # stands for a number", document);
}

/// What kept media from coming, each on its own: one may bring another.
fn interruptions(html: &mut Html, asked: &Asked) {
    let rows = [
        ("Segments skipped", asked.segments_skipped),
        ("Media sequences that jumped", asked.sequence_jumps),
        ("Playlist reloads that failed", asked.playlist_reload_failures),
        ("Reconnects", asked.reconnections),
        ("Timeouts", asked.timeouts),
    ];
    let rows = rows.map(|(name, count)| vec![name.to_owned(), words::count(count)]);
    table(html, "Interruptions", &["What", "Count"], &rows);
}

/// The most frequent errors of the log.
pub(super) fn errors(html: &mut Html, caption: &str, document: &Document) {
    let rows = document.log.error_patterns.iter().map(|pattern| {
        let about = match (pattern.overcount > 0, pattern.undercount > Some(0)) {
            (false, false) => "",
            (true, false) => "at most ",
            (false, true) => "at least ",
            (true, true) => "about ",
        };
        vec![pattern.pattern.clone(), format!("{about}{}", words::count(pattern.count))]
    });
    let rows: Vec<_> = rows.collect();
    html.element("div", &[("class", "wide")], |html| {
        table(html, caption, &["Line", "Count"], &rows);
    });
    if rows.is_empty() {
        html.leaf("p", &[("class", "note")], "FFmpeg's log told no error.");
    }
}

/// Every distribution, by its name, and the unit of its values.
pub(super) fn distributions(document: &Document) -> Vec<(&'static str, &Distribution, Unit)> {
    let mut all = Vec::new();
    if let Some(playback) = &document.playback {
        all.push(("Start-up", &playback.startup, Unit::Seconds));
    }
    if let Some(asked) = &document.requests {
        all.push(("Segment times", &asked.segment_download, Unit::Seconds));
        all.push(("Playlist times", &asked.playlist_download, Unit::Seconds));
    }
    if let Some(playback) = &document.playback {
        all.push(("Speed", &playback.speed, Unit::Speed));
        all.extend(
            playback.playlist_edge_age.as_ref().map(|of| ("Playlist edge age", of, Unit::Seconds)),
        );
        all.push(("Drift", &playback.drift, Unit::Seconds));
    }
    if let Some(asked) = &document.requests {
        all.extend(asked.tcp_connect.as_ref().map(|of| ("TCP connects", of, Unit::Seconds)));
    }
    all.extend(document.tcp.as_ref().map(|tcp| ("TCP round trips", &tcp.rtt, Unit::Seconds)));
    all.push(("Uptime of processes", &document.processes.uptime, Unit::Seconds));
    all.push(("Lateness of starts", &document.processes.start_lateness, Unit::Seconds));
    all
}

/// The percentiles of every distribution.
pub(super) fn percentiles(html: &mut Html, document: &Document) {
    let rows = distributions(document).into_iter().filter_map(|(name, of, unit)| {
        let at = of.percentiles.as_ref()?;
        let values = [at.p1, at.p5, at.p50, at.p95, at.p99].map(|value| unit.show(value));
        let mut row = vec![name.to_owned(), words::count(of.count)];
        row.extend(values);
        Some(row)
    });
    let caption = "Percentiles, off by 1 % at most; a low speed and a high time are what hurts";
    html.element("div", &[("class", "wide")], |html| {
        table(
            html,
            caption,
            &["Times", "Values", "P1", "P5", "P50", "P95", "P99"],
            &rows.collect::<Vec<_>>(),
        );
    });
}

/// Where times come from that are not FFmpeg's own word, and of how many segments
/// they are: what the log cannot tell is left out.
pub(super) fn inferred(document: &Document) -> String {
    let mut text =
        "Times of connects, segments and playlists are inferred from FFmpeg's log.".to_owned();
    if let Some(asked) = &document.requests {
        let (timed, all) = (asked.segment_download.count, asked.segments_downloaded);
        let (timed, all) = (words::count(timed), words::count(all));
        text.push_str(&format!(" Of {all} segments the times of {timed} could be told."));
    }
    text
}

/// What the run was asked to do, and what it cost the host.
pub(super) fn setting(html: &mut Html, document: &Document) {
    html.element("div", &[("class", "columns")], |html| {
        table(html, "Configuration", &["Item", "Value"], &configuration(document));
        table(html, "Host", &["Item", "Value"], &host(document));
    });
}

fn configuration(document: &Document) -> Vec<Vec<String>> {
    let run = &document.run;
    let ended = match run.ended.as_deref().unwrap_or("in several ways") {
        "duration" => "-duration was over".to_owned(),
        "signal" => format!("stopped by {}", run.signal.as_deref().unwrap_or("a signal")),
        "forced" => format!("forced by a second {}", run.signal.as_deref().unwrap_or("signal")),
        "restarts_used_up" => "every client used up its restarts".to_owned(),
        "nothing_started" => "no client could be started".to_owned(),
        other => other.replace('_', " "),
    };
    let median = document.clients.median_active;
    let median = median.map(|median| format!(", median {}", words::count(u64::from(median))));
    let active = format!("peak {}{}", peak(document), median.unwrap_or_default());
    let mut rows = vec![
        ("Ended", ended),
        ("Duration", words::span(span(run.duration_seconds))),
        ("Clients to keep up", words::count(u64::from(document.clients.target))),
        ("Clients running", active),
        ("Seed", run.seed.to_string()),
    ];
    let never = document.clients.never_played.map(|n| words::count(u64::from(n)));
    rows.extend(never.map(|never| ("Clients that never played", never)));
    rows.extend(document.playback.as_ref().and_then(stall_threshold));
    rows.extend(run.url.clone().map(|url| ("URL", url)));
    rows.extend(document.ffmpeg_version.clone().map(|version| ("FFmpeg", version)));
    let shard = |of: &Share| format!("{}/{}, of {} clients", of.index, of.count, of.clients);
    rows.extend(document.shard.as_ref().map(|of| ("Shard", shard(of))));
    rows.extend(run.metrics_address.clone().map(|address| ("Metrics were at", address)));
    if run.dangerous {
        let why = "the URL's host was replaced and TLS was not verified".to_owned();
        rows.push(("--dangerous", why));
    }
    owned(rows)
}

fn stall_threshold(playback: &Playback) -> Option<(&'static str, String)> {
    let after = span(playback.stall_threshold_seconds?);
    let text = match (playback.target_duration_seconds, &playback.target_duration_source) {
        (Some(target), Some(source)) => words::stall_threshold(after, span(target), source),
        _ => words::span(after),
    };
    Some(("Stall threshold", text))
}

fn host(document: &Document) -> Vec<Vec<String>> {
    let host = &document.host;
    let of_core = |secs: f64| {
        let share = words::share(secs, document.run.duration_seconds);
        format!("{} ({share} of one core)", words::span(span(secs)))
    };
    let late = &document.processes;
    let starts = late.start_lateness.count;
    let mut rows = Vec::new();
    rows.extend(host.cores.map(|cores| ("Cores", cores.to_string())));
    rows.extend(host.own_cpu_seconds.map(|secs| ("CPU of this program", of_core(secs))));
    let peak = host.own_peak_resident_bytes.or(host.own_resident_bytes);
    rows.extend(peak.map(|bytes| ("Most memory of this program", words::bytes(bytes))));
    rows.push(("CPU of all FFmpegs", of_core(host.ffmpeg_cpu_seconds)));
    let largest = host.ffmpeg_peak_resident_bytes;
    rows.extend(largest.map(|bytes| ("Most memory of one FFmpeg", words::bytes(bytes))));
    let late = format!("{} of {}", words::count(late.late_starts), words::count(starts));
    rows.push(("Late starts", late));
    rows.push(("Own log lines dropped", words::count(host.journal_lines_dropped)));
    rows.extend(verdict::standstills(host).map(|stood| ("Stood still", stood)));
    let lines = format!("{}, {} cut", words::count(document.log.lines), document.log.lines_cut);
    rows.push(("Lines read from FFmpeg", lines));
    let refused = document.log.values_refused.iter();
    let refused: Vec<_> =
        refused.map(|(name, &count)| format!("{name}: {}", words::count(count))).collect();
    rows.extend((!refused.is_empty()).then(|| ("Values refused", refused.join(", "))));
    owned(rows)
}

fn owned(rows: Vec<(&str, String)>) -> Vec<Vec<String>> {
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}

/// The command that repeats a run.
pub(super) fn command(html: &mut Html, command: &str) {
    html.element("pre", &[("tabindex", "0")], |html| html.leaf("code", &[], command));
}
