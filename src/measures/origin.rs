//! What the built-in origin served.

use std::borrow::Cow;

use super::declare::measures;
use super::measure::Measure;
use super::unit::Unit;
use super::value::Value;

/// Status of a request that a fault left without a response.
const NO_STATUS: &str = "none";

measures! {
    REQUESTS = Measure::counts("origin_requests", "Requests")
        .family("hlsswarm_origin_requests_total",
            "Requests to the built-in origin, by kind of resource and by the status sent; none if a fault sent no response.")
        .labels(&["kind", "status"])
        .of_origin(|scene| {
            let all = scene.origin.counts().requests.iter();
            Value::Samples(all.map(|(&(kind, status), &count)| {
                let status = status.map_or(Cow::from(NO_STATUS), |status| status.to_string().into());
                (vec![Cow::from(kind.name()), status], count as f64)
            }).collect())
        });
    RESPONSE_BYTES = Measure::counter("origin_response_bytes", "Bytes of bodies").unit(Unit::Bytes)
        .family("hlsswarm_origin_response_bytes_total",
            "Bytes of bodies that sockets took, of responses that are over.")
        .of_origin(|scene| Value::Whole(scene.origin.counts().body_bytes));
    INCOMPLETE = Measure::counter("origin_responses_incomplete", "Responses cut short")
        .family("hlsswarm_origin_responses_incomplete_total",
            "Responses that were not sent to their end: by a fault, or because the client left or was too slow.")
        .of_origin(|scene| Value::Whole(scene.origin.counts().incomplete));
    RESPONSE_TIME = Measure::times("origin_response", "Response times")
        .family("hlsswarm_origin_response_seconds",
            "Time from a request until the socket accepted the last byte of its response, faults included; requests without a response are not counted.")
        .of_origin(|scene| Value::Times(&scene.origin.counts().responses));
    FAULTS = Measure::counts("origin_faults_injected", "Faults injected")
        .family("hlsswarm_origin_faults_injected_total",
            "Responses that a fault was applied to, by kind; each status is a kind of its own. For refuse: the time windows that began.")
        .labels(&["kind"])
        .of_origin(|scene| {
            let all = scene.origin.faults().by_kind().iter();
            Value::by_name(all.map(|(kind, &count)| (kind.as_str(), count as f64)))
        });
    CONNECTIONS_OPEN = Measure::gauge("origin_connections_open", "Open connections")
        .family("hlsswarm_origin_connections_open",
            "Connections that are open, that of the scrape included.")
        .of_origin(|scene| Value::Whole(scene.health.connections.open));
    CONNECTIONS = Measure::counter("origin_connections_accepted", "Connections accepted")
        .family("hlsswarm_origin_connections_accepted_total", "Connections accepted.")
        .of_origin(|scene| Value::Whole(scene.health.connections.accepted));
    EVICTED = Measure::counter("origin_connections_evicted", "Connections evicted")
        .family("hlsswarm_origin_connections_evicted_total",
            "Connections closed because a new one came and no place or descriptor was left; the idlest go first.")
        .of_origin(|scene| Value::Whole(scene.health.connections.evicted));
    ACCESS_DROPPED = Measure::counter("origin_access_lines_dropped", "Access lines dropped")
        .family("hlsswarm_origin_access_lines_dropped_total",
            "Lines of the access log lost because their reader stalled or the disk is full.")
        .of_origin(|scene| Value::Whole(scene.origin.counts().access_lines_dropped));
}
