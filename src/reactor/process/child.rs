//! Child processes: start, signal, reap.
//!
//! Knows nothing of clients or of why a process is wanted. The crate's `unsafe` is in
//! this folder: clone(2) with a shared address space (`clone`), the five-argument
//! waitid(2) that also returns the resource usage and a signal to a process group by
//! pidfd (`process`), and the kernel's own view of dispositions and scheduling.

mod clone;
mod dispositions;
mod precedence;
mod process;

use std::ffi::{CStr, CString, c_int};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags};
use rustix::io::{DupFlags, Errno};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Resource, Rlimit};

use self::clone::STACK_UNITS;
pub(in crate::reactor) use self::dispositions::{
    ignore_signal, ignored_signals, keep_ended_children,
};
pub use self::precedence::go_ahead;
pub use self::process::{Process, ReapMode};
use crate::reactor::host::notify;
use crate::units::process::{SpawnFailure, SpawnFailureReason};

/// Descriptors kept free when a process is started: concurrent scrapes, what they read of
/// /proc, and the summary file need some when all others are used up.
const RESERVED_DESCRIPTORS: u64 = 16;

/// A running process and this end of its pipes.
#[derive(Debug)]
pub struct Child {
    /// The process.
    pub process: Process,
    /// The reading end of its standard output, non-blocking.
    pub stdout: OwnedFd,
    /// The reading end of its standard error, non-blocking.
    pub stderr: OwnedFd,
}

/// What a process gets instead of /dev/null and the pipes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stdio<'a> {
    /// Its standard input.
    pub stdin: Option<BorrowedFd<'a>>,
    /// Its standard error; [`Child::stderr`] has ended from the beginning then.
    pub stderr: Option<BorrowedFd<'a>>,
}

/// Starts processes.
///
/// Uses clone(2) with `CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD`: no
/// page table and no descriptor table is copied, so a start costs the same
/// however large and however busy this process is. The child takes its own
/// descriptor table with close_range(2) and `CLOSE_RANGE_UNSHARE`, which copies
/// only the descriptors below the range; the three it needs are therefore put
/// at low numbers, reserved when the spawner is made.
#[derive(Debug)]
pub struct Spawner {
    stack: Box<[u128]>,
    /// Low descriptors: /dev/null, and two that hold the writing ends while a
    /// process is started and /dev/null otherwise.
    slots: [OwnedFd; 3],
    environment: Vec<CString>,
    nofile: Option<Rlimit>,
    ignored_signals: Vec<c_int>,
    parent: Pid,
    files: Files,
}

/// How a child gets a descriptor table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    /// It shares ours and takes a copy of the low descriptors (Linux 5.9).
    TakesLow,
    /// It gets a copy of all descriptors, where the kernel, or a container that does not
    /// know the call, refuses close_range(2).
    GetsAll,
}

