//! End to end with every real FFmpeg of this machine: the experience of clients when
//! the origin freezes, exits, refuses, hangs or ends the stream, and its report.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "tests read the clock and serve by threads")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, thread};

use rustix::process::Signal;
use support::http::Scrape;
use support::media::presentation;
use support::program::{Program, Setup};
use support::tools::{promtool_says, real_ffmpegs};
use support::until;

const CLIENTS: usize = 4;

/// The value of `-target-duration`: that of the built-in origin.
const TARGET: Duration = Duration::from_secs(2);

fn load(ffmpeg: &Path, url: &str, clients: usize, args: &[&str]) -> Program {
    Setup::load(ffmpeg, url)
        .args(&["-clients", &clients.to_string(), "-ramp-rate", "20", "-ramp-jitter", "0"])
        .args(&["-target-duration", "2s"])
        .args(args)
        .start()
}

/// The built-in origin, and the URL that it prints.
fn origin(listen: &str) -> (Program, String) {
    let mut origin = Setup::with(&["origin", "-listen", listen]).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    (origin, url)
}

/// Scrapes until the condition is true, and returns that scrape.
fn scraped(what: &str, at: SocketAddr, is: impl Fn(&Scrape) -> bool) -> Scrape {
    let mut last = Scrape::of(at);
    until(what, || {
        last = Scrape::of(at);
        is(&last)
    });
    last
}

/// Waits until this many attempts have had media since the start of the run.
fn plays(at: SocketAddr, attempts: usize) {
    scraped("media came", at, |s| s.get("hlsswarm_startup_seconds_count") >= attempts as f64);
}

fn outcome(scrape: &Scrape, name: &str) -> f64 {
    scrape.get(&format!("hlsswarm_client_exits_total{{outcome=\"{name}\"}}"))
}

/// Serves one request per connection on a free port. The first part of the path selects
/// the response: a number is a status, `hang` sends none, `html` is not a playlist, and
/// `ending` is a live presentation that ends at the third request.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicU32::new(0));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let requests = Arc::clone(&requests);
            thread::spawn(move || respond(stream, &requests));
        }
    });
    address
}

fn respond(mut stream: TcpStream, requests: &AtomicU32) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let first = lines.next()?;
    lines.find(String::is_empty)?;
    let path = first.split(' ').nth(1)?;
    let (folder, file) = path.strip_prefix('/')?.split_once('/')?;
    let (status, body) = match folder {
        // Held until the client gives up.
        "hang" => return lines.next().map(drop),
        "html" => ("200", b"<html>no playlist</html>".to_vec()),
        "ending" => {
            let look = u32::from(file.ends_with(".m3u8"));
            let ends = requests.fetch_add(look, Ordering::Relaxed) >= 2;
            let file = if ends { file.replace("live", "vod") } else { file.to_owned() };
            ("200", fs::read(presentation()?.join("low").join(file)).ok()?)
        }
        status => (status, b"no".to_vec()),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} So\r\nContent-Length: {length}\r\nConnection: close\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(b"\r\n").ok()?;
    stream.write_all(&body).ok()
}

/// The outcome of the first attempt, and its log.
fn first_outcome(ffmpeg: &Path, url: &str, args: &[&str]) -> (String, String) {
    let mut program = load(ffmpeg, url, 1, args);
    let exited = program.event("client_exited");
    program.signal(Signal::TERM);
    program.ended();
    (exited["outcome"].as_str().unwrap().to_owned(), exited.to_string())
}

#[test]
fn frozen_origin_stalls_every_client_once() {
    for ffmpeg in real_ffmpegs() {
        let (origin, url) = origin("127.0.0.1:0");
        let mut program = load(&ffmpeg, &url, CLIENTS, &[]);
        let at = program.metrics();
        plays(at, CLIENTS);
        let all = CLIENTS as f64;
        origin.signal(Signal::STOP);
        let stalled = scraped("all stall", at, |s| s.get("hlsswarm_clients_stalled") >= all);
        assert_eq!(stalled.get("hlsswarm_clients_stalled"), all);
        assert_eq!(stalled.get("hlsswarm_clients_active"), all);
        origin.signal(Signal::CONT);
        let thawed = scraped("none stalls", at, |s| s.get("hlsswarm_clients_stalled") == 0.0);
        assert_eq!(thawed.get("hlsswarm_stalls_total"), all, "{}", thawed.text);
        assert!(thawed.get("hlsswarm_stall_seconds_total") > 0.0, "{}", thawed.text);
        assert_eq!(thawed.get("hlsswarm_clients_restarted_total"), 0.0, "{}", thawed.text);
        program.stopped();
        origin.stopped();
    }
}

