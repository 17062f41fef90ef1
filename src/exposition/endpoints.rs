//! What is served beside a run: metrics, health and readiness.
//!
//! Knows no socket: a scene and a request in, a response out.

use crate::exposition::format::Format;
use crate::exposition::metrics;
use crate::http::{Method, Request, Response, Status};
use crate::measures::METRICS_PATH;
use crate::measures::Scene;
use crate::stats::Phase;

/// What `/` says. Relative links, so that it works behind a proxy's path.
const INDEX: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>ffmpeg-hls-swarm</title></head>
<body>
<h1>ffmpeg-hls-swarm</h1>
<ul>
<li><a href=\"metrics\">metrics</a></li>
<li><a href=\"health\">health</a>: the process responds</li>
<li><a href=\"-/healthy\">-/healthy</a>: the same</li>
<li><a href=\"-/ready\">-/ready</a>: the run is under way or waits for -start-at</li>
</ul>
</body>
</html>
";

/// Responds to a request.
#[must_use]
pub fn respond(scene: &Scene<'_>, request: &Request<'_>) -> Response {
    let serve = match request.path {
        METRICS_PATH => scrape,
        "/health" | "/-/healthy" => healthy,
        "/-/ready" => ready,
        "/" => index,
        _ => return Response::text(Status::NOT_FOUND, ""),
    };
    match request.method {
        Method::Get | Method::Head => serve(scene, request),
        Method::Post | Method::Other => {
            Response::text(Status::METHOD_NOT_ALLOWED, "").with_header("Allow", "GET, HEAD")
        }
    }
}

fn scrape(scene: &Scene<'_>, request: &Request<'_>) -> Response {
    let format = Format::accepted(request.fields("Accept"));
    match format.encode(&metrics::collect(scene)) {
        Ok(text) => Response::new(Status::OK, format.content_type(), text.into_bytes()),
        Err(error) => Response::text(Status::INTERNAL_ERROR, &error.to_string()),
    }
}

fn healthy(_: &Scene<'_>, _: &Request<'_>) -> Response {
    Response::text(Status::OK, "ok")
}

fn ready(scene: &Scene<'_>, _: &Request<'_>) -> Response {
    match scene.snapshot.phase {
        // Set up, with nothing left to do but to wait: who waits for all shards to be
        // ready must see them so before the start.
        Phase::Before => Response::text(Status::OK, "waiting for -start-at"),
        Phase::Ramp | Phase::Hold => Response::text(Status::OK, "ready"),
        Phase::Drain | Phase::Finished => Response::text(Status::UNAVAILABLE, "stopping"),
    }
}

fn index(_: &Scene<'_>, _: &Request<'_>) -> Response {
    Response::new(Status::OK, "text/html; charset=utf-8", INDEX.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Connection, Limits};
    use crate::measures::fixture::busy_run;
    use crate::units::Tick;

    /// Status line, header fields and body of the response to a request.
    fn ask(phase: Phase, method: &str, path: &str, fields: &str) -> (String, String) {
        let numbers = busy_run();
        let mut snapshot = numbers.snapshot();
        snapshot.phase = phase;
        let scene = numbers.scene(&snapshot);
        let mut connection = Connection::new(Tick::ZERO, Limits::default());
        let request = format!("{method} {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        let mut serve = |request: &Request<'_>| respond(&scene, request);
        connection.receive(Tick::ZERO, request.as_bytes(), &mut serve);
        let [head, body] = connection.pending();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&head), text(&body))
    }

    #[test]
    fn every_path_has_its_response() {
        let (ok, gone) = (Phase::Hold, Phase::Drain);
        let cases = [
            (ok, "GET", "/health", 200, "ok\n"),
            (gone, "GET", "/health", 200, "ok\n"),
            (ok, "HEAD", "/health", 200, ""),
            (ok, "GET", "/-/healthy", 200, "ok\n"),
            (Phase::Before, "GET", "/-/ready", 200, "waiting for -start-at\n"),
            (Phase::Ramp, "GET", "/-/ready", 200, "ready\n"),
            (ok, "GET", "/-/ready", 200, "ready\n"),
            (gone, "GET", "/-/ready", 503, "stopping\n"),
            (Phase::Finished, "GET", "/-/ready", 503, "stopping\n"),
            (ok, "GET", "/", 200, INDEX),
            (ok, "GET", "/?x=y", 200, INDEX),
            (ok, "GET", "/metrics/", 404, "Not Found\n"),
            (ok, "PUT", "/nothing", 404, "Not Found\n"),
            (ok, "POST", "/metrics", 405, "Method Not Allowed\n"),
            (ok, "DELETE", "/health", 405, "Method Not Allowed\n"),
        ];
        for (phase, method, path, code, body) in cases {
            let (head, got) = ask(phase, method, path, "");
            assert!(head.starts_with(&format!("HTTP/1.1 {code} ")), "{method} {path}: {head}");
            assert_eq!(got, body, "{method} {path}");
            assert_eq!(head.contains("\r\nAllow: GET, HEAD\r\n"), code == 405, "{method} {path}");
        }
    }

    #[test]
    fn a_scrape_is_in_the_format_asked_for() {
        let (head, body) = ask(Phase::Hold, "GET", "/metrics", "");
        assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
        assert!(body.contains("\nhlsswarm_clients_started_total 14\n"), "{body}");
        let accept = "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n";
        let (head, body) = ask(Phase::Hold, "GET", "/metrics", accept);
        assert!(head.contains("\r\nContent-Type: application/openmetrics-text; version=1.0.0"));
        assert!(body.ends_with("\n# EOF\n"), "{body}");
    }

    #[test]
    fn a_head_names_the_length_of_the_get() {
        let length = |method: &str| {
            let (head, _) = ask(Phase::Hold, method, "/metrics", "");
            head.lines().find(|line| line.starts_with("Content-Length")).unwrap().to_owned()
        };
        assert_eq!(length("HEAD"), length("GET"));
    }
}
