//! The generator's own health, counted by the reactor.

use std::time::Duration;

use super::Histogram;
use crate::units::Tick;

/// Upper bounds of a turn of the reactor, in seconds.
const TURN_SECS: &[f64] = &[0.000_01, 0.000_1, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0];

/// What this process uses, as the kernel reports it (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessUse {
    /// CPU time, user and system together.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Virtual memory in bytes.
    pub virtual_bytes: u64,
    /// Open descriptors.
    pub open_fds: u64,
    /// Limit of open descriptors (soft `RLIMIT_NOFILE`).
    pub max_fds: u64,
    /// Start, in seconds since the Unix epoch.
    pub start_unix_secs: f64,
}

impl ProcessUse {
    /// Whether it was ever read: no process began at the epoch.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.start_unix_secs > 0.0
    }
}

/// What an entry of the event table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A connection of a scraper or player, or one that the tap carries.
    Connection,
    /// One of a client's two pipes.
    Output,
    /// A client's process.
    Exit,
    /// The loop's own: signals, timer, listener, log.
    Own,
}

impl EntryKind {
    /// Every kind, in the order of [`Health::entries`].
    pub const ALL: [Self; 4] = [Self::Connection, Self::Output, Self::Exit, Self::Own];

    /// Its place in [`EntryKind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name as a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Output => "output",
            Self::Exit => "exit",
            Self::Own => "own",
        }
    }
}

/// Connections of this process's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionCounts {
    /// Those open now.
    pub open: u64,
    /// Those accepted so far.
    pub accepted: u64,
    /// Those closed to make room for others.
    pub evicted: u64,
}

/// Times in which the loop stood still: its process was stopped, frozen or starved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standstills {
    /// How often.
    pub count: u64,
    /// All of them together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
    /// When the first began.
    pub first_at: Tick,
    /// When the longest began.
    pub longest_at: Tick,
}

impl Standstills {
    /// One that lasted `span`, up to `now`.
    pub fn add(&mut self, now: Tick, span: Duration) {
        let began = Tick::ZERO.after(now.elapsed().saturating_sub(span));
        if self.count == 0 {
            self.first_at = began;
        }
        if span > self.longest {
            (self.longest, self.longest_at) = (span, began);
        }
        self.count += 1;
        self.total = self.total.saturating_add(span);
    }
}

/// Counters of the reactor and of its log sink.
#[derive(Debug, Clone)]
pub struct Health {
    /// Time of each turn, from the end of the poll to the next poll.
    pub turns: Histogram,
    /// Events dispatched.
    pub events: u64,
    /// Registered descriptors by kind, in the order of [`EntryKind::ALL`].
    pub entries: [u32; EntryKind::ALL.len()],
    /// How long the last scrape took to render; `None` before the first.
    pub last_scrape: Option<Duration>,
    /// Connections that this process serves and has served.
    pub connections: ConnectionCounts,
    /// Times in which the loop stood still.
    pub standstills: Standstills,
    /// Lines of our own log that were dropped because stderr was stalled or full.
    pub journal_dropped: u64,
    /// What this process uses.
    pub process: ProcessUse,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            turns: Histogram::new(TURN_SECS),
            events: 0,
            entries: [0; EntryKind::ALL.len()],
            last_scrape: None,
            connections: ConnectionCounts::default(),
            standstills: Standstills::default(),
            journal_dropped: 0,
            process: ProcessUse::default(),
        }
    }
}
