//! End to end with every real FFmpeg of this machine, against the built-in origin
//! and against nginx as witness.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts a shell")]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use support::media::{SEGMENTS, presentation};
use support::nginx::Nginx;
use support::program::{Program, Setup};
use support::tools::real_ffmpegs;

const CLIENTS: usize = 3;

fn witness() -> Option<Nginx> {
    presentation().and_then(Nginx::serving)
}

fn load(ffmpeg: &Path, url: &str, args: &[&str]) -> Program {
    Setup::load(ffmpeg, url)
        .args(&["-clients", &CLIENTS.to_string(), "-ramp-rate", "20", "-ramp-jitter", "0"])
        .args(args)
        .start()
}

/// The built-in origin, and the URL that it prints.
fn origin(listen: &str) -> (Program, String) {
    let mut origin = Setup::with(&["origin", "-listen", listen]).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    (origin, url)
}

/// Checks that all clients run without a restart, and that the stop is graceful.
fn holds(mut program: Program) {
    let scrape = program.scrape();
    assert_eq!(scrape.get("hlsswarm_clients_active"), CLIENTS as f64, "{}", scrape.text);
    assert_eq!(scrape.get("hlsswarm_clients_started_total"), CLIENTS as f64);
    assert_eq!(scrape.get("hlsswarm_clients_restarted_total"), 0.0);
    let ended = program.stopped();
    for exited in ended.events("client_exited") {
        assert_eq!(exited["outcome"], "stopped", "{exited}");
    }
}

/// Waits until every client has opened this many segments.
fn all_open(program: &mut Program, segments: usize) {
    for client in 0..CLIENTS {
        program.says(client, segments, |line| line.contains("Opening '") && line.contains(".ts"));
    }
}

/// Waits until every client of the run with this user agent has requested the last
/// segments.
fn all_are_seen(nginx: &mut Nginx, agent: &str, segments: usize) {
    for number in 0..CLIENTS {
        let agent = format!("{agent}/client-{number}");
        let mut of_client = |path: &str| {
            nginx.requests(1, |r| {
                let matches = r["agent"] == agent.as_str() && r["path"] == path;
                matches.then(|| assert!(matches!(r["status"].as_u64(), Some(200 | 206)), "{r}"))
            });
        };
        for segment in SEGMENTS - segments..SEGMENTS {
            of_client(&format!("/low/seg{segment}.ts"));
        }
    }
}

#[test]
fn nginx_sees_every_client() {
    let Some(mut nginx) = witness() else { return };
    for (number, ffmpeg) in real_ffmpegs().iter().enumerate() {
        let agent = format!("seen-{number}");
        let program = load(ffmpeg, &nginx.url("low/live.m3u8"), &["-user-agent", &agent]);
        all_are_seen(&mut nginx, &agent, 2);
        holds(program);
    }
}

#[test]
fn plays_the_built_in_origin() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        for ffmpeg in real_ffmpegs() {
            let (origin, url) = origin(listen);
            let mut program = load(&ffmpeg, &url, &["-v"]);
            // At the live edge each of three variants is read, and then a new segment
            // of each.
            all_open(&mut program, 12);
            holds(program);
            origin.stopped();
        }
    }
}

#[test]
fn demo_runs_without_other_services() {
    for ffmpeg in real_ffmpegs() {
        let args = ["--demo", "-clients", "3", "-ramp-rate", "20", "-duration", "4s"];
        let logged = ["-log-format", "json", "-metrics", "127.0.0.1:0", "-ffmpeg"];
        let program = Setup::with(&args).args(&logged).args(&[ffmpeg.to_str().unwrap()]).start();
        let ended = program.ended();
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        assert_eq!(ended.events("client_started").len(), 3, "{ended:#?}");
        assert!(!ended.stdout.is_empty(), "no summary");
    }
}

#[test]
fn check_prints_a_verdict_and_sets_the_exit_code() {
    let Some(nginx) = witness() else { return };
    for ffmpeg in real_ffmpegs() {
        for (path, code) in [("low/live.m3u8", 0), ("low/vod.m3u8", 0), ("low/none.m3u8", 1)] {
            let args = ["--check", "-duration", "4s"];
            let ended = Setup::load(&ffmpeg, &nginx.url(path)).args(&args).run();
            assert_eq!(ended.code, Some(code), "{path}: {ended:#?}");
            assert!(!ended.stdout.is_empty(), "no verdict");
        }
    }
}

