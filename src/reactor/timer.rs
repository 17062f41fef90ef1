//! The clocks and the timerfd: the only file that reads a clock.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::SystemTime;

use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
};

use crate::units::{Moment, Tick, Wall, nanos};

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Reads `CLOCK_MONOTONIC` as ticks since it was made, and `CLOCK_REALTIME`.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    zero_ns: u64,
}

impl Clock {
    /// A clock whose tick is zero now.
    #[must_use]
    pub fn start() -> Self {
        Self { zero_ns: monotonic_ns() }
    }

    /// The monotonic clock.
    #[must_use]
    pub fn tick(&self) -> Tick {
        Tick::from_nanos(monotonic_ns().saturating_sub(self.zero_ns))
    }

    /// The wall clock, read by the C library, so that a test can set it for one process;
    /// 1970 if it is earlier.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the wall clock is read here")]
    pub fn wall() -> Wall {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Wall::from_unix_nanos(nanos(since_epoch.unwrap_or_default()))
    }

    /// Both clocks.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment { tick: self.tick(), wall: Self::wall() }
    }
}

fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    secs.saturating_mul(NANOS_PER_SEC).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// One timerfd (timerfd_create(2)) for every deadline.
#[derive(Debug)]
pub struct Timer {
    fd: OwnedFd,
    clock: Clock,
    armed: Option<Tick>,
}

impl Timer {
    /// A timer that is not armed.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn new(clock: Clock) -> Result<Self, Errno> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self { fd, clock, armed: None })
    }

    /// Fires at `deadline`, or never; no system call if it is armed so already.
    ///
    /// An expired timer need not be read: with edge triggering each arming that
    /// expires is a new event.
    ///
    /// # Errors
    /// None that a valid deadline can cause.
    pub fn arm(&mut self, deadline: Option<Tick>) -> Result<(), Errno> {
        if deadline == self.armed {
            return Ok(());
        }
        // A value of zero would disarm; absolute times that are past fire at once.
        let at_ns = deadline.map_or(0, |tick| {
            self.clock.zero_ns.saturating_add(tick.as_nanos()).clamp(1, i64::MAX.unsigned_abs())
        });
        let spec = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec {
                tv_sec: i64::try_from(at_ns / NANOS_PER_SEC).unwrap_or(i64::MAX),
                tv_nsec: i64::try_from(at_ns % NANOS_PER_SEC).unwrap_or(0),
            },
        };
        rustix::time::timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &spec)?;
        self.armed = deadline;
        Ok(())
    }

    /// Notes that it fired, so that the same deadline can be armed again.
    pub fn fired(&mut self) {
        self.armed = None;
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    fn readable_within(timer: &Timer, millis: i64) -> bool {
        let mut fds = [PollFd::new(timer, PollFlags::IN)];
        let limit = Timespec { tv_sec: 0, tv_nsec: millis * 1_000_000 };
        poll(&mut fds, Some(&limit)).unwrap() == 1
    }

    #[test]
    fn a_past_deadline_fires_and_none_disarms() {
        let clock = Clock::start();
        let mut timer = Timer::new(clock).unwrap();
        assert!(!readable_within(&timer, 0));
        timer.arm(Some(Tick::ZERO)).unwrap();
        assert!(readable_within(&timer, 999));
        timer.fired();
        timer.arm(Some(clock.tick().after(std::time::Duration::from_secs(3600)))).unwrap();
        assert!(!readable_within(&timer, 0));
        timer.arm(None).unwrap();
        assert!(!readable_within(&timer, 0));
    }
}
