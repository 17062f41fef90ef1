//! The parts of a page that are words and tables.

use super::html::Html;
use super::scale::{Unit, span};
use super::verdict::{self, Verdict};
use crate::measures::{
    self, Distribution, Kind, Measure, clients, exchanges, host, playback, processes, requests,
    run, tcp, words,
};
use crate::summary::Document;

/// Percentiles in the order in which they are shown, the most important first; others
/// follow in the order of their declaration.
const FIRST: [&Measure; 8] = [
    &playback::STARTUP,
    &requests::SEGMENT_DOWNLOAD,
    &requests::PLAYLIST_DOWNLOAD,
    &playback::SPEED,
    &playback::PLAYLIST_EDGE_AGE,
    &playback::DRIFT,
    &requests::TCP_CONNECT,
    &tcp::RTT,
];

/// A section with its heading.
pub(super) fn section(html: &mut Html, title: &str, inside: impl FnOnce(&mut Html)) {
    html.element("section", &[], |html| {
        html.leaf("h2", &[], title);
        inside(html);
    });
}

/// What the run was, in one line.
pub(super) fn summary_line(of: &Document) -> String {
    let duration = of.values.number(&run::DURATION).unwrap_or(0.0);
    let mut parts = vec![
        words::plural(of.values.whole(&clients::TARGET).unwrap_or(0), "client"),
        words::span(span(duration)),
    ];
    parts.extend(started(of).map(|at| format!("started {at}")));
    let version = |measure| of.values.text(measure);
    parts.extend(version(&run::FFMPEG_VERSION).map(|version| format!("FFmpeg {version}")));
    parts.extend(version(&run::VERSION).map(|version| format!("ffmpeg-hls-swarm {version}")));
    parts.join(" · ")
}

/// When the program started, in UTC, if that is known.
pub(super) fn started(of: &Document) -> Option<String> {
    let secs = of.values.number(&host::START_TIME)?;
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
pub(super) fn key_figures(html: &mut Html, of: &Document) {
    let whole = |measure| of.values.whole(measure);
    let target = whole(&clients::TARGET).unwrap_or(0);
    let exceeded = whole(&clients::PEAK_ACTIVE).is_some_and(|peak| peak > target);
    let target = words::count(target);
    let target =
        if exceeded { format!("target {target} at the end") } else { format!("of {target}") };
    let mut figures = vec![("Clients at once", peak(of), target)];
    if let Some(bytes) = whole(&requests::BYTES) {
        let each = of.values.number(&requests::BIT_RATE).map(words::bit_rate);
        let each = each.map(|rate| format!("{rate} each")).unwrap_or_default();
        figures.push(("Received", words::bytes(bytes), each));
    }
    if let Some(all) = of.values.total(&requests::BY_KIND) {
        let failed = verdict::failed(of);
        // A request may fail although its start was not observed.
        let beside = if failed > all {
            format!("{} observed", words::plural(all, "request"))
        } else {
            format!("{} of {}", words::share(failed as f64, all as f64), words::count(all))
        };
        figures.push(("Failed requests", words::count(failed), beside));
        figures.extend(percentile("Segments P95", of.values.times(&requests::SEGMENT_DOWNLOAD)));
    }
    if let Some(stalls) = whole(&playback::STALLS) {
        figures.extend(percentile("Start-up P95", of.values.times(&playback::STARTUP)));
        let lasted = of.values.number(&playback::STALL_TIME).unwrap_or(0.0);
        let lasted = words::span(span(lasted));
        figures.push(("Stalls", words::count(stalls), format!("{lasted} in all")));
    }
    let counted = |measure| words::count(whole(measure).unwrap_or(0));
    let started = counted(&processes::STARTED);
    figures.push(("Restarts", counted(&processes::RESTARTED), format!("{started} starts")));
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
pub(super) fn peak(of: &Document) -> String {
    let whole = |measure| of.values.whole(measure).map(words::count);
    match (whole(&clients::PEAK_ACTIVE), whole(&clients::PEAK_ACTIVE_AT_MOST)) {
        (Some(peak), _) => peak,
        (None, Some(bound)) => format!("at most {bound}"),
        (None, None) => "not known".to_owned(),
    }
}

fn percentile(
    name: &'static str,
    of: Option<&Distribution>,
) -> Option<(&'static str, String, String)> {
    let at = of?.percentiles?;
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

/// Every distribution of what clients and processes did, with its measure.
pub(super) fn distributions(of: &Document) -> Vec<(&'static Measure, &Distribution)> {
    let first = FIRST.iter().copied();
    let rest = measures::fields().filter(|measure| {
        let shown = ["origin_side", "host"];
        let elsewhere = measure.section().is_some_and(|section| shown.contains(&section));
        measure.kind == Kind::Times && !elsewhere && first.clone().all(|of| of.id != measure.id)
    });
    let all = first.clone().chain(rest);
    all.filter_map(|measure| Some((measure, of.values.times(measure)?))).collect()
}

/// The percentiles of every distribution.
pub(super) fn percentiles(html: &mut Html, of: &Document) {
    let rows = distributions(of).into_iter().filter_map(|(measure, of)| {
        let unit = Unit::of(measure);
        let mut row = vec![measure.title.to_owned(), words::count(of.count)];
        row.extend(of.percentiles?.all().map(|value| unit.show(value)));
        Some(row)
    });
    let caption = "Percentiles, off by 1 % at most; low speeds and high times are bad";
    html.element("div", &[("class", "wide")], |html| {
        table(
            html,
            caption,
            &["Times", "Values", "P1", "P5", "P50", "P95", "P99"],
            &rows.collect::<Vec<_>>(),
        );
    });
}

/// Where the times come from; if from the log, of how many segments they are, since what
/// it does not show is left out.
pub(super) fn source_of_times(of: &Document) -> String {
    if of.has(&exchanges::RESULTS) {
        return "Requests and their times are those of the exchanges on the wire.".to_owned();
    }
    let mut text =
        "Times of connects, segments and playlists are inferred from FFmpeg's log.".to_owned();
    let timed = of.values.times(&requests::SEGMENT_DOWNLOAD).map(|times| times.count);
    if let Some((timed, all)) = timed.zip(of.values.whole(&requests::SEGMENTS)) {
        let (timed, all) = (words::count(timed), words::count(all));
        text.push_str(&format!(" {timed} of {all} segment downloads could be timed."));
    }
    text
}

/// The command that repeats a run.
pub(super) fn command(html: &mut Html, of: &Document) {
    let command = of.values.text(&run::COMMAND).unwrap_or_default();
    html.element("pre", &[("tabindex", "0")], |html| html.leaf("code", &[], command));
}
