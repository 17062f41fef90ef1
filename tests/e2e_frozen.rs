//! Streams that freeze, with every real FFmpeg: every stall is detected, since the
//! threshold follows the stream. Also how the stream's target duration is read.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;
use support::fake::Fake;
use support::http::Scrape;
use support::origin::Origin;
use support::program::{Ended, Program, Setup};
use support::tools::real_ffmpegs;
use support::until;

const CLIENTS: u64 = 2;

/// A load by one FFmpeg, and the file of its summary.
struct Load {
    program: Program,
    summary: PathBuf,
}

impl Load {
    fn of(ffmpeg: &Path, url: &str, folder: &Path, nth: usize) -> Self {
        let summary = folder.join(format!("{nth}.json"));
        let program = Setup::load(ffmpeg, url)
            .args(&["-clients", &CLIENTS.to_string(), "-ramp-rate", "20", "-ramp-jitter", "0"])
            .args(&["-variant", "first", "-summary-json", summary.to_str().unwrap()])
            .start();
        Self { program, summary }
    }

    fn wait(&mut self, what: &str, is: impl Fn(&Scrape) -> bool) {
        let address = self.program.metrics();
        until(what, || is(&Scrape::of(address)));
    }
}

/// Plays with every FFmpeg until each client has a speed value, injects this fault, and
/// waits until every client stalls and stays stalled for a speed window.
fn frozen_by(recipe: &str) -> Vec<(String, Value)> {
    let (origin, folder) = (Origin::with(&["-variants", "200k"]), support::folder());
    let all = CLIENTS as f64;
    let start = |(nth, ffmpeg): (usize, &PathBuf)| {
        Load::of(ffmpeg, &origin.url("stream.m3u8"), folder.path(), nth)
    };
    let mut loads: Vec<Load> = real_ffmpegs().iter().enumerate().map(start).collect();
    for load in &mut loads {
        load.wait("each client plays", |s| s.get("hlsswarm_startup_seconds_count") == all);
    }
    origin.post(recipe);
    for load in &mut loads {
        load.wait("each client stalls", |s| s.get("hlsswarm_clients_stalled") == all);
        // One window ends with the stall; the next one lies within it.
        load.wait("each stands still", |s| s.get("hlsswarm_playback_speed_count") >= 2.0 * all);
    }
    let ended = loads.into_iter().map(|load| {
        let text = load.program.stopped().stdout;
        (text, serde_json::from_slice(&fs::read(&load.summary).unwrap()).unwrap())
    });
    let ended = ended.collect();
    origin.program.stopped();
    ended
}

fn row<'a>(text: &'a str, name: &str) -> &'a str {
    let row = text.lines().find_map(|line| line.strip_prefix(&format!(" {name:<19}")));
    row.unwrap_or_else(|| panic!("no {name} in\n{text}"))
}

fn shows_the_freeze(text: &str, summary: &Value) {
    let playback = &summary["playback"];
    assert_eq!(playback["target_duration_source"], "stream", "{playback}");
    assert_eq!(playback["stall_threshold_seconds"], 4.0, "{playback}");
    assert_eq!(row(text, "Stall threshold"), "4.0 s (2 x the stream's target duration, 2 s)");
    assert_eq!(playback["stalled_at_end"], CLIENTS, "{playback}");
    assert!(row(text, "Stalls").contains("2 clients stalled at the end"), "{text}");
    assert_eq!(playback["speed"]["percentiles"]["p1"], 0.0, "{}", playback["speed"]);
    assert!(row(text, "Speed").contains("P1 0.00"), "{text}");
}

#[test]
fn stale_playlist_shows_as_stalls_and_speed() {
    for (text, summary) in frozen_by("stale") {
        shows_the_freeze(&text, &summary);
        assert_eq!(row(&text, "Sequence jumps"), "none");
        assert_eq!(row(&text, "Failed reloads"), "none");
    }
}

#[test]
fn restarted_sequence_shows_as_stalls_speed_and_jumps() {
    for (text, summary) in frozen_by("rewind:1000") {
        shows_the_freeze(&text, &summary);
        let jumps = summary["requests"]["sequence_jumps"].as_u64().unwrap();
        assert!(jumps >= CLIENTS, "{}", summary["requests"]);
        assert_eq!(row(&text, "Sequence jumps"), jumps.to_string());
    }
}

