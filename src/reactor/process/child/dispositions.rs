//! The dispositions of signals (signal(7)), read from the kernel: libc hides the two
//! signals that it reserves for its threads.
#![expect(unsafe_code, reason = "rt_sigaction(2)")]

use std::ffi::{c_int, c_void};
use std::ptr;

/// Highest signal number (signal(7)).
const LAST_SIGNAL: c_int = 64;

/// The kernel's `struct sigaction`: handler, flags, restorer, mask; all zeros are the
/// default disposition.
pub(super) type KernelSigaction = [u64; 4];

/// Size of the kernel's signal set.
pub(super) const SIGSET_BYTES: usize = 8;

/// A null pointer for a variadic call, where a plain 0 would be too narrow.
pub(super) const NULL: *const c_void = ptr::null();

/// Makes ended children wait for their reap. An ignored SIGCHLD is inherited through
/// exec(2), and then the kernel reaps children itself (wait(2)).
pub(in crate::reactor) fn keep_ended_children() {
    let default_action = KernelSigaction::default();
    // SAFETY: the new action is valid, has the kernel's layout and names no handler; the
    // old one is not read.
    unsafe {
        let action = &raw const default_action;
        libc::syscall(libc::SYS_rt_sigaction, libc::SIGCHLD, action, NULL, SIGSET_BYTES);
    }
}

/// Ignores a signal from now on.
pub(in crate::reactor) fn ignore_signal(signal: c_int) {
    let ignore: KernelSigaction = [libc::SIG_IGN as u64, 0, 0, 0];
    // SAFETY: the new action is valid, has the kernel's layout and names no handler; the
    // old one is not read.
    unsafe {
        libc::syscall(libc::SYS_rt_sigaction, signal, &raw const ignore, NULL, SIGSET_BYTES);
    }
}

/// The ignored signals, whose disposition is inherited through exec(2). Read from the
/// kernel, since libc hides the two signals that it reserves for its threads.
pub(in crate::reactor) fn ignored_signals() -> Vec<c_int> {
    let ignored = |signal: c_int| {
        let mut action = KernelSigaction::default();
        // SAFETY: a null new action only reads; the out-pointer is valid and has the
        // kernel's layout.
        let asked = unsafe {
            let action = ptr::from_mut(&mut action);
            libc::syscall(libc::SYS_rt_sigaction, signal, NULL, action, SIGSET_BYTES)
        };
        asked == 0 && action[0] == libc::SIG_IGN as u64
    };
    (1..=LAST_SIGNAL).filter(|&signal| ignored(signal)).collect()
}
