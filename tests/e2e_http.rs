//! End to end with the fake FFmpeg: the scrape address, for valid and invalid scrapers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::net::TcpListener;

use rustix::process::Signal;
use support::fake::Fake;
use support::http::{Connection, Scrape, get};
use support::program::{Program, Setup};
use support::tools::promtool_says;

fn started(fake: &Fake, steps: &str) -> Program {
    let mut program = Setup::faking(fake, steps)
        .args(&["-clients", "2", "-ramp-rate", "200", "-ramp-jitter", "0"])
        .start();
    program.event("ramp_complete");
    program
}

#[test]
fn every_path_responds_as_documented() {
    let fake = Fake::named("ffmpeg");
    let mut program = started(&fake, "wait");
    let address = program.metrics();
    for (path, status, said) in [
        ("/metrics", 200, "# HELP hlsswarm_clients_active"),
        ("/health", 200, "ok"),
        ("/-/healthy", 200, "ok"),
        ("/-/ready", 200, "ready"),
        ("/", 200, "metrics"),
        ("/metrics?x=1", 200, "# HELP"),
        ("/none", 404, ""),
        ("/metrics/", 404, ""),
    ] {
        let reply = get(address, path);
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.body.contains(said), "{path}: {}", reply.body);
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(reply.headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert_eq!(
            reply.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert!(!reply.headers.contains_key("access-control-allow-origin"), "{path}");
    }
    program.stopped();
}

#[test]
fn each_request_gets_its_own_response() {
    let fake = Fake::named("ffmpeg");
    let mut program = started(&fake, "wait");
    let address = program.metrics();
    let huge = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    for (request, status) in [
        ("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405),
        ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("GET /metrics HTTP/1.0\r\n\r\n", 200),
        ("GET /metrics HTTP/1.1\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03\r\n\r\n", 400),
        (&huge, 431),
    ] {
        let mut connection = Connection::to(address);
        connection.send(request);
        let reply = connection.reply(false).unwrap();
        let asked: String = request.chars().take(40).collect();
        assert_eq!(reply.status, status, "{asked:?}");
        assert_eq!(reply.headers.contains_key("allow"), status == 405, "{asked:?}");
        if matches!(status, 400 | 431) {
            assert!(connection.is_closed(), "{asked:?}");
        }
    }
    program.stopped();
}

#[test]
fn keeps_connections_and_accepts_pipelined_requests() {
    let fake = Fake::named("ffmpeg");
    let mut program = started(&fake, "wait");
    let mut connection = Connection::to(program.metrics());
    for _ in 0..3 {
        connection.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(connection.reply(false).unwrap().body.trim_end(), "ok");
    }
    connection
        .send("HEAD /health HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    connection.send("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let head = connection.reply(true).unwrap();
    assert_eq!((head.status, head.headers["content-length"] == "0"), (200, false));
    assert_eq!(connection.reply(false).unwrap().status, 404);
    assert!(connection.reply(false).unwrap().body.contains("hlsswarm_clients_target 2\n"));
    assert!(connection.is_closed());
    program.stopped();
}

#[test]
fn accepts_a_request_byte_by_byte() {
    let fake = Fake::named("ffmpeg");
    let mut program = started(&fake, "wait");
    let mut connection = Connection::to(program.metrics());
    for byte in b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" {
        connection.send([*byte]);
    }
    assert_eq!(connection.reply(false).unwrap().status, 200);
    program.stopped();
}

#[test]
fn serves_openmetrics_on_request() {
    let fake = Fake::named("ffmpeg");
    let mut program = started(&fake, "wait");
    let address = program.metrics();
    let plain = get(address, "/metrics");
    assert!(plain.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    let mut connection = Connection::to(address);
    connection.send(
        "GET /metrics HTTP/1.1\r\nHost: a\r\n\
         Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n\r\n",
    );
    let open = connection.reply(false).unwrap();
    let content_type = &open.headers["content-type"];
    assert!(
        content_type.starts_with("application/openmetrics-text; version=1.0.0"),
        "{content_type}"
    );
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
    program.stopped();
}

#[test]
fn promtool_accepts_a_real_scrape() {
    let fake = Fake::named("ffmpeg");
    let mut program = started(&fake, "only-0/err-9/exit-3");
    program.events("client_exited", 2);
    program.scrape();
    assert_eq!(promtool_says(&program.scrape().text).unwrap_or_default(), "");
    program.stopped();
}

#[test]
fn hanging_scrapers_do_not_block_others() {
    let fake = Fake::named("ffmpeg");
    let mut program = started(&fake, "wait");
    let address = program.metrics();
    let mut hanging = Vec::new();
    // More than the server keeps, each in another state.
    for number in 0..400 {
        let mut connection = Connection::to(address);
        match number % 3 {
            0 => {}
            1 => connection.send("GET /metrics HTTP/1.1\r\nHo"),
            // Requests far more than the socket buffer holds and reads none of it.
            _ => connection.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50)),
        }
        hanging.push(connection);
    }
    for _ in 0..3 {
        assert_eq!(Scrape::of(address).get("hlsswarm_clients_active"), 2.0);
    }
    drop(hanging);
    program.stopped();
}

#[test]
fn readiness_ends_with_the_first_signal() {
    let fake = Fake::named("ffmpeg");
    let mut program = started(&fake, "ignore-term/err-1/wait");
    let address = program.metrics();
    assert_eq!(get(address, "/-/ready").status, 200);
    program.signal(Signal::TERM);
    program.event("stopping");
    assert_eq!(get(address, "/-/ready").status, 503);
    assert_eq!(get(address, "/health").status, 200);
    program.ended();
}

#[test]
fn unavailable_address_prevents_the_start() {
    let fake = Fake::named("ffmpeg");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    for (address, said) in [(taken.as_str(), "-metrics"), ("192.0.2.1:9090", "-metrics")] {
        let fake = fake.path();
        let args = ["-ffmpeg", fake.to_str().unwrap(), "--skip-preflight", "-metrics", address];
        let ended = Setup::with(&args).args(&["http://127.0.0.1:9/wait"]).run();
        ended.refuses(1, said);
    }
}

#[test]
fn without_an_address_nothing_listens() {
    let fake = Fake::named("ffmpeg");
    let fake = fake.path();
    let args = ["-ffmpeg", fake.to_str().unwrap(), "--skip-preflight", "-metrics", ""];
    let ended = Setup::with(&args).args(&["-duration", "1s", "http://127.0.0.1:9/wait"]).run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.events("metrics_server_started").is_empty());
}
