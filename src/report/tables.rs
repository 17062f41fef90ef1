//! The tables of what happened, of the configuration and of the host.

use std::cmp::Reverse;

use super::html::Html;
use super::scale::span;
use super::sections::{peak, table};
use crate::measures::value::total;
use crate::measures::{
    self, Kind, Measure, clients, generator, host, log, playback, processes, requests, run,
    shortfalls, words,
};
use crate::summary::Document;
use crate::summary::cells::{of_core, stall_threshold};

/// Most rows of a table of counts.
const ROWS_MAX: usize = 12;

/// The tables of counts by name: caption, heading of the names, and measure. Others
/// follow in the order of their declaration.
const COUNTS: [(&str, &str, &Measure); 7] = [
    ("How attempts ended", "Outcome", &processes::OUTCOMES),
    ("Exit codes", "Code", &processes::EXITS),
    ("What kept clients from playing", "Last outcome", &clients::KEPT_BY),
    ("Starts that failed on this host", "Reason", &processes::SPAWN_FAILURES),
    ("Failed requests", "Kind and reason", &requests::ERRORS),
    ("Error statuses", "Status", &requests::HTTP_ERRORS),
    ("Requests", "Kind", &requests::BY_KIND),
];

/// What kept media from coming, each on its own: one may bring another.
const INTERRUPTIONS: [(&str, &Measure); 5] = [
    ("Segments skipped", &requests::SEGMENTS_SKIPPED),
    ("Media sequences that jumped", &requests::SEQUENCE_JUMPS),
    ("Playlist reloads that failed", &requests::RELOAD_FAILURES),
    ("Reconnects", &requests::RECONNECTIONS),
    ("Timeouts", &requests::TIMEOUTS),
];

/// Counts that stand elsewhere on the page.
const ELSEWHERE: [&Measure; 10] = [
    &requests::BYTES,
    &requests::SEGMENTS,
    &requests::PLAYLIST_REFRESHES,
    &requests::CONNECTIONS_NEW,
    &requests::CONNECTIONS_REUSED,
    &playback::STALLS,
    &processes::STARTED,
    &processes::RESTARTED,
    &processes::MAX_RESTARTS_REACHED,
    &processes::LATE_STARTS,
];

/// What became of attempts and requests, and what the log complained of.
pub(super) fn outcomes(html: &mut Html, of: &Document) {
    html.element("div", &[("class", "columns")], |html| {
        for (caption, name, measure) in COUNTS {
            if measure.id == requests::BY_KIND.id {
                interruptions(html, of);
            }
            counts(html, caption, name, of, measure);
        }
        let known = |measure: &Measure| COUNTS.iter().any(|(.., of)| of.id == measure.id);
        for measure in measures::fields().filter(|measure| {
            matches!(measure.kind, Kind::Counts | Kind::Groups)
                && measure.id != log::VALUES_REFUSED.id
                && !known(measure)
        }) {
            counts(html, measure.title, "Name", of, measure);
        }
    });
    errors(html, "Most frequent errors in FFmpeg's log; # stands for a number", of);
}

/// Counts by name with their shares, the most frequent first.
fn counts(html: &mut Html, caption: &str, name: &str, of: &Document, measure: &Measure) {
    let shown = |name: &str| match measure.id {
        id if id == processes::EXITS.id => {
            name.parse().map_or_else(|_| name.to_owned(), words::exit_code)
        }
        _ => name.replace('_', " "),
    };
    let groups = of.values.groups(measure).iter();
    let groups =
        groups.map(|([group, name], n)| (group.clone(), format!("{group}: {}", shown(name)), *n));
    let single = of.values.counts(measure).iter().map(|(name, n)| (name.clone(), shown(name), *n));
    let mut counts: Vec<_> = single.chain(groups).filter(|&(.., count)| count > 0).collect();
    counts.sort_by(|(a, shown_a, _), (b, shown_b, _)| (a, shown_a).cmp(&(b, shown_b)));
    counts.sort_by_key(|&(.., count)| Reverse(count));
    let all: f64 = counts.iter().map(|&(.., count)| count as f64).sum();
    let rest = total(counts.iter().skip(ROWS_MAX).map(|&(.., count)| count));
    counts.truncate(ROWS_MAX);
    if rest > 0 {
        counts.push((String::new(), "others".to_owned(), rest));
    }
    let row = |(_, name, count): (String, String, u64)| {
        vec![name, words::count(count), words::share(count as f64, all)]
    };
    let rows: Vec<_> = counts.into_iter().map(row).collect();
    table(html, caption, &[name, "Count", "Share"], &rows);
}

/// Counts of what kept media from coming, and of what no other part of the page shows.
fn interruptions(html: &mut Html, of: &Document) {
    let named = |measure: &Measure| {
        let shown = INTERRUPTIONS.iter().map(|(_, of)| *of).chain(ELSEWHERE);
        shown.into_iter().any(|of| of.id == measure.id)
    };
    let others = measures::fields().filter(|measure| {
        let sections = ["requests", "playback", "processes"];
        let own = measure.section().is_some_and(|section| sections.contains(&section));
        own && measure.grows && measure.kind == Kind::Whole && !named(measure)
    });
    let row = |(name, measure): (&str, &Measure)| {
        Some(vec![name.to_owned(), words::count(of.values.whole(measure)?)])
    };
    let rows: Vec<_> = INTERRUPTIONS.into_iter().filter_map(row).collect();
    table(html, "Interruptions", &["What", "Count"], &rows);
    let rows: Vec<_> = others.map(|measure| (measure.title, measure)).filter_map(row).collect();
    table(html, "Other counts", &["What", "Count"], &rows);
}

