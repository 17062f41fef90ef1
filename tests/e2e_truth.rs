//! The program's numbers against those of a witness: a real nginx before the built-in
//! origin, which logs every request of every client.
//!
//! Finished runs are compared exactly: clients that read a programme on demand to its
//! end leave no request under way. On a live stream a client has at most one request
//! under way (`-http_multiple 0`), so a scrape or a stop may differ by one request per
//! client.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "nginx logs wall-clock time")]
#![allow(clippy::print_stdout, reason = "the long runs print a table")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use support::http::Scrape;
use support::nginx::Nginx;
use support::program::{Program, Setup};
use support::tools::real_ffmpegs;

/// Three in ten consecutive segments.
const MISSING: &str = "[036]\\.ts$";

/// How long a line of FFmpeg may stay in its pipe before the program has counted it, on
/// a busy machine; requests that nginx logged within this time may be missing.
const UNREAD: Duration = Duration::from_secs(1);

/// Maximum age of the kernel's last sample of a socket, on a busy machine: one is taken
/// every second.
const UNSAMPLED: Duration = Duration::from_secs(2);

/// A run.
#[derive(Clone, Copy)]
struct Case<'a> {
    ffmpeg: &'a Path,
    clients: u64,
    variant: &'a str,
    missing: Option<&'a str>,
}

/// The built-in origin and nginx before it; `None` without nginx.
fn servers(missing: Option<&str>) -> Option<(Program, Nginx)> {
    let args = ["origin", "-listen", "127.0.0.1:0", "-variants", "1500k,200k"];
    let mut origin = Setup::with(&args).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    let address = url.split('/').nth(2).and_then(|address| address.parse().ok());
    let nginx = Nginx::before(address.unwrap(), missing)?;
    Some((origin, nginx))
}

fn load(case: &Case<'_>, url: &str, summary: &Path, args: &[&str]) -> Program {
    Setup::load(case.ffmpeg, url)
        .args(&["-clients", &case.clients.to_string(), "-ramp-rate", "20", "-ramp-jitter", "0"])
        .args(&["-variant", case.variant, "-summary-json", summary.to_str().unwrap()])
        .args(args)
        .start()
}

/// The requests of the clients in nginx's log.
#[derive(Debug)]
struct Seen(Vec<Value>);

impl Seen {
    /// The requests of clients, without probes.
    fn of(mut requests: Vec<Value>) -> Self {
        requests.retain(|request| request["agent"].as_str().unwrap().contains("/client-"));
        Self(requests)
    }

    fn before(&self, time: SystemTime) -> Self {
        let secs = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        let early = |request: &&Value| request["at"].as_f64().unwrap() <= secs;
        Self(self.0.iter().filter(early).cloned().collect())
    }

    fn count(&self, which: impl Fn(&Value) -> bool) -> u64 {
        self.0.iter().filter(|request| which(request)).count() as u64
    }

    fn kind(&self, ending: &str) -> u64 {
        self.count(|request| request["path"].as_str().unwrap().ends_with(ending))
    }

    fn status(&self, status: u64) -> u64 {
        self.count(|request| request["status"] == status)
    }

    fn connections(&self) -> u64 {
        let all: BTreeSet<u64> =
            self.0.iter().map(|request| request["connection"].as_u64().unwrap()).collect();
        all.len() as u64
    }

    fn agents(&self) -> BTreeSet<&str> {
        self.0.iter().map(|request| request["agent"].as_str().unwrap()).collect()
    }

    /// Bytes of the bodies of successful responses.
    fn bodies(&self) -> u64 {
        let good = self.0.iter().filter(|request| request["status"].as_u64().unwrap() < 400);
        good.map(|request| request["bytes"].as_u64().unwrap()).sum()
    }

    /// Bytes of all responses, with heads and bodies of errors.
    fn sent(&self) -> u64 {
        self.0.iter().map(|request| request["sent"].as_u64().unwrap()).sum()
    }

    /// Segments that were found.
    fn segments_sent(&self) -> u64 {
        self.count(|request| {
            request["path"].as_str().unwrap().ends_with(".ts") && request["status"] != 404
        })
    }

