//! Runs a helper program to its end before the loop starts: FFmpeg when it is
//! asked what it knows, ffprobe when it is asked for the variants.
//!
//! Blocks, within bounds; never used while clients run.

use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::child::{self, Child, Process, Spawner, Wait};
use super::timer::Clock;
use crate::stats::totals::{ExitStatus, SpawnFailureReason};
use crate::swarm::{Signal, SpawnFailure};
use crate::units::Tick;

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// Bounds of a captured run.
#[derive(Debug, Clone, Copy)]
pub struct CaptureLimits {
    /// It is killed when it takes longer.
    pub time: Duration,
    /// Bytes kept of each stream; the rest is read and dropped.
    pub bytes: usize,
}

/// What a program printed and used.
#[derive(Debug, Clone)]
pub struct Captured {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// CPU time, user and system together.
    pub cpu: Duration,
    /// Peak resident memory in bytes.
    pub peak_resident_bytes: u64,
}

/// Why nothing was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureError {
    /// It could not be started.
    Spawn(SpawnFailure),
    /// It took longer than allowed and was killed.
    TimedOut,
}

/// Runs a program to its end with stdin /dev/null and collects what it prints.
///
/// # Errors
/// When it cannot be started, or when the time is over; then its group is
/// killed and it is reaped.
pub fn capture(
    program: &Path,
    args: &[OsString],
    limits: CaptureLimits,
) -> Result<Captured, CaptureError> {
    let child = start(program, args, None).map_err(CaptureError::Spawn)?;
    collect(&child, limits).map_err(|_| {
        end(&child.process);
        CaptureError::TimedOut
    })
}

fn collect(child: &Child, limits: CaptureLimits) -> Result<Captured, Errno> {
    let clock = Clock::start();
    let deadline = Tick::ZERO.after(limits.time);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut open = [true, true];
    // A grandchild may hold the pipes open; the end of the program is enough.
    while open != [false, false] {
        wait_readable(
            &[child.stdout.as_fd(), child.stderr.as_fd(), child.process.pidfd()],
            &clock,
            deadline,
        )?;
        let ended = is_readable(child.process.pidfd());
        open[0] = open[0] && read_into(&child.stdout, &mut stdout, limits.bytes)?;
        open[1] = open[1] && read_into(&child.stderr, &mut stderr, limits.bytes)?;
        if ended {
            break;
        }
    }
    wait_readable(&[child.process.pidfd()], &clock, deadline)?;
    child.process.signal_group(Signal::Kill);
    let exit = child.process.reap(Wait::Block)?.ok_or(Errno::CHILD)?;
    Ok(Captured {
        status: exit.status,
        stdout,
        stderr,
        cpu: exit.cpu,
        peak_resident_bytes: exit.peak_resident_bytes,
    })
}

/// Starts a program with this environment of ours, for use before the loop.
///
/// # Errors
/// As [`Spawner::spawn`]; an argument with a NUL byte is `EINVAL`.
pub fn start(
    program: &Path,
    args: &[OsString],
    stdin: Option<BorrowedFd<'_>>,
) -> Result<Child, SpawnFailure> {
    let failure = |errno: Errno| SpawnFailure {
        reason: SpawnFailureReason::Other,
        errno: errno.raw_os_error(),
    };
    let c_string =
        |text: &std::ffi::OsStr| CString::new(text.as_bytes()).map_err(|_| failure(Errno::INVAL));
    let program = c_string(program.as_os_str())?;
    let args = args.iter().map(|arg| c_string(arg)).collect::<Result<Vec<_>, _>>()?;
    let argv: Vec<_> =
        std::iter::once(program.as_c_str()).chain(args.iter().map(CString::as_c_str)).collect();
    let mut spawner = Spawner::new(child::environment(), None)
        .map_err(|error| failure(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    spawner.spawn(&program, &argv, stdin)
}

/// Kills a program's group and reaps it.
pub fn end(process: &Process) {
    process.signal_group(Signal::Kill);
    let _ = process.reap(Wait::Block);
}

/// Asks a program to end, gives it `grace`, then kills its group; reaps it.
pub fn end_gently(process: &Process, grace: Duration) {
    process.signal_group(Signal::Terminate);
    let clock = Clock::start();
    let _ = wait_readable(&[process.pidfd()], &clock, Tick::ZERO.after(grace));
    end(process);
}

/// Waits until one of the descriptors is readable or has hung up.
///
/// # Errors
/// `ETIMEDOUT` at the deadline.
pub fn wait_readable(fds: &[BorrowedFd<'_>], clock: &Clock, deadline: Tick) -> Result<(), Errno> {
    let mut polled: Vec<_> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    loop {
        let left = deadline.since(clock.tick());
        let limit = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match poll(&mut polled, Some(&limit)) {
            Ok(0) => return Err(Errno::TIMEDOUT),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::new(&fd, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)) == Ok(1)
}

/// Reads all there is; false once the pipe has ended.
fn read_into(pipe: &OwnedFd, kept: &mut Vec<u8>, limit: usize) -> Result<bool, Errno> {
    let mut buffer = [0; READ_BYTES];
    loop {
        match rustix::io::read(pipe, &mut buffer) {
            Ok(0) => return Ok(false),
            Ok(count) => {
                let room = limit.saturating_sub(kept.len());
                kept.extend(buffer.iter().take(count.min(room)));
            }
            Err(Errno::AGAIN) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CaptureLimits = CaptureLimits { time: Duration::from_secs(20), bytes: 1 << 20 };

    fn sh(script: &str, limits: CaptureLimits) -> Result<Captured, CaptureError> {
        capture(Path::new("/bin/sh"), &["-c".into(), script.into()], limits)
    }

    #[test]
    fn both_streams_and_the_code_come_back() {
        let ran = sh("echo out; echo err >&2; exit 3", LIMITS).unwrap();
        assert_eq!(ran.stdout, b"out\n");
        assert_eq!(ran.stderr, b"err\n");
        assert_eq!(ran.status, ExitStatus::Code(3));
        assert!(ran.peak_resident_bytes > 0);
    }

    #[test]
    fn a_signal_is_told_from_a_code() {
        assert_eq!(sh("kill -9 $$", LIMITS).unwrap().status, ExitStatus::Signal(9));
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let limits = CaptureLimits { time: Duration::from_millis(50), ..LIMITS };
        assert_eq!(sh("sleep 1000", limits).unwrap_err(), CaptureError::TimedOut);
    }

    #[test]
    fn a_long_output_is_cut_and_a_grandchild_does_not_hold_it_up() {
        let limits = CaptureLimits { bytes: 10, ..LIMITS };
        let ran = sh("head -c 300000 /dev/zero; sleep 1000 & exit 0", limits).unwrap();
        assert_eq!(ran.stdout, [0; 10]);
    }

    #[test]
    fn a_program_that_is_not_there_is_not_found() {
        let missing = capture(Path::new("/nonexistent"), &[], LIMITS).unwrap_err();
        let CaptureError::Spawn(failure) = missing else { panic!("{missing:?}") };
        assert_eq!(failure.reason, SpawnFailureReason::NotFound);
        assert_eq!(failure.errno, libc::ENOENT);
    }

    #[test]
    fn the_child_has_default_signals_and_three_descriptors() {
        let text = |script| String::from_utf8(sh(script, LIMITS).unwrap().stdout).unwrap();
        // The fourth is the directory that `ls` reads.
        assert_eq!(text("exec ls /proc/self/fd"), "0\n1\n2\n3\n");
        assert_eq!(
            text("exec grep -E 'Sig(Blk|Ign)' /proc/self/status"),
            "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
        );
    }
}
