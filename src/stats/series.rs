//! How a run went over time, in bounded memory however long it lasts.
//!
//! Time is cut into intervals of one length. When there are [`POINTS_MAX`] of them,
//! neighbours are joined and the length doubles, so a run of any length has between
//! half as many and as many points. Whoever keeps a series hands in the numbers as
//! they are before each event, once [`Series::is_due`]: nothing changes between two
//! events, so the intervals that ended meanwhile are told exactly, and nobody needs
//! to be woken for them. Knows no clock.

use std::time::Duration;

use super::{Histogram, ProcessUse, Snapshot};
use crate::units::Tick;

/// Most points kept: more than a plot has columns, and even, since neighbours are
/// joined.
pub const POINTS_MAX: usize = 600;

/// Length of the first intervals: what the clients tell comes once a second.
pub const FIRST_INTERVAL: Duration = Duration::from_secs(1);

/// Significant binary digits of a time: it is rounded up by 1/16 at most, and an
/// interval has few different ones.
const SIGNIFICANT_BITS: u32 = 5;

/// What is told as it stands at the end of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gauge {
    /// Clients whose process runs.
    ActiveClients,
    /// Clients to keep up.
    TargetClients,
    /// Clients that are stalled.
    StalledClients,
    /// Resident memory of this process.
    OwnResidentBytes,
}

impl Gauge {
    /// Every gauge.
    pub const ALL: [Self; 4] =
        [Self::ActiveClients, Self::TargetClients, Self::StalledClients, Self::OwnResidentBytes];

    /// Its name in the summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActiveClients => "active_clients",
            Self::TargetClients => "target_clients",
            Self::StalledClients => "stalled_clients",
            Self::OwnResidentBytes => "own_resident_bytes",
        }
    }

    fn read(self, snapshot: &Snapshot<'_>, own: Option<&ProcessUse>) -> u64 {
        match self {
            Self::ActiveClients => u64::from(snapshot.active()),
            Self::TargetClients => u64::from(snapshot.target),
            Self::StalledClients => u64::from(snapshot.stalled),
            Self::OwnResidentBytes => own.map_or(0, |own| own.resident_bytes),
        }
    }
}

/// What is counted within an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Processes started.
    Starts,
    /// Those after the first of their client.
    Restarts,
    /// Starts that came late.
    LateStarts,
    /// Starts that failed.
    SpawnFailures,
    /// Bytes received.
    Bytes,
    /// Requests of every kind.
    Requests,
    /// Segments downloaded.
    Segments,
    /// Failed requests.
    Errors,
    /// Stalls that began.
    Stalls,
    /// CPU time of this process.
    OwnCpuMicroseconds,
}

impl Counter {
    /// Every counter.
    pub const ALL: [Self; 10] = [
        Self::Starts,
        Self::Restarts,
        Self::LateStarts,
        Self::SpawnFailures,
        Self::Bytes,
        Self::Requests,
        Self::Segments,
        Self::Errors,
        Self::Stalls,
        Self::OwnCpuMicroseconds,
    ];

    /// Its name in the summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starts => "starts",
            Self::Restarts => "restarts",
            Self::LateStarts => "late_starts",
            Self::SpawnFailures => "spawn_failures",
            Self::Bytes => "bytes",
            Self::Requests => "requests",
            Self::Segments => "segments",
            Self::Errors => "errors",
            Self::Stalls => "stalls",
            Self::OwnCpuMicroseconds => "own_cpu_microseconds",
        }
    }

    fn read(self, snapshot: &Snapshot<'_>, own: Option<&ProcessUse>) -> u64 {
        let totals = snapshot.totals;
        match self {
            Self::Starts => totals.started,
            Self::Restarts => totals.restarted,
            Self::LateStarts => totals.late_starts,
            Self::SpawnFailures => totals.spawn_failures.iter().sum(),
            Self::Bytes => totals.requests.bytes,
            Self::Requests => totals.requests.made(),
            Self::Segments => totals.requests.segments_downloaded,
            Self::Errors => totals.requests.failed(),
            Self::Stalls => totals.playback.stalls,
            Self::OwnCpuMicroseconds => {
                own.map_or(0, |own| u64::try_from(own.cpu.as_micros()).unwrap_or(u64::MAX))
            }
        }
    }
}

