//! The unit of docs/deploy/systemd with systemd's own checks, and its filter of system
//! calls with the actual calls of the program and its FFmpegs. No service manager is
//! asked to start anything.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts systemd-analyze")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::folder;
use support::program::{PROGRAM, Setup};
use support::tools::{real_ffmpegs, tool};

/// The path of the program in the unit.
const INSTALLED: &str = "/usr/local/bin/ffmpeg-hls-swarm";

/// Highest exposure that `systemd-analyze security` may find, in tenths of its score.
const EXPOSURE_MAX: &str = "15";

fn deploy(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy/systemd").join(name);
    fs::read_to_string(file).unwrap()
}

/// The unit with cargo's binary in place of the installed one.
fn unit(folder: &Path) -> PathBuf {
    let text = deploy("ffmpeg-hls-swarm.service");
    assert!(text.contains(INSTALLED));
    let file = folder.join("ffmpeg-hls-swarm.service");
    fs::write(&file, text.replace(INSTALLED, PROGRAM)).unwrap();
    file
}

fn analyze(args: &[&str], unit: Option<&Path>) -> Option<Output> {
    let output = Command::new(tool("systemd-analyze")?).args(args).args(unit).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unrecognized option") || said.contains("Unknown command") {
        println!("skipped: this systemd-analyze is too old: {said}");
        return None;
    }
    Some(output)
}

#[test]
fn unit_is_valid() {
    let folder = folder();
    let Some(output) = analyze(&["verify"], Some(&unit(folder.path()))) else { return };
    assert!(output.status.success() && output.stderr.is_empty(), "{output:#?}");
}

#[test]
fn unit_has_low_exposure() {
    let folder = folder();
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let args = ["security", "--no-pager", "--offline=true", &threshold];
    let Some(output) = analyze(&args, Some(&unit(folder.path()))) else { return };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("Overall exposure level"), "{said}");
}

#[test]
fn the_example_names_variables_that_the_program_reads() {
    let example = deploy("environment.example");
    let cli =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CLI.md")).unwrap();
    let unit = deploy("ffmpeg-hls-swarm.service");
    let settings = example.lines().map(|line| line.strip_prefix('#').unwrap_or(line));
    let names = settings.filter_map(|line| line.split_once('=').map(|(name, _)| name));
    let names: Vec<_> =
        names.filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_')).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        assert!(cli.contains(&format!("`{name}`")) || unit.contains(&format!("${name}")), "{name}");
    }
}

/// The system calls of several groups.
fn groups(names: &str) -> Option<BTreeSet<String>> {
    let found = names.split_whitespace().map(group).collect::<Option<Vec<_>>>()?;
    Some(found.into_iter().flatten().collect())
}

/// The system calls of a group, including nested groups.
fn group(name: &str) -> Option<BTreeSet<String>> {
    let output = analyze(&["syscall-filter", "--no-pager", name], None)?;
    assert!(output.status.success(), "{name}: {output:#?}");
    let listing = String::from_utf8(output.stdout).unwrap();
    let mut calls = BTreeSet::new();
    for word in listing.lines().skip(1).map(str::trim).filter(|line| !line.starts_with('#')) {
        match word {
            "" => {}
            inner if inner.starts_with('@') => calls.extend(group(inner)?),
            call => _ = calls.insert(call.to_owned()),
        }
    }
    Some(calls)
}

/// The calls that the unit's filter allows, with its lines applied in order.
fn allowed() -> Option<BTreeSet<String>> {
    let text = deploy("ffmpeg-hls-swarm.service");
    let mut allowed = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        match line.strip_prefix('~') {
            Some(denied) => {
                let denied = groups(denied)?;
                allowed.retain(|call| !denied.contains(call));
            }
            None => allowed.extend(groups(line)?),
        }
    }
    assert!(allowed.contains("read") && !allowed.contains("reboot"), "{allowed:?}");
    Some(allowed)
}

#[test]
fn filter_allows_every_call_of_a_run() {
    let (Some(strace), Some(allowed)) = (tool("strace"), allowed()) else { return };
    for ffmpeg in real_ffmpegs() {
        let folder = folder();
        let trace = folder.path().join("trace");
        let demo = ["--demo", "-clients", "2", "-duration", "3s", "-metrics", "127.0.0.1:0"];
        let ended = Setup::with(&demo)
            .args(&["-ffmpeg", ffmpeg.to_str().unwrap(), "-log-level", "warn"])
            .started_by(&strace, &["-f", "-qq", "-o", trace.to_str().unwrap()])
            .run();
        let calls = fs::read_to_string(&trace).unwrap_or_default();
        if calls.is_empty() {
            println!("skipped: strace may not trace here: {:?}", ended.log);
            return;
        }
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        let refused: BTreeSet<_> =
            calls.lines().filter_map(call).filter(|call| !allowed.contains(*call)).collect();
        assert!(refused.is_empty(), "{}: {refused:?}", ffmpeg.display());
    }
}

/// The system call of a line of strace: a process id, then the name before its
/// arguments.
fn call(line: &str) -> Option<&str> {
    let (_, after) = line.trim_start().split_once(' ')?;
    let (name, _) = after.trim_start().split_once('(')?;
    let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (is_name && !name.is_empty()).then_some(name)
}
