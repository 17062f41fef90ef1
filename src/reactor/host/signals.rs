//! The signals of this process: those that request a stop, the one that requests reopened
//! logs and the one that reports ended children, as readiness of one descriptor
//! (signalfd(2)). Others that would end the process are ignored.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

pub use super::stops::StopSignal;
use crate::reactor::part::Part;
use crate::reactor::process::child;
use crate::reactor::table::Owner;
use crate::reactor::turn::Turn;

/// Signals that end a process by default and have no use here. They may reach a process
/// group by mistake, which must not end a load. The real-time signals are ignored too.
///
/// SIGXFSZ: a write beyond the limit of a file's size then fails with EFBIG, like one on
/// a full disk. SIGUSR1 is read from the signalfd while there is one, and ignored at
/// other times.
const IGNORED: [i32; 8] = [
    libc::SIGALRM,
    libc::SIGIO,
    libc::SIGPROF,
    libc::SIGSTKFLT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGVTALRM,
    libc::SIGXFSZ,
];

/// The meaning of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A request to stop.
    Stop(StopSignal),
    /// `SIGUSR1`: log files were moved and must be reopened.
    Reopen,
    /// `SIGCHLD`: a child has ended.
    Child,
}

/// Ignores the signals without a use, until the process ends. Children are started with
/// the default dispositions.
pub fn ignore_others() {
    for signal in IGNORED.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX()) {
        child::ignore_signal(signal);
    }
}

/// The signals of this process, blocked until they are released; the descriptor is
/// readable while one is pending.
///
/// Dropping does not release them: a repeated signal before the exit, as timeout(1) sends
/// it, would end the process and hide its exit code.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
    taken_over: SigSet,
    /// The mask before.
    before: SigSet,
}

impl Signals {
    /// Blocks the signals that have a use and makes them readable. Children are started
    /// with an empty mask.
    ///
    /// From here on a requested stop is pending until it is read, also in process 1, for
    /// which the kernel otherwise drops unhandled signals. An ignored SIGHUP stays
    /// ignored, as nohup(1) requires.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn block() -> io::Result<Self> {
        child::keep_ended_children();
        let mut taken_over: SigSet =
            [Signal::SIGINT, Signal::SIGTERM, Signal::SIGPWR, Signal::SIGXCPU, Signal::SIGUSR1]
                .into_iter()
                .collect();
        if !child::ignored_signals().contains(&libc::SIGHUP) {
            taken_over.add(Signal::SIGHUP);
        }
        let before = taken_over.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let fd = SignalFd::with_flags(&taken_over, flags)?;
        Ok(Self { fd, taken_over, before })
    }

    /// Makes SIGCHLD readable too. Children that ended before are not reported.
    ///
    /// # Errors
    /// None that a valid descriptor can cause.
    pub fn hear_children(&mut self) -> io::Result<()> {
        self.taken_over.add(Signal::SIGCHLD);
        self.taken_over.thread_block()?;
        Ok(self.fd.set_mask(&self.taken_over)?)
    }

    /// The pending signals, in order.
    pub fn take(&mut self) -> Vec<Heard> {
        let mut taken = Vec::new();
        while let Ok(Some(info)) = self.fd.read_signal() {
            let number = i32::try_from(info.ssi_signo).unwrap_or(0);
            taken.extend(match Signal::try_from(number) {
                Ok(Signal::SIGUSR1) => Some(Heard::Reopen),
                Ok(Signal::SIGCHLD) => Some(Heard::Child),
                Ok(signal) => StopSignal::of(signal).map(Heard::Stop),
                Err(_) => None,
            });
        }
        taken
    }

    /// The first pending signal that requests a stop; all others are dropped.
    pub fn take_stop(&mut self) -> Option<StopSignal> {
        self.take().into_iter().find_map(|heard| match heard {
            Heard::Stop(signal) => Some(signal),
            Heard::Reopen | Heard::Child => None,
        })
    }

    /// Releases the signals: pending ones are dropped, later ones end the process by
    /// default.
    pub fn release(mut self) {
        self.take();
        let _ = self.before.thread_set_mask();
    }
}

impl Part for Signals {
    fn ready(&mut self, turn: &mut Turn<'_>, _: Owner, _: bool) -> bool {
        for heard in self.take() {
            match heard {
                Heard::Stop(signal) => turn.ask_stop(signal),
                Heard::Reopen => turn.application.reopen(),
                Heard::Child => turn.core.child_ended = true,
            }
        }
        false
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
