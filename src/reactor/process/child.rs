//! Child processes: start, signal, reap.
//!
//! Knows nothing of clients or of why a process is wanted. All of the crate's
//! `unsafe` is here and in `precedence`: clone(2) with a shared address space, the
//! five-argument waitid(2) that also gives the resource usage, and a signal to a
//! process group by pidfd.
#![expect(unsafe_code, reason = "clone(2), waitid(2) with rusage and pidfd_send_signal(2)")]

mod precedence;

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::io::{DupFlags, Errno};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Resource, Rlimit};

pub use self::precedence::go_ahead;
use crate::reactor::host::notify;
use crate::swarm::{Exit, Signal};
use crate::units::process::{ExitStatus, SpawnFailure, SpawnFailureReason};

/// Stack of a child between clone and exec, in 16-byte units: 32 KiB. The child
/// runs one function of a few hundred bytes on it and calls only the kernel.
const STACK_UNITS: usize = 2048;

/// Descriptors up to this are closed one by one where close_range(2) is refused:
/// a parent that hands on more is not known.
const LAST_INHERITED: c_int = 255;

/// Highest signal number (signal(7)).
const LAST_SIGNAL: c_int = 64;

/// `PIDFD_SIGNAL_PROCESS_GROUP` of linux/pidfd.h (Linux 6.9).
const PIDFD_SIGNAL_PROCESS_GROUP: u32 = 1 << 2;

/// The kernel's `struct sigaction`: handler, flags, restorer, mask; all zero is
/// the default disposition.
type KernelSigaction = [u64; 4];

/// Size of the kernel's signal set.
const SIGSET_BYTES: usize = 8;

/// Descriptors that no start takes: a few scrapes at once, what is read of /proc
/// for them, and the summary's file need some when everything else is used up.
const RESERVED_DESCRIPTORS: u64 = 16;

/// A null pointer for a variadic call, where a plain 0 would be too narrow.
const NULL: *const c_void = ptr::null();

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

/// What a process gets in place of /dev/null and the pipes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stdio<'a> {
    /// Its standard input.
    pub stdin: Option<BorrowedFd<'a>>,
    /// Its standard error; [`Child::stderr`] has ended from the beginning then.
    pub stderr: Option<BorrowedFd<'a>>,
}

/// A process of ours, alive or not yet reaped.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    /// From then on its id may be that of another.
    reaped: Cell<bool>,
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

/// How a child comes by a descriptor table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Files {
    /// It shares ours and takes a copy of the low descriptors (Linux 5.9).
    TakesLow,
    /// It gets a copy of all: where the kernel, or a container that does not know
    /// the call, refuses close_range(2).
    GetsAll,
}

/// What the child needs between clone and exec; all of it outlives the call,
/// since the parent is suspended until then.
struct Start {
    program: *const c_char,
    argv: *const *const c_char,
    envp: *const *const c_char,
    stdio: [c_int; 3],
    last_slot: c_int,
    nofile: *const libc::rlimit64,
    ignored_signals: *const c_int,
    ignored_count: usize,
    parent: c_int,
    files: Files,
    errno: Cell<c_int>,
    /// Whether it failed to take a descriptor table of its own.
    shares_files: Cell<bool>,
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
    /// The process leads a group of its own, gets SIGKILL when this thread
    /// ends, has the default signal mask and dispositions, and has only
    /// descriptors 0 (/dev/null), 1 and 2 (the pipes) open, as far as `stdio`
    /// does not say otherwise.
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
        // The writing ends in the slots would keep the pipes from ending.
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
            // Putting one open descriptor in the place of another takes nothing
            // that could be used up (dup(2)).
            let _ = rustix::io::dup3(&*null, slot, DupFlags::CLOEXEC);
        }
    }

    fn clone_and_exec(
        &mut self,
        program: &CStr,
        argv: &[&CStr],
        stdin: c_int,
    ) -> Result<Process, Errno> {
        let pointers = |strings: &mut dyn Iterator<Item = &CStr>| -> Vec<*const c_char> {
            strings.map(CStr::as_ptr).chain([ptr::null()]).collect()
        };
        let argv = pointers(&mut argv.iter().copied());
        let envp = pointers(&mut self.environment.iter().map(CString::as_c_str));
        let nofile = self.nofile.as_ref().map(|limit| libc::rlimit64 {
            rlim_cur: limit.current.unwrap_or(libc::RLIM64_INFINITY),
            rlim_max: limit.maximum.unwrap_or(libc::RLIM64_INFINITY),
        });
        let stdio = [stdin, self.slots[1].as_raw_fd(), self.slots[2].as_raw_fd()];
        let start = Start {
            program: program.as_ptr(),
            argv: argv.as_ptr(),
            envp: envp.as_ptr(),
            stdio,
            last_slot: stdio.into_iter().max().unwrap_or(2),
            nofile: nofile.as_ref().map_or(ptr::null(), ptr::from_ref),
            ignored_signals: self.ignored_signals.as_ptr(),
            ignored_count: self.ignored_signals.len(),
            parent: self.parent.as_raw_nonzero().get(),
            files: self.files,
            errno: Cell::new(0),
            shares_files: Cell::new(false),
        };
        let share = if self.files == Files::TakesLow { libc::CLONE_FILES } else { 0 };
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD | share;
        let mut pidfd: c_int = -1;
        // SAFETY: the stack is ours, 16-byte aligned and used by this child
        // alone; CLONE_VFORK suspends this thread until the child has called
        // exec or exited, so `start`, all it points to and the stack outlive
        // the child's use of them. No other thread has a pointer to them; one of
        // `blocking` that was given up may run meanwhile. `child_main` makes
        // system calls only and never returns to Rust code that unwinds.
        let pid = unsafe {
            let top = self.stack.as_mut_ptr_range().end;
            libc::clone(
                child_main,
                top.cast::<c_void>(),
                flags,
                ptr::from_ref(&start).cast_mut().cast::<c_void>(),
                ptr::from_mut(&mut pidfd),
            )
        };
        if pid < 0 {
            return Err(last_errno());
        }
        // SAFETY: clone succeeded, so the kernel stored a new descriptor that
        // nobody else owns.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        let pid = Pid::from_raw(pid).ok_or(Errno::SRCH)?;
        let process = Process { pid, pidfd, reaped: Cell::new(false) };
        match start.errno.get() {
            0 => Ok(process),
            errno => {
                process.reap(Wait::Block)?;
                let errno = Errno::from_raw_os_error(errno);
                if start.shares_files.get() && matches!(errno, Errno::NOSYS | Errno::PERM) {
                    self.files = Files::GetsAll;
                }
                Err(errno)
            }
        }
    }
}

