//! Looks at one process at rest, before the loop starts: what it holds in
//! memory and what its start cost.
//!
//! Blocks, within bounds; never used while clients run.

use std::ffi::OsString;
use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use super::capture::{start, wait_readable};
use super::child::{Process, Wait};
use super::process_use;
use super::timer::Clock;
use crate::stats::totals::SpawnFailureReason;
use crate::swarm::{Signal, SpawnFailure};
use crate::units::Tick;

/// How often the process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Without CPU time for this long it is at rest: ten ticks of the kernel's count.
const AT_REST_AFTER: Duration = Duration::from_millis(100);

/// What a process at rest was seen to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// `Private_Dirty` of `/proc/PID/smaps_rollup`, in bytes.
    pub private_dirty_bytes: u64,
    /// Its threads.
    pub threads: u32,
    /// CPU time from its start to its end, user and system together.
    pub cpu: Duration,
}

/// Why nothing was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObserveError {
    /// It could not be started or fed.
    Spawn(SpawnFailure),
    /// It ended before it came to rest.
    Ended,
    /// It was not at rest within the time, or `/proc` does not tell.
    Unseen,
}

/// Starts a program, writes `input` to its stdin, which stays open, waits until
/// it is at rest, looks at it and kills it.
///
/// `input` must fit into an empty pipe, 64 KiB (pipe(7)).
///
/// # Errors
/// When it cannot be started, ends, or is not at rest within `limit`.
pub fn observe(
    program: &Path,
    args: &[OsString],
    input: &[u8],
    limit: Duration,
) -> Result<Observed, ObserveError> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(failed)?;
    let child = start(program, args, Some(reader.as_fd())).map_err(ObserveError::Spawn)?;
    drop(reader);
    let seen = match rustix::io::write(&writer, input) {
        Ok(_) => at_rest(&child.process, limit),
        Err(_) => Err(ObserveError::Ended),
    };
    // FFmpeg does not act on SIGTERM while it waits for its stdin.
    child.process.signal_group(Signal::Kill);
    let exit = child.process.reap(Wait::Block).ok().flatten();
    let (private_dirty_bytes, threads) = seen?;
    let cpu = exit.ok_or(ObserveError::Unseen)?.cpu;
    Ok(Observed { private_dirty_bytes, threads, cpu })
}

fn at_rest(process: &Process, limit: Duration) -> Result<(u64, u32), ObserveError> {
    let clock = Clock::start();
    let mut last = (None, Tick::ZERO);
    while clock.tick() < Tick::ZERO.after(limit) {
        let look = clock.tick().after(LOOK_EVERY);
        if wait_readable(&[process.pidfd()], &clock, look).is_ok() {
            return Err(ObserveError::Ended);
        }
        let work = Some(work_done(process.pid()).ok_or(ObserveError::Unseen)?);
        let now = clock.tick();
        if work != last.0 {
            last = (work, now);
        } else if now.since(last.1) >= AT_REST_AFTER {
            return look_at(process.pid()).ok_or(ObserveError::Unseen);
        }
    }
    Err(ObserveError::Unseen)
}

/// What tells whether a process works: the CPU time of all its threads, which
/// counts in ticks of 10 ms, and the times of its first thread, which count in
/// nanoseconds.
fn work_done(pid: u32) -> Option<(Duration, String)> {
    let sample = process_use::sample(pid)?;
    let first = fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    Some((sample.cpu, first))
}

fn look_at(pid: u32) -> Option<(u64, u32)> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:"))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.count();
    Some((kib.saturating_mul(1024), u32::try_from(threads).ok()?))
}

fn failed(errno: Errno) -> ObserveError {
    let reason = SpawnFailureReason::Other;
    ObserveError::Spawn(SpawnFailure { reason, errno: errno.raw_os_error() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe_sh(script: &str) -> Result<Observed, ObserveError> {
        let args = ["-c".into(), script.into()];
        observe(Path::new("/bin/sh"), &args, b"input\n", Duration::from_secs(20))
    }

    #[test]
    fn a_process_that_waits_for_more_input_is_seen() {
        // Some tens of milliseconds of work, then the pipe that stays open.
        let script = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done; exec cat >/dev/null";
        let seen = observe_sh(script).unwrap();
        assert!(seen.private_dirty_bytes > 0);
        assert_eq!(seen.threads, 1);
        assert!(seen.cpu > Duration::ZERO);
    }

    #[test]
    fn one_that_ends_is_told() {
        assert_eq!(observe_sh("exit 0").unwrap_err(), ObserveError::Ended);
    }
}
