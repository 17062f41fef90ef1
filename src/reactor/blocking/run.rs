//! Runs a helper program to its end before the loop starts: FFmpeg for its capabilities,
//! ffprobe for the variants.
//!
//! Blocks, within bounds; never used while clients run.

use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

use self::OutputState::{Empty, Ended, Readable};
use super::wait::{Wait, is_readable};
use crate::reactor::process::child::{self, Child, Process, Spawner, Stdio};
use crate::swarm::Signal;
use crate::units::process::{ExitStatus, SpawnFailure, SpawnFailureReason};

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// How long a killed process may take to exit. One in an uninterruptible read is left
/// behind.
pub const DYING: Duration = Duration::from_secs(1);

/// Bounds of a captured run.
#[derive(Debug, Clone, Copy)]
pub struct CaptureLimits<'a> {
    /// It is killed when it takes longer.
    pub time: Duration,
    /// Bytes kept of each stream; the rest is read and dropped.
    pub bytes: usize,
    /// It is killed when this becomes readable, which means that a stop was requested.
    pub stop: BorrowedFd<'a>,
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
    /// A stop was requested, and it was killed.
    Stopped,
}

/// Runs a program to its end with stdin /dev/null and collects what it prints.
///
/// # Errors
/// When it cannot be started, or when the time is over or a stop is requested; then its
/// group is killed and it is reaped.
pub fn capture(
    program: &Path,
    args: &[OsString],
    limits: CaptureLimits<'_>,
) -> Result<Captured, CaptureError> {
    let child = start(program, args, Stdio::default()).map_err(CaptureError::Spawn)?;
    collect(&child, limits).map_err(|errno| {
        end(&child.process);
        if errno == Errno::CANCELED { CaptureError::Stopped } else { CaptureError::TimedOut }
    })
}

fn collect(child: &Child, limits: CaptureLimits<'_>) -> Result<Captured, Errno> {
    let wait = Wait::new(limits.time, Some(limits.stop));
    let mut outputs = [&child.stdout, &child.stderr].map(Output::new);
    loop {
        let open = outputs.iter().filter(|output| output.state != Ended);
        let mut polled: Vec<_> = open.map(|output| output.pipe.as_fd()).collect();
        polled.push(child.process.pidfd());
        wait.readable(&polled)?;
        let ended = is_readable(child.process.pidfd());
        for output in &mut outputs {
            output.read(limits.bytes)?;
        }
        // A grandchild may keep the pipes open and write to them: only the program's own
        // output is read.
        if ended && outputs.iter().all(|output| output.is_complete(limits.bytes)) {
            break;
        }
    }
    child.process.signal_group(Signal::Kill);
    let exit = child.process.reap(child::ReapMode::Poll)?.ok_or(Errno::CHILD)?;
    let [stdout, stderr] = outputs.map(|output| output.kept);
    Ok(Captured {
        status: exit.status,
        stdout,
        stderr,
        cpu: exit.cpu,
        peak_resident_bytes: exit.peak_resident_bytes,
    })
}

/// One stream of a program, and what is kept of it.
struct Output<'a> {
    pipe: &'a OwnedFd,
    kept: Vec<u8>,
    state: OutputState,
}

/// What the last read of a stream found.
#[derive(PartialEq, Eq)]
enum OutputState {
    /// There may be more.
    Readable,
    /// Nothing, for now.
    Empty,
    /// The end.
    Ended,
}

impl<'a> Output<'a> {
    const fn new(pipe: &'a OwnedFd) -> Self {
        Self { pipe, kept: Vec::new(), state: Readable }
    }

    /// Reads once, so that the deadline is checked between reads of an endless output.
    /// Keeps `limit` bytes and drops the rest.
    fn read(&mut self, limit: usize) -> Result<(), Errno> {
        if self.state == Ended {
            return Ok(());
        }
        let mut buffer = [0; READ_BYTES];
        self.state = match rustix::io::read(self.pipe, &mut buffer) {
            Ok(0) => Ended,
            Ok(count) => {
                let room = limit.saturating_sub(self.kept.len());
                self.kept.extend(buffer.iter().take(count.min(room)));
                Readable
            }
            Err(Errno::AGAIN) => Empty,
            Err(Errno::INTR) => Readable,
            Err(errno) => return Err(errno),
        };
        Ok(())
    }

    fn is_complete(&self, limit: usize) -> bool {
        self.state != Readable || self.kept.len() >= limit
    }
}

