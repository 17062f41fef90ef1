//! The part of the text that shows what the origin's exporters reported. Only where
//! one was polled.

use super::document::Document;
use super::page::Page;
use crate::measures::{Measure, exporters as of_origin, words};

/// Bytes of the unit in which bytes are recorded.
const MEGABYTE: f64 = 1e6;

/// Adds what each exporter that was polled reported.
pub(super) fn add(page: &mut Page, of: &Document) {
    let polled = |url: &Measure| of.values.text(url).is_some();
    let (host, nginx) = (polled(&of_origin::HOST_URL), polled(&of_origin::NGINX_URL));
    if host || nginx {
        page.rule('-');
    }
    if host {
        let measures = [
            &of_origin::HOST_URL,
            &of_origin::HOST_POLLS,
            &of_origin::HOST_FAILURES,
            &of_origin::HOST_LAST_ERROR,
        ];
        if add_polls(page, of, "Origin's host", measures) {
            of_host(page, of);
        }
    }
    if nginx {
        let measures = [
            &of_origin::NGINX_URL,
            &of_origin::NGINX_POLLS,
            &of_origin::NGINX_FAILURES,
            &of_origin::NGINX_LAST_ERROR,
        ];
        if add_polls(page, of, "Origin's nginx", measures) {
            of_nginx(page, of);
        }
    }
}

/// Adds how polling went: URL, polls, failures and last error. Returns whether any
/// poll succeeded.
fn add_polls(page: &mut Page, of: &Document, name: &str, measures: [&'static Measure; 4]) -> bool {
    let [url, polls, failures, error] = measures;
    let whole = |measure| of.values.whole(measure).unwrap_or(0);
    let (polls, failures) = (whole(polls), whole(failures));
    let mut rows = vec![of.values.text(url).unwrap_or_default().to_owned()];
    let failed = words::count(failures);
    rows.push(format!("{}, {failed} failed", words::plural(polls, "poll")));
    rows.extend(of.values.text(error).map(|why| format!("last failure: {why}")));
    page.rows(name, &rows);
    failures != polls
}

fn of_host(page: &mut Page, of: &Document) {
    let cpus = of.values.whole(&of_origin::HOST_CPUS);
    let cpus = cpus.map(|cpus| format!("; of {}", words::plural(cpus, "CPU")));
    let cpu = sampled(of, &of_origin::HOST_CPU, |share| words::share(share, 1.0));
    page.row("  CPU", &(cpu + &cpus.unwrap_or_default()));
    let memory = of.values.number(&of_origin::HOST_MEMORY);
    let memory = memory.map(|all| format!("; of {}", words::bytes(all as u64)));
    let used =
        sampled(of, &of_origin::HOST_MEMORY_USED, |used| words::bytes((used * MEGABYTE) as u64));
    page.row("  Memory used", &(used + &memory.unwrap_or_default()));
    let rate = |megabytes: f64| words::bit_rate(megabytes * MEGABYTE * 8.0);
    page.row("  Network in", &sampled(of, &of_origin::HOST_RECEIVED, rate));
    page.row("  Network out", &sampled(of, &of_origin::HOST_SENT, rate));
}

fn of_nginx(page: &mut Page, of: &Document) {
    let counted = |measure| {
        let count = of.values.number(measure);
        count.map_or_else(|| "n/a".to_owned(), |count| words::count(count as u64))
    };
    let rate = sampled(of, &of_origin::NGINX_REQUEST_RATE, |rate| format!("{rate:.1}"));
    page.row("  Requests", &format!("{}; a second: {rate}", counted(&of_origin::NGINX_REQUESTS)));
    let accepted = counted(&of_origin::NGINX_ACCEPTED);
    let handled = counted(&of_origin::NGINX_HANDLED);
    page.row("  Connections", &format!("{accepted} accepted, {handled} handled"));
    let active =
        sampled(of, &of_origin::NGINX_ACTIVE, |active| words::count(active.round() as u64));
    page.row("  Open at once", &active);
}

/// The median, the upper end and the maximum over the run; `n/a` if nothing was
/// sampled.
fn sampled(of: &Document, measure: &Measure, show: impl Fn(f64) -> String) -> String {
    let times = of.values.times(measure);
    let all = times.and_then(|times| Some((times.percentiles?, times.max()?)));
    all.map_or_else(
        || "n/a".to_owned(),
        |(at, max)| format!("P50 {}, P95 {}, max {}", show(at.p50), show(at.p95), show(max)),
    )
}