/// Refuses the newest of our descriptors if it lies in the reserve. The lowest
/// free number is always given (open(2)), so all of the reserve is free below it.
fn keep_reserve(newest: BorrowedFd<'_>) -> Result<(), Errno> {
    let number = u64::try_from(newest.as_raw_fd()).unwrap_or(0);
    match rustix::process::getrlimit(Resource::Nofile).current {
        Some(limit) if number.saturating_add(RESERVED_DESCRIPTORS) >= limit => Err(Errno::MFILE),
        _ => Ok(()),
    }
}

/// What runs in the child, on a stack of its own in the parent's memory.
extern "C" fn child_main(start: *mut c_void) -> c_int {
    // SAFETY: the pointer is the `Start` of `clone_and_exec`, which is suspended
    // until this function has called exec or exited. From here on only system
    // calls are made: nothing allocates, locks, unwinds or touches the
    // thread-local state of the parent but errno.
    unsafe {
        let start = &*start.cast_const().cast::<Start>();
        prepare_and_exec(start);
        start.errno.set(*libc::__errno_location());
        libc::syscall(libc::SYS_exit_group, 127);
    }
    127
}

/// Makes the child what [`Spawner::spawn`] promises; returns only on failure,
/// with errno set.
unsafe fn prepare_and_exec(start: &Start) {
    let no_signals: u64 = 0;
    let default_action = KernelSigaction::default();
    // SAFETY: plain system calls with arguments that live in `start` or on this
    // stack. Until the first one has succeeded the descriptor table is still
    // the parent's, so nothing may be closed or moved before it.
    unsafe {
        let (low, all, unshare) = (start.last_slot + 1, u32::MAX, libc::CLOSE_RANGE_UNSHARE);
        if start.files == Files::TakesLow
            && libc::syscall(libc::SYS_close_range, low, all, unshare) < 0
        {
            start.shares_files.set(true);
            return;
        }
        // A long, since the kernel looks at all of it.
        let death_signal = libc::SIGKILL as libc::c_ulong;
        if libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, death_signal) < 0 {
            return;
        }
        if libc::syscall(libc::SYS_getppid) != i64::from(start.parent) {
            libc::syscall(libc::SYS_exit_group, 127);
        }
        libc::syscall(libc::SYS_setpgid, 0, 0);
        for position in 0..start.ignored_count {
            let signal = *start.ignored_signals.add(position);
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                &raw const default_action,
                NULL,
                SIGSET_BYTES,
            );
        }
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const no_signals,
            NULL,
            SIGSET_BYTES,
        );
        if !start.nofile.is_null() {
            libc::syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, start.nofile, NULL);
        }
        for (target, source) in start.stdio.iter().enumerate() {
            if libc::syscall(libc::SYS_dup3, *source, target, 0) < 0 {
                return;
            }
        }
        if libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) < 0 {
            // What we opened closes by exec; this is for what we were born with.
            for inherited in 3..=LAST_INHERITED {
                libc::syscall(libc::SYS_close, inherited);
            }
        }
        libc::syscall(libc::SYS_execve, start.program, start.argv, start.envp);
    }
}

/// Whether [`Process::reap`] waits for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Wait until the process ends.
    Block,
    /// Return at once.
    Poll,
}

