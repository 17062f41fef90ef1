//! What the exporters of the origin report, while they respond.

use super::declare::measures;
use super::measure::{Kind, Measure, Merge};
use super::scene::Scene;
use super::unit::Unit;
use super::value::Value;
use crate::exporters::{CPU_MODES, Exporters, Host, Nginx, Polled, Sampled, Target};

/// What connections do, in the order in which nginx reports it.
const STATES: [&str; 3] = ["reading", "writing", "waiting"];

measures! {
    HOST_URL = Measure::note("origin_host_url", Kind::Text)
        .field("origin_side.host.asked.url")
        .read(|scene| asked(scene, Target::Host, |polled| text(Some(polled.url()))));
    NGINX_URL = Measure::note("origin_nginx_url", Kind::Text)
        .field("origin_side.nginx.asked.url")
        .read(|scene| asked(scene, Target::Nginx, |polled| text(Some(polled.url()))));
    UP = Measure::gauge("origin_up", "Exporter up")
        .family("hlsswarm_origin_up",
            "Whether the last poll of this exporter succeeded (with -origin-metrics or -nginx-metrics).")
        .labels(&["target"])
        .read(|scene| of_each(scene, |polled| Some(f64::from(u8::from(polled.is_up())))));
    SCRAPES = Measure::counter("origin_scrapes", "Polls of the exporter")
        .family("hlsswarm_origin_scrapes_total",
            "Polls of this exporter, failed ones included.")
        .labels(&["target"])
        .read(|scene| of_each(scene, |polled| Some(polled.polls() as f64)));
    FAILURES = Measure::counter("origin_scrape_failures", "Failed polls of the exporter")
        .family("hlsswarm_origin_scrape_failures_total",
            "Polls of this exporter that failed: no connection, no response in time, or a response that is not that of such an exporter.")
        .labels(&["target"])
        .read(|scene| of_each(scene, |polled| Some(polled.failures() as f64)));
    SAMPLE_AGE = Measure::gauge("origin_sample_age", "Age of the last sample").number(Unit::Seconds)
        .family("hlsswarm_origin_sample_age_seconds",
            "Age of the last successful poll of this exporter; absent before the first.")
        .labels(&["target"])
        .read(|scene| of_each(scene, |polled| Some(polled.age(scene.snapshot.now)?.as_secs_f64())));
    HOST_POLLS = Measure::counter("origin_host_polls", "Polls of the host's exporter")
        .field("origin_side.host.asked.polls").merge(Merge::LeftOut)
        .read(|scene| asked(scene, Target::Host, |polled| Value::Whole(polled.polls())));
    HOST_FAILURES = Measure::counter("origin_host_failures", "Failed polls of the host's exporter")
        .field("origin_side.host.asked.failures").merge(Merge::LeftOut)
        .read(|scene| asked(scene, Target::Host, |polled| Value::Whole(polled.failures())));
    HOST_LAST_ERROR = Measure::note("origin_host_last_error", Kind::Text)
        .field("origin_side.host.asked.last_error").optional()
        .read(|scene| asked(scene, Target::Host, |polled| text(polled.last_error())));
    NGINX_POLLS = Measure::counter("origin_nginx_polls", "Polls of nginx's exporter")
        .field("origin_side.nginx.asked.polls").merge(Merge::LeftOut)
        .read(|scene| asked(scene, Target::Nginx, |polled| Value::Whole(polled.polls())));
    NGINX_FAILURES = Measure::counter("origin_nginx_failures", "Failed polls of nginx's exporter")
        .field("origin_side.nginx.asked.failures").merge(Merge::LeftOut)
        .read(|scene| asked(scene, Target::Nginx, |polled| Value::Whole(polled.failures())));
    NGINX_LAST_ERROR = Measure::note("origin_nginx_last_error", Kind::Text)
        .field("origin_side.nginx.asked.last_error").optional()
        .read(|scene| asked(scene, Target::Nginx, |polled| text(polled.last_error())));
    HOST_CPUS = Measure::gauge("origin_host_cpus", "CPUs of the origin's host")
        .family("hlsswarm_origin_host_cpus", "CPUs of the origin's host.")
        .field("origin_side.host.cpus").optional()
        .read(|scene| cpus(scene.exporters.and_then(Exporters::fresh_host)))
        .at_end(|scene| cpus(polled_host(scene)));
    HOST_CPU_MODE = Measure::gauge("origin_host_cpu_mode", "CPU by mode").number(Unit::Ratio)
        .family("hlsswarm_origin_host_cpu_mode_ratio",
            "Share of all CPUs of the origin's host that was spent in this mode between the last two polls; they sum to 1.")
        .labels(&["mode"])
        .read(|scene| {
            let host = scene.exporters.and_then(Exporters::fresh_host);
            let spent = host.and_then(Host::by_mode).into_iter();
            Value::by_name(spent.flat_map(|spent| CPU_MODES.into_iter().zip(spent.iter().copied())))
        });
    HOST_CPU = Measure::times("origin_host_cpu_used", "CPU of its host").unit(Unit::Ratio).stands()
        .family("hlsswarm_origin_host_cpu_used_ratio",
            "Share of all CPUs of the origin's host that was busy, 0 to 1.")
        .labels(&["stat"])
        .field("origin_side.host.cpu_used").optional().merge(Merge::LeftOut)
        .read(|scene| host_stats(scene, |host| &host.cpu))
        .at_end(|scene| all_of_host(scene, |host| &host.cpu));
    HOST_MEMORY = Measure::gauge("origin_host_memory", "Memory of the origin's host").number(Unit::Bytes)
        .family("hlsswarm_origin_host_memory_bytes", "Memory of the origin's host.")
        .field("origin_side.host.memory_bytes").optional()
        .read(|scene| host(scene, Host::memory_bytes))
        .at_end(|scene| Value::number(polled_host(scene).and_then(Host::memory_bytes)));
    HOST_MEMORY_AVAILABLE = Measure::gauge("origin_host_memory_available", "Memory available there")
        .number(Unit::Bytes)
        .family("hlsswarm_origin_host_memory_available_bytes",
            "Memory of the origin's host that programs can have without swapping.")
        .read(|scene| host(scene, Host::memory_available_bytes));
    HOST_MEMORY_USED = Measure::times("origin_host_memory_used", "Memory of its host")
        .unit(Unit::Megabytes).stands()
        .family("hlsswarm_origin_host_memory_used_bytes",
            "Memory of the origin's host that programs cannot have without swapping.")
        .labels(&["stat"])
        .field("origin_side.host.memory_used").optional().merge(Merge::LeftOut)
        .read(|scene| host_stats(scene, |host| &host.memory_used))
        .at_end(|scene| all_of_host(scene, |host| &host.memory_used));
    HOST_RECEIVED = Measure::times("origin_host_network_receive", "Network in")
        .unit(Unit::MegabytesPerSecond).stands()
        .family("hlsswarm_origin_host_network_receive_bytes_per_second",
            "Bytes a second that the origin's host received over devices that lead out of it.")
        .labels(&["stat"])
        .field("origin_side.host.received").optional().merge(Merge::LeftOut)
        .read(|scene| host_stats(scene, |host| &host.received))
        .at_end(|scene| all_of_host(scene, |host| &host.received));
    HOST_SENT = Measure::times("origin_host_network_transmit", "Network out")
        .unit(Unit::MegabytesPerSecond).stands()
        .family("hlsswarm_origin_host_network_transmit_bytes_per_second",
            "Bytes a second that the origin's host sent over devices that lead out of it.")
        .labels(&["stat"])
        .field("origin_side.host.sent").optional().merge(Merge::LeftOut)
        .read(|scene| host_stats(scene, |host| &host.sent))
        .at_end(|scene| all_of_host(scene, |host| &host.sent));
    HOST_LOAD = Measure::gauge("origin_host_load1", "Load of the origin's host").number(Unit::One)
        .family("hlsswarm_origin_host_load1", "Load average of one minute of the origin's host.")
        .read(|scene| host(scene, Host::load1));
    NGINX_ACTIVE = Measure::times("origin_nginx_connections_active", "Connections of nginx")
        .unit(Unit::Connections).stands()
        .family("hlsswarm_origin_nginx_connections_active",
            "Open connections of the origin's nginx, those that wait for a request included.")
        .labels(&["stat"])
        .field("origin_side.nginx.connections_active").optional().merge(Merge::LeftOut)
        .read(|scene| nginx_stats(scene, |nginx| &nginx.active))
        .at_end(|scene| all_of_nginx(scene, |nginx| &nginx.active));
    NGINX_STATES = Measure::gauge("origin_nginx_connections", "Connections of nginx by state")
        .number(Unit::Connections)
        .family("hlsswarm_origin_nginx_connections",
            "Open connections of the origin's nginx by what they do.")
        .labels(&["state"])
        .read(|scene| {
            let nginx = scene.exporters.and_then(Exporters::fresh_nginx);
            let states = nginx.map_or([None; 3], Nginx::states);
            Value::by_name(STATES.into_iter().zip(states).filter_map(|(name, n)| Some((name, n?))))
        });
    NGINX_ACCEPTED = Measure::counter("origin_nginx_connections_accepted", "Accepted by nginx")
        .number(Unit::Connections)
        .family("hlsswarm_origin_nginx_connections_accepted_total",
            "Connections that the origin's nginx accepted since the first poll.")
        .field("origin_side.nginx.connections_accepted").optional().merge(Merge::LeftOut)
        .read(|scene| counted(scene, 0)).at_end(|scene| counted_last(scene, 0));
    NGINX_HANDLED = Measure::counter("origin_nginx_connections_handled", "Handled by nginx")
        .number(Unit::Connections)
        .family("hlsswarm_origin_nginx_connections_handled_total",
            "Connections that the origin's nginx handled since the first poll; fewer than accepted if a resource limit was reached.")
        .field("origin_side.nginx.connections_handled").optional().merge(Merge::LeftOut)
        .read(|scene| counted(scene, 1)).at_end(|scene| counted_last(scene, 1));
    NGINX_REQUESTS = Measure::counter("origin_nginx_requests", "Requests of nginx").number(Unit::One)
        .family("hlsswarm_origin_nginx_requests_total",
            "Requests to the origin's nginx since the first poll, those of others included.")
        .field("origin_side.nginx.requests").optional().merge(Merge::LeftOut)
        .read(|scene| counted(scene, 2)).at_end(|scene| counted_last(scene, 2));
    NGINX_REQUEST_RATE = Measure::times("origin_nginx_requests_per_second", "Requests a second")
        .unit(Unit::RequestsPerSecond).stands()
        .family("hlsswarm_origin_nginx_requests_per_second",
            "Requests per second to the origin's nginx.")
        .labels(&["stat"])
        .field("origin_side.nginx.requests_per_second").optional().merge(Merge::LeftOut)
        .read(|scene| nginx_stats(scene, |nginx| &nginx.requests))
        .at_end(|scene| all_of_nginx(scene, |nginx| &nginx.requests));
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = &[
    &HOST_URL,
    &HOST_POLLS,
    &HOST_FAILURES,
    &HOST_LAST_ERROR,
    &HOST_CPUS,
    &HOST_MEMORY,
    &HOST_CPU,
    &HOST_MEMORY_USED,
    &HOST_RECEIVED,
    &HOST_SENT,
    &NGINX_URL,
    &NGINX_POLLS,
    &NGINX_FAILURES,
    &NGINX_LAST_ERROR,
    &NGINX_ACCEPTED,
    &NGINX_HANDLED,
    &NGINX_REQUESTS,
    &NGINX_ACTIVE,
    &NGINX_REQUEST_RATE,
];

/// Something of each exporter that is polled.
fn of_each(scene: &Scene<'_>, value: impl Fn(&Polled) -> Option<f64>) -> Value<'static> {
    let polled = scene.exporters.into_iter().flat_map(Exporters::polled);
    Value::by_name(polled.filter_map(|polled| Some((polled.target().name(), value(polled)?))))
}

/// Something of the exporter of this target, for the end of a run.
fn asked<'s>(
    scene: &'s Scene<'s>,
    target: Target,
    value: impl Fn(&Polled) -> Value<'static>,
) -> Value<'static> {
    let polled = scene.exporters.and_then(|side| side.polled_target(target));
    polled.map_or(Value::Absent, value)
}

