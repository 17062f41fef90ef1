//! Two runs beside each other: what got better, what got worse, and what may be
//! chance.

use super::html::Html;
use super::noise::{self, Difference};
use super::scale::{Unit, span};
use super::sections::{started, table};
use super::verdict;
use crate::view::document::{Distribution, Document, total};
use crate::view::words;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
    /// It tells what the runs were, and neither is better.
    Neither,
}

/// Times whose values resemble each other within a client, so that one counts once.
const ALIKE: [&str; 3] = ["Playlist edge age", "Speed", "TCP round trips"];

/// One line of the table.
struct Row {
    name: String,
    values: [String; 2],
    change: String,
    judgement: &'static str,
}

/// What the two runs were.
pub(super) fn runs(html: &mut Html, names: [&str; 2], runs: [&Document; 2]) {
    let both = |of: &dyn Fn(&Document) -> String| runs.map(of);
    let rows: [(&str, [String; 2]); 7] = [
        ("Verdict", both(&|run| verdict::of(run).headline)),
        ("Started", both(&|run| known(started(run)))),
        ("Duration", both(&|run| words::span(span(run.run.duration_seconds)))),
        ("Clients to keep up", both(&|run| words::count(u64::from(run.clients.target)))),
        ("FFmpeg", both(&|run| known(run.ffmpeg_version.clone()))),
        ("ffmpeg-hls-swarm", both(&|run| known(run.version.clone()))),
        ("Cores", both(&|run| known(run.host.cores.map(|n| n.to_string())))),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, [a, b])| vec![name.to_owned(), a, b]).collect();
    html.element("div", &[("class", "wide text")], |html| {
        table(html, "The two runs", &["Item", names[0], names[1]], &rows);
    });
}

fn known(value: Option<String>) -> String {
    value.unwrap_or_else(|| "not known".to_owned())
}

/// What is different, and how far that is to be trusted.
pub(super) fn differences(html: &mut Html, names: [&str; 2], runs: [&Document; 2]) {
    let rows = rows(runs);
    let cells = rows.into_iter().map(|row| {
        let [a, b] = row.values;
        vec![row.name, a, b, row.change, row.judgement.to_owned()]
    });
    let heads = ["Measure", names[0], names[1], "Change", "Judgement"];
    html.element("div", &[("class", "wide judged")], |html| {
        table(html, "Differences", &heads, &cells.collect::<Vec<_>>());
    });
    html.leaf(
        "p",
        &[("class", "note")],
        "A difference is called better or worse if it is larger than 5 % and than three standard \
         errors. These take the values of a run as independent, which they are not quite, since \
         clients share an origin and a network; of playlist edge age, speed and round trips each client \
         counts once. Two runs are two samples: repeat both before a \
         small difference is believed.",
    );
    if runs.iter().any(|run| !run.host.shortfalls.is_empty()) {
        let text = "In at least one of the runs the host was a bottleneck: what differs may be \
                    the host's doing and not the origin's.";
        html.leaf("p", &[("class", "note strong")], text);
    }
}

fn rows(runs: [&Document; 2]) -> Vec<Row> {
    let mut rows = Vec::new();
    let hours = runs.map(|run| run.clients.active_seconds / 3_600.0);
    let requests = runs.map(|run| {
        let kinds = run.requests.iter().flat_map(|asked| asked.by_kind.values());
        total(kinds.copied()) as f64
    });
    let hourly = |count: u64, hours: f64| format!("{} a client hour", rate(count, hours));
    if runs.iter().all(|run| run.requests.is_some()) {
        let failed = runs.map(verdict::failed);
        let shown = |count: u64, of: f64| words::share(count as f64, of);
        rows.push(events("Failed requests", failed, requests, &shown));
        let skipped =
            runs.map(|run| run.requests.as_ref().map_or(0, |asked| asked.segments_skipped));
        rows.push(events("Segments skipped", skipped, hours, &hourly));
    }
    if runs.iter().all(|run| run.playback.is_some()) {
        let stalls = runs.map(|run| run.playback.as_ref().map_or(0, |playback| playback.stalls));
        rows.push(events("Stalls", stalls, hours, &hourly));
    }
    let restarts = runs.map(|run| run.processes.restarted);
    rows.push(events("Restarts", restarts, hours, &hourly));
    for (name, quantile, better) in [
        ("Segment times", 0.5, Better::Less),
        ("Segment times", 0.95, Better::Less),
        ("Segment times", 0.99, Better::Less),
        ("Playlist times", 0.5, Better::Less),
        ("Playlist times", 0.95, Better::Less),
        ("Start-up", 0.5, Better::Less),
        ("Start-up", 0.95, Better::Less),
        ("Playlist edge age", 0.5, Better::Less),
        ("Speed", 0.05, Better::More),
        ("TCP round trips", 0.5, Better::Less),
    ] {
        rows.extend(percentile(runs, name, quantile, better));
    }
    if let [Some(a), Some(b)] = runs.map(|run| run.bytes.as_ref()?.bits_per_second_per_client) {
        rows.push(plain("Received by each client", [a, b], &words::bit_rate));
    }
    if let [Some(a), Some(b)] = runs.map(|run| run.clients.peak_active.map(f64::from)) {
        rows.push(plain("Clients at once", [a, b], &|value| Unit::Count.show(value)));
    }
    rows
}

