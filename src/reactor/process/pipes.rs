//! The poll of the clients' pipes, separate from that of everything else, so that reading
//! them can be delayed while nothing else is.
//!
//! While writes are few, the main poll watches this one and each write is read at once.
//! Above 1,000 writes a second it stops watching, and the pipes are read in rounds: many
//! writes cost one wake-up, and several writes of one pipe cost one read. Exits, signals,
//! timers and connections are in the main poll and are never delayed.
//!
//! Knows no client and no clock, and does not read: it reports which entries of the event
//! table are ready.

use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};

use crate::units::Tick;

/// Pipes taken from the kernel at once. At some 3 µs a read this bounds a turn well below
/// a millisecond, so that a scrape or an exit is handled promptly.
const PIPES_PER_TURN: usize = 64;

/// Longest wait for the next round where FFmpeg's lines carry their time, or where their
/// time is not used. A longer wait saves nothing measurable.
pub const WAIT_MAX: Duration = Duration::from_millis(10);

/// Longest wait where the time of reading is used as that of writing: about as long as a
/// turn of a busy loop.
pub const WAIT_MAX_UNSTAMPED: Duration = Duration::from_millis(2);

/// Wait for the next round while a pipe gets half full between two: even one of
/// 8 KiB then takes 8 MB a second.
const WAIT_HALF_FULL: Duration = Duration::from_millis(1);

/// Writes a second above which waiting pays: some ten a round.
const BUSY_PER_SEC: u128 = 1_000;

/// Writes a second below which it no longer does. Hysteresis: a steady load does not
/// flap.
const CALM_PER_SEC: u128 = 500;

/// Span over which writes are counted before anything changes. When watching begins, the
/// kernel walks over all pipes, a millisecond for 15,000.
const COUNTED_OVER: Duration = Duration::from_millis(200);

/// The token of this poll in the main one; no entry of the table has it, since no slab
/// has so large a key.
pub const WATCH: Token = Token(usize::MAX);

/// When the pipes are polled.
#[derive(Debug, Clone, Copy)]
struct Rounds {
    wait_max: Duration,
    /// Whether rounds are held; otherwise each write is reported at once.
    held: bool,
    /// When the next poll is due; `None` if it follows the next write.
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

    /// A poll at `now` found this many ready pipes; `more` if there may be others.
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
        let soon = self.last.after(WAIT_HALF_FULL);
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
    watch_reported: bool,
}

