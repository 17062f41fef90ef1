//! The part of the summary in which the origin speaks of itself. Only where it was
//! asked.

use super::{Page, SummaryInput};
use crate::measures::words;
use crate::stats::origin_side::{Host, Measure, Nginx, Polled, Target};

/// Adds what was told by each target that was asked.
pub(super) fn add(page: &mut Page, input: &SummaryInput<'_>) {
    let Some(side) = input.origin_side else { return };
    page.rule('-');
    for polled in side.polled() {
        asked(page, polled);
        if polled.failures() == polled.polls() {
            continue;
        }
        match polled.target() {
            Target::Host => host(page, side.host()),
            Target::Nginx => nginx(page, side.nginx()),
        }
    }
}

fn asked(page: &mut Page, polled: &Polled) {
    let name = match polled.target() {
        Target::Host => "Origin's host",
        Target::Nginx => "Origin's nginx",
    };
    let mut rows = vec![polled.url().to_owned()];
    let failures = words::count(polled.failures());
    rows.push(format!("asked {}, {failures} failed", words::plural(polled.polls(), "time")));
    rows.extend(polled.last_error().map(|why| format!("last failure: {why}")));
    page.rows(name, &rows);
}

fn host(page: &mut Page, host: &Host) {
    let cpus = match host.cpus() {
        0 => String::new(),
        cpus => format!("; of {}", words::plural(u64::from(cpus), "CPU")),
    };
    page.row("  CPU", &(told(&host.cpu, |share| words::share(share, 1.0)) + &cpus));
    let memory = host.memory_bytes();
    let memory =
        memory.map_or_else(String::new, |all| format!("; of {}", words::bytes(all as u64)));
    page.row(
        "  Memory used",
        &(told(&host.memory_used, |used| words::bytes(used as u64)) + &memory),
    );
    page.row("  Network in", &told(&host.received, |bytes| words::bit_rate(bytes * 8.0)));
    page.row("  Network out", &told(&host.sent, |bytes| words::bit_rate(bytes * 8.0)));
}

fn nginx(page: &mut Page, nginx: &Nginx) {
    let counted = |count: Option<f64>| {
        count.map_or_else(|| "n/a".to_owned(), |count| words::count(count as u64))
    };
    let [accepted, handled, requests] = nginx.counted().map(counted);
    page.row("  Requests", &format!("{requests}; a second: {}", told(&nginx.requests, rate)));
    page.row("  Connections", &format!("{accepted} accepted, {handled} handled"));
    page.row("  Open at once", &told(&nginx.active, |active| words::count(active.round() as u64)));
}

fn rate(rate: f64) -> String {
    format!("{rate:.1}")
}

/// The median, the upper end and the maximum over the run; `n/a` if nothing was told.
fn told(of: &Measure, show: impl Fn(f64) -> String) -> String {
    of.over_all().map_or_else(
        || "n/a".to_owned(),
        |all| format!("P50 {}, P95 {}, max {}", show(all.p50), show(all.p95), show(all.max)),
    )
}
