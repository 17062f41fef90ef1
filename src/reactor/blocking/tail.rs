//! The work after the loop, within the rest of the time for the whole shutdown: files,
//! stdout and processes may all block.
//!
//! Signals stay blocked until the end, so that a repeated signal ends nothing, and a
//! second one that forces the end aborts the wait. Does not know what is written.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::reactor::Reactor;
use crate::reactor::host::signals::{Heard, Signals, StopSignal};
use crate::reactor::host::stops::{Request, Stops};
use crate::reactor::timer::Clock;
use crate::swarm::stopping::SHUTDOWN;
use crate::units::Tick;

/// Time for the exit itself: the last lines of the log, and the kernel's teardown of what
/// is left.
const EXIT: Duration = Duration::from_secs(1);

/// The time after the loop.
#[derive(Debug)]
pub struct Tail<'a> {
    signals: &'a mut Signals,
    stops: &'a mut Stops,
    clock: Clock,
    deadline: Tick,
}

impl Reactor {
    /// The time after the loop of a run whose stop began then.
    pub fn tail(&mut self, stop_began: Tick) -> Tail<'_> {
        let deadline = stop_began.after(SHUTDOWN.saturating_sub(EXIT));
        let Self { core, parts } = self;
        Tail { signals: &mut parts.signals, stops: &mut core.stops, clock: core.clock, deadline }
    }
}

impl Tail<'_> {
    /// The signal that forced the end, before or by now.
    #[must_use]
    pub fn forced_by(&self) -> Option<StopSignal> {
        self.stops.forced_by()
    }

    /// Waits until a descriptor is readable or has hung up.
    ///
    /// # Errors
    /// `ETIMEDOUT` when the time is over.
    pub fn readable(&mut self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        self.ready(fd, PollFlags::IN, Some(Duration::MAX))
    }

    /// Waits until a descriptor takes bytes, but no longer than `patience`. Without
    /// `patience` it waits until the deadline only if a signal requested the end, since a
    /// supervisor waits then.
    ///
    /// # Errors
    /// `ETIMEDOUT` when the time is over.
    pub fn writable(
        &mut self,
        fd: BorrowedFd<'_>,
        patience: Option<Duration>,
    ) -> Result<(), Errno> {
        self.ready(fd, PollFlags::OUT, patience)
    }

    fn ready(
        &mut self,
        fd: BorrowedFd<'_>,
        flags: PollFlags,
        patience: Option<Duration>,
    ) -> Result<(), Errno> {
        let since = self.clock.tick();
        loop {
            let limit = match (patience, self.stops.stopped_by()) {
                (Some(patience), _) => Some(since.after(patience).min(self.deadline)),
                (None, Some(_)) => Some(self.deadline),
                (None, None) => None,
            };
            let left = limit.map(|limit| limit.since(self.clock.tick()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut polled = [
                PollFd::new(&fd, flags),
                PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
            ];
            let ready = match poll(&mut polled, left.as_ref()) {
                Ok(0) => return Err(Errno::TIMEDOUT),
                Ok(_) => !polled[0].revents().is_empty(),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            if ready {
                return Ok(());
            }
            self.take_signals();
        }
    }

    fn take_signals(&mut self) {
        let now = self.clock.tick();
        for heard in self.signals.take() {
            if let Heard::Stop(signal) = heard
                && self.stops.hear(now, signal) == Request::Kill
            {
                self.deadline = self.deadline.min(now);
            }
        }
    }
}
