//! The poll of the clients' pipes, apart from that of everything else, so that
//! reading them can wait a little while nothing else does.
//!
//! While writes are few, the main poll watches this one and each write is read at
//! once. When they come thick, it stops watching, and the pipes are looked at in
//! rounds: many writes cost one wake-up, and one pipe's several writes one read.
//! Exits, signals, timers and connections are in the main poll and never wait.
//!
//! Knows no client and no clock, and does not read: it says which entries of the
//! event table have something.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};

use crate::units::Tick;

/// Pipes taken from the kernel at once. At about 3 µs a read this bounds a turn
/// to a millisecond, so that a scrape or an exit gets its turn soon.
const PIPES_PER_TURN: usize = 256;

/// Longest wait for the next round where FFmpeg says in its lines when it wrote
/// them, or where nobody times them. Waiting longer saves nothing more that can
/// be measured.
pub const WAIT_MAX: Duration = Duration::from_millis(10);

/// Longest wait where the time of reading stands for that of writing: as long as
/// the turns of a busy loop are anyway.
pub const WAIT_MAX_UNSTAMPED: Duration = Duration::from_millis(2);

/// Wait for the next round while a pipe gets half full between two: even one of
/// 8 KiB then takes 8 MB a second.
const WAIT_THICK: Duration = Duration::from_millis(1);

/// Writes a second from which on waiting pays: some ten a round.
const BUSY_PER_SEC: u128 = 1_000;

/// Writes a second below which it no longer does; apart from the other, so that
/// a steady load does not go to and fro.
const CALM_PER_SEC: u128 = 500;

/// Span over which writes are counted before anything changes.
const COUNTED_OVER: Duration = Duration::from_millis(50);

/// The token of this poll in the main one; no entry of the table has it, since
/// its key is beyond any slab's.
pub const WATCH: Token = Token(usize::MAX);

/// When the pipes are looked at.
#[derive(Debug, Clone, Copy)]
struct Rounds {
    wait_max: Duration,
    /// Rounds are held; else each write is told at once.
    held: bool,
    /// When the next look is due; `None` if that is when a write is told.
    next: Option<Tick>,
    last: Tick,
    counted_since: Tick,
    count: u32,
}

impl Rounds {
    const fn new(wait_max: Duration) -> Self {
        Self {
            wait_max,
            held: false,
            next: None,
            last: Tick::ZERO,
            counted_since: Tick::ZERO,
            count: 0,
        }
    }

    /// A look at `now` found so many pipes with something, and perhaps not all.
    fn looked(&mut self, now: Tick, found: u32, more: bool) {
        self.count = self.count.saturating_add(found);
        self.last = now;
        let span = now.since(self.counted_since);
        if span >= COUNTED_OVER {
            let limit = if self.held { CALM_PER_SEC } else { BUSY_PER_SEC };
            let at_limit = limit * span.as_micros() / Duration::from_secs(1).as_micros();
            self.held = !self.wait_max.is_zero() && u128::from(self.count) >= at_limit;
            (self.counted_since, self.count) = (now, 0);
        }
        self.next = match (more, self.held) {
            (true, _) => Some(now),
            (false, true) => Some(now.after(self.wait_max)),
            (false, false) => None,
        };
    }

    /// A pipe was found half full: the next round comes sooner.
    fn hurry(&mut self) {
        let soon = self.last.after(WAIT_THICK);
        self.next = self.next.map(|next| next.min(soon));
    }
}

/// The poll of the clients' pipes.
#[derive(Debug)]
pub struct Pipes {
    poll: Poll,
    events: Events,
    rounds: Rounds,
    watched: bool,
    told: bool,
}

impl Pipes {
    /// A poll of no pipes that nobody watches; reading them waits `wait_max` at
    /// most, from the next look on.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn new(wait_max: Duration) -> io::Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(PIPES_PER_TURN));
        Ok(Self { poll, events, rounds: Rounds::new(wait_max), watched: false, told: false })
    }

    /// Changes the longest wait.
    pub const fn set_wait_max(&mut self, wait_max: Duration) {
        self.rounds.wait_max = wait_max;
    }

    /// Where the pipes are registered.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    /// The main poll told of [`WATCH`].
    pub const fn told(&mut self) {
        self.told = true;
    }

    /// When [`Pipes::look`] is due, whatever the main poll tells.
    #[must_use]
    pub const fn next_look(&self) -> Option<Tick> {
        self.rounds.next
    }

    /// A pipe was found half full or more: its writer may have had to wait.
    pub fn hurry(&mut self) {
        self.rounds.hurry();
    }

    /// Looks at the pipes if that is due, and hands the token of each that has
    /// something to `each`, with whether the other end hung up.
    ///
    /// # Errors
    /// Those of epoll_wait(2) and epoll_ctl(2): none that a running load can
    /// cause, but `ENOMEM`.
    pub fn look(
        &mut self,
        main: &Registry,
        now: Tick,
        mut each: impl FnMut(Token, bool),
    ) -> io::Result<()> {
        let due = self.rounds.next.is_some_and(|next| next <= now);
        if !std::mem::take(&mut self.told) && !due {
            return Ok(());
        }
        match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let mut found = 0;
        for event in &self.events {
            found += 1;
            each(event.token(), event.is_read_closed() || event.is_error());
        }
        self.rounds.looked(now, found, found as usize >= PIPES_PER_TURN);
        self.watch_from(main)
    }

    /// Has the main poll watch this one, or not, as the rounds want it. What is
    /// ready when it begins to watch is told (epoll_ctl(2)).
    ///
    /// # Errors
    /// As [`Pipes::look`].
    pub fn watch_from(&mut self, main: &Registry) -> io::Result<()> {
        let wanted = !self.rounds.held;
        if wanted == self.watched {
            return Ok(());
        }
        let fd = self.poll.as_raw_fd();
        if wanted {
            main.register(&mut SourceFd(&fd), WATCH, Interest::READABLE)?;
        } else {
            main.deregister(&mut SourceFd(&fd))?;
        }
        self.watched = wanted;
        Ok(())
    }
}
