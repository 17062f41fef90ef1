//! End to end with the fake FFmpeg: every way to stop, with children that obey the
//! signal, ignore it, are stopped, or leave others behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::io::{PipeReader, PipeWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;
use support::fake::{Fake, Faults};
use support::namespaces::with_silent_resolver;
use support::processes::Process;
use support::program::{Ended, Program, Setup};

/// Limit of the whole shutdown, whatever the children do.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Time after which a hanging helper is given up.
const HELPER_TIME: Duration = Duration::from_secs(4);

fn start(fake: &Fake, steps: &str, args: &[&str]) -> Program {
    Setup::faking(fake, steps)
        .args(&["-clients", "4", "-ramp-rate", "200", "-ramp-jitter", "0"])
        .args(args)
        .start()
}

/// A run in which all clients have started and played the steps up to the line that
/// `-v` logs.
fn settled(fake: &Fake, steps: &str) -> Program {
    let mut program = start(fake, steps, &["-v"]);
    program.events("process_stderr", 4);
    program.event("ramp_complete");
    program
}

/// Sends a signal; the program must exit in time with code 0 without leaving a process.
fn stop_by(program: Program, signal: Signal) -> Ended {
    program.signal(signal);
    let ended = program.ended_within(SHUTDOWN);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.events("shutdown_complete").len(), 1);
    ended
}

fn exit_codes(ended: &Ended) -> Vec<u64> {
    ended.events("client_exited").iter().map(|e| e["exit_code"].as_u64().unwrap()).collect()
}

#[test]
fn every_stop_signal_stops_clients_gracefully() {
    let fake = Fake::named("ffmpeg");
    for (signal, name) in
        [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT"), (Signal::HUP, "SIGHUP")]
    {
        let ended = stop_by(settled(&fake, "err-1/wait"), signal);
        assert_eq!(exit_codes(&ended), [255; 4], "{name}");
        let received = ended.events("received_signal");
        assert_eq!(received.len(), 1, "{ended:#?}");
        assert!(received[0].to_string().contains(name), "{}", received[0]);
        for exited in ended.events("client_exited") {
            assert_eq!(exited["outcome"], "stopped");
        }
    }
}

#[test]
fn sends_a_second_sigterm_if_needed() {
    let fake = Fake::named("ffmpeg");
    let ended = stop_by(settled(&fake, "stubborn-2/err-1/wait"), Signal::TERM);
    assert_eq!(exit_codes(&ended), [255; 4]);
}

#[test]
fn kills_a_client_that_ignores_sigterm() {
    let fake = Fake::named("ffmpeg");
    let ended = stop_by(settled(&fake, "ignore-term/err-1/wait"), Signal::TERM);
    assert_eq!(exit_codes(&ended), [137; 4]);
}

#[test]
fn ends_a_client_stopped_by_sigstop() {
    let fake = Fake::named("ffmpeg");
    let ended = stop_by(settled(&fake, "err-1/stop/wait"), Signal::TERM);
    assert_eq!(exit_codes(&ended).len(), 4);
}

#[test]
fn traced_client_does_not_block_the_stop() {
    let fake = Fake::named("ffmpeg");
    let ended = stop_by(settled(&fake, "traced/err-1/wait"), Signal::TERM);
    assert!(!ended.stdout.is_empty(), "no summary");
}

/// A full pipe.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[0; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

/// Children that even SIGKILL does not end, a file system that hangs, and a reader that
/// does not read.
#[test]
fn stop_ends_in_time_whatever_blocks() {
    let (fake, faults) = (Fake::named("ffmpeg"), Faults::none());
    faults.hang_fsync();
    let (_reader, writer) = full_pipe();
    let file = fake.path().with_file_name("run.json");
    let args = ["-v", "-clients", "2", "-ramp-rate", "200", "-ramp-jitter", "0", "-summary-json"];
    let setup = Setup::faking(&fake, "traced/err-1/wait").args(&args);
    let setup = setup.args(&[file.to_str().unwrap()]).suffering(&faults).writing_to(writer);
    let mut program = setup.start();
    program.events("process_stderr", 2);
    program.event("ramp_complete");
    let ended = stop_by(program, Signal::TERM);
    for (name, field, why) in [
        ("summary_file_not_written", "error", "not done in time"),
        ("summary_not_printed", "why", "timed out"),
    ] {
        let events = ended.events(name);
        assert!(events[0][field].as_str().unwrap().contains(why), "{ended:#?}");
    }
}

#[test]
fn second_signal_gives_up_an_unread_summary() {
    let fake = Fake::named("ffmpeg");
    let (_reader, writer) = full_pipe();
    let setup = Setup::faking(&fake, "wait").args(&["-duration", "1s"]).writing_to(writer);
    let mut program = setup.start();
    program.event("shutdown_complete");
    support::until("it is given up", || {
        program.signal(Signal::INT);
        program.process.ends_within(Duration::ZERO)
    });
}

#[test]
fn ends_grandchildren_in_the_group() {
    let fake = Fake::named("ffmpeg");
    for steps in ["grandchild/err-1/wait", "stubborn-grandchild/err-1/wait"] {
        let program = settled(&fake, steps);
        assert_eq!(program.processes().len(), 9, "{steps}");
        stop_by(program, Signal::TERM);
    }
}

#[test]
fn daemon_with_open_pipes_does_not_block_the_stop() {
    let fake = Fake::named("ffmpeg");
    let program = settled(&fake, "daemon-60/err-1/wait");
    stop_by(program, Signal::TERM);
}

#[test]
fn surviving_grandchild_does_not_block_the_restart() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "only-0/stubborn-grandchild/exit-1", &[]);
    program.events("client_started", 6);
    stop_by(program, Signal::TERM);
}