fn text(text: Option<&str>) -> Value<'static> {
    text.map_or(Value::Absent, |text| Value::Text(text.to_owned()))
}

/// A number of the origin's host while its exporter responds.
fn host<'s>(scene: &'s Scene<'s>, value: impl Fn(&'s Host) -> Option<f64>) -> Value<'s> {
    Value::number(scene.exporters.and_then(Exporters::fresh_host).and_then(value))
}

/// What was sampled of the origin's host, while its exporter responds.
fn host_stats<'s>(scene: &'s Scene<'s>, of: impl Fn(&'s Host) -> &'s Sampled) -> Value<'s> {
    stats(scene, scene.exporters.and_then(Exporters::fresh_host).map(of))
}

/// The same of the origin's nginx.
fn nginx_stats<'s>(scene: &'s Scene<'s>, of: impl Fn(&'s Nginx) -> &'s Sampled) -> Value<'s> {
    stats(scene, scene.exporters.and_then(Exporters::fresh_nginx).map(of))
}

fn stats<'s>(scene: &Scene<'_>, of: Option<&'s Sampled>) -> Value<'s> {
    let now = scene.snapshot.now;
    let Some((last, recent)) = of.and_then(|of| Some((of.last()?, of.recent(now)?))) else {
        return Value::Absent;
    };
    let all = [("last", last), ("p50", recent.p50), ("p95", recent.p95), ("max", recent.max)];
    Value::by_name(all)
}