/// Times whose distribution within an interval is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// Spawn to first media.
    Startup,
    /// Downloads of segments.
    SegmentDownload,
    /// Downloads of playlists.
    PlaylistDownload,
    /// Wall clock less programme date time.
    PlaylistEdgeAge,
}

impl Timing {
    /// Every timing.
    pub const ALL: [Self; 4] =
        [Self::Startup, Self::SegmentDownload, Self::PlaylistDownload, Self::PlaylistEdgeAge];

    /// Its name in the summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::SegmentDownload => "segment_download",
            Self::PlaylistDownload => "playlist_download",
            Self::PlaylistEdgeAge => "playlist_edge_age",
        }
    }

    const fn of<'a>(self, snapshot: &Snapshot<'a>) -> &'a Histogram {
        let totals = snapshot.totals;
        match self {
            Self::Startup => &totals.playback.startup,
            Self::SegmentDownload => &totals.requests.segment_download,
            Self::PlaylistDownload => &totals.requests.playlist_download,
            Self::PlaylistEdgeAge => &totals.playback.playlist_edge_age,
        }
    }
}

/// Times in microseconds, rounded up, with how often each came; ascending.
pub type Values = Vec<(u64, u64)>;

/// What an interval was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Point {
    /// In the order of [`Gauge::ALL`].
    pub gauges: [u64; Gauge::ALL.len()],
    /// In the order of [`Counter::ALL`].
    pub counters: [u64; Counter::ALL.len()],
    /// In the order of [`Timing::ALL`].
    pub timings: [Values; Timing::ALL.len()],
}

impl Point {
    /// Joins the interval that follows: counts add up, gauges are those of its end.
    fn join(&mut self, next: &Self) {
        self.gauges = next.gauges;
        for (sum, count) in self.counters.iter_mut().zip(next.counters) {
            *sum = sum.saturating_add(count);
        }
        for (mine, others) in self.timings.iter_mut().zip(&next.timings) {
            add(mine, others);
        }
    }
}

/// The running totals at the end of the last interval.
#[derive(Debug, Clone, Default)]
struct Before {
    counters: [u64; Counter::ALL.len()],
    recorded: [u64; Timing::ALL.len()],
    timings: [Values; Timing::ALL.len()],
}

/// A run over time.
#[derive(Debug, Clone)]
pub struct Series {
    began: Tick,
    interval: Duration,
    points: Vec<Point>,
    before: Before,
    /// How much time the points cover.
    covered: Duration,
    finished: bool,
}

impl Series {
    /// A series that begins now.
    #[must_use]
    pub fn new(began: Tick) -> Self {
        Self {
            began,
            interval: FIRST_INTERVAL,
            points: Vec::new(),
            before: Before::default(),
            covered: Duration::ZERO,
            finished: false,
        }
    }

    /// Whether an interval has ended that was not told yet.
    #[must_use]
    pub fn is_due(&self, now: Tick) -> bool {
        !self.finished && now.since(self.began) >= self.covered.saturating_add(self.interval)
    }

    /// Ends the intervals that are over by now. The snapshot is that before the
    /// event that happens now, so it holds for the end of each of them; of our own
    /// use all counts for the first.
    pub fn observe(&mut self, now: Tick, snapshot: &Snapshot<'_>, own: Option<&ProcessUse>) {
        while self.is_due(now) {
            let point = self.point(snapshot, own);
            self.points.push(point);
            self.covered = self.covered.saturating_add(self.interval);
            if self.points.len() >= POINTS_MAX {
                self.coarsen();
            }
        }
    }

