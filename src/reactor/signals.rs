//! The signals that ask us to stop, and the one that tells of children, as
//! readiness of one descriptor (signalfd(2)).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::child;

/// A signal that asks us to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// `SIGINT`.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
    /// `SIGHUP`.
    HangUp,
    /// No signal but the key `q` at the dashboard, which asks for the same as Ctrl-C.
    Key,
}

impl StopSignal {
    /// Its name in signal(7), or that of the key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
            Self::Key => "q",
        }
    }

    /// Its number, the same on every architecture.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::HangUp => 1,
            Self::Interrupt | Self::Key => 2,
            Self::Terminate => 15,
        }
    }

    /// Whether it means "now" when it comes a second time. A terminal that goes
    /// away hangs up more than once, without anybody's having lost patience.
    #[must_use]
    pub const fn forces(self) -> bool {
        !matches!(self, Self::HangUp)
    }
}

/// The signals of this process, taken over until this is dropped; its descriptor
/// is readable while one waits.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
    taken_over: SigSet,
    /// The mask before.
    before: SigSet,
}

impl Signals {
    /// Blocks SIGINT, SIGTERM and SIGHUP and makes them readable. The children
    /// get an empty mask back when they are started.
    ///
    /// From here on a stop that is asked waits to be read, also in process 1,
    /// which the kernel spares the signals that it does not take. A SIGHUP that
    /// was ignored stays so, for that is what nohup(1) asks for.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn block() -> io::Result<Self> {
        child::keep_ended_children();
        let mut stops: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
        if !child::ignored_signals().contains(&libc::SIGHUP) {
            stops.add(Signal::SIGHUP);
        }
        let before = stops.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let fd = SignalFd::with_flags(&stops, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd, taken_over: stops, before })
    }

    /// Makes word of children (SIGCHLD) readable too. Of those that ended before
    /// nothing is told.
    ///
    /// # Errors
    /// None that a valid descriptor can cause.
    pub fn hear_children(&mut self) -> io::Result<()> {
        self.taken_over.add(Signal::SIGCHLD);
        self.taken_over.thread_block()?;
        Ok(self.fd.set_mask(&self.taken_over)?)
    }

    /// The signals that wait, in order: those that ask us to stop, and `None`
    /// for word of a child.
    pub fn take(&mut self) -> Vec<Option<StopSignal>> {
        let mut taken = Vec::new();
        while let Ok(Some(info)) = self.fd.read_signal() {
            let number = i32::try_from(info.ssi_signo).unwrap_or(0);
            taken.push(match Signal::try_from(number) {
                Ok(Signal::SIGINT) => Some(StopSignal::Interrupt),
                Ok(Signal::SIGTERM) => Some(StopSignal::Terminate),
                Ok(Signal::SIGHUP) => Some(StopSignal::HangUp),
                _ => None,
            });
        }
        taken
    }

    /// Gives the signals back: what waits is dropped, what comes ends the process
    /// as it would any other.
    pub fn release(&mut self) {
        self.take();
        let _ = self.before.thread_set_mask();
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.release();
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
