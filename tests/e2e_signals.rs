//! End to end with the fake FFmpeg: the effect of each signal on the swarm and on the
//! built-in origin, and that FFmpeg inherits none of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "sends signals by kill(1)")]

mod support;

use std::fs;
use std::process::Command;

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::Value;
use support::fake::Fake;
use support::http::Scrape;
use support::origin::Origin;
use support::program::{Program, Setup};

/// Signals that end a process by default and have no meaning for a swarm: SIGUSR1,
/// SIGUSR2, SIGALRM, SIGSTKFLT, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, and some real-time
/// signals.
const IGNORED: [&str; 11] = ["10", "12", "14", "16", "25", "26", "27", "29", "34", "50", "64"];

/// Two signals closer than this are certainly a repeat.
const REPEAT_MS: i64 = 450;

fn start(fake: &Fake, steps: &str) -> Program {
    let args = ["-clients", "2", "-ramp-rate", "200", "-ramp-jitter", "0"];
    let mut program = Setup::faking(fake, steps).args(&args).start();
    program.event("ramp_complete");
    program
}

fn send(program: &Program, signals: &[&str]) {
    let mut kill = Command::new("sh");
    kill.args(["-c", "pid=$0; for number; do kill -\"$number\" \"$pid\"; done"]);
    kill.arg(program.process.pid.to_string()).args(signals);
    assert!(kill.status().unwrap().success());
}

#[test]
fn ignored_signals_do_not_end_a_swarm() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "wait");
    send(&program, &IGNORED);
    assert_eq!(program.scrape().get("hlsswarm_clients_active"), 2.0);
    let ended = program.stopped();
    assert_eq!(ended.events("received_signal").len(), 1, "{ended:#?}");
    assert!(ended.stdout.contains("stopped by SIGTERM"), "{ended:#?}");
}

#[test]
fn sigpwr_and_sigxcpu_stop_gracefully() {
    let fake = Fake::named("ffmpeg");
    for (signal, name) in [(Signal::POWER, "SIGPWR"), (Signal::XCPU, "SIGXCPU")] {
        let mut program = start(&fake, "ignore-term/wait");
        program.signal(signal);
        program.event("stopping");
        // The kernel sends it every second; that is not a second request to stop.
        program.signal(signal);
        program.events("received_signal", 2);
        program.signal(Signal::INT);
        let ended = program.ended();
        assert_eq!(ended.code, Some(130), "{ended:#?}");
        assert_eq!(ended.events("received_signal")[0]["signal"], name, "{ended:#?}");
    }
}

/// The time of an event in milliseconds.
fn millis(event: &Value) -> i64 {
    event["ts"].as_str().unwrap().parse::<Timestamp>().unwrap().as_millisecond()
}

/// timeout(1) signals its child, and then the whole process group.
#[test]
fn immediate_repeat_of_a_signal_forces_nothing() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "ignore-term/wait");
    program.signal(Signal::TERM);
    let first = program.event("received_signal");
    program.signal(Signal::TERM);
    let second = program.events("received_signal", 2).remove(1);
    program.signal(Signal::INT);
    let ended = program.ended();
    let repeated = millis(&second) - millis(&first) < REPEAT_MS;
    assert!(ended.code == Some(130) || (ended.code == Some(143) && !repeated), "{ended:#?}");
}

#[test]
fn ffmpeg_starts_with_default_signal_dispositions() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "report/exit-1");
    let event = program.event("client_exited");
    let stderr = event["stderr"].as_str().unwrap();
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("report")).collect();
    for want in ["report blocked", "report ignored"] {
        assert!(lines.contains(&want), "{stderr}");
    }
    program.stopped();
}

#[test]
fn origin_reopens_its_access_log_on_sigusr1() {
    let folder = support::folder();
    let (log, moved) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let mut origin = Origin::with(&["-access-log", log.to_str().unwrap()]);
    let lines = |path| fs::read_to_string(path).unwrap_or_default().lines().count();
    origin.get("/stream.m3u8");
    support::until("the first line is written", || lines(&log) == 1);
    fs::rename(&log, &moved).unwrap();
    origin.program.signal(Signal::USR1);
    origin.program.event("access_log_reopened");
    send(&origin.program, &IGNORED[1..]);
    origin.get("/stream.m3u8");
    support::until("the second line is in the new file", || lines(&log) == 1);
    assert_eq!(lines(&moved), 1);
    assert_eq!(Scrape::of(origin.address).get("hlsswarm_origin_access_lines_dropped_total"), 0.0);
    // If the file cannot be reopened, the log stays where it is.
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    origin.program.signal(Signal::USR1);
    origin.program.event("access_log_not_reopened");
    origin.program.stopped();
}