impl Spawner {
    /// A spawner whose processes get this environment and, if given, this limit
    /// of open descriptors.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn new(environment: Vec<CString>, nofile: Option<Rlimit>) -> io::Result<Self> {
        let null = || rustix::fs::open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        Ok(Self {
            stack: vec![0; STACK_UNITS].into_boxed_slice(),
            slots: [null()?, null()?, null()?],
            environment,
            nofile,
            ignored_signals: ignored_signals(),
            parent: rustix::process::getpid(),
            files: Files::TakesLow,
        })
    }

    /// Starts `program` with these arguments, `argv[0]` among them.
    ///
    /// The process leads a group of its own, gets SIGKILL when this thread ends, has the
    /// default signal mask and dispositions, and has only descriptors 0 (/dev/null), 1
    /// and 2 (the pipes) open, unless `stdio` replaces one.
    ///
    /// # Errors
    /// The errno of the first step that failed, exec(3) in the child included.
    pub fn spawn(
        &mut self,
        program: &CStr,
        argv: &[&CStr],
        stdio: Stdio<'_>,
    ) -> Result<Child, SpawnFailure> {
        self.try_spawn(program, argv, stdio)
            .map_err(|errno| SpawnFailure { reason: reason(errno), errno: errno.raw_os_error() })
    }

    fn try_spawn(
        &mut self,
        program: &CStr,
        argv: &[&CStr],
        stdio: Stdio<'_>,
    ) -> Result<Child, Errno> {
        let (stdout, stdout_child) = pipe()?;
        let (stderr, stderr_child) = pipe()?;
        keep_reserve(stderr_child.as_fd())?;
        let stderr_given = stdio.stderr.unwrap_or_else(|| stderr_child.as_fd());
        let filled = self.fill_slots(stdout_child.as_fd(), stderr_given);
        drop((stdout_child, stderr_child));
        let stdin = stdio.stdin.unwrap_or_else(|| self.slots[0].as_fd()).as_raw_fd();
        let before = self.files;
        let mut process = filled.and_then(|()| self.clone_and_exec(program, argv, stdin));
        if self.files != before {
            process = self.clone_and_exec(program, argv, stdin);
        }
        // The writing ends in the slots would keep the pipes open.
        self.empty_slots();
        Ok(Child { process: process?, stdout, stderr })
    }

    fn fill_slots(&mut self, stdout: BorrowedFd<'_>, stderr: BorrowedFd<'_>) -> Result<(), Errno> {
        let [_, slot_out, slot_err] = &mut self.slots;
        rustix::io::dup3(stdout, slot_out, DupFlags::CLOEXEC)?;
        rustix::io::dup3(stderr, slot_err, DupFlags::CLOEXEC)
    }

    fn empty_slots(&mut self) {
        let [null, slot_out, slot_err] = &mut self.slots;
        for slot in [slot_out, slot_err] {
            // Replacing one open descriptor by another needs no new one (dup(2)).
            let _ = rustix::io::dup3(&*null, slot, DupFlags::CLOEXEC);
        }
    }
}

/// Refuses the newest of our descriptors if it lies in the reserve. The kernel assigns
/// the lowest free number (open(2)), so the reserve above it is free.
fn keep_reserve(newest: BorrowedFd<'_>) -> Result<(), Errno> {
    let number = u64::try_from(newest.as_raw_fd()).unwrap_or(0);
    match rustix::process::getrlimit(Resource::Nofile).current {
        Some(limit) if number.saturating_add(RESERVED_DESCRIPTORS) >= limit => Err(Errno::MFILE),
        _ => Ok(()),
    }
}

/// The environment of this process, for its children, without the service manager's
/// variables, which are meant for this process alone.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "handed on as it is, never read")]
pub fn environment(without: &[&str]) -> Vec<CString> {
    std::env::vars_os()
        .filter(|(name, _)| !notify::VARIABLES.iter().chain(without).any(|left| name == left))
        .filter_map(|(name, value)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok()
        })
        .collect()
}

/// Raises the soft limit of open descriptors to the hard one and returns the
/// limit that was in force before, for the children.
///
/// # Errors
/// When the kernel refuses.
pub fn raise_nofile() -> Result<Rlimit, Errno> {
    let before = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(
        Resource::Nofile,
        Rlimit { current: before.maximum, maximum: before.maximum },
    )?;
    Ok(before)
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    // Only our end: the two ends are separate open file descriptions, and FFmpeg must not
    // get EAGAIN when it writes.
    rustix::fs::fcntl_setfl(&reader, OFlags::NONBLOCK)?;
    Ok((reader, writer))
}

fn reason(errno: Errno) -> SpawnFailureReason {
    match errno {
        Errno::MFILE | Errno::NFILE => SpawnFailureReason::Descriptors,
        Errno::AGAIN => SpawnFailureReason::Processes,
        Errno::NOMEM => SpawnFailureReason::Memory,
        Errno::NOENT | Errno::NOTDIR => SpawnFailureReason::NotFound,
        Errno::ACCESS | Errno::PERM => SpawnFailureReason::Permission,
        _ => SpawnFailureReason::Other,
    }
}

#[cfg(test)]
mod tests;
