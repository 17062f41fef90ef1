//! Faults injected by the built-in origin: the swarm's numbers against the origin's,
//! with every real FFmpeg.
//!
//! Finished runs are compared exactly: attempts that end by themselves leave no request
//! under way.
//! under way.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::http::{Connection, Scrape};
use support::origin::Origin;
use support::program::{Program, Setup};
use support::tools::real_ffmpegs;
use support::until;

const CLIENTS: u64 = 3;

/// Attempts of each client.
const ATTEMPTS: u64 = 2;

/// One variant, so that no download is abandoned because its variant is not played.
const ORIGIN: [&str; 4] = ["-variants", "200k", "-segment-duration", "1s"];

fn origin(recipe: &str) -> Origin {
    Origin::with(&[ORIGIN.as_slice(), &["-fault", recipe]].concat())
}

fn load(ffmpeg: &Path, url: &str, args: &[&str]) -> Program {
    Setup::load(ffmpeg, url)
        .args(&["-clients", &CLIENTS.to_string(), "-ramp-rate", "20", "-ramp-jitter", "0"])
        .args(&["-variant", "first", "-backoff-initial", "10ms", "-backoff-max", "10ms"])
        .args(args)
        .start()
}

/// The summary of a run that ended by itself once each client had used its attempts.
fn summary_of(ffmpeg: &Path, url: &str, args: &[&str]) -> Value {
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    // Given, so that the origin counts requests of clients only.
    let own = ["-target-duration", "1s", "-max-restarts", "1"];
    let args = &[args, &["-summary-json", file.to_str().unwrap()]].concat();
    load(ffmpeg, url, &[own.as_slice(), args].concat()).ended();
    serde_json::from_slice(&fs::read(&file).unwrap()).unwrap()
}

/// The sum of all numbers in a value.
fn sum(counts: &Value) -> u64 {
    match counts {
        Value::Object(fields) => fields.values().map(sum).sum(),
        number => number.as_u64().unwrap_or_default(),
    }
}

fn responses(scrape: &Scrape, kind: &str, status: &str) -> u64 {
    let sample = format!("hlsswarm_origin_requests_total{{kind=\"{kind}\",status=\"{status}\"}}");
    scrape.get(&sample) as u64
}

#[test]
fn reports_error_statuses_exactly() {
    for ffmpeg in &real_ffmpegs() {
        for (recipe, kind, swarm_kind, class, status) in [
            ("404:segments:30%", "segment", "segment", "http_4xx", "404"),
            ("missing:30%", "segment", "segment", "http_4xx", "404"),
            ("500:segments:30%", "segment", "segment", "http_5xx", "500"),
            ("503:media", "media", "playlist", "http_5xx", "503"),
            ("429:master", "master", "playlist", "http_4xx", "429"),
        ] {
            let origin = origin(recipe);
            let summary = summary_of(ffmpeg, &origin.url("vod/stream.m3u8"), &["-reconnect=false"]);
            let requests = &summary["requests"];
            let sent = responses(&origin.scrape(), kind, status);
            assert!(sent >= CLIENTS, "{recipe}: {sent}");
            assert_eq!(requests["http_errors"][status], sent, "{recipe}: {requests}");
            assert_eq!(requests["errors"][swarm_kind][class], sent, "{recipe}: {requests}");
            assert_eq!(sum(&requests["errors"]), sent, "{recipe}: {requests}");
            let outcomes = &summary["processes"]["outcomes"];
            let ends = if kind == "segment" {
                // An attempt whose last segment failed counts as failed.
                sum(&outcomes["completed"]) + sum(&outcomes["http_error"])
            } else {
                sum(&outcomes["playlist_error"])
            };
            assert_eq!(ends, CLIENTS * ATTEMPTS, "{recipe}: {outcomes}");
            origin.program.stopped();
        }
    }
}

#[test]
fn reports_truncated_segments_exactly() {
    for ffmpeg in &real_ffmpegs() {
        let origin = origin("truncate:segments:40%");
        let summary = summary_of(ffmpeg, &origin.url("vod/stream.m3u8"), &[]);
        let errors = &summary["requests"]["errors"];
        assert!(origin.injected("truncate") > CLIENTS);
        assert_eq!(errors["segment"]["truncated"], origin.injected("truncate"), "{errors}");
        assert_eq!(sum(errors), origin.injected("truncate"), "{errors}");
        origin.program.stopped();
    }
}