impl Process {
    /// Its process id, which is its group's id too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Its pidfd: readable once it has ended (pidfd_open(2)).
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Sends a signal to its process group; one that is gone is no error, and
    /// after the reap nothing is sent.
    pub fn signal_group(&self, signal: Signal) {
        if self.reaped.get() {
            return;
        }
        let number = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        // SAFETY: a system call on a descriptor that we own; the null pointer
        // asks the kernel to make up the siginfo.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.pidfd.as_raw_fd(),
                number.as_raw(),
                ptr::null::<libc::siginfo_t>(),
                PIDFD_SIGNAL_PROCESS_GROUP,
            )
        };
        if sent < 0 && last_errno() == Errno::INVAL {
            // Before Linux 6.9: the process is not reaped, so its id, which is
            // the group's, cannot have been given to another.
            let _ = rustix::process::kill_process_group(self.pid, number);
        }
    }

    /// Whether it has ended; it is not reaped by this.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.wait(libc::WEXITED | libc::WNOHANG | libc::WNOWAIT).is_ok_and(|end| end.is_some())
    }

    /// Reaps the process: its end and what it used, or `None` while it lives.
    ///
    /// # Errors
    /// `ECHILD` if it was reaped already.
    pub fn reap(&self, wait: Wait) -> Result<Option<Exit>, Errno> {
        let exit = self.wait(libc::WEXITED | if wait == Wait::Poll { libc::WNOHANG } else { 0 });
        if exit.is_ok_and(|exit| exit.is_some()) {
            self.reaped.set(true);
        }
        exit
    }

    fn wait(&self, options: c_int) -> Result<Option<Exit>, Errno> {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        loop {
            // SAFETY: both out-pointers are valid for writes of their types; the
            // fifth argument of the system call, which libc's wrapper lacks,
            // takes the resource usage (waitid(2), "C library/kernel differences").
            let result = unsafe {
                libc::syscall(
                    libc::SYS_waitid,
                    libc::P_PIDFD,
                    self.pidfd.as_raw_fd(),
                    info.as_mut_ptr(),
                    options,
                    usage.as_mut_ptr(),
                )
            };
            if result == 0 {
                break;
            }
            let errno = last_errno();
            if errno != Errno::INTR {
                return Err(errno);
            }
        }
        // SAFETY: both were zeroed, which is a valid value of each, and the
        // kernel filled the fields of a child's end that are read here.
        let (info, usage, pid, status) = unsafe {
            let info = info.assume_init();
            (info, usage.assume_init(), info.si_pid(), info.si_status())
        };
        if pid == 0 {
            return Ok(None);
        }
        let number = u8::try_from(status & 0xff).unwrap_or(u8::MAX);
        let status = if info.si_code == libc::CLD_EXITED {
            ExitStatus::Code(number)
        } else {
            ExitStatus::Signal(number)
        };
        Ok(Some(Exit {
            status,
            cpu: span(usage.ru_utime) + span(usage.ru_stime),
            peak_resident_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024),
            oom_suspected: false,
        }))
    }
}

/// The environment of this process, for its children: without what a service
/// manager told this process alone.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "handed on as it is, never read")]
pub fn environment() -> Vec<CString> {
    std::env::vars_os()
        .filter(|(name, _)| !notify::VARIABLES.iter().any(|own| name == own))
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
    // Only our end: the two ends are separate open file descriptions, and
    // FFmpeg must not meet EAGAIN when it writes.
    rustix::fs::fcntl_setfl(&reader, OFlags::NONBLOCK)?;
    Ok((reader, writer))
}

/// Makes ended children wait for their reap. A parent that ignores SIGCHLD hands
/// that on by exec(2), and then the kernel reaps them unseen (wait(2)).
pub(in crate::reactor) fn keep_ended_children() {
    let default_action = KernelSigaction::default();
    // SAFETY: the new action is valid, has the kernel's layout and names no
    // handler; the old one is not asked for.
    unsafe {
        let action = &raw const default_action;
        libc::syscall(libc::SYS_rt_sigaction, libc::SIGCHLD, action, NULL, SIGSET_BYTES);
    }
}

/// Ignores a signal from now on.
pub(in crate::reactor) fn ignore_signal(signal: c_int) {
    let ignore: KernelSigaction = [libc::SIG_IGN as u64, 0, 0, 0];
    // SAFETY: the new action is valid, has the kernel's layout and names no handler;
    // the old one is not asked for.
    unsafe {
        libc::syscall(libc::SYS_rt_sigaction, signal, &raw const ignore, NULL, SIGSET_BYTES);
    }
}

/// Signals whose disposition exec(2) would hand on: those ignored. Asked of the
/// kernel itself, since libc hides the two signals it keeps for its threads.
pub(in crate::reactor) fn ignored_signals() -> Vec<c_int> {
    let ignored = |signal: c_int| {
        let mut action = KernelSigaction::default();
        // SAFETY: a null new action only asks; the out-pointer is valid and has
        // the kernel's layout.
        let asked = unsafe {
            let action = ptr::from_mut(&mut action);
            libc::syscall(libc::SYS_rt_sigaction, signal, NULL, action, SIGSET_BYTES)
        };
        asked == 0 && action[0] == libc::SIG_IGN as u64
    };
    (1..=LAST_SIGNAL).filter(|&signal| ignored(signal)).collect()
}

fn span(time: libc::timeval) -> Duration {
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(secs) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
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
