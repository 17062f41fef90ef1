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

/// The signals of this process, taken over until this is dropped.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
    /// Those among them that ask us to stop.
    stops: SigSet,
    /// The mask before.
    before: SigSet,
}

impl Signals {
    /// Blocks SIGINT, SIGTERM, SIGHUP and SIGCHLD and makes them readable. The
    /// children get an empty mask back when they are started.
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
        let mut all = stops;
        all.add(Signal::SIGCHLD);
        let before = all.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { fd: signal_fd(&all)?, stops, before })
    }

    /// A descriptor that is readable as soon as a stop was asked. Reading it, or
    /// [`Signals::take`], takes the signal.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn stop_asked(&self) -> io::Result<StopAsked> {
        Ok(StopAsked(signal_fd(&self.stops)?))
    }

    /// The signals that wait, in order: those that ask us to stop, and `None`
    /// for word of a child.
    pub fn take(&mut self) -> Vec<Option<StopSignal>> {
        std::iter::from_fn(|| read(&mut self.fd)).collect()
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

/// Tells before the loop starts that a stop was asked.
#[derive(Debug)]
pub struct StopAsked(SignalFd);

impl StopAsked {
    /// The signal that asks us to stop, if one waits.
    pub fn take(&mut self) -> Option<StopSignal> {
        read(&mut self.0).flatten()
    }
}

impl AsFd for StopAsked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn signal_fd(signals: &SigSet) -> io::Result<SignalFd> {
    Ok(SignalFd::with_flags(signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// The next signal that waits; within it, `None` for word of a child.
fn read(fd: &mut SignalFd) -> Option<Option<StopSignal>> {
    let info = fd.read_signal().ok().flatten()?;
    Some(match Signal::try_from(i32::try_from(info.ssi_signo).unwrap_or(0)) {
        Ok(Signal::SIGINT) => Some(StopSignal::Interrupt),
        Ok(Signal::SIGTERM) => Some(StopSignal::Terminate),
        Ok(Signal::SIGHUP) => Some(StopSignal::HangUp),
        _ => None,
    })
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