    /// Bytes of the longest body.
    fn longest(&self) -> u64 {
        self.0.iter().map(|request| request["bytes"].as_u64().unwrap()).max().unwrap_or_default()
    }

    /// Segments that a client found missing in one attempt, however often it requested
    /// them. An attempt starts with the single request of its master playlist.
    fn segments_missed(&self) -> u64 {
        let mut attempts: BTreeMap<&str, u64> = BTreeMap::new();
        let mut missed: BTreeSet<(&str, u64, &str)> = BTreeSet::new();
        for request in &self.0 {
            let (agent, path) =
                (request["agent"].as_str().unwrap(), request["path"].as_str().unwrap());
            let attempt = attempts.entry(agent).or_default();
            *attempt += u64::from(path.ends_with("stream.m3u8"));
            if request["status"] == 404 {
                missed.insert((agent, *attempt, path));
            }
        }
        missed.len() as u64
    }

    /// Mean time of a request for a found segment, in seconds.
    fn segment_secs(&self) -> f64 {
        let times = self.0.iter().filter(|request| {
            request["path"].as_str().unwrap().ends_with(".ts")
                && request["status"].as_u64().unwrap() < 400
        });
        let times: Vec<f64> = times.map(|request| request["secs"].as_f64().unwrap()).collect();
        times.iter().sum::<f64>() / times.len() as f64
    }
}

/// The program's numbers, from a scrape or from its summary.
#[derive(Debug)]
struct Counts {
    playlists: u64,
    segments: u64,
    other: u64,
    not_found: u64,
    errors: u64,
    skipped: u64,
    downloaded: u64,
    bytes: u64,
    new: u64,
    reused: u64,
}

impl Counts {
    fn live(scrape: &Scrape) -> Self {
        let get = |sample: &str| scrape.get(&format!("hlsswarm_{sample}")) as u64;
        let sum = |family: &str| scrape.sum(&format!("hlsswarm_{family}")) as u64;
        let (playlists, segments) =
            (get("requests_total{kind=\"playlist\"}"), get("requests_total{kind=\"segment\"}"));
        let errors = sum("http_errors_total");
        Self {
            playlists,
            segments,
            other: sum("requests_total") - playlists - segments,
            not_found: if errors > 0 { get("http_errors_total{status=\"404\"}") } else { 0 },
            errors,
            skipped: get("segments_skipped_total"),
            downloaded: get("segments_downloaded_total"),
            bytes: get("bytes_downloaded_total"),
            new: get("connections_total{reused=\"false\"}"),
            reused: get("connections_total{reused=\"true\"}"),
        }
    }

    fn last(summary: &Value) -> Self {
        let requests = &summary["requests"];
        let count = |value: &Value| value.as_u64().unwrap_or_default();
        let sum = |counts: &Value| counts.as_object().unwrap().values().map(count).sum::<u64>();
        let kinds = &requests["by_kind"];
        let (playlists, segments) = (count(&kinds["playlist"]), count(&kinds["segment"]));
        Self {
            playlists,
            segments,
            other: sum(kinds) - playlists - segments,
            not_found: count(&requests["http_errors"]["404"]),
            errors: sum(&requests["http_errors"]),
            skipped: count(&requests["segments_skipped"]),
            downloaded: count(&requests["segments_downloaded"]),
            bytes: count(&summary["bytes"]["downloaded"]),
            new: count(&requests["connections_new"]),
            reused: count(&requests["connections_reused"]),
        }
    }

    /// Checks them against the lower and the upper bound from the log, give or take
    /// requests under way.
    fn holds(&self, least: &Seen, most: &Seen, under_way: u64) {
        let near = |what: &str, counts: u64, least: u64, most: u64| {
            let bounds = least.saturating_sub(under_way)..=most + under_way;
            assert!(bounds.contains(&counts), "{what}: {counts} is not in {bounds:?}; {self:?}");
        };
        near("playlists", self.playlists, least.kind(".m3u8"), most.kind(".m3u8"));
        near("segments", self.segments, least.kind(".ts"), most.kind(".ts"));
        near("404", self.not_found, least.status(404), most.status(404));
        near("skipped", self.skipped, least.segments_missed(), most.segments_missed());
        near("downloaded", self.downloaded, least.segments_sent(), most.segments_sent());
        near("connections", self.new, least.connections(), most.connections());
        assert_eq!(self.other, 0, "{self:?}");
        assert_eq!(self.errors, self.not_found, "{self:?}");
        assert_eq!(self.new + self.reused, self.playlists + self.segments, "{self:?}");
    }
}