/// All samples of the run of the origin's host.
fn all_of_host<'s>(scene: &'s Scene<'s>, of: impl Fn(&'s Host) -> &'s Sampled) -> Value<'s> {
    let polled = scene.exporters.filter(|side| side.polled_target(Target::Host).is_some());
    polled.map_or(Value::Absent, |side| Value::times_if_any(of(side.host()).whole()))
}

/// The same of the origin's nginx.
fn all_of_nginx<'s>(scene: &'s Scene<'s>, of: impl Fn(&'s Nginx) -> &'s Sampled) -> Value<'s> {
    let polled = scene.exporters.filter(|side| side.polled_target(Target::Nginx).is_some());
    polled.map_or(Value::Absent, |side| Value::times_if_any(of(side.nginx()).whole()))
}

/// One of the counters of the origin's nginx since the first poll, while it responds.
fn counted<'s>(scene: &'s Scene<'s>, place: usize) -> Value<'s> {
    let nginx = scene.exporters.and_then(Exporters::fresh_nginx);
    Value::number(nginx.and_then(|nginx| nginx.counted().get(place).copied().flatten()))
}

/// The same at the end of a run.
fn counted_last<'s>(scene: &'s Scene<'s>, place: usize) -> Value<'s> {
    let polled = scene.exporters.filter(|side| side.polled_target(Target::Nginx).is_some());
    let counted = polled.map(|side| side.nginx().counted());
    Value::number(counted.and_then(|counted| counted.get(place).copied().flatten()))
}

/// The origin's host, if its exporter is polled.
fn polled_host<'s>(scene: &'s Scene<'s>) -> Option<&'s Host> {
    let side = scene.exporters.filter(|side| side.polled_target(Target::Host).is_some());
    side.map(Exporters::host)
}

/// The CPUs of a host, if it has reported any.
fn cpus(host: Option<&Host>) -> Value<'static> {
    Value::whole(host.map(|host| u64::from(host.cpus())).filter(|&cpus| cpus > 0))
}