    /// Ends the last interval, which is shorter than the others or, if it would be
    /// shorter than half, part of the one before.
    pub fn finish(&mut self, now: Tick, snapshot: &Snapshot<'_>, own: Option<&ProcessUse>) {
        self.observe(now, snapshot, own);
        let rest = now.since(self.began).saturating_sub(self.covered);
        if self.finished {
            return;
        }
        let point = self.point(snapshot, own);
        match self.points.last_mut() {
            Some(last) if rest * 2 < self.interval => last.join(&point),
            None if rest.is_zero() => {}
            _ => self.points.push(point),
        }
        self.covered += rest;
        self.finished = true;
    }

    /// Length of the intervals; the last may be half as long to half as long again.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Time that the points cover.
    #[must_use]
    pub const fn covered(&self) -> Duration {
        self.covered
    }

    /// The intervals, in order; [`POINTS_MAX`] at most.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// What came since the last interval.
    fn point(&mut self, snapshot: &Snapshot<'_>, own: Option<&ProcessUse>) -> Point {
        let counters = Counter::ALL.map(|counter| counter.read(snapshot, own));
        let mut point =
            Point { gauges: Gauge::ALL.map(|gauge| gauge.read(snapshot, own)), ..Point::default() };
        for ((since, now), before) in
            point.counters.iter_mut().zip(counters).zip(&mut self.before.counters)
        {
            *since = now.saturating_sub(*before);
            *before = now.max(*before);
        }
        let Before { recorded, timings, .. } = &mut self.before;
        let before = recorded.iter_mut().zip(timings);
        for ((timing, since), (recorded, before)) in
            Timing::ALL.into_iter().zip(&mut point.timings).zip(before)
        {
            let histogram = timing.of(snapshot);
            if histogram.count() != *recorded {
                *recorded = histogram.count();
                let all = coarse(histogram);
                *since = difference(&all, before);
                *before = all;
            }
        }
        point
    }

    /// Joins neighbours; the length of the intervals doubles.
    fn coarsen(&mut self) {
        let joined = self.points.chunks(2).map(|pair| {
            let mut pair = pair.iter();
            let mut point = pair.next().cloned().unwrap_or_default();
            pair.for_each(|next| point.join(next));
            point
        });
        self.points = joined.collect();
        self.interval *= 2;
    }
}

/// A time rounded up to [`SIGNIFICANT_BITS`].
fn rounded_up(us: u64) -> u64 {
    let step = 1_u64 << (u64::BITS - us.leading_zeros()).saturating_sub(SIGNIFICANT_BITS);
    us.div_ceil(step).saturating_mul(step)
}

/// All that a histogram holds, each value rounded up.
fn coarse(histogram: &Histogram) -> Values {
    let mut values = Values::new();
    for (us, count) in histogram.recorded() {
        let us = rounded_up(us);
        match values.last_mut() {
            Some((last, sum)) if *last == us => *sum += count,
            _ => values.push((us, count)),
        }
    }
    values
}

/// What `all` has more than `before`, of which it has all.
fn difference(all: &Values, before: &Values) -> Values {
    let mut before = before.iter().peekable();
    let more = all.iter().map(|&(us, count)| {
        let known = before.next_if(|&&(value, _)| value == us).map_or(0, |&(_, count)| count);
        (us, count.saturating_sub(known))
    });
    more.filter(|&(_, count)| count > 0).collect()
}

/// Adds counts of equal values.
fn add(mine: &mut Values, others: &Values) {
    for &(us, count) in others {
        match mine.binary_search_by_key(&us, |&(value, _)| value) {
            Ok(place) => {
                if let Some((_, sum)) = mine.get_mut(place) {
                    *sum = sum.saturating_add(count);
                }
            }
            Err(place) => mine.insert(place, (us, count)),
        }
    }
}

#[cfg(test)]
mod tests;