/// Checks that every client sent requests under its own name.
fn all_asked(seen: &Seen, clients: u64) {
    let agent = |number| format!("ffmpeg-hls-swarm/{}/client-{number}", env!("CARGO_PKG_VERSION"));
    let all: BTreeSet<String> = (0..clients).map(agent).collect();
    assert_eq!(seen.agents(), all.iter().map(String::as_str).collect());
}

/// Checks that the bytes are at least those of the bodies, less what was under way, and
/// at most those of bodies and heads, up to 1 %: for a segment that a client abandons,
/// as FFmpeg 9 does with variants that it does not play, nginx also counts bytes in its
/// own buffers.
fn bytes_hold(counts: u64, least: &Seen, most: &Seen, under_way: u64) {
    let (bodies, sent) = (least.bodies(), most.sent());
    let least = (bodies - bodies / 100).saturating_sub(under_way * most.longest());
    assert!((least..=sent).contains(&counts), "{counts} for {bodies}, with heads {sent}");
}

/// Checks that every attempt started to play, and that downloads were not faster on
/// average than in nginx's log.
fn times_hold(summary: &Value, seen: &Seen, attempts: u64) {
    let startup = &summary["playback"]["startup"];
    assert_eq!(startup["count"], attempts, "{startup}");
    let segments = &summary["requests"]["segment_download"];
    let mean = segments["sum"].as_f64().unwrap() / segments["count"].as_f64().unwrap();
    // nginx's times, and some of FFmpeg's stamps, are whole milliseconds.
    assert!(mean >= seen.segment_secs() - 0.001, "{mean} for {}", seen.segment_secs());
}

/// Clients at the live edge, until each has requested this many segments.
fn live(case: &Case<'_>, segments: usize) -> Option<(Counts, Counts, Seen, Value)> {
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    let (origin, mut nginx) = servers(case.missing)?;
    let mut program = load(case, &nginx.url("stream.m3u8"), &file, &[]);
    // One by one, since each wait has a limit of its own.
    for count in 1..=segments {
        for number in 0..case.clients {
            let agent = format!("/client-{number}");
            nginx.requests(count, |request| {
                let mine = request["agent"].as_str()?.ends_with(&agent);
                (mine && request["path"].as_str()?.ends_with(".ts")).then_some(())
            });
        }
    }
    let began = SystemTime::now();
    let scrape = program.scrape();
    let ended = SystemTime::now();
    program.stopped();
    origin.signal(rustix::process::Signal::TERM);
    let seen = Seen::of(nginx.ended());
    origin.stopped();
    let summary: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let (at_scrape, at_end) = (Counts::live(&scrape), Counts::last(&summary));
    all_asked(&seen, case.clients);
    at_scrape.holds(&seen.before(began - UNREAD), &seen.before(ended), case.clients);
    at_end.holds(&seen, &seen, case.clients);
    bytes_hold(at_end.bytes, &seen, &seen, case.clients);
    if case.missing.is_none() {
        let sampled = seen.before(began - UNREAD - UNSAMPLED);
        bytes_hold(at_scrape.bytes, &sampled, &seen, case.clients);
    }
    Some((at_scrape, at_end, seen, summary))
}

#[test]
fn counts_a_live_stream_as_nginx_does() {
    for ffmpeg in &real_ffmpegs() {
        for variant in ["first", "all"] {
            let case = Case { ffmpeg, clients: 6, variant, missing: None };
            let Some((_, counts, seen, summary)) = live(&case, 8) else { return };
            // Alternating segments of several variants are not timed.
            if variant == "first" {
                times_hold(&summary, &seen, case.clients);
            }
            assert_eq!(counts.errors, 0);
        }
    }
}

