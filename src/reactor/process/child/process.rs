//! A child process that was started: its signals and its end.
//!
//! Knows nothing of how it was started.
#![expect(unsafe_code, reason = "waitid(2) with rusage and pidfd_send_signal(2)")]

use std::cell::Cell;
use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::Pid;

use crate::swarm::{Exit, Signal};
use crate::units::process::ExitStatus;

/// `PIDFD_SIGNAL_PROCESS_GROUP` of linux/pidfd.h (Linux 6.9).
const PIDFD_SIGNAL_PROCESS_GROUP: u32 = 1 << 2;

/// A process of ours, alive or not yet reaped.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    /// Whether it was reaped: from then on its id may belong to another process.
    pub(super) reaped: Cell<bool>,
}

/// Whether [`Process::reap`] waits for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReapMode {
    /// Wait until the process ends.
    Block,
    /// Return at once.
    Poll,
}

impl Process {
    pub(super) const fn new(pid: Pid, pidfd: OwnedFd) -> Self {
        Self { pid, pidfd, reaped: Cell::new(false) }
    }

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

    /// Sends a signal to its process group. A group that is gone is no error; after the
    /// reap nothing is sent.
    pub fn signal_group(&self, signal: Signal) {
        if self.reaped.get() {
            return;
        }
        let number = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        // SAFETY: a system call on a descriptor that we own; with the null pointer the
        // kernel fills in the siginfo.
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
            // Before Linux 6.9: the process is not reaped, so its id, which is the
            // group's, cannot have been reused.
            let _ = rustix::process::kill_process_group(self.pid, number);
        }
    }

    /// Whether it has ended. Does not reap it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.wait(libc::WEXITED | libc::WNOHANG | libc::WNOWAIT).is_ok_and(|end| end.is_some())
    }

    /// Reaps the process; returns its end and what it used, or `None` while it runs.
    ///
    /// # Errors
    /// `ECHILD` if it was reaped already.
    pub fn reap(&self, mode: ReapMode) -> Result<Option<Exit>, Errno> {
        let exit =
            self.wait(libc::WEXITED | if mode == ReapMode::Poll { libc::WNOHANG } else { 0 });
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

fn span(time: libc::timeval) -> Duration {
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(secs) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

pub(super) fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}
