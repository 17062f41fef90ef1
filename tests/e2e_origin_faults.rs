//! The built-in origin's faults on the wire: every kind by plain sockets, recipes
//! changed at run time, its metrics and its access log.
//!
//! Delays are checked by the order of events, never by a clock.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;
use support::http::Connection;
use support::origin::{End, Origin, is_silent};
use support::tools::promtool_says;
use support::until;

const SEGMENT: &str = "/vod/v0/3.ts";
const MEDIA: &str = "/v0/index.m3u8";

#[test]
fn error_status_replaces_the_response() {
    let origin = Origin::with(&[
        "-fault",
        "404:segments",
        "-fault",
        "429:media:10s",
        "-fault",
        "503:master",
    ]);
    let missing = origin.get(SEGMENT);
    assert_eq!((missing.status, missing.headers.get("retry-after")), (404, None));
    let busy = origin.get(MEDIA);
    assert_eq!((busy.status, busy.headers["retry-after"].as_str()), (429, "10"));
    assert_eq!(origin.get("/stream.m3u8").status, 503);
    assert_eq!(origin.get("/health").status, 200);
    let scrape = origin.scrape();
    for (kind, status) in [("segment", 404), ("media", 429), ("master", 503), ("other", 200)] {
        let labels = format!("{{kind=\"{kind}\",status=\"{status}\"}}");
        assert_eq!(scrape.get(&format!("hlsswarm_origin_requests_total{labels}")), 1.0, "{kind}");
    }
    assert_eq!(origin.injected("429"), 1);
    origin.program.stopped();
}

#[test]
fn cuts_a_body_where_the_recipe_says() {
    let origin = Origin::with(&[]);
    let mut whole = Vec::new();
    let mut plain = origin.send(&format!("GET {SEGMENT} HTTP/1.0\r\n\r\n"));
    plain.read_to_end(&mut whole).unwrap();
    let body = whole.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let whole = &whole[body..];
    for (recipe, sent, stated, end) in [
        ("truncate:3kB", 3_000, whole.len(), End::Fin),
        ("truncate:0B", 0, whole.len(), End::Fin),
        ("truncate", whole.len() / 2, whole.len(), End::Fin),
        ("reset:3kB", 3_000, whole.len(), End::Rst),
        ("length:+1kB", whole.len(), whole.len() + 1_000, End::Fin),
        ("length:-100B", whole.len(), whole.len() - 100, End::Fin),
    ] {
        assert_eq!(origin.post(recipe).0, 200, "{recipe}");
        let wire = origin.wire(SEGMENT);
        assert!(wire.head.starts_with("HTTP/1.1 200 "), "{recipe}: {}", wire.head);
        assert_eq!((wire.body.len(), wire.end), (sent, end), "{recipe}");
        assert_eq!(wire.stated_length(), stated, "{recipe}");
        assert!(whole.starts_with(&wire.body), "{recipe}");
    }
    origin.post("reset");
    let wire = origin.wire(SEGMENT);
    assert_eq!((wire.head.as_str(), wire.body.len(), wire.end), ("", 0, End::Rst));
    let scrape = origin.scrape();
    assert_eq!(scrape.get("hlsswarm_origin_responses_incomplete_total"), 5.0);
    assert_eq!(origin.injected("truncate") + origin.injected("reset"), 5);
    origin.program.stopped();
}

#[test]
fn hang_and_latency_do_not_delay_others() {
    let recipes = ["hang:segments", "latency:media:10m"];
    let origin = Origin::with(&["-fault", recipes[0], "-fault", recipes[1]]);
    let (hung, late) = (origin.ask(SEGMENT), origin.ask(MEDIA));
    // Both requests have been read once both faults are counted.
    until("both are met", || origin.injected("hang") + origin.injected("latency") == 2);
    assert_eq!(origin.get("/stream.m3u8").status, 200);
    assert!(is_silent(&hung) && is_silent(&late));
    // Responses under way keep their fault, later ones have none.
    origin.post("latency:media:exp(10ms)");
    assert_eq!(origin.get(SEGMENT).status, 200);
    assert_eq!(origin.get(MEDIA).status, 200);
    assert!(is_silent(&hung) && is_silent(&late));
    drop((hung, late));
    until("both are over", || {
        origin.scrape().get("hlsswarm_origin_responses_incomplete_total") == 2.0
    });
    origin.program.stopped();
}

