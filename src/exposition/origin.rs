//! The scrape of the built-in origin, filled from its counts.
//!
//! Knows no socket: counts and a request in, a response out.

use prometheus::proto::MetricFamily;

use crate::exposition::format::Format;
use crate::exposition::metrics::collector::Collector;
use crate::exposition::metrics::process;
use crate::http::{Method, Request, Response, Status};
use crate::measures::families;
use crate::origin::FaultyOrigin;
use crate::stats::Health;

/// Status of a request that a fault left without an answer.
const NO_STATUS: &str = "none";

/// Answers a request for [`METRICS_PATH`](crate::exposition::format::METRICS_PATH).
#[must_use]
pub fn respond(origin: &FaultyOrigin, health: &Health, request: &Request<'_>) -> Response {
    if !matches!(request.method, Method::Get | Method::Head) {
        return Response::text(Status::METHOD_NOT_ALLOWED, "").with_header("Allow", "GET, HEAD");
    }
    let format = Format::accepted(request.fields("Accept"));
    match format.encode(&collect(origin, health)) {
        Ok(text) => Response::new(Status::OK, format.content_type(), text.into_bytes()),
        Err(error) => Response::text(Status::INTERNAL_ERROR, &error.to_string()),
    }
}

/// The families of the origin, in the order of [`families::ORIGIN`], and those of
/// its process.
#[must_use]
pub fn collect(origin: &FaultyOrigin, health: &Health) -> Vec<MetricFamily> {
    let mut out = Collector { families: Vec::new() };
    let counts = origin.counts();
    let requests: Vec<_> = (counts.requests.iter())
        .map(|(&(thing, status), &count)| {
            let status = status.map_or(NO_STATUS.to_owned(), |status| status.to_string());
            (thing.name(), status, count as f64)
        })
        .collect();
    let samples = requests.iter().map(|(thing, status, count)| (vec![*thing, status], *count));
    out.labelled(families::ORIGIN_REQUESTS, samples);
    out.single(families::ORIGIN_RESPONSE_BYTES, counts.body_bytes as f64);
    out.single(families::ORIGIN_RESPONSES_INCOMPLETE, counts.incomplete as f64);
    out.histogram(families::ORIGIN_RESPONSE_TIME, &counts.responses);
    let faults = origin.faults().by_kind().iter();
    out.labelled(
        families::ORIGIN_FAULTS,
        faults.map(|(kind, &count)| (vec![kind.as_str()], count as f64)),
    );
    out.single(families::ORIGIN_CONNECTIONS_OPEN, health.connections.open as f64);
    out.single(families::ORIGIN_CONNECTIONS, health.connections.accepted as f64);
    out.single(families::ORIGIN_CONNECTIONS_EVICTED, health.connections.evicted as f64);
    out.single(families::ORIGIN_ACCESS_DROPPED, counts.access_lines_dropped as f64);
    process(&mut out, &health.process);
    out.families
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Settings;
    use crate::origin::faults::Faults;
    use crate::units::Moment;

    #[test]
    fn every_family_of_the_origin_is_there_from_the_start() {
        let recipes = vec!["503:5%".parse().unwrap()];
        let faults = Faults::new(recipes, 1).unwrap();
        let mut origin = FaultyOrigin::new(Settings::default(), faults, false).unwrap();
        let _ = origin.respond(Moment::default(), &Request::new(Method::Get, "/stream.m3u8", &[]));
        let got = collect(&origin, &Health::default());
        let names: Vec<_> = got.iter().map(MetricFamily::name).collect();
        let want: Vec<_> = families::ORIGIN.iter().map(|family| family.name).collect();
        assert_eq!(names, want);
        let text = Format::Text.encode(&got).unwrap();
        assert!(text.contains("faults_injected_total{kind=\"503\"} 0\n"), "{text}");
        assert!(text.contains("requests_total{kind=\"master\",status=\"200\"} 1\n"), "{text}");
    }
}
