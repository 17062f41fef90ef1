//! The scrape of the built-in origin, filled from its counts.
//!
//! Knows no socket: counts and a request in, a response out.

use crate::exposition::format::Format;
use crate::exposition::metrics::collect_origin;
use crate::http::{Method, Request, Response, Status};
use crate::measures::OriginScene;

/// The response to a request for
/// [`METRICS_PATH`](crate::measures::METRICS_PATH).
#[must_use]
pub fn respond(scene: &OriginScene<'_>, request: &Request<'_>) -> Response {
    if !matches!(request.method, Method::Get | Method::Head) {
        return Response::text(Status::METHOD_NOT_ALLOWED, "").with_header("Allow", "GET, HEAD");
    }
    let format = Format::accepted(request.fields("Accept"));
    match format.encode(&collect_origin(scene)) {
        Ok(text) => Response::new(Status::OK, format.content_type(), text.into_bytes()),
        Err(error) => Response::text(Status::INTERNAL_ERROR, &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures;
    use crate::origin::faults::Faults;
    use crate::origin::{FaultyOrigin, StreamSettings};
    use crate::stats::Health;
    use crate::units::Moment;

    #[test]
    fn every_family_of_the_origin_is_there_from_the_start() {
        let recipes = vec!["503:5%".parse().unwrap()];
        let faults = Faults::new(recipes, 1).unwrap();
        let mut origin = FaultyOrigin::new(StreamSettings::default(), faults, false).unwrap();
        let _ = origin.respond(Moment::default(), &Request::new(Method::Get, "/stream.m3u8", &[]));
        let got = collect_origin(&OriginScene { origin: &origin, health: &Health::default() });
        let names: Vec<_> = got.iter().map(|family| family.name().to_owned()).collect();
        let all = measures::families(measures::of_origin());
        let of_process = |name: &str| name.starts_with("process_");
        let want: Vec<_> = all.map(|family| family.name).filter(|name| !of_process(name)).collect();
        assert_eq!(names, want);
        let text = Format::Text.encode(&got).unwrap();
        assert!(text.contains("faults_injected_total{kind=\"503\"} 0\n"), "{text}");
        assert!(text.contains("requests_total{kind=\"master\",status=\"200\"} 1\n"), "{text}");
    }
}