#[test]
fn drip_does_not_delay_others() {
    let origin = Origin::with(&["-fault", "drip:segments:1kB/s"]);
    let mut drip = origin.ask(SEGMENT);
    drip.read_exact(&mut [0; 20]).unwrap();
    assert_eq!(origin.get(MEDIA).status, 200);
    drip.read_exact(&mut [0; 200]).unwrap();
    // At 1000 bytes a second the segment has not been sent completely yet.
    assert_eq!(origin.scrape().get("hlsswarm_origin_response_bytes_total") as usize, {
        origin.get(MEDIA).body.len()
    });
    origin.program.stopped();
}

fn sequence(playlist: &str) -> u64 {
    let line = playlist.lines().find_map(|l| l.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    line.unwrap_or_else(|| panic!("{playlist}")).parse().unwrap()
}

#[test]
fn every_second_client_gets_a_stale_playlist() {
    let origin = Origin::with(&["-segment-duration", "1s"]);
    origin.post("stale:/2");
    let frozen = sequence(&origin.get_as(0, MEDIA));
    until("the others go on", || sequence(&origin.get_as(1, MEDIA)) > frozen + 1);
    assert_eq!(sequence(&origin.get_as(0, MEDIA)), frozen);
    assert_eq!(sequence(&origin.get_as(2, MEDIA)), frozen);
    origin.post("");
    assert!(sequence(&origin.get_as(0, MEDIA)) > frozen + 1);
    origin.program.stopped();
}

#[test]
fn every_second_client_gets_a_rewound_playlist() {
    let origin = Origin::with(&["-fault", "rewind:/2:4"]);
    until("no segment begins between three requests", || {
        let [before, back, after] = [1, 0, 1].map(|client| {
            let playlist = origin.get_as(client, MEDIA);
            sequence(&playlist)
        });
        assert!(back + 4 >= before && back + 4 <= after);
        before == after
    });
    origin.program.stopped();
}

#[test]
fn discontinuities_are_listed() {
    let origin = Origin::with(&["-segment-duration", "1s"]);
    assert!(!origin.get(MEDIA).body.contains("DISCONTINUITY"));
    origin.post("discontinuity:2");
    until("one is there", || origin.get(MEDIA).body.contains("#EXT-X-DISCONTINUITY\n"));
    assert!(origin.injected("discontinuity") > 0);
    origin.program.stopped();
}

#[test]
fn missing_segments_follow_the_seed_for_all_clients() {
    let statuses = |origin: &Origin| -> Vec<u16> {
        let playlist = origin.get("/vod/v0/index.m3u8").body;
        let names = playlist.lines().filter(|line| line.ends_with(".ts"));
        names.map(|name| origin.get(&format!("/vod/v0/{name}")).status).collect()
    };
    let origin = Origin::with(&["-fault", "missing:50%"]);
    let first = statuses(&origin);
    assert!(first.contains(&200) && first.contains(&404), "{first:?}");
    assert_eq!(statuses(&origin), first);
    assert_eq!(statuses(&Origin::with(&["-fault", "missing:50%"])), first);
    let other = statuses(&Origin::with(&["-fault", "missing:50%", "-seed", "8"]));
    assert_ne!(other, first);
    origin.program.stopped();
}

#[test]
fn redirect_leads_to_the_resource() {
    let origin = Origin::with(&["-fault", "redirect:307"]);
    let reply = origin.get(SEGMENT);
    assert_eq!(reply.status, 307);
    assert_eq!(origin.get(&reply.headers["location"]).status, 200);
    origin.program.stopped();
}

#[test]
fn refuses_new_connections_and_keeps_open_ones() {
    let origin = Origin::with(&[]);
    let mut inside = Connection::to(origin.address);
    let mut post = |recipes: &str| {
        let length = recipes.len();
        inside.send(format!(
            "POST /faults HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{recipes}"
        ));
        inside.reply(false).unwrap().body
    };
    assert_eq!(post("refuse:@0s-10m"), "refuse:@0-10m # injected 1\n");
    let connect = || TcpStream::connect_timeout(&origin.address, support::LIMIT);
    until("connections are refused", || {
        connect().is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused)
    });
    assert_eq!(post(""), "# none\n");
    until("connections are taken", || connect().is_ok());
    assert_eq!(origin.get("/health").status, 200);
    assert_eq!(origin.injected("refuse"), 1);
    // A window that ends by itself.
    origin.post("refuse:@0s-200ms");
    until("connections are taken again", || connect().is_ok());
    origin.program.stopped();
}