#[test]
fn counts_missing_live_segments_as_nginx_does() {
    for ffmpeg in &real_ffmpegs() {
        let case = Case { ffmpeg, clients: 6, variant: "first", missing: Some(MISSING) };
        let Some((_, counts, _, _)) = live(&case, 9) else { return };
        assert!(counts.skipped >= case.clients, "{counts:?}");
    }
}

#[test]
fn counts_a_programme_on_demand_exactly() {
    for ffmpeg in &real_ffmpegs() {
        for missing in [None, Some(MISSING)] {
            let case = Case { ffmpeg, clients: 6, variant: "first", missing };
            let folder = support::folder();
            let file = folder.path().join("summary.json");
            let Some((origin, nginx)) = servers(missing) else { return };
            let url = nginx.url("vod/stream.m3u8");
            // It ends by itself once each client has played twice.
            load(&case, &url, &file, &["-max-restarts", "1"]).ended();
            origin.stopped();
            let seen = Seen::of(nginx.ended());
            let summary: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let counts = Counts::last(&summary);
            all_asked(&seen, case.clients);
            counts.holds(&seen, &seen, 0);
            assert_eq!(counts.skipped > 0, missing.is_some(), "{counts:?}");
            bytes_hold(counts.bytes, &seen, &seen, 0);
            times_hold(&summary, &seen, 2 * case.clients);
            assert_eq!(summary["processes"]["outcomes"]["completed"], 2 * case.clients);
        }
    }
}

/// Twenty clients for a minute, with a segment every two seconds; prints a table.
fn twenty_for_a_minute(variant: &str, missing: Option<&str>, segments: usize) {
    for ffmpeg in &real_ffmpegs() {
        let case = Case { ffmpeg, clients: 20, variant, missing };
        let Some((at_scrape, at_end, seen, summary)) = live(&case, segments) else { return };
        let row = |counts: &Counts| {
            format!(
                "{} | {} | {} | {} | {} | {} | {}",
                counts.playlists,
                counts.segments,
                counts.not_found,
                counts.skipped,
                counts.bytes,
                counts.new,
                counts.reused
            )
        };
        let witness = format!(
            "{} | {} | {} | {} | {} to {} | {} | {}",
            seen.kind(".m3u8"),
            seen.kind(".ts"),
            seen.status(404),
            seen.segments_missed(),
            seen.bodies(),
            seen.sent(),
            seen.connections(),
            seen.0.len() as u64 - seen.connections(),
        );
        let (requests, startup) = (&summary["requests"], &summary["playback"]["startup"]);
        println!(
            "{} {variant} {missing:?}, {} s\n  from | playlists | segments | 404 | skipped | \
             bytes | new | reused\n  scrape | {}\n  summary | {}\n  nginx | {witness}\n  \
             nginx: {} of 499, segment mean {:.6} s\n  start-up {}\n  segments {}\n  \
             playlists {}\n  outcomes {}",
            ffmpeg.display(),
            summary["run"]["duration_seconds"],
            row(&at_scrape),
            row(&at_end),
            seen.status(499),
            seen.segment_secs(),
            startup["percentiles"],
            brief(&requests["segment_download"]),
            brief(&requests["playlist_download"]),
            summary["processes"]["outcomes"],
        );
    }
}

fn brief(histogram: &Value) -> String {
    format!("{} in {} s: {}", histogram["count"], histogram["sum"], histogram["percentiles"])
}

#[test]
#[ignore = "takes two minutes"]
fn twenty_clients_play_one_variant_for_a_minute() {
    twenty_for_a_minute("first", None, 34);
}

#[test]
#[ignore = "takes two minutes"]
fn twenty_clients_play_all_variants_for_a_minute() {
    twenty_for_a_minute("all", None, 66);
}

#[test]
#[ignore = "takes two minutes"]
fn twenty_clients_miss_segments_for_a_minute() {
    twenty_for_a_minute("lowest", Some(MISSING), 50);
}
