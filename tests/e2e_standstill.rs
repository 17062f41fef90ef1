//! Two equal runs of each real FFmpeg against the built-in origin, one of which is
//! stopped for some seconds: the reported times of its clients equal those of the
//! other.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use support::origin::Origin;
use support::program::{Program, Setup};
use support::tools::real_ffmpegs;

/// How long one of the two is stopped.
const STOPPED_SECS: f64 = 4.0;

fn start(ffmpeg: &Path, url: &str, summary: &Path) -> Program {
    Setup::load(ffmpeg, url)
        .args(&["-clients", "3", "-ramp-rate", "20", "-ramp-jitter", "0", "--skip-preflight"])
        // A busy host must not cause a stall: the threshold for segments of 1 s is 2 s.
        .args(&["-prom-client-metrics", "-target-duration", "6s"])
        .args(&["-summary-json", summary.to_str().unwrap()])
        .start()
}

fn media_secs(program: &mut Program) -> f64 {
    program.scrape().sum("hlsswarm_client_media_seconds_total")
}

/// Waits until each client has played for this long, by its own clock.
fn plays_on(program: &mut Program, secs: f64) {
    let until = media_secs(program) + 3.0 * secs;
    program.scraped("the clients play on", |scrape| {
        scrape.sum("hlsswarm_client_media_seconds_total") >= until
    });
}

#[test]
fn stopping_the_program_affects_no_client_time() {
    let origin = Origin::with(&["-segment-duration", "1s", "-variants", "200k"]);
    let folder = tempfile::tempdir().unwrap();
    let url = origin.url("stream.m3u8");
    let mut runs: Vec<_> = (0..)
        .zip(real_ffmpegs())
        .map(|(number, ffmpeg)| {
            let files =
                ["stopped", "twin"].map(|name| folder.path().join(format!("{name}-{number}")));
            let programs = [0, 1].map(|at| start(&ffmpeg, &url, &files[at]));
            (programs, files)
        })
        .collect();
    for (programs, _) in &mut runs {
        for program in programs {
            program.scraped("first windows", |scrape| {
                scrape.get("hlsswarm_playback_speed_count") >= 3.0
            });
        }
    }
    for ([stopped, _], _) in &runs {
        stopped.signal(Signal::STOP);
    }
    for ([stopped, twin], _) in &mut runs {
        plays_on(twin, STOPPED_SECS);
        stopped.signal(Signal::CONT);
        assert!(stopped.event("stood_still")["for_sec"].as_f64().unwrap() > STOPPED_SECS / 2.0);
    }
    for ([mut stopped, twin], files) in runs {
        let before = stopped.scrape().get("hlsswarm_playback_speed_count");
        stopped.scraped("windows after it", |scrape| {
            scrape.get("hlsswarm_playback_speed_count") >= before + 3.0
        });
        drop((stopped.stopped(), twin.stopped()));
        let [stopped, twin] = files.map(|file| -> Value {
            serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
        });
        compare(&stopped, &twin);
    }
}

/// Checks that no time includes even half of the stop.
fn compare(stopped: &Value, twin: &Value) {
    let secs = |run: &Value, path: &str, percentile: &str| {
        let times = run.pointer(path).unwrap_or_else(|| panic!("no {path}"));
        times["percentiles"][percentile].as_f64().unwrap_or_else(|| panic!("no values of {path}"))
    };
    for run in [stopped, twin] {
        assert!(secs(run, "/playback/speed", "p50") >= 0.9, "{run}");
        assert!(secs(run, "/playback/speed", "p5") >= 0.5, "{run}");
        assert!(secs(run, "/playback/speed", "p95") <= 1.5, "{run}");
    }
    for path in [
        "/playback/drift",
        "/playback/playlist_edge_age",
        "/requests/segment_download",
        "/requests/playlist_download",
        "/requests/tcp_connect",
        "/playback/startup",
    ] {
        let (with, without) = (secs(stopped, path, "p99"), secs(twin, path, "p99"));
        let most = without + STOPPED_SECS / 2.0;
        assert!(with <= most, "{path}: {with} s beside {without} s in {stopped}");
    }
    for counts in ["/playback/stalls", "/requests/segments_skipped", "/processes/restarted"] {
        assert_eq!(stopped.pointer(counts).and_then(Value::as_u64), Some(0), "{counts}");
    }
}
