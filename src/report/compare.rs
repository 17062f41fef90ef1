//! Two runs beside each other: what got better, what got worse, and what may be
//! chance.

use super::html::Html;
use super::noise::{self, Comparison, Difference, Judged, Sample};
use super::scale::{Unit, span};
use super::sections::{started, table};
use super::verdict;
use crate::measures::{
    Better, Distribution, Measure, clients, host, playback, processes, requests, run, shortfalls,
    tcp, words,
};
use crate::summary::Document;

/// By what a row is tested.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Test {
    /// All values of both runs, by their ranks; the median is shown.
    Ranks,
    /// The value that this share of all do not exceed, by its bounds.
    Quantile(f64),
}

/// What is compared by percentiles, in the order of the page; the measures name them.
const COMPARED: [&Measure; 6] = [
    &requests::SEGMENT_DOWNLOAD,
    &requests::PLAYLIST_DOWNLOAD,
    &playback::STARTUP,
    &playback::PLAYLIST_EDGE_AGE,
    &playback::SPEED,
    &tcp::RTT,
];

/// The test of counts, as the page names it.
const EVENTS_TEST: &str = "events";

/// How the page says what the judgements are worth.
const NOTE: &str = "Better or worse is what differs by more than 5 % and not by chance: of two \
    runs that are alike, one comparison in twenty at most calls any of its rows so. Medians are \
    tested by the ranks of all values (Mann–Whitney), other percentiles by the bounds that order \
    statistics give, in brackets at 95 %, and counts as events of either run (binomial); p is \
    corrected for the number of rows (Holm). The values of one client resemble each other, so of \
    each run as many values count as it has clients, and of events no more than both have. \
    Clients also share an origin and a network: repeat both runs before a small difference is \
    believed.";