impl Pipes {
    /// An empty poll that is not watched; from the next poll on, reading is delayed by at
    /// most `wait_max`.
    ///
    /// # Errors
    /// When no descriptors are left.
    pub fn new(wait_max: Duration) -> io::Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(PIPES_PER_TURN));
        Ok(Self {
            poll,
            events,
            rounds: Rounds::new(wait_max),
            watched: false,
            watch_reported: false,
        })
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

    /// The main poll reported [`WATCH`].
    pub const fn note_watch(&mut self) {
        self.watch_reported = true;
    }

    /// When [`Pipes::look`] is due, whatever the main poll reports.
    #[must_use]
    pub const fn next_look(&self) -> Option<Tick> {
        self.rounds.next
    }

    /// A pipe was found half full or more: its writer may have had to wait.
    pub fn hurry(&mut self) {
        self.rounds.hurry();
    }

    /// Polls the pipes if that is due, and passes the token of each ready one to `each`,
    /// with whether the other end hung up.
    ///
    /// # Errors
    /// Those of epoll_wait(2) and epoll_ctl(2); a running load can cause only `ENOMEM`.
    pub fn look(
        &mut self,
        main: &Registry,
        now: Tick,
        mut each: impl FnMut(Token, bool),
    ) -> io::Result<()> {
        let due = self.rounds.next.is_some_and(|next| next <= now);
        if !std::mem::take(&mut self.watch_reported) && !due {
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

    /// Makes the main poll watch this one or not, as the rounds need it. Pipes that are
    /// ready when watching begins are reported (epoll_ctl(2)).
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

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, PipeWriter, Read, Write};
    use std::os::fd::AsFd;

    use proptest::prelude::*;

    use super::*;

    const WAIT: Duration = Duration::from_millis(10);
    const SECOND: u64 = 1_000;

    const fn at(ms: u64) -> Tick {
        Tick::from_millis(ms)
    }

    /// Polls every `every_ms` from `from_ms` for a second, with this rate of writes.
    fn load(rounds: &mut Rounds, from_ms: u64, every_ms: u64, per_sec: u64) {
        for step in 1..=SECOND / every_ms {
            let found = (per_sec * every_ms / SECOND) as u32;
            rounds.looked(at(from_ms + step * every_ms), found, false);
        }
    }

    #[test]
    fn holds_rounds_while_writes_are_frequent() {
        let mut rounds = Rounds::new(WAIT);
        for (from_ms, per_sec, held) in [
            (0, 900, false),
            (SECOND, 1_100, true),
            (2 * SECOND, 600, true),
            (3 * SECOND, 400, false),
            (4 * SECOND, 600, false),
            (9 * SECOND, 20_000, true),
            (10 * SECOND, 0, false),
        ] {
            load(&mut rounds, from_ms, 10, per_sec);
            let next = held.then(|| at(from_ms + SECOND).after(WAIT));
            assert_eq!((rounds.held, rounds.next), (held, next), "{per_sec} a second");
        }
    }

    #[test]
    fn holds_no_rounds_without_a_wait() {
        let mut rounds = Rounds::new(Duration::ZERO);
        load(&mut rounds, 0, 1, 1_000_000);
        assert_eq!(rounds.next, None);
    }

    #[test]
    fn polls_the_rest_at_once_and_a_half_full_pipe_soon() {
        for per_sec in [100, 10_000] {
            let mut rounds = Rounds::new(WAIT);
            load(&mut rounds, 0, 10, per_sec);
            let held = rounds.held;
            rounds.hurry();
            assert_eq!(rounds.next, held.then(|| at(SECOND + 1)));
            rounds.looked(at(1_005), 64, true);
            rounds.hurry();
            assert_eq!(rounds.next, Some(at(1_005)));
        }
    }

    proptest! {
        #[test]
        fn no_write_waits_longer_than_allowed(
            looks in prop::collection::vec((0..40_u64, 0..200_u32, any::<bool>(), any::<bool>()), 1..200),
        ) {
            let mut rounds = Rounds::new(WAIT);
            let mut now_ms = 0;
            for (later_ms, found, more, half_full) in looks {
                now_ms += later_ms;
                rounds.looked(at(now_ms), found, more);
                if half_full {
                    rounds.hurry();
                }
                // Without a time the main poll reports writes.
                prop_assert_eq!(rounds.next.is_none(), !rounds.held && !more);
                prop_assert!(rounds.next.is_none_or(|next| next <= at(now_ms).after(WAIT)));
            }
        }
    }

    /// A main poll, the poll of the pipes, and a pipe in it.
    struct World {
        main: Poll,
        pipes: Pipes,
        reader: PipeReader,
        writer: PipeWriter,
    }

    const PIPE: Token = Token(7);

    impl World {
        fn new() -> Self {
            let (reader, writer) = io::pipe().unwrap();
            let fd = reader.as_fd().as_raw_fd();
            let main = Poll::new().unwrap();
            let mut pipes = Pipes::new(WAIT).unwrap();
            pipes.registry().register(&mut SourceFd(&fd), PIPE, Interest::READABLE).unwrap();
            pipes.watch_from(main.registry()).unwrap();
            Self { main, pipes, reader, writer }
        }

        fn write(&mut self) {
            self.writer.write_all(b"line\n").unwrap();
        }

        /// Whether the main poll reports the pipes, without waiting.
        fn is_reported(&mut self) -> bool {
            let mut events = Events::with_capacity(4);
            self.main.poll(&mut events, Some(Duration::ZERO)).unwrap();
            let reported = events.iter().any(|event| event.token() == WATCH);
            if reported {
                self.pipes.note_watch();
            }
            reported
        }

        /// Polls, and reads the ready pipes.
        fn look(&mut self, now: Tick) -> Vec<Token> {
            let mut found = Vec::new();
            let each = |token, _| found.push(token);
            self.pipes.look(self.main.registry(), now, each).unwrap();
            for _ in &found {
                assert_eq!(self.reader.read(&mut [0; 64]).unwrap() % 5, 0);
            }
            found
        }

        /// Writes and polls until rounds are held; returns the time.
        fn until_held(&mut self) -> Tick {
            let mut ms = 0;
            while !self.pipes.rounds.held {
                self.pipes.rounds.count += 1_000;
                self.write();
                assert!(self.is_reported());
                ms += 20;
                assert_eq!(self.look(at(ms)), [PIPE]);
            }
            at(ms)
        }
    }

    #[test]
    fn reports_a_few_writes_at_once() {
        let mut world = World::new();
        for ms in [1, 2, 500, 1_000] {
            assert!(!world.is_reported());
            assert_eq!(world.look(at(ms)), []);
            world.write();
            assert!(world.is_reported());
            assert_eq!(world.look(at(ms)), [PIPE]);
            assert_eq!(world.pipes.next_look(), None);
        }
    }

    #[test]
    fn in_rounds_only_the_deadline_counts() {
        let mut world = World::new();
        let now = world.until_held();
        world.write();
        world.write();
        assert!(!world.is_reported());
        assert_eq!(world.look(now), []);
        let due = world.pipes.next_look().unwrap();
        assert_eq!(due, now.after(WAIT));
        assert_eq!(world.look(due), [PIPE]);
    }

    #[test]
    fn reports_writes_from_before_the_end_of_the_rounds() {
        let mut world = World::new();
        let now = world.until_held();
        let calm = now.after(COUNTED_OVER);
        assert_eq!(world.look(calm), []);
        assert_eq!(world.pipes.next_look(), None);
        // As if it had arrived between the poll and the watch.
        let mut world = World::new();
        world.until_held();
        world.write();
        world.pipes.rounds.held = false;
        world.pipes.watch_from(world.main.registry()).unwrap();
        assert!(world.is_reported());
    }
}
