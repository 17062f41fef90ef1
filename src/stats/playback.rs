//! What a viewer would have experienced: start-up, speed, drift, stalls.
//!
//! [`Viewing`] follows the media time of one attempt and records into the totals of
//! all, [`Playback`]. FFmpeg reports progress once a second, so every span here is
//! accurate to about a second, except a start-up whose end the log reports. Knows no
//! clock.

mod viewing;

use std::time::Duration;

pub use self::viewing::{PROGRESS_PERIOD, SPEED_WINDOW, Viewing};

use super::Histogram;
use super::refused::Refused;
use crate::units::{Tick, nanos};

/// Upper bounds of start-up, drift and the age of a playlist's edge, in seconds.
const VIEWER_SECS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 15.0, 30.0, 60.0];

/// Upper bounds of a windowed speed, in media seconds a wall second. The
/// histogram counts spans, so a speed of 1 is recorded as one second.
const SPEEDS: &[f64] = &[0.25, 0.5, 0.75, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 4.0];

/// Whether a client keeps up with real time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Its last windowed speed was below 1 by more than [`PROGRESS_PERIOD`]
    /// explains.
    Below,
    /// Its last windowed speed was 1 or more, to that accuracy.
    Keeps,
}

/// How many of the clients that play now are stalled or slow. Updated step by step, so
/// that a snapshot takes O(1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Viewers {
    stalled: u32,
    /// Sum of the ticks at which the current stalls began.
    stalls_began_ns: u128,
    below: u32,
    keeps: u32,
}

impl Viewers {
    /// Clients that are stalled now.
    #[must_use]
    pub const fn stalled(&self) -> u32 {
        self.stalled
    }

    /// Playing clients that are [`Pace::Below`] real time.
    #[must_use]
    pub const fn below_realtime(&self) -> u32 {
        self.below
    }

    /// Playing clients that keep up with real time or are faster.
    #[must_use]
    pub const fn above_realtime(&self) -> u32 {
        self.keeps
    }

    fn stall_began(&mut self, at: Tick) {
        self.stalled += 1;
        self.stalls_began_ns += u128::from(at.as_nanos());
    }

    /// A current stall counts as begun later by so much.
    fn stall_put_off(&mut self, by: Duration) {
        self.stalls_began_ns += u128::from(nanos(by));
    }

    fn stall_ended(&mut self, began: Tick) {
        self.stalled = self.stalled.saturating_sub(1);
        self.stalls_began_ns = self.stalls_began_ns.saturating_sub(u128::from(began.as_nanos()));
    }

    fn change_pace(&mut self, from: Option<Pace>, to: Option<Pace>) {
        if let Some(count) = from.map(|pace| self.of(pace)) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = to.map(|pace| self.of(pace)) {
            *count += 1;
        }
    }

    const fn of(&mut self, pace: Pace) -> &mut u32 {
        match pace {
            Pace::Below => &mut self.below,
            Pace::Keeps => &mut self.keeps,
        }
    }
}

/// Running totals of what the clients' viewers would have experienced.
#[derive(Debug, Clone)]
pub struct Playback {
    /// Spawn to first media: to the opening of the input if the log reports it, else to
    /// the first media time. Of those attempts that had a media time.
    pub startup: Histogram,
    /// Windowed speed, one a window of each client; 1.0 is recorded as 1 s.
    pub speed: Histogram,
    /// Wall clock less media clock since the first window began, one a window; a
    /// client ahead of the wall clock counts as zero.
    pub drift: Histogram,
    /// Wall clock less programme date time of the newest segment in a playlist.
    pub playlist_edge_age: Histogram,
    /// Stalls that began.
    pub stalls: u64,
    /// Time in stalls that have ended.
    pub stalled: Duration,
    /// Media times that were refused.
    pub refused: Refused,
    /// The clients that play now; the one part that does not only grow.
    pub viewers: Viewers,
}

impl Playback {
    /// Time in stalls, current ones included. Never decreases.
    #[must_use]
    pub fn stall_time(&self, now: Tick) -> Duration {
        let Viewers { stalled, stalls_began_ns, .. } = self.viewers;
        let all_ns = u128::from(stalled) * u128::from(now.as_nanos());
        let open_ns = all_ns.saturating_sub(stalls_began_ns);
        let open = Duration::from_nanos(u64::try_from(open_ns).unwrap_or(u64::MAX));
        self.stalled.saturating_add(open)
    }
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            startup: Histogram::new(VIEWER_SECS),
            speed: Histogram::new(SPEEDS),
            drift: Histogram::new(VIEWER_SECS),
            playlist_edge_age: Histogram::new(VIEWER_SECS),
            stalls: 0,
            stalled: Duration::ZERO,
            refused: Refused::default(),
            viewers: Viewers::default(),
        }
    }
}