/// A run of one waiting fake FFmpeg, which ends when its client runs.
fn read(url: &str, args: &[&str], trusted: &str) -> Ended {
    let fake = Fake::named("ffmpeg");
    let mut program = Setup::load(&fake.path(), url)
        .args(&["--skip-preflight", "-clients", "1", "-ramp-jitter", "0"])
        .args(args)
        .env("SSL_CERT_FILE", trusted)
        .start();
    program.event("ramp_complete");
    program.stopped()
}

#[test]
fn reads_the_target_duration_once_with_its_own_agent() {
    let log = support::folder();
    let log = log.path().join("access.log");
    let origin = Origin::with(&["-segment-duration", "3s", "-access-log", log.to_str().unwrap()]);
    let url = origin.url("stream.m3u8");
    let ended = read(&url, &["-user-agent", "me"], "/dev/null");
    let found = ended.events("target_duration_read");
    assert_eq!(found[0]["target_duration_sec"], 3, "{found:?}");
    assert_eq!(found[0]["stall_after_sec"], 6.0, "{found:?}");
    let given = read(&url, &["-target-duration", "4s"], "/dev/null");
    assert!(given.events("target_duration_read").is_empty());
    let threshold = row(&given.stdout, "Stall threshold");
    assert_eq!(threshold, "8.0 s (2 x -target-duration, 4 s)");
    let blind = read(&url, &["-stats=false"], "/dev/null");
    assert!(blind.events("target_duration_read").is_empty());
    origin.program.stopped();
    let asked = fs::read_to_string(&log).unwrap();
    assert_eq!(asked.matches("me/start").count(), 2, "master and variant: {asked}");
    assert_eq!(asked.lines().count(), 2, "{asked}");
}

#[test]
fn unreadable_target_duration_costs_a_warning() {
    let fake = Fake::named("ffmpeg");
    let ended = Setup::load(&fake.path(), "http://127.0.0.1:9/live-0")
        .args(&["--skip-preflight", "-clients", "1", "-duration", "1s"])
        .run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let warned = ended.events("target_duration_unknown");
    assert_eq!((warned.len(), &warned[0]["using_sec"]), (1, &Value::from(6.0)));
    assert!(warned[0]["why"].as_str().unwrap().contains("refused"), "{warned:?}");
    let threshold = row(&ended.stdout, "Stall threshold");
    assert_eq!(threshold, "12.0 s (2 x the default target duration, 6 s)");
}

#[test]
fn verifies_the_certificate_unless_dangerous() {
    let folder = support::folder();
    let ca = folder.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let origin = Origin::started(Setup::with(&["origin", "-listen", "127.0.0.1:0", "-tls-ca", ca]));
    let url = format!("https://{}/stream.m3u8", origin.address);
    let named = format!("https://live.invalid:{}/stream.m3u8", origin.address.port());
    let dangerous = ["-resolve", "127.0.0.1", "--dangerous"];
    for (url, args, trusted, read_it) in [
        (&url, &[][..], ca, true),
        (&url, &[], "/dev/null", false),
        (&named, &dangerous, "/dev/null", true),
    ] {
        let ended = read(url, args, trusted);
        let found = ended.events("target_duration_read").len();
        assert_eq!(found, usize::from(read_it), "{url}: {ended:#?}");
    }
    origin.program.stopped();
}

#[test]
fn stops_while_reading_the_target_duration() {
    let origin = Origin::with(&["-fault", "hang:master"]);
    let fake = Fake::named("ffmpeg");
    let program = Setup::load(&fake.path(), &origin.url("stream.m3u8"))
        .args(&["--skip-preflight", "-clients", "1"])
        .start();
    until("the request hangs", || origin.injected("hang") == 1);
    program.signal(Signal::TERM);
    let ended = program.ended();
    assert_eq!(ended.events("client_started").len(), 0, "{ended:#?}");
    assert_ne!(ended.code, None);
    origin.program.stopped();
}