/// FFmpeg retries a reset on a kept-alive connection by itself, without logging an
/// error. If every request is reset, no connection is kept.
#[test]
fn reports_resets_that_ffmpeg_logs() {
    for ffmpeg in &real_ffmpegs() {
        for (recipe, exact) in [("reset:segments:60%", false), ("reset:segments", true)] {
            let origin = origin(recipe);
            let summary = summary_of(ffmpeg, &origin.url("vod/stream.m3u8"), &[]);
            let errors = &summary["requests"]["errors"];
            let (segment, injected) = (sum(&errors["segment"]), origin.injected("reset"));
            let least = if exact { injected } else { CLIENTS };
            assert!((least..=injected).contains(&segment), "{recipe}: {injected}, {errors}");
            assert_eq!(sum(errors), segment, "{recipe}: {errors}");
            assert_eq!(sum(&summary["requests"]["http_errors"]), 0, "{recipe}");
            origin.program.stopped();
        }
    }
}

#[test]
fn reports_a_hanging_playlist_as_a_time_out() {
    for ffmpeg in &real_ffmpegs() {
        let origin = origin("hang:media");
        let args = ["-timeout", "1s", "-reconnect=false"];
        let summary = summary_of(ffmpeg, &origin.url("stream.m3u8"), &args);
        let requests = &summary["requests"];
        assert_eq!(requests["timeouts"], origin.injected("hang"), "{requests}");
        assert_eq!(requests["errors"]["playlist"]["timeout"], origin.injected("hang"));
        assert_eq!(sum(&requests["errors"]), origin.injected("hang"), "{requests}");
        origin.program.stopped();
    }
}

#[test]
fn reports_refused_connections() {
    for ffmpeg in &real_ffmpegs() {
        let origin = Origin::with(&ORIGIN);
        let mut inside = Connection::to(origin.address);
        inside.send(
            "POST /faults HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\nrefuse:@0s-10m",
        );
        assert_eq!(inside.reply(false).unwrap().status, 200);
        let summary = summary_of(ffmpeg, &origin.url("stream.m3u8"), &["-reconnect=false"]);
        let (errors, outcomes) =
            (&summary["requests"]["errors"], &summary["processes"]["outcomes"]);
        assert_eq!(errors["playlist"]["connect"], CLIENTS * ATTEMPTS, "{errors}");
        assert_eq!(outcomes["network_error"], CLIENTS * ATTEMPTS, "{outcomes}");
        // The origin accepted only our connection.
        inside.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        let scrape = inside.reply(false).unwrap().body;
        assert!(scrape.contains("\nhlsswarm_origin_connections_accepted_total 1\n"), "{scrape}");
        origin.program.stopped();
    }
}

#[test]
fn reports_a_stale_playlist_as_stalls() {
    for ffmpeg in &real_ffmpegs() {
        let origin = Origin::with(&ORIGIN);
        let folder = support::folder();
        let file = folder.path().join("summary.json");
        let args = ["-summary-json", file.to_str().unwrap()];
        let mut program = load(ffmpeg, &origin.url("stream.m3u8"), &args);
        let address = program.metrics();
        let get = |sample| Scrape::of(address).get(sample) as u64;
        until("all clients play", || {
            get("hlsswarm_startup_seconds_count") == CLIENTS && get("hlsswarm_clients_stalled") == 0
        });
        origin.post("stale");
        until("all clients stall", || get("hlsswarm_clients_stalled") == CLIENTS);
        assert!(origin.injected("stale") >= CLIENTS);
        assert_eq!(Scrape::of(address).sum("hlsswarm_request_errors_total"), 0.0);
        let text = program.stopped().stdout;
        assert!(text.contains(&format!("{CLIENTS} clients stalled at the end")), "{text}");
        let summary: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(summary["playback"]["stalled_at_end"], CLIENTS, "{}", summary["playback"]);
        let stalled = summary["series"]["gauges"]["stalled_clients"].as_array().unwrap();
        assert_eq!(stalled.last().unwrap(), CLIENTS, "{stalled:?}");
        origin.program.stopped();
    }
}
