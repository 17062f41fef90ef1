//! What the origin told of itself, as a table. Only where it was asked.

use super::html::Html;
use super::sections;
use crate::measures::words;
use crate::summary::document::origin_side::{Asked, Host, Nginx, OriginSide};
use crate::summary::document::{Distribution, Document};

/// Bytes of the unit in which bytes are recorded.
const MEGABYTE: f64 = 1e6;

/// Adds the section, if there is anything to tell.
pub(super) fn add(html: &mut Html, document: &Document) {
    let Some(side) = &document.origin_side else { return };
    sections::section(html, "How the origin fared", |html| {
        let caption = "What the origin told of itself, one value a look";
        let heads = ["Subject", "Values", "P1", "P5", "P50", "P95", "P99"];
        html.element("div", &[("class", "wide")], |html| {
            sections::table(html, caption, &heads, &rows(side));
        });
        for note in notes(side) {
            html.leaf("p", &[("class", "note")], &note);
        }
    });
}

fn rows(side: &OriginSide) -> Vec<Vec<String>> {
    let share = |value: f64| words::share(value, 1.0);
    let bytes = |value: f64| words::bytes((value * MEGABYTE) as u64);
    let rate = |value: f64| words::bit_rate(value * MEGABYTE * 8.0);
    let plain = |value: f64| format!("{value:.1}");
    let mut rows = Vec::new();
    if let Some(Host { cpu_used, memory_used, received, sent, .. }) = &side.host {
        rows.extend(row("CPU of its host", cpu_used.as_ref(), share));
        rows.extend(row("Memory of its host", memory_used.as_ref(), bytes));
        rows.extend(row("Network in", received.as_ref(), rate));
        rows.extend(row("Network out", sent.as_ref(), rate));
    }
    if let Some(Nginx { requests_per_second, connections_active, .. }) = &side.nginx {
        rows.extend(row("Requests a second", requests_per_second.as_ref(), plain));
        rows.extend(row("Connections of nginx", connections_active.as_ref(), plain));
    }
    rows
}

fn row(name: &str, of: Option<&Distribution>, show: impl Fn(f64) -> String) -> Option<Vec<String>> {
    let of = of?;
    let at = of.percentiles.as_ref()?;
    let mut row = vec![name.to_owned(), words::count(of.count)];
    row.extend([at.p1, at.p5, at.p50, at.p95, at.p99].map(show));
    Some(row)
}

/// Who was asked, and how that went.
fn notes(side: &OriginSide) -> Vec<String> {
    let host = side.host.as_ref().map(|host| {
        let mut note = note("Its host", &host.asked);
        note.extend(host.cpus.map(|cpus| words::plural(u64::from(cpus), "CPU")));
        note.extend(host.memory_bytes.map(|all| format!("{} of memory", words::bytes(all as u64))));
        note
    });
    let nginx = side.nginx.as_ref().map(|nginx| {
        let mut note = note("Its nginx", &nginx.asked);
        let requests = nginx.requests.map(|count| words::plural(count as u64, "request"));
        note.extend(requests.map(|requests| format!("{requests} since the first look")));
        note
    });
    [host, nginx].into_iter().flatten().map(|parts| parts.join(", ") + ".").collect()
}

fn note(who: &str, asked: &Asked) -> Vec<String> {
    let looks = words::plural(asked.polls, "look");
    let mut note = vec![format!("{who}: {}", asked.url), looks];
    if asked.failures > 0 {
        let why = asked.last_error.as_deref().unwrap_or("not known");
        note.push(format!("{} failed (last: {why})", words::count(asked.failures)));
    }
    note
}
