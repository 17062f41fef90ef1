//! Processes that became ours when their parent ended, because we are process 1 of a
//! container or MicroVM, or a subreaper (`PR_SET_CHILD_SUBREAPER`).
//!
//! Never reaps a client's process: those are reaped by their pidfd, which also returns
//! what they used.

use std::fs;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid};
use rustix::process::{PidfdFlags, pidfd_open};

use crate::reactor::blocking::wait::Wait;

/// Orphans reaped in one sweep; more wait for the next.
const REAPS_PER_SWEEP: usize = 1024;

/// How long processes killed at the end may take to exit. One in an uninterruptible read,
/// or held by a debugger, is left behind.
pub const DYING: Duration = Duration::from_millis(500);

/// Rounds of killing at the end: each may reveal the children of those killed.
const KILL_ROUNDS: usize = 16;

/// Becomes the parent of orphans among our descendants, so that what a wrapper around
/// FFmpeg leaves behind can be ended (prctl(2)).
pub fn adopt() {
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Reaps orphans that have ended. True if there may be more: orphans behind an ended
/// process of `is_known`, which is not reaped here, are hidden.
pub fn reap(is_known: impl Fn(u32) -> bool) -> bool {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    for _ in 0..REAPS_PER_SWEEP {
        let pid = match waitid(Id::All, peek) {
            Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) => pid,
            Ok(_) | Err(_) => return false,
        };
        if is_known(pid.as_raw().unsigned_abs()) {
            return true;
        }
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
    }
    true
}

/// Kills and reaps every child, for the end of the run when no client's process
/// is left. Takes no longer than [`DYING`], whatever state they are in.
pub fn end_all() {
    let wait = Wait::new(DYING, None);
    for _ in 0..KILL_ROUNDS {
        let orphans: Vec<Pid> = children().collect();
        for &pid in &orphans {
            // A child that was not reaped keeps its id, so no other process is signalled.
            let _ = kill(pid, Signal::SIGKILL);
        }
        if orphans.is_empty() || !orphans.into_iter().all(|pid| is_reaped(pid, wait)) {
            break;
        }
    }
}

/// Reaps a child that was killed; false if it has not ended in time.
fn is_reaped(pid: Pid, wait: Wait<'_>) -> bool {
    let pidfd = rustix::process::Pid::from_raw(pid.as_raw())
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    if let Some(pidfd) = pidfd {
        let _ = wait.readable(&[pidfd.as_fd()]);
    }
    waitpid(pid, Some(WaitPidFlag::WNOHANG)) != Ok(WaitStatus::StillAlive)
}

/// Our children as the kernel lists them (none without `CONFIG_PROC_CHILDREN`).
fn children() -> impl Iterator<Item = Pid> {
    let path = format!("/proc/self/task/{}/children", getpid());
    let listed = fs::read_to_string(path).unwrap_or_default();
    let pids: Vec<_> = listed
        .split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .map(Pid::from_raw)
        .collect();
    pids.into_iter()
}