/// Starts a program with this environment of ours, for use before the loop.
///
/// # Errors
/// As [`Spawner::spawn`]; an argument with a NUL byte is `EINVAL`.
pub fn start(program: &Path, args: &[OsString], stdio: Stdio<'_>) -> Result<Child, SpawnFailure> {
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
    let mut spawner = Spawner::new(child::environment(&[]), None)
        .map_err(|error| failure(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    spawner.spawn(&program, &argv, stdio)
}

/// Kills a program's group and reaps it.
pub fn end(process: &Process) {
    process.signal_group(Signal::Kill);
    let _ = Wait::new(DYING, None).readable(&[process.pidfd()]);
    let _ = process.reap(child::ReapMode::Poll);
}

/// Asks a program to end, gives it `grace`, then kills its group; reaps it.
pub fn end_gently(process: &Process, grace: Duration) {
    process.signal_group(Signal::Terminate);
    let _ = Wait::new(grace, None).readable(&[process.pidfd()]);
    end(process);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: (Duration, usize) = (Duration::from_secs(20), 1 << 20);

    /// Runs a script that nobody asks to stop.
    fn sh(script: &str, (time, bytes): (Duration, usize)) -> Result<Captured, CaptureError> {
        let (stop, _asks) = rustix::pipe::pipe().unwrap();
        let limits = CaptureLimits { time, bytes, stop: stop.as_fd() };
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
        let limits = (Duration::from_millis(50), LIMITS.1);
        assert_eq!(sh("sleep 1000", limits).unwrap_err(), CaptureError::TimedOut);
    }

    #[test]
    fn a_flood_extends_neither_the_time_nor_the_bytes() {
        // Each flood ends by itself, so that a limit not kept fails the test.
        for script in ["exec timeout 20 yes", "exec timeout 20 yes >&2"] {
            let error = sh(script, (Duration::from_millis(50), LIMITS.1)).err();
            assert_eq!(error, Some(CaptureError::TimedOut), "{script}");
        }
        let ran = sh("timeout 20 yes & head -c 1000 /dev/zero; exit 3", (LIMITS.0, 1000)).unwrap();
        assert_eq!((ran.status, ran.stdout.len()), (ExitStatus::Code(3), 1000));
    }

    #[test]
    fn a_wait_that_is_over_fails_although_something_is_readable() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        drop(writer);
        let wait = |limit| Wait::new(limit, None).readable(&[reader.as_fd()]);
        assert_eq!(wait(LIMITS.0), Ok(()));
        assert_eq!(wait(Duration::ZERO), Err(Errno::TIMEDOUT));
    }

    #[test]
    fn a_stop_ends_the_wait_and_the_whole_group() {
        let (stop, asks) = rustix::pipe::pipe().unwrap();
        let (held, holds) = rustix::pipe::pipe().unwrap();
        let stdio = Stdio { stdin: Some(holds.as_fd()), stderr: None };
        let script = ["-c".into(), "sleep 1000 <&0 & echo; wait".into()];
        let child = start(Path::new("/bin/sh"), &script, stdio).unwrap();
        drop(holds);
        Wait::new(LIMITS.0, None).readable(&[child.stdout.as_fd()]).unwrap();
        drop(asks);
        let limits = CaptureLimits { time: LIMITS.0, bytes: LIMITS.1, stop: stop.as_fd() };
        assert_eq!(collect(&child, limits).unwrap_err(), Errno::CANCELED);
        end(&child.process);
        // It hangs up when the last process that holds the other end is gone.
        Wait::new(LIMITS.0, None).readable(&[held.as_fd()]).unwrap();
        let sh = capture(Path::new("/bin/sh"), &script, limits).unwrap_err();
        assert_eq!(sh, CaptureError::Stopped);
    }

    #[test]
    fn a_long_output_is_cut_and_a_grandchild_does_not_hold_it_up() {
        let limits = (LIMITS.0, 10);
        let ran = sh("head -c 300000 /dev/zero; sleep 1000 & exit 0", limits).unwrap();
        assert_eq!(ran.stdout, [0; 10]);
    }

    #[test]
    fn a_program_that_is_not_there_is_not_found() {
        let (stop, _asks) = rustix::pipe::pipe().unwrap();
        let limits = CaptureLimits { time: LIMITS.0, bytes: LIMITS.1, stop: stop.as_fd() };
        let missing = capture(Path::new("/nonexistent"), &[], limits).unwrap_err();
        let CaptureError::Spawn(failure) = missing else { panic!("{missing:?}") };
        assert_eq!(failure.reason, SpawnFailureReason::NotFound);
        assert_eq!(failure.errno, libc::ENOENT);
    }

    #[test]
    fn a_given_stderr_is_used_and_the_slots_are_empty_afterwards() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let stdio = Stdio { stdin: None, stderr: Some(writer.as_fd()) };
        let script = ["-c".into(), "echo here >&2".into()];
        let child = start(Path::new("/bin/sh"), &script, stdio).unwrap();
        drop(writer);
        let mut said = Output::new(&child.stderr);
        while said.state != Ended {
            said.read(10).unwrap();
        }
        assert_eq!(said.kept, b"");
        let (mut said, mut buffer) = (Vec::<u8>::new(), [0; 10]);
        while let Ok(count @ 1..) = rustix::io::read(&reader, &mut buffer) {
            said.extend(&buffer[..count]);
        }
        assert_eq!(said, b"here\n");
        end_gently(&child.process, LIMITS.0);
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
