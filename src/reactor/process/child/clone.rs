//! clone(2) and what the child does until exec.
//!
//! Knows neither pipes nor the descriptors that are kept free.
#![expect(unsafe_code, reason = "clone(2) with a shared address space")]

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use rustix::io::Errno;
use rustix::process::Pid;

use super::dispositions::{KernelSigaction, NULL, SIGSET_BYTES};
use super::process::last_errno;
use super::{Files, Process, ReapMode, Spawner};

/// Stack of a child between clone and exec, in 16-byte units: 32 KiB. The child
/// runs one function of a few hundred bytes on it and calls only the kernel.
pub(super) const STACK_UNITS: usize = 2048;

/// Descriptors up to this are closed one by one where close_range(2) is refused: no
/// parent is known that leaves more open.
const LAST_INHERITED: c_int = 255;

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
    /// Whether it failed to get a descriptor table of its own.
    shares_files: Cell<bool>,
}

impl Spawner {
    /// Starts a process whose standard input is `stdin` and whose outputs are the slots.
    pub(super) fn clone_and_exec(
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
        // SAFETY: all that `start` points to lives in this function or in `self`.
        unsafe { self.run(&start) }
    }

    /// Runs [`child_main`] in a child until it has called exec or failed.
    ///
    /// # Safety
    /// All pointers of `start` are valid until this returns.
    unsafe fn run(&mut self, start: &Start) -> Result<Process, Errno> {
        let share = if self.files == Files::TakesLow { libc::CLONE_FILES } else { 0 };
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD | share;
        let mut pidfd: c_int = -1;
        // SAFETY: the stack is ours, 16-byte aligned and used by this child alone;
        // CLONE_VFORK suspends this thread until the child has called exec or exited, so
        // `start`, all it points to and the stack outlive the child's use of them. No
        // other thread has a pointer to them; an abandoned one of `blocking` may run
        // meanwhile. `child_main` makes system calls only and never returns to Rust code
        // that unwinds.
        let pid = unsafe {
            let top = self.stack.as_mut_ptr_range().end;
            libc::clone(
                child_main,
                top.cast::<c_void>(),
                flags,
                ptr::from_ref(start).cast_mut().cast::<c_void>(),
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
        let process = Process::new(pid, pidfd);
        match start.errno.get() {
            0 => Ok(process),
            errno => {
                process.reap(ReapMode::Block)?;
                let errno = Errno::from_raw_os_error(errno);
                if start.shares_files.get() && matches!(errno, Errno::NOSYS | Errno::PERM) {
                    self.files = Files::GetsAll;
                }
                Err(errno)
            }
        }
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
        // A long, since the kernel reads all of it.
        let death_signal = libc::SIGKILL as libc::c_ulong;
        if libc::syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG, death_signal) < 0 {
            return;
        }
        if libc::syscall(libc::SYS_getppid) != i64::from(start.parent) {
            libc::syscall(libc::SYS_exit_group, 127);
        }
        libc::syscall(libc::SYS_setpgid, 0, 0);
        reset_signals(start);
        if !start.nofile.is_null() {
            libc::syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, start.nofile, NULL);
        }
        for (target, source) in start.stdio.iter().enumerate() {
            if libc::syscall(libc::SYS_dup3, *source, target, 0) < 0 {
                return;
            }
        }
        if libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) < 0 {
            // Our own descriptors are closed by exec; these are inherited ones.
            for inherited in 3..=LAST_INHERITED {
                libc::syscall(libc::SYS_close, inherited);
            }
        }
        libc::syscall(libc::SYS_execve, start.program, start.argv, start.envp);
    }
}

/// Gives the child the default dispositions and an empty signal mask.
unsafe fn reset_signals(start: &Start) {
    let no_signals: u64 = 0;
    let default_action = KernelSigaction::default();
    // SAFETY: plain system calls with arguments that live in `start` or on this stack.
    unsafe {
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
    }
}