#[test]
fn replaces_recipes_atomically() {
    let origin = Origin::with(&["-fault", "404:segments:5%"]);
    let before = "404:segments:5% # injected 0\n";
    assert_eq!(origin.get("/faults").body, before);
    for (bad, said) in [
        ("503\n404:nonsense", "line 2"),
        ("discontinuity:2\ndiscontinuity:3", "two discontinuity"),
        ("\u{1}", "line 1"),
    ] {
        let (status, body) = origin.post(bad);
        assert_eq!(status, 400, "{bad}");
        assert!(body.contains(said), "{bad}: {body}");
        assert_eq!(origin.get("/faults").body, before);
    }
    let (status, shown) = origin.post("503:master # for now\n\n  hang:keys:/10\n");
    assert_eq!(
        (status, shown.as_str()),
        (200, "503:master # injected 0\nhang:keys:/10 # injected 0\n")
    );
    assert_eq!(origin.get("/stream.m3u8").status, 503);
    assert!(origin.get("/faults").body.starts_with("503:master # injected 1\n"));
    origin.program.stopped();
}

/// An address of this host that is not loopback, if it has one: the source address of a
/// datagram to a documentation address (RFC 5737). None is sent.
fn outer_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.254:9").ok()?;
    let ip = socket.local_addr().unwrap().ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

#[test]
fn accepts_recipes_from_loopback_only() {
    let Some(ip) = outer_address() else {
        println!("skipped: this host has no address but loopback");
        return;
    };
    let inner = Origin::listening("0.0.0.0:0", &[]);
    let outer = SocketAddr::new(ip, inner.address.port());
    for request in [
        "GET /faults HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "POST /faults HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\n503",
    ] {
        let mut connection = Connection::to(outer);
        connection.send(request);
        assert_eq!(connection.reply(false).unwrap().status, 403, "{request}");
    }
    assert_eq!(support::http::get(outer, "/stream.m3u8").status, 200);
    assert_eq!(inner.get("/faults").body, "# none\n");
    inner.program.stopped();
}