fn rate(count: u64, of: f64) -> String {
    if of > 0.0 { format!("{:.2}", count as f64 / of) } else { "n/a".to_owned() }
}

/// Events out of, or in, so much; the fewer the better.
fn events(name: &str, counts: [u64; 2], of: [f64; 2], show: &dyn Fn(u64, f64) -> String) -> Row {
    let [a, b] = counts;
    let [of_a, of_b] = of;
    let difference = noise::rates((a, of_a), (b, of_b));
    let rate = |count: u64, of: f64| if of > 0.0 { count as f64 / of } else { 0.0 };
    let shown = |count: u64, of: f64| format!("{} ({})", words::count(count), show(count, of));
    Row {
        name: name.to_owned(),
        values: [shown(a, of_a), shown(b, of_b)],
        change: change(rate(a, of_a), rate(b, of_b)),
        judgement: judgement(difference, Better::Less),
    }
}

/// A percentile of what both runs have.
fn percentile(
    runs: [&Document; 2],
    name: &'static str,
    quantile: f64,
    better: Better,
) -> Option<Row> {
    let find = |run| -> Option<(&Distribution, Unit)> {
        let mut all = super::sections::distributions(run).into_iter();
        all.find(|(found, ..)| *found == name).map(|(_, of, unit)| (of, unit))
    };
    let [(a, unit), (b, _)] = [find(runs[0])?, find(runs[1])?];
    let at = |of: &Distribution| {
        let at = of.percentiles.as_ref()?;
        Some(match quantile {
            q if q < 0.1 => at.p5,
            q if q < 0.9 => at.p50,
            q if q < 0.97 => at.p95,
            _ => at.p99,
        })
    };
    let [value_a, value_b] = [at(a)?, at(b)?];
    let independent = runs.map(|run| match name {
        name if ALIKE.contains(&name) => u64::from(run.clients.ever_started),
        _ => u64::MAX,
    });
    Some(Row {
        name: format!("{name} P{:.0}", quantile * 100.0),
        values: [value_a, value_b].map(|value| unit.show(value)),
        change: change(value_a, value_b),
        judgement: judgement(noise::quantiles((a, b), independent, quantile), better),
    })
}

/// A number that is neither good nor bad.
fn plain(name: &str, values: [f64; 2], show: &dyn Fn(f64) -> String) -> Row {
    let [a, b] = values;
    Row {
        name: name.to_owned(),
        values: values.map(show),
        change: change(a, b),
        judgement: judgement(Difference::Unclear, Better::Neither),
    }
}

fn change(a: f64, b: f64) -> String {
    if a == b {
        return "none".to_owned();
    }
    if a <= 0.0 {
        return "from none".to_owned();
    }
    let change = (b - a) / a * 100.0;
    if change.abs() >= 1_000.0 { format!("×{:.1}", b / a) } else { format!("{change:+.1} %") }
}

const fn judgement(difference: Difference, better: Better) -> &'static str {
    match (difference, better) {
        (_, Better::Neither) => "not judged",
        (Difference::Unclear, _) => "no clear difference",
        (Difference::Smaller, Better::Less) | (Difference::Larger, Better::More) => "▲ better",
        _ => "▼ worse",
    }
}