#[test]
fn restarts_a_stalled_client_if_requested() {
    for ffmpeg in real_ffmpegs() {
        let (origin, url) = origin("127.0.0.1:0");
        let mut program = load(&ffmpeg, &url, CLIENTS, &["-restart-on-stall"]);
        let at = program.metrics();
        plays(at, CLIENTS);
        origin.signal(Signal::STOP);
        for exited in program.events("client_exited", CLIENTS) {
            assert_eq!(exited["outcome"], "stalled", "{exited}");
        }
        origin.signal(Signal::CONT);
        plays(at, 2 * CLIENTS);
        let scrape = scraped("all run", at, |s| {
            s.get("hlsswarm_clients_active") == CLIENTS as f64
                && s.get("hlsswarm_clients_stalled") == 0.0
        });
        assert!(outcome(&scrape, "stalled") >= CLIENTS as f64, "{}", scrape.text);
        let exits = scrape.sum("hlsswarm_client_exits_total");
        assert_eq!(outcome(&scrape, "stalled"), exits, "{}", scrape.text);
        program.stopped();
        origin.stopped();
    }
}

#[test]
fn clients_survive_a_restart_of_the_origin() {
    for ffmpeg in real_ffmpegs() {
        let (first, url) = origin("127.0.0.1:0");
        let mut program = load(&ffmpeg, &url, CLIENTS, &["-reconnect=false"]);
        let at = program.metrics();
        plays(at, CLIENTS);
        first.killed();
        let of_one: Vec<u64> = program
            .events("client_restart_scheduled", 4 * CLIENTS)
            .iter()
            .filter(|event| event["client_id"] == 0)
            .map(|event| event["backoff_ms"].as_u64().unwrap())
            .collect();
        // Consecutive delays differ by a factor of 1.7, jitter by 1.2 / 0.8 at most.
        assert!(of_one.len() > 1 && of_one.windows(2).all(|two| two[0] < two[1]), "{of_one:?}");
        for exited in program.seen("client_exited") {
            assert_eq!(exited["outcome"], "network_error", "{exited}");
        }
        let listen = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let (second, _) = origin(listen.unwrap());
        plays(at, 2 * CLIENTS);
        scraped("all run", at, |s| s.get("hlsswarm_clients_active") == CLIENTS as f64);
        program.stopped();
        second.stopped();
    }
}

#[test]
fn outcome_names_the_cause_of_the_end() {
    let server = serve();
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut cases = vec![
        (format!("http://{server}/404/x.m3u8"), "playlist_error"),
        (format!("http://{server}/503/x.m3u8"), "playlist_error"),
        (format!("http://{server}/html/x.m3u8"), "playlist_error"),
        (format!("http://{server}/hang/x.m3u8"), "timeout"),
        (format!("http://{refusing}/x.m3u8"), "network_error"),
        ("http://nonexistent.invalid/x.m3u8".to_owned(), "dns"),
    ];
    if presentation().is_some() {
        cases.push((format!("http://{server}/ending/vod.m3u8"), "completed"));
    }
    for ffmpeg in real_ffmpegs() {
        for (url, named) in &cases {
            let args = ["-timeout", "3s", "-reconnect=false"];
            let (outcome, exited) = first_outcome(&ffmpeg, url, &args);
            assert_eq!(outcome, *named, "{url}: {exited}");
        }
    }
}

#[test]
fn ended_live_presentation_is_completed() {
    if presentation().is_none() {
        return;
    }
    for ffmpeg in real_ffmpegs() {
        let url = format!("http://{}/ending/live.m3u8", serve());
        let (outcome, exited) = first_outcome(&ffmpeg, &url, &[]);
        assert_eq!(outcome, "completed", "{exited}");
    }
}

#[test]
fn foreign_kill_is_a_crash_and_foreign_stop_a_stall() {
    for ffmpeg in real_ffmpegs() {
        let (origin, url) = origin("127.0.0.1:0");
        let mut program = load(&ffmpeg, &url, 2, &[]);
        let at = program.metrics();
        plays(at, 2);
        let children = program.children(2);
        children[0].signal(Signal::KILL);
        children[1].signal(Signal::STOP);
        let exited = program.event("client_exited");
        assert_eq!(exited["outcome"], "crashed", "{exited}");
        assert_eq!(exited["exit_code"], 137, "{exited}");
        scraped("it stalls", at, |s| s.get("hlsswarm_clients_stalled") == 1.0);
        children[1].signal(Signal::CONT);
        scraped("it moves", at, |s| s.get("hlsswarm_clients_stalled") == 0.0);
        program.stopped();
        origin.stopped();
    }
}

