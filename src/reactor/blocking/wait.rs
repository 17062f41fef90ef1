//! A bounded wait, for what blocks before or after the loop.
//!
//! Knows nothing of what is waited for.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::reactor::timer::Clock;
use crate::units::Tick;

/// A wait that ends at a deadline, or when a stop is requested.
#[derive(Debug, Clone, Copy)]
pub struct Wait<'a> {
    clock: Clock,
    deadline: Tick,
    stop: Option<BorrowedFd<'a>>,
}

impl<'a> Wait<'a> {
    /// A wait that ends after `limit`, or as soon as `stop` is readable.
    #[must_use]
    pub fn new(limit: Duration, stop: Option<BorrowedFd<'a>>) -> Self {
        Self { clock: Clock::start(), deadline: Tick::ZERO.after(limit), stop }
    }

    /// The time left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.since(self.clock.tick())
    }

    /// A wait for one of `parts` equal parts of the time left.
    #[must_use]
    pub fn part(&self, parts: u32) -> Self {
        Self::new(self.left() / parts.max(1), self.stop)
    }

    /// Whether the deadline has passed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Waits until one of the descriptors is readable or has hung up.
    ///
    /// # Errors
    /// `ETIMEDOUT` from the deadline on, whatever is readable; `ECANCELED` when a stop is
    /// requested.
    pub fn readable(&self, fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        let fds = fds.iter().chain(&self.stop);
        self.ready(&mut fds.map(|fd| PollFd::new(fd, PollFlags::IN)).collect::<Vec<_>>())
    }

    /// Waits until `writer` takes bytes or `other` is readable.
    ///
    /// # Errors
    /// As [`Wait::readable`].
    pub fn writable_or(&self, writer: BorrowedFd<'_>, other: BorrowedFd<'_>) -> Result<(), Errno> {
        let mut polled =
            vec![PollFd::new(&writer, PollFlags::OUT), PollFd::new(&other, PollFlags::IN)];
        polled.extend(self.stop.as_ref().map(|stop| PollFd::new(stop, PollFlags::IN)));
        self.ready(&mut polled)
    }

    /// Waits until `writer` takes bytes.
    ///
    /// # Errors
    /// As [`Wait::readable`].
    pub fn writable(&self, writer: BorrowedFd<'_>) -> Result<(), Errno> {
        let mut polled = vec![PollFd::new(&writer, PollFlags::OUT)];
        polled.extend(self.stop.as_ref().map(|stop| PollFd::new(stop, PollFlags::IN)));
        self.ready(&mut polled)
    }

    fn ready(&self, polled: &mut [PollFd<'_>]) -> Result<(), Errno> {
        loop {
            let left = self.left();
            let limit = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
            match poll(polled, Some(&limit)) {
                Ok(_) if self.stop.is_some_and(is_readable) => return Err(Errno::CANCELED),
                // Also if something is ready: a peer that writes without end always is.
                Ok(_) if left.is_zero() => return Err(Errno::TIMEDOUT),
                Ok(0) => {}
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

/// Whether a descriptor is readable now.
pub fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::new(&fd, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)) == Ok(1)
}
