//! Ids, points in time and ends of processes: types shared by all modules.
//!
//! Knows no clock: the reactor provides every [`Tick`] and [`Wall`].

pub mod address;
pub mod duration;
pub mod loopback;
pub mod process;
pub mod recent_log;
pub mod shard;
pub mod text;

use std::fmt;
use std::time::Duration;

/// A point in time: nanoseconds of `CLOCK_MONOTONIC` since the reactor started.
///
/// 64 bits of nanoseconds last 584 years; arithmetic saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(u64);

impl Tick {
    /// The start of the reactor.
    pub const ZERO: Self = Self(0);

    /// A tick of `nanos` nanoseconds after [`Tick::ZERO`].
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A tick of `millis` milliseconds after [`Tick::ZERO`].
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since [`Tick::ZERO`].
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span since [`Tick::ZERO`].
    #[must_use]
    pub const fn elapsed(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// The span from `earlier` to this tick; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This tick plus `delay`.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(nanos(delay)))
    }
}

/// Whole nanoseconds of a span, saturating at 584 years.
#[must_use]
pub fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// A point of wall-clock time: nanoseconds since the Unix epoch (`CLOCK_REALTIME`).
///
/// For people and playlists; never for a deadline, since it can jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Wall(u64);

impl Wall {
    /// A wall-clock time of `nanos` nanoseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_nanos(self) -> u64 {
        self.0
    }
}

/// Both clocks, read together once a turn of the reactor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// The monotonic clock: for deadlines and spans.
    pub tick: Tick,
    /// The wall clock: for people and playlists.
    pub wall: Wall,
}

/// One emulated viewer, identified by its number in the whole run, from 0; the number
/// is stable over its restarts. The id also contains its index in the tables of its
/// shard, which equals the number in a run of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    place: u32,
    number: u32,
}

impl ClientId {
    /// The client with this number in a run of one process; [`shard::Shard::client`]
    /// makes others.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self { place: number, number }
    }

    /// The client's number in the whole run, which identifies it for people, in logs,
    /// at the origin and in every random choice.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// The client's index in tables of this process's clients.
    #[must_use]
    pub const fn index(self) -> usize {
        self.place as usize
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}
