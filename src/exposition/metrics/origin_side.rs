//! What the origin tells of itself; only where it is asked, and while it answers.

use super::collector::Collector;
use crate::measures::Scene;
use crate::measures::families::{self, Family};
use crate::stats::OriginSide;
use crate::stats::origin_side::{CPU_MODES, Host, Measure, Nginx};
use crate::units::Tick;

/// What connections do, in the order in which nginx tells it.
const STATES: [&str; 3] = ["reading", "writing", "waiting"];

/// Adds the families of the origin's side.
pub(super) fn collect(out: &mut Collector, scene: &Scene<'_>) {
    let Some(side) = scene.origin_side else { return };
    let now = scene.snapshot.now;
    asked(out, side, now);
    if let Some(told) = side.fresh_host() {
        host(out, told, now);
    }
    if let Some(told) = side.fresh_nginx() {
        nginx(out, told, now);
    }
}

fn asked(out: &mut Collector, side: &OriginSide, now: Tick) {
    let mut each = |family, value: &dyn Fn(&crate::stats::origin_side::Polled) -> Option<f64>| {
        let samples =
            side.polled().filter_map(|polled| Some((vec![polled.target().name()], value(polled)?)));
        out.labelled(family, samples);
    };
    each(families::ORIGIN_UP, &|polled| Some(f64::from(u8::from(polled.is_up()))));
    each(families::ORIGIN_SCRAPES, &|polled| Some(polled.polls() as f64));
    each(families::ORIGIN_SCRAPE_FAILURES, &|polled| Some(polled.failures() as f64));
    each(families::ORIGIN_SAMPLE_AGE, &|polled| polled.age(now).map(|age| age.as_secs_f64()));
}

fn host(out: &mut Collector, host: &Host, now: Tick) {
    if host.cpus() > 0 {
        out.single(families::ORIGIN_HOST_CPUS, f64::from(host.cpus()));
    }
    if let Some(spent) = host.by_mode() {
        let by_mode = CPU_MODES.iter().zip(spent).map(|(&mode, &share)| (vec![mode], share));
        out.labelled(families::ORIGIN_HOST_CPU_MODE, by_mode);
    }
    measure(out, families::ORIGIN_HOST_CPU, &host.cpu, now);
    let mut told = |family, value: Option<f64>| {
        if let Some(value) = value {
            out.single(family, value);
        }
    };
    told(families::ORIGIN_HOST_MEMORY, host.memory_bytes());
    told(families::ORIGIN_HOST_MEMORY_AVAILABLE, host.memory_available_bytes());
    measure(out, families::ORIGIN_HOST_MEMORY_USED, &host.memory_used, now);
    measure(out, families::ORIGIN_HOST_RECEIVED, &host.received, now);
    measure(out, families::ORIGIN_HOST_SENT, &host.sent, now);
    if let Some(load) = host.load1() {
        out.single(families::ORIGIN_HOST_LOAD, load);
    }
}

fn nginx(out: &mut Collector, nginx: &Nginx, now: Tick) {
    measure(out, families::ORIGIN_NGINX_ACTIVE, &nginx.active, now);
    let states = STATES.iter().zip(nginx.states());
    let states = states.filter_map(|(&state, count)| Some((vec![state], count?)));
    out.labelled(families::ORIGIN_NGINX_STATES, states);
    let counters = [
        families::ORIGIN_NGINX_ACCEPTED,
        families::ORIGIN_NGINX_HANDLED,
        families::ORIGIN_NGINX_REQUESTS,
    ];
    for (family, count) in counters.into_iter().zip(nginx.counted()) {
        if let Some(count) = count {
            out.single(family, count);
        }
    }
    measure(out, families::ORIGIN_NGINX_REQUEST_RATE, &nginx.requests, now);
}

fn measure(out: &mut Collector, family: Family, of: &Measure, now: Tick) {
    let (Some(last), Some(recent)) = (of.last(), of.recent(now)) else { return };
    let stats = [("last", last), ("p50", recent.p50), ("p95", recent.p95), ("max", recent.max)];
    out.labelled(family, stats.map(|(stat, value)| (vec![stat], value)));
}
