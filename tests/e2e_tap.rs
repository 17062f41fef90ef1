//! What the tap counts against a real nginx before the origin, exactly: requests by kind,
//! statuses, connections and bytes.
//!
//! Whatever reached nginx passed the tap, so no request may be missing or be counted
//! twice, on a live stream as little as on demand.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;

use serde_json::Value;
use support::nginx::Nginx;
use support::program::{Program, Setup};
use support::tools::real_ffmpegs;

const CLIENTS: u64 = 3;

/// Three in ten consecutive segments.
const MISSING: &str = "[036]\\.(ts|m4s)$";

/// The status by which nginx logs a response that the client did not wait for.
const CLIENT_CLOSED: u64 = 499;

/// The kind of a path, as named by the program.
fn kind(path: &str) -> &'static str {
    match path.rsplit(['.', '/']).next().unwrap() {
        "m3u8" => "playlist",
        "ts" | "m4s" => "segment",
        "mp4" => "init",
        "key" => "key",
        _ => "other",
    }
}

/// The built-in origin behind nginx; `None` without nginx.
fn servers(missing: Option<&str>) -> Option<(Program, Nginx)> {
    let args = ["origin", "-listen", "127.0.0.1:0", "-variants", "1500k,200k"];
    let mut origin = Setup::with(&args).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    let address = url.split('/').nth(2).and_then(|address| address.parse().ok());
    let nginx = Nginx::before(address.unwrap(), missing)?;
    Some((origin, nginx))
}

fn load(ffmpeg: &Path, url: &str, summary: &Path, args: &[&str]) -> Program {
    Setup::load(ffmpeg, url)
        .args(&["-tap", "-clients", &CLIENTS.to_string(), "-ramp-rate", "20"])
        .args(&["-ramp-jitter", "0", "-summary-json", summary.to_str().unwrap()])
        .args(args)
        // The tap must not be bypassed.
        .env("no_proxy", "*")
        .start()
}

fn read(summary: &Path) -> Value {
    serde_json::from_slice(&fs::read(summary).unwrap()).unwrap()
}

/// Compares the program's counts with nginx's log.
fn counts_match(name: &str, summary: &Value, seen: &[Value]) {
    let of_clients = |request: &&Value| request["agent"].as_str().unwrap().contains("/client-");
    let seen: Vec<&Value> = seen.iter().filter(of_clients).collect();
    let number = |request: &Value, field: &str| request[field].as_u64().unwrap();
    let mut kinds: BTreeMap<&str, u64> =
        ["playlist", "segment", "init", "key", "other"].map(|kind| (kind, 0)).into();
    let mut statuses = BTreeMap::new();
    for request in &seen {
        *kinds.get_mut(kind(request["path"].as_str().unwrap())).unwrap() += 1;
        let status = number(request, "status");
        if status >= 400 && status != CLIENT_CLOSED {
            *statuses.entry(status.to_string()).or_insert(0_u64) += 1;
        }
    }
    let requests = &summary["requests"];
    assert_eq!(requests["by_kind"], serde_json::to_value(&kinds).unwrap(), "{name}");
    assert_eq!(requests["http_errors"], serde_json::to_value(&statuses).unwrap(), "{name}");
    let connections: BTreeSet<u64> = seen.iter().map(|r| number(r, "connection")).collect();
    assert_eq!(requests["connections_new"], connections.len() as u64, "{name}");
    assert_eq!(requests["connections_reused"], (seen.len() - connections.len()) as u64, "{name}");
    let counted = summary["bytes"]["downloaded"].as_u64().unwrap();
    let sent: u64 = seen.iter().map(|request| number(request, "sent")).sum();
    // nginx also counts what it had in its buffers of a response that the client gave up.
    let longest = seen.iter().map(|request| number(request, "sent")).max().unwrap();
    let given_up = abandoned(summary, &seen);
    let bounds = sent.saturating_sub(given_up * longest)..=sent;
    assert!(bounds.contains(&counted), "{counted} bytes of {bounds:?} in {name}");
}