#[test]
fn web_pages_may_read_media_but_not_change_recipes() {
    let origin = Origin::with(&[]);
    let own = format!("http://{}", origin.address);
    let rebound = "Host: evil.example\r\nOrigin: http://evil.example";
    for (fields, status) in [
        (format!("Host: {}\r\nOrigin: http://evil.example", origin.address), 403),
        (format!("Host: {}\r\nOrigin: null", origin.address), 403),
        (format!("Host: {}\r\nSec-Fetch-Site: cross-site", origin.address), 403),
        (rebound.to_owned(), 403),
        (format!("Host: {}\r\nOrigin: {own}\r\nSec-Fetch-Site: same-origin", origin.address), 200),
    ] {
        let mut connection = Connection::to(origin.address);
        connection.send(format!(
            "POST /faults HTTP/1.1\r\n{fields}\r\nContent-Type: text/plain\r\n\
             Content-Length: 12\r\n\r\n503:segments"
        ));
        let reply = connection.reply(false).unwrap();
        assert_eq!(reply.status, status, "{fields}");
        assert!(!reply.headers.contains_key("access-control-allow-origin"), "{fields}");
        assert_eq!(reply.headers["cross-origin-resource-policy"], "same-origin", "{fields}");
        let in_force = origin.get(SEGMENT).status == 503;
        assert_eq!(in_force, status == 200, "{fields}");
    }
    // Players may read an error of a segment as well, and nothing else of the origin.
    let segment = origin.get(SEGMENT);
    assert_eq!(segment.headers["access-control-allow-origin"], "*");
    assert_eq!(segment.headers["cross-origin-resource-policy"], "cross-origin");
    for path in ["/", "/health", "/metrics", "/nothing"] {
        let reply = origin.get(path);
        assert!(!reply.headers.contains_key("access-control-allow-origin"), "{path}");
        assert_eq!(reply.headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
        assert!(reply.headers["content-security-policy"].contains("default-src 'none'"), "{path}");
    }
    origin.program.stopped();
}

#[test]
fn promtool_accepts_the_scrape_of_the_origin() {
    let origin = Origin::with(&["-fault", "404:segments", "-fault", "reset:master"]);
    origin.get(SEGMENT);
    origin.wire("/stream.m3u8");
    let text = origin.scrape().text;
    assert!(text.contains("requests_total{kind=\"master\",status=\"none\"} 1\n"), "{text}");
    let mut connection = Connection::to(origin.address);
    connection.send(
        "GET /metrics HTTP/1.1\r\nHost: a\r\n\
         Accept: application/openmetrics-text;version=1.0.0\r\n\r\n",
    );
    let open = connection.reply(false).unwrap();
    assert!(open.headers["content-type"].starts_with("application/openmetrics-text"));
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
    assert!(open.body.contains("# TYPE hlsswarm_origin_requests counter\n"), "{}", open.body);
    if let Some(said) = promtool_says(&text) {
        assert_eq!(said, "");
    }
    origin.program.stopped();
}

#[test]
fn access_log_has_one_line_per_response() {
    let folder = support::folder();
    let path = folder.path().join("access.log");
    fs::write(&path, "before\n").unwrap();
    let origin =
        Origin::with(&["-access-log", path.to_str().unwrap(), "-fault", "truncate:segments:1kB"]);
    origin.get_as(3, "/stream.m3u8?token=secret");
    origin.wire(SEGMENT);
    origin.program.stopped();
    let text = fs::read_to_string(&path).unwrap();
    let rest = text.strip_prefix("before\n").unwrap();
    let lines: Vec<Value> = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{rest}");
    assert_eq!(lines[0]["client"], 3);
    assert_eq!(lines[0]["uri"], "/stream.m3u8?token=***");
    assert_eq!((&lines[0]["status"], &lines[0]["complete"]), (&200.into(), &true.into()));
    assert_eq!(lines[1]["faults"], serde_json::json!(["truncate"]));
    assert_eq!((&lines[1]["body_bytes"], &lines[1]["complete"]), (&1_000.into(), &false.into()));
}

#[test]
fn access_log_has_refused_requests() {
    let folder = support::folder();
    let path = folder.path().join("access.log");
    let origin = Origin::with(&["-access-log", path.to_str().unwrap()]);
    let long = format!("GET {MEDIA} HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let asked = [
        ("GET /health HTTP/1.1\r\n\r\n", 400, "GET", "/health", "other"),
        ("no request\r\n\r\n", 400, "other", "request", "other"),
        ("\x16\x03\x01\r\n\r\n", 400, "-", "-", "other"),
        (&long, 431, "GET", MEDIA, "media"),
        (
            "POST /faults HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            411,
            "POST",
            "/faults",
            "other",
        ),
    ];
    for (bytes, status, ..) in asked {
        let mut connection = Connection::to(origin.address);
        connection.send(bytes);
        assert_eq!(connection.reply(false).unwrap().status, status, "{bytes:.40}");
        assert!(connection.is_closed());
    }
    let scrape = origin.scrape();
    for (_, status, _, _, kind) in asked {
        let labels = format!("{{kind=\"{kind}\",status=\"{status}\"}}");
        assert!(scrape.get(&format!("hlsswarm_origin_requests_total{labels}")) > 0.0, "{labels}");
    }
    origin.program.stopped();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), asked.len(), "{text}");
    for (line, (_, status, method, uri, _)) in lines.iter().zip(asked) {
        assert_eq!((&line["status"], &line["peer"]), (&status.into(), &"127.0.0.1".into()));
        assert_eq!((&line["method"], &line["uri"]), (&method.into(), &uri.into()), "{line}");
    }
}

#[test]
fn drops_and_counts_unread_access_log_lines() {
    let folder = support::folder();
    let fifo = folder.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
    for path in [fifo.to_str().unwrap(), "/dev/full"] {
        let origin = Origin::with(&["-access-log", path]);
        let mut connection = Connection::to(origin.address);
        // Longer than the capacity of a pipe and the sink together.
        let request = format!("GET /none/{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(480));
        for _ in 0..1_000 {
            connection.send(&request);
            assert_eq!(connection.reply(false).unwrap().status, 404);
        }
        until("lines are dropped", || {
            origin.scrape().get("hlsswarm_origin_access_lines_dropped_total") > 0.0
        });
        origin.program.stopped();
    }
}

#[test]
fn refuses_an_access_log_that_cannot_be_opened() {
    let setup = support::program::Setup::with(&["origin", "-listen", "127.0.0.1:0"]);
    setup.args(&["-access-log", "/nowhere/access.log"]).run().refuses(1, "-access-log");
}
