//! What the origin's exporters reported, as a table. Only if one was polled.

use super::html::Html;
use super::sections;
use crate::measures::{Distribution, Measure, exporters, words};
use crate::summary::Document;

/// Bytes of the unit in which bytes are recorded.
const MEGABYTE: f64 = 1e6;

/// Adds the section, if an exporter was polled.
pub(super) fn add(html: &mut Html, of: &Document) {
    let notes = notes(of);
    if notes.is_empty() {
        return;
    }
    sections::section(html, "The origin's own load", |html| {
        let caption = "Values of the origin's exporters, one per poll";
        let heads = ["Subject", "Values", "P1", "P5", "P50", "P95", "P99"];
        html.element("div", &[("class", "wide")], |html| {
            sections::table(html, caption, &heads, &rows(of));
        });
        for note in notes {
            html.leaf("p", &[("class", "note")], &note);
        }
    });
}

/// A measure, and how its values are shown.
type Shown = (&'static Measure, fn(f64) -> String);

fn rows(of: &Document) -> Vec<Vec<String>> {
    let shown: [Shown; 6] = [
        (&exporters::HOST_CPU, |value| words::share(value, 1.0)),
        (&exporters::HOST_MEMORY_USED, |value| words::bytes((value * MEGABYTE) as u64)),
        (&exporters::HOST_RECEIVED, |value| words::bit_rate(value * MEGABYTE * 8.0)),
        (&exporters::HOST_SENT, |value| words::bit_rate(value * MEGABYTE * 8.0)),
        (&exporters::NGINX_REQUEST_RATE, |value| format!("{value:.1}")),
        (&exporters::NGINX_ACTIVE, |value| format!("{value:.1}")),
    ];
    let rows = shown.into_iter();
    rows.filter_map(|(measure, show)| row(measure.title, of.values.times(measure), show)).collect()
}

fn row(name: &str, of: Option<&Distribution>, show: impl Fn(f64) -> String) -> Option<Vec<String>> {
    let of = of?;
    let at = of.percentiles.as_ref()?;
    let mut row = vec![name.to_owned(), words::count(of.count)];
    row.extend([at.p1, at.p5, at.p50, at.p95, at.p99].map(show));
    Some(row)
}

/// Which exporters were polled, and how that went.
fn notes(of: &Document) -> Vec<String> {
    let values = &of.values;
    let polled = [&exporters::HOST_URL, &exporters::HOST_POLLS, &exporters::HOST_FAILURES];
    let host = note(of, "Its host", polled, &exporters::HOST_LAST_ERROR).map(|mut note| {
        let cpus = values.whole(&exporters::HOST_CPUS);
        note.extend(cpus.map(|cpus| words::plural(cpus, "CPU")));
        let memory = values.number(&exporters::HOST_MEMORY);
        note.extend(memory.map(|all| format!("{} of memory", words::bytes(all as u64))));
        note
    });
    let polled = [&exporters::NGINX_URL, &exporters::NGINX_POLLS, &exporters::NGINX_FAILURES];
    let nginx = note(of, "Its nginx", polled, &exporters::NGINX_LAST_ERROR).map(|mut note| {
        let requests = values.number(&exporters::NGINX_REQUESTS);
        let requests = requests.map(|count| words::plural(count as u64, "request"));
        note.extend(requests.map(|requests| format!("{requests} since the first poll")));
        note
    });
    [host, nginx].into_iter().flatten().map(|parts| parts.join(", ") + ".").collect()
}

/// An exporter, how often it was polled, and its failures; `None` if it was not polled.
fn note(
    of: &Document,
    who: &str,
    [url, polls, failures]: [&Measure; 3],
    last_error: &Measure,
) -> Option<Vec<String>> {
    let whole = |measure| of.values.whole(measure).unwrap_or(0);
    let polled = words::plural(whole(polls), "poll");
    let mut note = vec![format!("{who}: {}", of.values.text(url)?), polled];
    if whole(failures) > 0 {
        let why = of.values.text(last_error).unwrap_or("not known");
        note.push(format!("{} failed (last: {why})", words::count(whole(failures))));
    }
    Some(note)
}
