//! The signals that ask us to stop, and the one that tells of children, as
//! readiness of one descriptor (signalfd(2)).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// A signal that asks us to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// `SIGINT`.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
    /// `SIGHUP`.
    HangUp,
}

impl StopSignal {
    /// Its name in signal(7).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        }
    }

    /// Its number, the same on every architecture.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
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

/// The signals of this process, taken over.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
}

impl Signals {
    /// Blocks SIGINT, SIGTERM, SIGHUP and SIGCHLD and makes them readable. The
    /// children get an empty mask back when they are started.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn block() -> io::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD] {
            mask.add(signal);
        }
        mask.thread_block()?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd })
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
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