#[test]
fn stop_during_the_ramp_starts_no_more_clients() {
    let fake = Fake::named("ffmpeg");
    let mut program = Setup::faking(&fake, "wait").args(&["-clients", "1000"]).start();
    program.events("client_started", 3);
    let ended = stop_by(program, Signal::TERM);
    assert!(ended.events("client_started").len() < 100);
    assert!(ended.events("ramp_complete").is_empty());
}

#[test]
fn stop_does_not_wait_for_a_backoff() {
    let fake = Fake::named("ffmpeg");
    let backoff = ["-backoff-initial", "60s", "-backoff-max", "60s"];
    let mut program = start(&fake, "exit-1", &backoff);
    program.events("client_restart_scheduled", 4);
    stop_by(program, Signal::TERM);
}

#[test]
fn stop_before_any_start_is_a_failure() {
    let fake = Fake::named("ffmpeg");
    let slow = ["-clients", "2", "-ramp-rate", "1", "-ramp-jitter", "300s", "-seed", "1"];
    let mut program = Setup::faking(&fake, "wait").args(&slow).start();
    program.event("starting_ramp");
    program.signal(Signal::TERM);
    let ended = program.ended();
    assert_eq!(ended.code, Some(1));
    let why = "stopped by SIGTERM before a client was started";
    assert!(ended.stdout.contains(why), "{ended:#?}");
    assert_eq!(ended.events("shutdown_complete")[0]["ended"], why);
}

#[test]
fn second_signal_kills_at_once_and_sets_the_exit_code() {
    let fake = Fake::named("ffmpeg");
    for (first, second, code) in
        [(Signal::TERM, Signal::INT, 130), (Signal::INT, Signal::TERM, 143)]
    {
        let mut program = settled(&fake, "ignore-term/err-1/wait");
        program.signal(first);
        program.event("stopping");
        program.signal(second);
        let ended = program.ended();
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        assert_eq!(exit_codes(&ended), [137; 4]);
        assert!(!ended.stdout.is_empty(), "no summary");
    }
}

#[test]
fn end_of_duration_also_kills_stubborn_clients() {
    let fake = Fake::named("ffmpeg");
    let program = start(&fake, "ignore-term/wait", &["-duration", "1s"]);
    let ended = program.ended_within(Duration::from_secs(1) + SHUTDOWN);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(exit_codes(&ended), [137; 4]);
}

#[test]
fn no_client_outlives_a_killed_program() {
    let fake = Fake::named("ffmpeg");
    let program = settled(&fake, "ignore-term/err-1/wait");
    assert_eq!(program.processes().len(), 5);
    program.killed();
}

