//! One call that may block for long, such as getaddrinfo(3) or fsync(2), in a thread
//! of its own, so that its caller can stop waiting for it.
//!
//! For use before and after the loop, never inside it. An abandoned thread runs until its
//! call returns or this process exits. No signal is delivered to it. It must not start a
//! process: `PR_SET_PDEATHSIG` would fire when the thread ends. Does not know what is
//! called.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::io::Errno;

use super::wait::Wait;

/// Why there is no result.
#[derive(Debug)]
pub enum NoResult {
    /// The call did not return in time.
    TimedOut,
    /// A stop was requested.
    Stopped,
    /// The thread could not be started or waited for.
    Failed(io::Error),
}

impl fmt::Display for NoResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("not done in time"),
            Self::Stopped => f.write_str("a stop was requested"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl From<NoResult> for io::Error {
    fn from(why: NoResult) -> Self {
        match why {
            NoResult::TimedOut => Self::new(io::ErrorKind::TimedOut, why.to_string()),
            NoResult::Stopped => Self::other(why.to_string()),
            NoResult::Failed(error) => error,
        }
    }
}

/// Calls `call` and waits for its result, but no longer than `limit` and not after
/// `stop` has become readable.
///
/// # Errors
/// As [`until`].
pub fn within<T: Send + 'static>(
    limit: Duration,
    stop: BorrowedFd<'_>,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoResult> {
    until(|done| Wait::new(limit, Some(stop)).readable(&[done]), call)
}

/// Calls `call`; `wait` waits until the descriptor that it gets is readable.
///
/// # Errors
/// See [`NoResult`]: what `wait` returns, `ETIMEDOUT` and `ECANCELED` among it. The
/// call is not undone then; it may still take effect.
pub fn until<T: Send + 'static>(
    wait: impl FnOnce(BorrowedFd<'_>) -> Result<(), Errno>,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoResult> {
    let (done, held) = io::pipe().map_err(NoResult::Failed)?;
    let thread = start(move || {
        let result = call();
        // The other end hangs up, which wakes the caller; so does a panic.
        drop(held);
        result
    })
    .map_err(NoResult::Failed)?;
    match wait(done.as_fd()) {
        Ok(()) => thread.join().map_err(|_| NoResult::Failed(io::Error::other("the call failed"))),
        Err(Errno::TIMEDOUT) => Err(NoResult::TimedOut),
        Err(Errno::CANCELED) => Err(NoResult::Stopped),
        Err(errno) => Err(NoResult::Failed(errno.into())),
    }
}

/// A thread inherits the signal mask of its creator. A thread that accepted signals would
/// take those that the reactor reads from its signalfd.
#[expect(clippy::disallowed_methods, reason = "the call blocks, and the caller must not")]
fn start<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let thread = Builder::new().name("blocking".to_owned()).spawn(call);
    before.thread_set_mask()?;
    thread
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn returns_the_result_and_keeps_the_mask() {
        let (stop, _asks) = io::pipe().unwrap();
        let before = SigSet::thread_get_mask().unwrap();
        let blocked =
            within(PATIENCE, stop.as_fd(), || SigSet::thread_get_mask().unwrap()).unwrap();
        assert!(blocked.contains(nix::sys::signal::SIGCHLD));
        assert_eq!(SigSet::thread_get_mask().unwrap(), before);
    }

    #[test]
    fn stops_waiting_at_the_deadline_or_at_a_stop() {
        let (stop, asks) = io::pipe().unwrap();
        let (never, _held) = io::pipe().unwrap();
        let blocks = || {
            let mut never = never.try_clone().unwrap();
            move || never.read(&mut [0]).is_ok()
        };
        let short = Duration::from_millis(20);
        let timed_out = within(short, stop.as_fd(), blocks());
        assert!(matches!(timed_out, Err(NoResult::TimedOut)));
        drop(asks);
        assert!(matches!(within(PATIENCE, stop.as_fd(), blocks()), Err(NoResult::Stopped)));
    }
}