#[test]
fn the_printed_command_runs_when_pasted() {
    let Some(mut nginx) = witness() else { return };
    for (number, ffmpeg) in real_ffmpegs().iter().enumerate() {
        let mine = format!("it's a \"test\" {number}");
        let args =
            ["--print-cmd", "-header", &format!("X-Odd: {mine} $(exit 3)"), "-user-agent", &mine];
        let ended = Setup::load(ffmpeg, &nginx.url("low/vod.m3u8")).args(&args).run();
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        // Not every sh supports the `$'…'` of a header's line end.
        let pasted =
            Command::new("bash").args(["-c", &ended.stdout]).stdin(Stdio::null()).output().unwrap();
        assert!(pasted.status.success(), "{ended:#?} {pasted:#?}");
        nginx.requests(1, |r| (r["agent"] == format!("{mine}/client-0").as_str()).then_some(()));
    }
}

#[test]
fn reads_the_chosen_variant_only() {
    let Some(mut nginx) = witness() else { return };
    let last = |rendition: &str| format!("/{rendition}/seg{}.ts", SEGMENTS - 1);
    for (number, ffmpeg) in real_ffmpegs().iter().enumerate() {
        for (variant, read, left) in [("highest", "high", "low"), ("lowest", "low", "high")] {
            let agent = format!("{variant}-{number}");
            let args = ["-variant", variant, "-max-restarts", "1", "-user-agent", &agent];
            let program = load(ffmpeg, &nginx.url("master.m3u8"), &args);
            let of_run = |r: &serde_json::Value| {
                let path = r["path"].as_str()?;
                (r["agent"] == format!("{agent}/client-0").as_str()).then(|| path.to_owned())
            };
            nginx.requests(1, |r| of_run(r).filter(|path| *path == last(read)));
            let ended = program.stopped();
            let seen = nginx.seen(of_run);
            assert!(!seen.contains(&last(left)), "{variant}: {seen:?} {ended:#?}");
            assert!(ended.log.iter().any(|line| line.contains("variants_found")), "{ended:#?}");
        }
    }
}

#[test]
fn resolve_changes_the_address_and_keeps_the_name() {
    let Some(mut nginx) = witness() else { return };
    let authority = format!("origin.invalid:{}", nginx.address().port());
    for (number, ffmpeg) in real_ffmpegs().iter().enumerate() {
        let agent = format!("named-{number}");
        let url = format!("http://{authority}/low/live.m3u8");
        let args = ["-resolve", "127.0.0.1", "--dangerous", "-no-cache", "-user-agent", &agent];
        let mut program = load(ffmpeg, &url, &args);
        program.event("dangerous_mode");
        let requests = nginx.requests(CLIENTS * 3, |r| {
            r["agent"].as_str()?.starts_with(&format!("{agent}/client-")).then(|| r.clone())
        });
        for request in requests {
            assert_eq!(request["host"], authority.as_str(), "{request}");
            assert_eq!(request["cache"], "no-cache", "{request}");
        }
        holds(program);
    }
}

#[test]
fn resolve_takes_an_ipv6_address() {
    let (origin, url) = origin("[::1]:0");
    let url = url.replace("[::1]", "origin.invalid");
    for ffmpeg in real_ffmpegs() {
        let mut program = load(&ffmpeg, &url, &["-resolve", "::1", "--dangerous", "-v"]);
        all_open(&mut program, 3);
        holds(program);
    }
    origin.stopped();
}

#[test]
fn a_killed_program_leaves_no_real_ffmpeg() {
    let Some(mut nginx) = witness() else { return };
    for (number, ffmpeg) in real_ffmpegs().iter().enumerate() {
        let agent = format!("killed-{number}");
        let program = load(ffmpeg, &nginx.url("low/live.m3u8"), &["-user-agent", &agent]);
        all_are_seen(&mut nginx, &agent, 1);
        assert_eq!(program.processes().len(), 1 + CLIENTS);
        program.killed();
    }
}