#[test]
fn demo_origin_does_not_outlive_a_killed_program() {
    let fake = Fake::named("ffmpeg");
    let ffmpeg = fake.path();
    let args = ["--demo", "-log-format", "json", "-metrics", "127.0.0.1:0", "--skip-preflight"];
    let mut program = Setup::with(&args).args(&["-ffmpeg", ffmpeg.to_str().unwrap()]).start();
    program.event("client_started");
    // The program, its origin and a client, whose environment is set a moment after its
    // start.
    support::until("three processes run", || program.processes().len() >= 3);
    program.killed();
}

/// An FFmpeg that never responds and has a child, as wrappers do.
const HANGS: &str = "#!/bin/sh\nsleep 1000 &\nwait\n";

#[test]
fn stop_before_the_loop_ends_everything_at_once() {
    let folder = support::folder();
    let hangs = folder.path().join("ffmpeg");
    fs::write(&hangs, HANGS).unwrap();
    fs::set_permissions(&hangs, PermissionsExt::from_mode(0o755)).unwrap();
    for (signal, name) in
        [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")]
    {
        let program = Setup::load(&hangs, "http://127.0.0.1:9/").start();
        stop_before_the_loop(program, 2, signal, name);
    }
}

#[test]
fn stop_during_the_probe_is_no_probe_failure() {
    let fake = Fake::named("ffmpeg").beside("ffprobe-hangs");
    let ffprobe = fake.path().with_file_name("ffprobe-hangs");
    let args = ["-variant", "highest", "-ffprobe", ffprobe.to_str().unwrap()];
    let program = Setup::faking(&fake, "wait").args(&args).start();
    stop_before_the_loop(program, 1, Signal::INT, "SIGINT");
}

#[test]
fn stop_ends_a_lookup_without_response() {
    let (fake, folder) = (Fake::named("ffmpeg"), support::folder());
    let asked = ["-origin-metrics", "http://exporter.test:9100/metrics"];
    let setup = Setup::faking(&fake, "wait").args(&asked);
    let Some(setup) = with_silent_resolver(setup, folder.path()) else { return };
    let mut program = setup.start();
    // The lookup is the next step.
    program.event("metrics_server_started");
    program.signal(Signal::TERM);
    let ended = program.ended_within(HELPER_TIME);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.log.iter().any(|line| line.contains("stopped by SIGTERM")), "{ended:#?}");
}

/// Waits until the program waits for this many helpers, and stops it.
fn stop_before_the_loop(program: Program, helpers: usize, signal: Signal, name: &str) {
    support::until("the helpers run", || program.processes().len() == 1 + helpers);
    program.signal(signal);
    let ended = program.ended_within(HELPER_TIME);
    ended.refuses(1, &format!("stopped by {name} before anything was started"));
}

#[test]
fn inherited_sigchld_ignore_does_not_hide_exits() {
    let fake = Fake::named("ffmpeg");
    let setup = Setup::faking(&fake, "sleep-500/exit-3").args(&["-clients", "2"]);
    let mut program = setup.ignoring("CHLD").start();
    assert_eq!(program.events("client_exited", 2)[1]["exit_code"], 3);
    program.stopped();
}

#[test]
fn run_under_nohup_survives_its_terminal() {
    let fake = Fake::named("ffmpeg");
    let setup = Setup::faking(&fake, "sleep-500/exit-3").args(&["-clients", "2"]);
    let mut program = setup.ignoring("HUP").start();
    program.events("client_started", 1);
    program.signal(Signal::HUP);
    program.events("client_started", 3);
    assert!(program.stopped().events("received_signal").len() == 1);
}

#[test]
fn reports_and_survives_the_exit_of_the_demo_origin() {
    let fake = Fake::named("ffmpeg");
    let ffmpeg = fake.path();
    let args = ["--demo", "-log-format", "json", "-metrics", "127.0.0.1:0", "--skip-preflight"];
    let mut program = Setup::with(&args).args(&["-ffmpeg", ffmpeg.to_str().unwrap()]).start();
    let origin = program.event("origin_started");
    let process = Process::open(u32::try_from(origin["pid"].as_u64().unwrap()).unwrap()).unwrap();
    program.events("client_started", 2);
    process.signal(Signal::KILL);
    let ended = program.event("origin_ended");
    assert_eq!(ended["pid"], origin["pid"]);
    assert_eq!(ended["exit_code"], 137);
    assert_eq!(ended["level"], "warn");
    assert_eq!(program.stopped().events("origin_ended").len(), 1);
}