/// One line of the table.
struct Row {
    name: String,
    values: [String; 2],
    change: String,
    better: Better,
    /// How it was tested, in a word, and what that found.
    tested: Option<(&'static str, Comparison)>,
}

/// What the two runs were.
pub(super) fn runs(html: &mut Html, names: [&str; 2], runs: [&Document; 2]) {
    let both = |of: &dyn Fn(&Document) -> String| runs.map(of);
    let text = |measure| both(&|of| known(of.values.text(measure).map(str::to_owned)));
    let count = |measure| both(&|of| known(of.values.whole(measure).map(words::count)));
    let duration = |of: &Document| of.values.number(&run::DURATION).unwrap_or(0.0);
    let rows: [(&str, [String; 2]); 7] = [
        ("Verdict", both(&|run| verdict::of(run).headline)),
        ("Started", both(&|run| known(started(run)))),
        ("Duration", both(&|run| words::span(span(duration(run))))),
        ("Target clients", count(&clients::TARGET)),
        ("FFmpeg", text(&run::FFMPEG_VERSION)),
        ("ffmpeg-hls-swarm", text(&run::VERSION)),
        ("Cores", count(&host::CORES)),
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
    let mut judged = judged(&rows).into_iter();
    let cells = rows.into_iter().map(|row| {
        let tested = row.tested.and_then(|(test, _)| Some((test, judged.next()?)));
        let (judgement, test) = match tested {
            Some((test, judged)) => {
                (judgement(test, judged.difference, row.better), shown(test, judged))
            }
            None => ("not judged".to_owned(), String::new()),
        };
        let [a, b] = row.values;
        vec![row.name, a, b, row.change, judgement, test]
    });
    let heads = ["Measure", names[0], names[1], "Change", "Judgement", "Test"];
    html.element("div", &[("class", "wide judged")], |html| {
        table(html, "Differences", &heads, &cells.collect::<Vec<_>>());
    });
    html.leaf("p", &[("class", "note")], NOTE);
    if runs.iter().any(|run| !run.values.texts(&shortfalls::SHORTFALLS).is_empty()) {
        let text = "In at least one of the runs the host was a bottleneck: what differs may be \
                    the host's doing and not the origin's.";
        html.leaf("p", &[("class", "note strong")], text);
    }
}

/// The judgements of all rows that are tested, in their order.
fn judged(rows: &[Row]) -> Vec<Judged> {
    let tested: Vec<_> = rows.iter().filter_map(|row| Some(row.tested.as_ref()?.1)).collect();
    noise::judge(&tested)
}

fn rows(runs: [&Document; 2]) -> Vec<Row> {
    let mut rows = Vec::new();
    let number = |measure| runs.map(|run| run.values.number(measure).unwrap_or(0.0));
    let whole = |measure| runs.map(|run| run.values.whole(measure).unwrap_or(0));
    let both = |measure| runs.iter().all(|run| run.has(measure));
    let hours = number(&clients::ACTIVE_TIME).map(|secs| secs / 3_600.0);
    let requests = number(&requests::BY_KIND);
    let clients = whole(&clients::EVER_STARTED);
    let events = |name: &str, counts, of, show: &dyn Fn(u64, f64) -> String| {
        events(name, counts, of, clients, show)
    };
    let hourly = |count: u64, hours: f64| format!("{} per client-hour", rate(count, hours));
    let by_hour = |name, measure| events(name, whole(measure), hours, &hourly);
    if both(&requests::BY_KIND) {
        let failed = runs.map(verdict::failed);
        let shown = |count: u64, of: f64| words::share(count as f64, of);
        // A request may fail although its start was not observed: then there is no share.
        let possible = failed.iter().zip(&requests).all(|(&failed, &all)| failed as f64 <= all);
        rows.push(if possible {
            events("Failed requests", failed, requests, &shown)
        } else {
            events("Failed requests", failed, hours, &hourly)
        });
        rows.push(by_hour("Segments skipped", &requests::SEGMENTS_SKIPPED));
    }
    if both(&playback::STALLS) {
        rows.push(by_hour("Stalls", &playback::STALLS));
    }
    rows.push(by_hour("Restarts", &processes::RESTARTED));
    for measure in COMPARED {
        let compared = measure.compared.iter();
        rows.extend(compared.filter_map(|&share| percentile(runs, clients, measure, share)));
    }
    let known = |measure| runs.map(|run| run.values.number(measure));
    if let [Some(a), Some(b)] = known(&requests::BIT_RATE) {
        rows.push(plain("Received by each client", [a, b], &words::bit_rate));
    }
    if let [Some(a), Some(b)] = known(&clients::PEAK_ACTIVE) {
        rows.push(plain("Clients at once", [a, b], &|value| Unit::Count.show(value)));
    }
    rows
}

fn rate(count: u64, of: f64) -> String {
    if of > 0.0 { format!("{:.2}", count as f64 / of) } else { "n/a".to_owned() }
}

/// Events out of, or in, so much; the fewer the better.
fn events(
    name: &str,
    counts: [u64; 2],
    of: [f64; 2],
    clients: [u64; 2],
    show: &dyn Fn(u64, f64) -> String,
) -> Row {
    let ([a, b], [of_a, of_b]) = (counts, of);
    let rate = |count: u64, of: f64| if of > 0.0 { count as f64 / of } else { 0.0 };
    let shown = |count: u64, of: f64| format!("{} ({})", words::count(count), show(count, of));
    Row {
        name: name.to_owned(),
        values: [shown(a, of_a), shown(b, of_b)],
        change: change(rate(a, of_a), rate(b, of_b)),
        better: Better::Less,
        tested: Some((EVENTS_TEST, noise::by_events(counts, of, clients))),
    }
}

/// A percentile of what both runs have; the median is tested by the ranks of all values.
fn percentile(
    runs: [&Document; 2],
    clients: [u64; 2],
    measure: &Measure,
    share: f64,
) -> Option<Row> {
    let [a, b] = runs.map(|run| run.values.times(measure));
    let (a, b, unit) = (a?, b?, Unit::of(measure));
    let at = |of: &Distribution| of.percentiles.as_ref()?.at(share);
    let values = [at(a)?, at(b)?];
    let test = if share == 0.5 { Test::Ranks } else { Test::Quantile(share) };
    let [clients_a, clients_b] = clients;
    let samples = [Sample::of(a, clients_a), Sample::of(b, clients_b)];
    let (per_cent, tested) = match test {
        Test::Ranks => (50.0, ("ranks", noise::by_ranks(samples.each_ref(), values))),
        Test::Quantile(q) => {
            (q * 100.0, ("bounds", noise::by_quantile(samples.each_ref(), q, values)))
        }
    };
    let shown = |value: f64, sample: &Sample| match test {
        Test::Quantile(q) => bounded(unit, value, sample.interval(q)),
        Test::Ranks => unit.show(value),
    };
    let ([value_a, value_b], [sample_a, sample_b]) = (values, &samples);
    Some(Row {
        name: format!("{} P{per_cent:.0}", measure.title),
        values: [shown(value_a, sample_a), shown(value_b, sample_b)],
        change: change(value_a, value_b),
        better: measure.better,
        tested: Some(tested),
    })
}

/// A value, and beside it its bounds in millionths of the unit.
fn bounded(unit: Unit, value: f64, bounds: Option<[u64; 2]>) -> String {
    let value = unit.show(value);
    match bounds.map(|bounds| bounds.map(|bound| unit.show(bound as f64 / 1e6))) {
        Some([low, high]) => format!("{value} ({low} to {high})"),
        None => value,
    }
}

/// A number that is neither good nor bad.
fn plain(name: &str, values: [f64; 2], show: &dyn Fn(f64) -> String) -> Row {
    let [a, b] = values;
    Row {
        name: name.to_owned(),
        values: values.map(show),
        change: change(a, b),
        better: Better::Neither,
        tested: None,
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

fn judgement(test: &str, difference: Difference, better: Better) -> String {
    let better = match (difference, better) {
        (_, Better::Neither) => return "not judged".to_owned(),
        (Difference::TooFew(count), _) => {
            let what = if test == EVENTS_TEST { "events" } else { "values" };
            return format!("too few {what} ({count})");
        }
        (Difference::Unclear, _) => return "no clear difference".to_owned(),
        (Difference::Smaller, Better::Less) | (Difference::Larger, Better::More) => true,
        _ => false,
    };
    if better { "▲ better" } else { "▼ worse" }.to_owned()
}

/// The test of a row, and its p-value if there is one.
fn shown(test: &str, judged: Judged) -> String {
    match judged.p {
        Some(p) if p < 0.000_1 => format!("{test}, p < 0.0001"),
        Some(p) => format!("{test}, p = {p:.4}"),
        None => test.to_owned(),
    }
}

#[cfg(test)]
mod tests;
