//! End to end with the fake FFmpeg: one thread, and no system call without an event.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts strace")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::fake::Fake;
use support::program::{Program, Setup};
use support::tools::tool;
use support::until;

fn silent(more: &[&str]) -> (Fake, Program) {
    let fake = Fake::named("ffmpeg");
    let mut program = Setup::faking(&fake, "mute/wait")
        .args(&["-clients", "50", "-ramp-rate", "500", "-ramp-jitter", "0"])
        .args(more)
        .start();
    program.event("ramp_complete");
    (fake, program)
}

/// The system calls of the program within a second, as strace's table; `None` if
/// tracing is not permitted.
fn system_calls(strace: &Path, program: &Program) -> Option<String> {
    let output = Command::new("timeout")
        .args(["-s", "INT", "1"])
        .arg(strace)
        .args(["-c", "-f", "-p", &program.process.pid.to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    if !said.contains("attached") {
        println!("skipped: strace may not attach here: {said}");
        return None;
    }
    let own = |line: &str| line.contains("strace: Process");
    Some(said.lines().filter(|line| !own(line)).map(|line| format!("{line}\n")).collect())
}

#[test]
fn idle_run_makes_no_system_call() {
    let Some(strace) = tool("strace") else { return };
    // Nor if series over time are recorded.
    for more in [&[][..], &["-report", "/dev/null"]] {
        let (_fake, mut program) = silent(more);
        program.scrape();
        let Some(calls) = system_calls(&strace, &program) else { return };
        assert_eq!(calls, "", "{more:?}");
        program.stopped_without_media();
    }
}

#[test]
fn is_idle_again_after_many_small_writes() {
    let Some(strace) = tool("strace") else { return };
    let fake = Fake::named("ffmpeg");
    let (clients, lines) = (20_u32, 300_u32);
    let steps = "err-1/sleep-1/".repeat(lines as usize);
    let mut program = Setup::faking(&fake, &format!("{steps}wait"))
        .args(&["-clients", &clients.to_string(), "-ramp-rate", "500", "-ramp-jitter", "0"])
        .start();
    let all = f64::from(clients * lines);
    until("all lines are read", || {
        program.scrape().get("hlsswarm_log_lines_total{stream=\"stderr\"}") >= all
    });
    // The rounds that read frequent output end a little later.
    until("the rounds end", || {
        system_calls(&strace, &program).is_none_or(|calls| calls.is_empty())
    });
    program.stopped();
}

#[test]
fn activity_shows_as_system_calls() {
    let Some(strace) = tool("strace") else { return };
    let fake = Fake::named("ffmpeg");
    let mut program = Setup::faking(&fake, "flood-0").args(&["-clients", "1"]).start();
    program.event("ramp_complete");
    let Some(calls) = system_calls(&strace, &program) else { return };
    assert!(calls.contains("read"), "{calls}");
    program.stopped();
}

#[test]
fn has_one_thread() {
    let (_fake, mut program) = silent(&[]);
    program.scrape();
    let threads = fs::read_dir(format!("/proc/{}/task", program.process.pid)).unwrap();
    assert_eq!(threads.count(), 1);
    program.stopped_without_media();
}
