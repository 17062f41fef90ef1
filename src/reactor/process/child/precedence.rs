//! Gives this thread precedence over the clients at the scheduler. Children do not
//! inherit it.
//!
//! Knows nothing of what the thread does with it.
#![expect(unsafe_code, reason = "sched_getattr(2) and sched_setattr(2)")]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// The shortest slice that the scheduler takes (`__setparam_fair` of kernel/sched/syscalls.c
/// in Linux 6.12). A turn of the loop is about as long.
const SLICE_NS: u64 = 100_000;

/// Real-time priority: the lowest there is, still before every client.
const PRIORITY: u32 = 1;

/// Nice value: three times the weight of a client (sched(7)).
const NICE: i32 = -5;

/// Makes the scheduler prefer this thread when cores are contended, by the first of these
/// that is permitted:
///
/// - SCHED_RR (CAP_SYS_NICE, or RLIMIT_RTPRIO): it gets a core whenever it needs one. It
///   needs one while there is something to read, and clients that wait for it write
///   nothing; the kernel reserves 5 % of each second for others (sched(7)).
/// - a nice value of -5 (CAP_SYS_NICE, or RLIMIT_NICE) and short slices,
/// - short slices: a thread with a short slice is scheduled sooner (EEVDF, Linux 6.12).
///
/// Starts are then on time and scrapes are served while clients keep every core busy.
/// Children do not inherit it. Nothing is changed if another policy or nice value was set
/// before.
///
/// # Errors
/// If the kernel refuses them all. Before 6.12 it accepts the last and changes no slice.
pub fn go_ahead() -> io::Result<()> {
    let found = attributes(0)?;
    if found.sched_policy != libc::SCHED_OTHER.unsigned_abs() || found.sched_nice != 0 {
        return Ok(());
    }
    let sched_flags = u64::from(libc::SCHED_FLAG_RESET_ON_FORK.unsigned_abs());
    let sliced = libc::sched_attr { sched_flags, sched_runtime: SLICE_NS, ..found };
    let preferred = libc::sched_attr { sched_nice: NICE, ..sliced };
    let real_time = libc::sched_attr {
        sched_flags,
        sched_policy: libc::SCHED_RR.unsigned_abs(),
        sched_priority: PRIORITY,
        sched_runtime: 0,
        ..found
    };
    set(&real_time).or_else(|_| set(&preferred)).or_else(|_| set(&sliced))
}

/// Changes how this thread is scheduled (sched_setattr(2)).
fn set(attributes: &libc::sched_attr) -> io::Result<()> {
    let attributes = ptr::from_ref(attributes);
    // SAFETY: the structure is valid, contains its own size and is only read.
    let result = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, attributes, 0) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The scheduling attributes of a thread; 0 is this one (sched_getattr(2)).
fn attributes(thread: libc::pid_t) -> io::Result<libc::sched_attr> {
    let mut attributes = MaybeUninit::<libc::sched_attr>::zeroed();
    let size = size_of::<libc::sched_attr>();
    // SAFETY: the kernel writes at most `size` bytes there, and zeros are valid for the
    // rest.
    let (result, mut attributes) = unsafe {
        let result =
            libc::syscall(libc::SYS_sched_getattr, thread, attributes.as_mut_ptr(), size, 0);
        (result, attributes.assume_init())
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    attributes.size = u32::try_from(size).unwrap_or(attributes.size);
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::super::{ReapMode, Spawner, Stdio, environment};
    use super::*;
    use crate::swarm::Signal;

    #[test]
    fn this_thread_has_precedence_and_children_do_not() {
        let before = attributes(0).unwrap();
        go_ahead().unwrap();
        let ours = attributes(0).unwrap();
        let (other, real_time) = (libc::SCHED_OTHER.unsigned_abs(), libc::SCHED_RR.unsigned_abs());
        if (before.sched_policy, before.sched_nice) != (other, 0) {
            assert_eq!((ours.sched_nice, ours.sched_flags), (before.sched_nice, 0));
            return;
        }
        assert_eq!(ours.sched_flags, 1);
        if ours.sched_policy != real_time {
            assert!(matches!(ours.sched_nice, 0 | NICE));
            // Before Linux 6.12 no slice is reported.
            assert!(before.sched_runtime == 0 || ours.sched_runtime == SLICE_NS);
        }
        let mut spawner = Spawner::new(environment(&[]), None).unwrap();
        let program = c"/bin/sleep";
        let child = spawner.spawn(program, &[program, c"1000"], Stdio::default()).unwrap();
        let theirs = attributes(child.process.pid().cast_signed()).unwrap();
        child.process.signal_group(Signal::Kill);
        child.process.reap(ReapMode::Block).unwrap();
        assert_eq!(theirs.sched_flags, 0);
        assert_eq!(theirs.sched_runtime, before.sched_runtime);
        assert_eq!(
            (theirs.sched_policy, theirs.sched_nice),
            (before.sched_policy, before.sched_nice)
        );
    }
}
