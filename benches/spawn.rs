//! What do a start and a reap cost compared with the minimum that Linux requires, and
//! does the cost grow with the number of open descriptors?
//!
//! The floor is vfork(2), execve(2) and waitpid(2) and nothing else: no pipe, no pidfd,
//! no descriptor in place. It is done by clone(2) with the flags of vfork, since a
//! function that returns twice cannot be called from Rust. `spawner` is what the swarm
//! does: two pipes, three descriptors in place, a group and a death signal, a pidfd,
//! and the exit status with resource usage. `std` is the standard library with two
//! pipes, for comparison. The program is true(1), so all three include the kernel's
//! exec and the dynamic linker's work. Measured is the CPU time of this process and of
//! its children.
//!
//! The goal is `spawner` at 1.3 times the floor at most with 15,000 open descriptors,
//! as many as 5,000 clients need. Needs a hard limit above that.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench, whose floor is bare system calls"
)]

#[path = "support/cpu_time.rs"]
mod cpu_time;

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio as Pipe};
use std::ptr;
use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};
use ffmpeg_hls_swarm::reactor::process::child::{ReapMode, Spawner, Stdio, raise_nofile};
use rustix::fs::{Mode, OFlags};

const PROGRAM: &CStr = c"/bin/true";

/// Open descriptors in addition to those of the bench: of no client, of 5,000.
const OPEN: [usize; 2] = [0, 15_000];

/// Stack of a child between clone and exec, in units of 16 bytes.
const STACK_UNITS: usize = 2048;

extern "C" fn exec(_: *mut c_void) -> c_int {
    let argv: [*const c_char; 2] = [PROGRAM.as_ptr(), ptr::null()];
    let envp: [*const c_char; 1] = [ptr::null()];
    // SAFETY: both lists end with a null pointer and outlive the call; only system
    // calls are made in the memory that is shared with the parent.
    unsafe {
        libc::execve(PROGRAM.as_ptr(), argv.as_ptr(), envp.as_ptr());
        libc::_exit(127);
    }
}

fn bare(stack: &mut [u128]) {
    let mut status = 0;
    // SAFETY: the stack is 16-byte aligned and used by this child only; the parent is
    // suspended until the child has called exec or exited.
    let reaped = unsafe {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let top = stack.as_mut_ptr_range().end.cast();
        let pid = libc::clone(exec, top, flags, ptr::null_mut());
        libc::waitpid(pid, &raw mut status, 0) == pid
    };
    assert!(reaped && status == 0);
}

fn ours(spawner: &mut Spawner) {
    let child = spawner.spawn(PROGRAM, &[PROGRAM], Stdio::default()).unwrap();
    child.process.reap(ReapMode::Block).unwrap().unwrap();
}

fn std_command() {
    let mut command = Command::new("/bin/true");
    command.env_clear().stdin(Pipe::null()).stdout(Pipe::piped()).stderr(Pipe::piped());
    assert!(command.spawn().unwrap().wait().unwrap().success());
}

/// The CPU time of this process and of the children that it reaped.
fn cpu() -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the out-pointer is valid, and all zero is a value of the type.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let span = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    cpu_time::now() + span(usage.ru_utime) + span(usage.ru_stime)
}

fn cpu_of(count: u64, mut each: impl FnMut()) -> Duration {
    let before = cpu();
    (0..count).for_each(|_| each());
    cpu() - before
}

fn open(count: usize) -> Vec<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    (0..count).map(|_| rustix::fs::open(c"/dev/null", flags, Mode::empty()).unwrap()).collect()
}

fn spawn(criterion: &mut Criterion<CpuTime>) {
    raise_nofile().unwrap();
    // As in the program: created first, while low descriptors are free.
    let mut spawner = Spawner::new(Vec::new(), None).unwrap();
    let mut stack = vec![0_u128; STACK_UNITS];
    for count in OPEN {
        let held = open(count);
        let mut group = criterion.benchmark_group(format!("{count} open"));
        group.bench_function("floor", |bench| {
            bench.iter_custom(|count| cpu_of(count, || bare(&mut stack)));
        });
        group.bench_function("spawner", |bench| {
            bench.iter_custom(|count| cpu_of(count, || ours(&mut spawner)));
        });
        group.bench_function("std", |bench| bench.iter_custom(|count| cpu_of(count, std_command)));
        group.finish();
        drop(held);
    }
}

criterion_group! {
    name = benches;
    config = cpu_time::criterion(Duration::from_secs(4));
    targets = spawn
}
criterion_main!(benches);