/// The most frequent errors of the log.
pub(super) fn errors(html: &mut Html, caption: &str, of: &Document) {
    let rows = of.values.patterns(&log::ERROR_PATTERNS).iter().map(|pattern| {
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
        html.leaf("p", &[("class", "note")], "No errors in FFmpeg's log.");
    }
}

/// What the run was asked to do, and what it cost the host.
pub(super) fn setting(html: &mut Html, of: &Document) {
    html.element("div", &[("class", "columns")], |html| {
        table(html, "Configuration", &["Item", "Value"], &configuration(of));
        table(html, "Host", &["Item", "Value"], &cost(of));
    });
}

fn configuration(of: &Document) -> Vec<Vec<String>> {
    let whole = |measure| of.values.whole(measure);
    let text = |measure| of.values.text(measure).map(str::to_owned);
    let signal = of.values.text(&run::SIGNAL);
    let ended = match of.values.text(&run::ENDED).unwrap_or("in several ways") {
        "duration" => "-duration was over".to_owned(),
        "signal" => format!("stopped by {}", signal.unwrap_or("a signal")),
        "forced" => format!("forced by a second {}", signal.unwrap_or("signal")),
        "restarts_used_up" => "every client used up its restarts".to_owned(),
        "nothing_started" => "no client could be started".to_owned(),
        other => other.replace('_', " "),
    };
    let median = whole(&clients::MEDIAN_ACTIVE);
    let median = median.map(|median| format!(", median {}", words::count(median)));
    let duration = of.values.number(&run::DURATION).unwrap_or(0.0);
    let mut rows = vec![
        ("Ended", ended),
        ("Duration", words::span(span(duration))),
        ("Target clients", words::count(whole(&clients::TARGET).unwrap_or(0))),
        ("Clients running", format!("peak {}{}", peak(of), median.unwrap_or_default())),
        ("Seed", whole(&run::SEED).unwrap_or(0).to_string()),
    ];
    let never = whole(&clients::NEVER_PLAYED).map(words::count);
    rows.extend(never.map(|never| ("Clients that never played", never)));
    rows.extend(stall_threshold(of).map(|threshold| ("Stall threshold", threshold)));
    rows.extend(text(&run::URL).map(|url| ("URL", url)));
    rows.extend(text(&run::FFMPEG_VERSION).map(|version| ("FFmpeg", version)));
    let shard = whole(&run::SHARD_INDEX).zip(whole(&run::SHARD_COUNT));
    rows.extend(
        shard
            .zip(whole(&run::SHARD_CLIENTS))
            .map(|((index, count), all)| ("Shard", format!("{index}/{count}, of {all} clients"))),
    );
    rows.extend(text(&run::METRICS_ADDRESS).map(|address| ("Metrics were at", address)));
    if of.values.flag(&run::DANGEROUS) == Some(true) {
        let why = "the URL's host was replaced and TLS was not verified".to_owned();
        rows.push(("--dangerous", why));
    }
    owned(rows)
}

fn cost(of: &Document) -> Vec<Vec<String>> {
    let whole = |measure| of.values.whole(measure);
    let counted = |measure| words::count(whole(measure).unwrap_or(0));
    let starts = of.values.times(&processes::START_LATENESS).map_or(0, |times| times.count);
    let mut rows = Vec::new();
    rows.extend(whole(&host::CORES).map(|cores| ("Cores", cores.to_string())));
    if of.has(&host::OWN_CPU) {
        rows.push(("CPU of this program", of_core(of, &host::OWN_CPU)));
    }
    let peak = whole(&host::OWN_PEAK_RESIDENT).or(whole(&host::OWN_RESIDENT));
    rows.extend(peak.map(|bytes| ("Most memory of this program", words::bytes(bytes))));
    rows.push(("CPU of all FFmpegs", of_core(of, &host::FFMPEG_CPU)));
    let largest = whole(&host::FFMPEG_PEAK_RESIDENT);
    rows.extend(largest.map(|bytes| ("Most memory of one FFmpeg", words::bytes(bytes))));
    let late = counted(&processes::LATE_STARTS);
    rows.push(("Late starts", format!("{late} of {}", words::count(starts))));
    rows.push(("Own log lines dropped", counted(&generator::JOURNAL_DROPPED)));
    rows.extend(shortfalls::standstills(&of.values).map(|stood| ("Stood still", stood)));
    let cut = whole(&log::LINES_CUT).unwrap_or(0);
    rows.push(("Lines read from FFmpeg", format!("{}, {cut} cut", counted(&log::LINES))));
    let mut refused: Vec<_> = of.values.counts(&log::VALUES_REFUSED).iter().collect();
    refused.sort();
    let refused: Vec<_> =
        refused.iter().map(|(name, count)| format!("{name}: {}", words::count(*count))).collect();
    rows.extend((!refused.is_empty()).then(|| ("Values refused", refused.join(", "))));
    owned(rows)
}

fn owned(rows: Vec<(&str, String)>) -> Vec<Vec<String>> {
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}