#[test]
fn without_stats_only_processes_are_reported() {
    for ffmpeg in real_ffmpegs() {
        let (origin, url) = origin("127.0.0.1:0");
        let mut program = load(&ffmpeg, &url, 2, &["-stats=false"]);
        let killed = program.children(1).remove(0);
        killed.signal(Signal::KILL);
        assert_eq!(program.event("client_exited")["outcome"], "crashed");
        program.events("client_started", 3);
        let scrape = program.scrape();
        for family in ["requests_total", "clients_stalled", "bytes_downloaded_total"] {
            let named = format!("\nhlsswarm_{family}");
            assert!(!scrape.text.contains(&named), "{family} in\n{}", scrape.text);
        }
        assert_eq!(scrape.get("hlsswarm_clients_restarted_total"), 1.0);
        program.stopped();
        origin.stopped();
    }
}

#[test]
fn reads_requests_at_debug_and_media_time_at_every_level() {
    for ffmpeg in real_ffmpegs() {
        let (origin, url) = origin("127.0.0.1:0");
        for level in ["info", "verbose", "debug"] {
            let mut program = load(&ffmpeg, &url, 1, &["-stats-loglevel", level]);
            let at = program.metrics();
            plays(at, 1);
            if level != "info" {
                let segments = "hlsswarm_requests_total{kind=\"segment\"}";
                scraped("segments are counted", at, |s| s.get(segments) >= 3.0);
            }
            program.stopped();
        }
        origin.stopped();
    }
}

#[test]
fn exports_client_series_that_promtool_accepts() {
    for ffmpeg in real_ffmpegs() {
        let (origin, url) = origin("127.0.0.1:0");
        let mut program = load(&ffmpeg, &url, 2, &["-prom-client-metrics"]);
        let at = program.metrics();
        plays(at, 2);
        let scrape = scraped("media moves", at, |s| {
            s.sum("hlsswarm_client_media_seconds_total") >= 2.0 * TARGET.as_secs_f64()
        });
        for client in ["0", "1"] {
            assert_eq!(scrape.get(&format!("hlsswarm_client_up{{client=\"{client}\"}}")), 1.0);
        }
        assert_eq!(scrape.text.matches("\nhlsswarm_client_up{").count(), 2, "{}", scrape.text);
        assert_eq!(promtool_says(&scrape.text).unwrap_or_default(), "");
        program.stopped();
        origin.stopped();
    }
}

/// With the fake every number is known, and none changes after the last restart.
#[test]
fn json_summary_equals_the_last_scrape() {
    let fake = support::fake::Fake::named("ffmpeg");
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    let args = ["-clients", "2", "-max-restarts", "3", "-backoff-initial", "20ms"];
    let setup = Setup::faking(&fake, "mute/only-0/err-500/exit-3").args(&args);
    let mut program = setup.args(&["-summary-json", file.to_str().unwrap()]).start();
    program.event("max_restarts_reached");
    program.event("ramp_complete");
    let scrape = program.scrape();
    program.stopped_without_media();
    let summary: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(summary["schema_version"], 2, "{summary}");
    assert_eq!(summary["log"]["lines"], 4 * 500, "{summary}");
    let (processes, log) = (&summary["processes"], &summary["log"]);
    for (sample, value) in [
        ("hlsswarm_clients_started_total", &processes["started"]),
        ("hlsswarm_clients_restarted_total", &processes["restarted"]),
        ("hlsswarm_clients_max_restarts_reached_total", &processes["max_restarts_reached"]),
        ("hlsswarm_process_exits_total{code=\"3\"}", &processes["exits"]["3"]),
        ("hlsswarm_client_exits_total{outcome=\"no_input\"}", &processes["outcomes"]["no_input"]),
        ("hlsswarm_log_lines_total{stream=\"stderr\"}", &log["lines"]),
        ("hlsswarm_log_lines_cut_total{stream=\"stderr\"}", &log["lines_cut"]),
    ] {
        assert_eq!(Some(scrape.get(sample)), value.as_f64(), "{sample}: {summary}");
    }
}

#[test]
fn unwritable_summary_costs_a_warning_only() {
    let fake = support::fake::Fake::named("ffmpeg");
    let setup = Setup::faking(&fake, "wait").args(&["-clients", "1", "-summary-json", "/dev/full"]);
    let mut program = setup.start();
    program.event("ramp_complete");
    let ended = program.stopped();
    let warned: Vec<_> = ended.log.iter().filter(|l| l.contains("\"level\":\"warn\"")).collect();
    assert_eq!(warned.len(), 1, "{ended:#?}");
    assert!(warned[0].contains("/dev/full"), "{ended:#?}");
}
