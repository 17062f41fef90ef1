//! How a run went over time, in bounded memory however long it lasts.
//!
//! Time is cut into intervals of one length. When there are [`POINTS_MAX`] of them,
//! neighbours are joined and the length doubles, so a run of any length has between
//! half as many and as many points. Whoever keeps a series hands in the numbers as
//! they are before each event, once [`Series::is_due`]: nothing changes between two
//! events, so the intervals that ended meanwhile are exact, and nobody needs
//! to be woken for them. Knows no clock.

use std::time::Duration;

use super::Histogram;
use crate::units::Tick;

/// Most points kept: more than a plot has columns, and even, since neighbours are
/// joined.
pub const POINTS_MAX: usize = 600;

/// Length of the first intervals: clients report progress once a second.
pub const FIRST_INTERVAL: Duration = Duration::from_secs(1);

/// Significant binary digits of a time: it is rounded up by 1/16 at most, and an
/// interval has few different ones.
const SIGNIFICANT_BITS: u32 = 5;

/// The numbers at a moment, each list always in the same order.
#[derive(Debug, Clone, Default)]
pub struct ColumnValues<'a> {
    /// Gauges.
    pub gauges: Vec<u64>,
    /// Counters.
    pub counters: Vec<u64>,
    /// Distributions that fill up; `None` where nothing was recorded yet.
    pub timings: Vec<Option<&'a Histogram>>,
}

/// Times in microseconds, rounded up, with how often each came; ascending.
pub type Values = Vec<(u64, u64)>;

/// What an interval was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Point {
    /// As they stood at its end, in the order of [`ColumnValues::gauges`].
    pub gauges: Vec<u64>,
    /// What was counted within it, in the order of [`ColumnValues::counters`].
    pub counters: Vec<u64>,
    /// What was recorded within it, in the order of [`ColumnValues::timings`].
    pub timings: Vec<Values>,
}

impl Point {
    /// Joins the interval that follows: counts add up, gauges are those of its end.
    fn join(&mut self, next: &Self) {
        self.gauges.clone_from(&next.gauges);
        for (sum, count) in self.counters.iter_mut().zip(&next.counters) {
            *sum = sum.saturating_add(*count);
        }
        for (mine, others) in self.timings.iter_mut().zip(&next.timings) {
            add(mine, others);
        }
    }
}

/// The running totals at the end of the last interval.
#[derive(Debug, Clone, Default)]
struct Before {
    counters: Vec<u64>,
    timings: Vec<(u64, Values)>,
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

    /// Whether an interval has ended that was not recorded yet.
    #[must_use]
    pub fn is_due(&self, now: Tick) -> bool {
        !self.finished && now.since(self.began) >= self.covered.saturating_add(self.interval)
    }

    /// Ends the intervals that are over by now. The numbers are those before the event
    /// that happens now, so they hold for the end of each of them; of this process's own
    /// use all counts for the first.
    pub fn observe(&mut self, now: Tick, numbers: &ColumnValues<'_>) {
        while self.is_due(now) {
            let point = self.point(numbers);
            self.points.push(point);
            self.covered = self.covered.saturating_add(self.interval);
            if self.points.len() >= POINTS_MAX {
                self.coarsen();
            }
        }
    }

    /// Ends the last interval, which is shorter than the others or, if it would be
    /// shorter than half, part of the one before.
    pub fn finish(&mut self, now: Tick, numbers: &ColumnValues<'_>) {
        self.observe(now, numbers);
        let rest = now.since(self.began).saturating_sub(self.covered);
        if self.finished {
            return;
        }
        let point = self.point(numbers);
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

    /// The increase since the last interval.
    fn point(&mut self, numbers: &ColumnValues<'_>) -> Point {
        let Before { counters, timings } = &mut self.before;
        counters.resize(numbers.counters.len(), 0);
        timings.resize(numbers.timings.len(), (0, Values::new()));
        let since = numbers.counters.iter().zip(counters).map(|(&now, before)| {
            let since = now.saturating_sub(*before);
            *before = now.max(*before);
            since
        });
        let counters = since.collect();
        let since = numbers.timings.iter().zip(timings).map(|(now, (recorded, before))| {
            let Some(histogram) = now.filter(|now| now.count() != *recorded) else {
                return Values::new();
            };
            *recorded = histogram.count();
            let all = coarse(histogram);
            let since = difference(&all, before);
            *before = all;
            since
        });
        Point { gauges: numbers.gauges.clone(), counters, timings: since.collect() }
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

/// The values that `all` has in addition to `before`, which it includes.
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