/// Responses that a client did not receive to their end, at most.
fn abandoned(summary: &Value, seen: &[&Value]) -> u64 {
    let requests = &summary["requests"];
    let succeeded = requests["segment_download"]["count"].as_u64().unwrap()
        + requests["playlist_download"]["count"].as_u64().unwrap();
    let failed: u64 =
        requests["http_errors"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let untimed = ["init", "key"].map(|kind| requests["by_kind"][kind].as_u64().unwrap());
    seen.len() as u64 - succeeded - failed - untimed.iter().sum::<u64>()
}

/// Plays a programme on demand to its end with every client, twice, and compares.
fn plays_to_its_end(ffmpeg: &Path, path: &str, missing: Option<&str>) {
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    let Some((origin, nginx)) = servers(missing) else { return };
    let page = folder.path().join("report.html");
    let arguments = ["-max-restarts", "1", "-variant", "first", "-report", page.to_str().unwrap()];
    load(ffmpeg, &nginx.url(path), &file, &arguments).ended();
    assert!(!fs::read_to_string(&page).unwrap().contains("inferred from"));
    origin.stopped();
    let (seen, summary) = (nginx.ended(), read(&file));
    let name = format!("{} {path} {missing:?}", ffmpeg.display());
    counts_match(&name, &summary, &seen);
    assert_eq!(summary["processes"]["outcomes"]["completed"], 2 * CLIENTS, "{name}");
}

/// Plays a live stream until every client has read this many segments, and compares.
fn plays_live(ffmpeg: &Path, path: &str, variant: &str, missing: Option<&str>) {
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    let Some((origin, mut nginx)) = servers(missing) else { return };
    let program = load(ffmpeg, &nginx.url(path), &file, &["-variant", variant]);
    for number in 0..CLIENTS {
        let agent = format!("/client-{number}");
        nginx.requests(7, |request| {
            let mine = request["agent"].as_str()?.ends_with(&agent);
            (mine && kind(request["path"].as_str()?) == "segment").then_some(())
        });
    }
    program.stopped();
    origin.signal(rustix::process::Signal::TERM);
    let (seen, summary) = (nginx.ended(), read(&file));
    origin.stopped();
    let name = format!("{} {path} {variant} {missing:?}", ffmpeg.display());
    counts_match(&name, &summary, &seen);
    // A client that has found no media yet ends with the reason for that.
    if missing.is_none() {
        assert_eq!(summary["processes"]["outcomes"]["stopped"], CLIENTS, "{name}");
    }
}

#[test]
fn counts_programmes_on_demand_exactly() {
    for ffmpeg in &real_ffmpegs() {
        for path in ["vod/stream.m3u8", "vod/fmp4/stream.m3u8", "vod/aes/stream.m3u8"] {
            plays_to_its_end(ffmpeg, path, None);
        }
        plays_to_its_end(ffmpeg, "vod/stream.m3u8", Some(MISSING));
        // A media playlist as the URL of the run.
        plays_to_its_end(ffmpeg, "vod/v1/index.m3u8", None);
    }
}

#[test]
fn counts_live_streams_exactly() {
    for ffmpeg in &real_ffmpegs() {
        // In parallel, since a live stream takes its time.
        thread::scope(|scope| {
            for (path, variant, missing) in [
                ("stream.m3u8", "all", None),
                ("stream.m3u8", "first", Some(MISSING)),
                ("fmp4/stream.m3u8", "first", None),
                ("aes/stream.m3u8", "first", None),
            ] {
                scope.spawn(move || plays_live(ffmpeg, path, variant, missing));
            }
        });
    }
}

/// An origin that serves https with this certificate authority's file, and its URL.
fn tls_origin(ca: &Path) -> (Program, String) {
    let args = ["origin", "-listen", "127.0.0.1:0", "-variants", "200k"];
    let mut origin = Setup::with(&args).args(&["-tls-ca", ca.to_str().unwrap()]).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    (origin, url.replace("stream.m3u8", "vod/stream.m3u8"))
}

#[test]
fn verifies_https_for_every_ffmpeg() {
    let folder = support::folder();
    let path = |name: &str| folder.path().join(name);
    let (origin, url) = tls_origin(&path("own.pem"));
    let (other, _) = tls_origin(&path("other.pem"));
    for ffmpeg in &real_ffmpegs() {
        let play = |ca: &str| {
            let file = path("summary.json");
            let args = ["-max-restarts", "1", "-variant", "first"];
            let ended = Setup::load(ffmpeg, &url)
                .args(&["-tap", "-clients", "2", "-summary-json", file.to_str().unwrap()])
                .args(&args)
                .env("SSL_CERT_FILE", path(ca).to_str().unwrap())
                .start()
                .ended();
            (read(&file), ended)
        };
        let name = ffmpeg.display();
        let (summary, ended) = play("own.pem");
        assert_eq!(summary["processes"]["outcomes"]["completed"], 4, "{name} {summary}");
        assert_eq!(summary["requests"]["segments_downloaded"], 4 * 30, "{name} {summary}");
        assert_eq!(summary["requests"]["errors"], serde_json::json!({}), "{name}");
        assert!(ended.events("tls_failed").is_empty(), "{name} {ended:#?}");
        let (summary, ended) = play("other.pem");
        assert_eq!(summary["processes"]["outcomes"]["network_error"], 4, "{name} {summary}");
        assert_eq!(summary["requests"]["by_kind"]["playlist"], 0, "{name} {summary}");
        let faults = ended.events("tls_failed");
        assert_eq!(faults.len(), 1, "{name} {faults:?}");
        assert_eq!(faults[0]["why"], "the certificate's issuer is not trusted here", "{name}");
    }
    origin.stopped();
    other.stopped();
}

#[test]
fn looks_up_names_beside_the_loop() {
    let Some(ffmpeg) = real_ffmpegs().pop() else { return };
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    let Some((origin, nginx)) = servers(None) else { return };
    let url = nginx.url("vod/stream.m3u8").replace("127.0.0.1", "localhost");
    load(&ffmpeg, &url, &file, &["-max-restarts", "1", "-variant", "first"]).ended();
    origin.stopped();
    let (seen, summary) = (nginx.ended(), read(&file));
    counts_match("localhost", &summary, &seen);
    assert_eq!(summary["processes"]["outcomes"]["completed"], 2 * CLIENTS);
    let url = "http://name.invalid/stream.m3u8";
    let ended = load(&ffmpeg, url, &file, &["-max-restarts", "1", "--skip-preflight"]).ended();
    let summary = read(&file);
    assert_eq!(summary["processes"]["outcomes"]["dns"], 2 * CLIENTS, "{summary}");
    assert_eq!(ended.events("name_not_resolved").len(), 1, "{ended:#?}");
}

#[test]
fn credentials_reach_the_own_host_and_not_the_arguments() {
    let Some(ffmpeg) = real_ffmpegs().pop() else { return };
    let folder = support::folder();
    let own = folder.path().join("requests");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.m3u8", listener.local_addr().unwrap());
    let args = ["-header", "Authorization: Bearer secret-1", "-header", "X-Plain: yes"];
    let mut program = load(&ffmpeg, &url, &own, &[&args[..], &["--skip-preflight"]].concat());
    let (mut stream, _) = listener.accept().unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let count = std::io::Read::read(&mut stream, &mut bytes).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&head));
        head.extend_from_slice(&bytes[..count]);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("GET /a.m3u8 HTTP/1.1\r\n"), "{head}");
    for line in ["Authorization: Bearer secret-1", "X-Plain: yes"] {
        assert_eq!(head.matches(&format!("\r\n{line}\r\n")).count(), 1, "{head}");
    }
    assert!(!head.contains("Range") && !head.to_ascii_lowercase().contains("proxy"), "{head}");
    for client in program.children(3) {
        let arguments = fs::read_to_string(format!("/proc/{}/cmdline", client.pid)).unwrap();
        assert!(arguments.contains("X-Plain") && !arguments.contains("secret-1"), "{arguments}");
    }
    drop((stream, listener));
    program.stopped_without_media();
}
