//! Thousands of starts and reaps by the crate's only `unsafe`: every end is reported
//! correctly, no descriptor is leaked and no zombie remains.
//!
//! `SPAWNS=n` sets the number.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test, which reads how many processes to start from the environment"
)]

use std::ffi::CStr;
use std::io::Read;
use std::os::fd::AsFd;

use ffmpeg_hls_swarm::reactor::process::child::{Child, ReapMode, Spawner, Stdio};
use ffmpeg_hls_swarm::swarm::Signal;
use ffmpeg_hls_swarm::units::process::{ExitStatus, SpawnFailureReason};

/// Default number of processes.
const SPAWNS: usize = 2_000;

/// Processes alive at once.
const AT_ONCE: usize = 50;

const SHELL: &CStr = c"/bin/sh";

/// The scripts, and how each one ends by itself.
const SCRIPTS: [(&CStr, Option<ExitStatus>); 5] = [
    (c"exit 0", Some(ExitStatus::Code(0))),
    (c"echo out; echo err >&2; exit 7", Some(ExitStatus::Code(7))),
    (c"kill -SEGV $$", Some(ExitStatus::Signal(11))),
    (c"exit 255", Some(ExitStatus::Code(255))),
    (c"read never", None),
];

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Reads the rest of both pipes, which have ended by then.
fn said(child: &Child) -> [String; 2] {
    [&child.stdout, &child.stderr].map(|pipe| {
        let mut text = String::new();
        std::fs::File::from(pipe.try_clone().unwrap()).read_to_string(&mut text).unwrap();
        text
    })
}

/// Starts process `number`; one that would wait indefinitely waits at a pipe.
fn start(spawner: &mut Spawner, number: usize, never: impl AsFd) -> Child {
    let stdin = Some(never.as_fd());
    let (script, _) = SCRIPTS[number % SCRIPTS.len()];
    spawner.spawn(SHELL, &[SHELL, c"-c", script], Stdio { stdin, stderr: None }).unwrap()
}

/// Ends process `number` and checks its status.
fn end(child: &Child, number: usize) {
    let (script, own) = SCRIPTS[number % SCRIPTS.len()];
    let (wanted, signal) = match own {
        Some(own) => (own, None),
        None if number.is_multiple_of(2) => (ExitStatus::Signal(15), Some(Signal::Terminate)),
        None => (ExitStatus::Signal(9), Some(Signal::Kill)),
    };
    if let Some(signal) = signal {
        assert!(child.process.reap(ReapMode::Poll).unwrap().is_none(), "it ended by itself");
        child.process.signal_group(signal);
    }
    let exit = child.process.reap(ReapMode::Block).unwrap().unwrap();
    assert_eq!(exit.status, wanted, "{script:?}");
    assert!(exit.peak_resident_bytes > 0);
    assert!(child.process.reap(ReapMode::Poll).is_err(), "reaped twice");
    let talks = script.to_bytes().starts_with(b"echo");
    let words = if talks { ["out\n", "err\n"] } else { ["", ""] };
    assert_eq!(said(child), words, "{script:?}");
}

#[test]
fn thousands_of_processes_leak_nothing() {
    let spawns = std::env::var("SPAWNS").map_or(SPAWNS, |n| n.parse().unwrap());
    let mut spawner = Spawner::new(Vec::new(), None).unwrap();
    let (never, _held) = std::io::pipe().unwrap();
    let before = descriptors();
    for first in (0..spawns).step_by(AT_ONCE) {
        let numbers = first..spawns.min(first + AT_ONCE);
        let children: Vec<Child> =
            numbers.clone().map(|number| start(&mut spawner, number, &never)).collect();
        let failed = spawner.spawn(c"/nowhere", &[c"/nowhere"], Stdio::default()).unwrap_err();
        assert_eq!(failed.reason, SpawnFailureReason::NotFound);
        for (child, number) in children.iter().zip(numbers) {
            end(child, number);
        }
    }
    assert_eq!(descriptors(), before, "descriptors are leaked");
    let left = rustix::process::waitpid(None, rustix::process::WaitOptions::NOHANG);
    assert_eq!(left.unwrap_err(), rustix::io::Errno::CHILD, "a child is left");
}
