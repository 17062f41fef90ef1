//! Measures one idle process before the loop starts: its memory and the cost of its
//! start.
//!
//! Blocks, within bounds; never used while clients run.

use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use super::run::{DYING, start};
use super::wait::Wait;
use crate::reactor::process::child::{self, Process, Stdio};
use crate::reactor::process::usage;
use crate::reactor::timer::Clock;
use crate::swarm::Signal;
use crate::units::Tick;
use crate::units::process::{SpawnFailure, SpawnFailureReason};

/// Interval between looks at the process.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A process without CPU time for this long is at rest: ten ticks of the kernel's clock.
const AT_REST_AFTER: Duration = Duration::from_millis(100);

/// What was measured of a process at rest.
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
    /// It ended before it was at rest.
    Ended,
    /// It was not at rest within the time or before a stop was requested, or `/proc` is
    /// not readable.
    Unseen,
}

/// Starts a program, writes `input` to its stdin, which stays open, waits until it is at
/// rest, measures it and kills it.
///
/// # Errors
/// When it cannot be started, ends, or is not at rest within `limit` and before
/// `stop` is readable.
pub fn observe(
    program: &Path,
    args: &[OsString],
    input: &[u8],
    limit: Duration,
    stop: BorrowedFd<'_>,
) -> Result<Observed, ObserveError> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(failed)?;
    rustix::fs::fcntl_setfl(&writer, OFlags::NONBLOCK).map_err(failed)?;
    let stdio = Stdio { stdin: Some(reader.as_fd()), stderr: None };
    let child = start(program, args, stdio).map_err(ObserveError::Spawn)?;
    drop(reader);
    let wait = Wait::new(limit, Some(stop));
    let seen = feed(&child.process, &writer, input, wait)
        .and_then(|()| at_rest(&child.process, wait, stop));
    // FFmpeg does not act on SIGTERM while it waits for its stdin.
    child.process.signal_group(Signal::Kill);
    let _ = Wait::new(DYING, None).readable(&[child.process.pidfd()]);
    let exit = child.process.reap(child::ReapMode::Poll).ok().flatten();
    let (private_dirty_bytes, threads) = seen?;
    let cpu = exit.ok_or(ObserveError::Unseen)?.cpu;
    Ok(Observed { private_dirty_bytes, threads, cpu })
}

/// Writes all of `input`; the pipe may be smaller, as for a user with many pipes
/// (pipe(7), `pipe-user-pages-soft`).
fn feed(
    process: &Process,
    writer: &OwnedFd,
    mut input: &[u8],
    wait: Wait<'_>,
) -> Result<(), ObserveError> {
    while !input.is_empty() {
        match rustix::io::write(writer, input) {
            Ok(count) => input = input.get(count..).unwrap_or_default(),
            Err(Errno::AGAIN) => wait
                .writable_or(writer.as_fd(), process.pidfd())
                .map_err(|_| ObserveError::Unseen)?,
            Err(_) => return Err(ObserveError::Ended),
        }
        if process.has_ended() {
            return Err(ObserveError::Ended);
        }
    }
    Ok(())
}

fn at_rest(
    process: &Process,
    limit: Wait<'_>,
    stop: BorrowedFd<'_>,
) -> Result<(u64, u32), ObserveError> {
    let clock = Clock::start();
    let mut last = (None, Tick::ZERO);
    while !limit.is_over() {
        match Wait::new(LOOK_EVERY, Some(stop)).readable(&[process.pidfd()]) {
            Ok(()) => return Err(ObserveError::Ended),
            Err(Errno::CANCELED) => return Err(ObserveError::Unseen),
            Err(_) => {}
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

/// Changes while a process works: the CPU time of all its threads, in ticks of 10 ms, and
/// the times of its first thread, in nanoseconds.
fn work_done(pid: u32) -> Option<(Duration, String)> {
    let sample = usage::sample(pid)?;
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

    fn observe_sh(script: &str, input: &[u8]) -> Result<Observed, ObserveError> {
        let (stop, _asks) = rustix::pipe::pipe().unwrap();
        let args = ["-c".into(), script.into()];
        let limit = Duration::from_secs(20);
        observe(Path::new("/bin/sh"), &args, input, limit, stop.as_fd())
    }

    #[test]
    fn measures_a_process_that_waits_for_input() {
        // Some tens of milliseconds of work, then a read from the open pipe.
        let script = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done; exec cat >/dev/null";
        let seen = observe_sh(script, b"input\n").unwrap();
        assert!(seen.private_dirty_bytes > 0);
        assert_eq!(seen.threads, 1);
        assert!(seen.cpu > Duration::ZERO);
    }

    #[test]
    fn reports_a_process_that_ends() {
        for input in [0, 1, 1 << 20] {
            let seen = observe_sh("exit 0", &vec![0; input]);
            assert_eq!(seen.unwrap_err(), ObserveError::Ended);
        }
    }

    #[test]
    fn feeds_more_than_a_pipe_holds_until_a_stop() {
        assert!(observe_sh("exec cat >/dev/null", &vec![0; 1 << 20]).is_ok());
        let (stop, asks) = rustix::pipe::pipe().unwrap();
        drop(asks);
        let limit = Duration::from_secs(300);
        for input in [0, 1 << 20] {
            let sleep = [OsString::from("1000")];
            let seen =
                observe(Path::new("/bin/sleep"), &sleep, &vec![0; input], limit, stop.as_fd());
            assert_eq!(seen.unwrap_err(), ObserveError::Unseen);
        }
    }
}
