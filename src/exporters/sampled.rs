//! A value that is sampled repeatedly: the last sample, those of a sliding window, and
//! all of the run.
//!
//! Has no clock; memory is bounded regardless of the number of samples.

use std::collections::VecDeque;
use std::time::Duration;

use crate::stats::Histogram;
use crate::units::Tick;

/// Values kept of a window: one hour at two per second, the maximum that can be
/// configured.
const RECENT_MAX: usize = 7_200;

/// Bytes are recorded in millions: a histogram of spans then resolves single bytes and
/// reaches 2.5 TB.
const BYTES: f64 = 1e6;

/// The median, the upper end and the maximum of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentiles {
    /// Half of the values are at most this.
    pub p50: f64,
    /// 95 % of the values are at most this.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

/// A value over time.
#[derive(Debug, Clone)]
pub struct Sampled {
    window: Duration,
    recent: VecDeque<(Tick, f64)>,
    whole: Histogram,
    /// The value that is recorded as one second.
    scale: f64,
}

impl Sampled {
    /// A measure of ratios, of counts or of rates of these.
    #[must_use]
    pub fn plain(window: Duration) -> Self {
        Self { window, recent: VecDeque::new(), whole: Histogram::new(&[]), scale: 1.0 }
    }

    /// A measure of bytes, or of bytes per second.
    #[must_use]
    pub fn bytes(window: Duration) -> Self {
        Self { scale: BYTES, ..Self::plain(window) }
    }

    /// Records a value; negative values and NaN are ignored.
    pub fn add(&mut self, now: Tick, value: f64) {
        let Ok(span) = Duration::try_from_secs_f64(value / self.scale) else { return };
        self.whole.record(span);
        let window = self.window;
        while self
            .recent
            .front()
            .is_some_and(|&(at, _)| now.since(at) > window || self.recent.len() >= RECENT_MAX)
        {
            self.recent.pop_front();
        }
        self.recent.push_back((now, value));
    }

    /// The value recorded last.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.recent.back().map(|&(_, value)| value)
    }

    /// Percentiles of the values in the window that ends now (nearest rank).
    #[must_use]
    pub fn recent(&self, now: Tick) -> Option<Percentiles> {
        let within = self.recent.iter().filter(|&&(at, _)| now.since(at) <= self.window);
        let mut values: Vec<f64> = within.map(|&(_, value)| value).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let rank = (values.len() as f64 * share).ceil() as usize;
            values.get(rank.saturating_sub(1)).copied()
        };
        Some(Percentiles { p50: at(0.5)?, p95: at(0.95)?, max: at(1.0)? })
    }

    /// Percentiles of the whole run, off by 1 % at most.
    #[must_use]
    pub fn over_all(&self) -> Option<Percentiles> {
        let at = |share| self.whole.quantile(share).map(|span| span.as_secs_f64() * self.scale);
        Some(Percentiles { p50: at(0.5)?, p95: at(0.95)?, max: at(1.0)? })
    }

    /// All values of the run: of a measure of bytes one second is a million, of any
    /// other it is 1.
    #[must_use]
    pub const fn whole(&self) -> &Histogram {
        &self.whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    fn at(secs: u64) -> Tick {
        Tick::from_millis(secs * 1_000)
    }

    #[test]
    fn a_window_forgets_and_the_run_does_not() {
        let mut measure = Sampled::bytes(WINDOW);
        assert_eq!((measure.last(), measure.recent(at(0)), measure.over_all()), (None, None, None));
        for secs in 0..100 {
            measure.add(at(secs), secs as f64 * 1e9);
        }
        assert_eq!(measure.last(), Some(99e9));
        let recent = measure.recent(at(99)).unwrap();
        assert_eq!(recent, Percentiles { p50: 84e9, p95: 98e9, max: 99e9 });
        assert_eq!(measure.recent(at(109)).unwrap().p50, 89e9);
        assert_eq!(measure.recent(at(130)), None);
        let all = measure.over_all().unwrap();
        assert!((all.p50 - 49e9).abs() <= 0.01 * 49e9 && (all.max - 99e9).abs() <= 0.01 * 99e9);
        assert_eq!(measure.whole().count(), 100);
        assert_eq!(measure.recent.len(), 31);
    }

    #[test]
    fn negative_values_and_nan_are_ignored() {
        let mut measure = Sampled::plain(WINDOW);
        for value in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            measure.add(at(1), value);
        }
        assert_eq!(measure.last(), None);
        measure.add(at(1), 0.0);
        assert_eq!(measure.recent(at(1)), Some(Percentiles { p50: 0.0, p95: 0.0, max: 0.0 }));
    }

    #[test]
    fn memory_is_bounded() {
        let mut measure = Sampled::plain(Duration::from_secs(3_600));
        (0..RECENT_MAX + 10).for_each(|_| measure.add(at(1), 1.0));
        assert_eq!(measure.recent.len(), RECENT_MAX);
    }

    proptest! {
        #[test]
        fn percentiles_are_values_in_their_order(
            values in proptest::collection::vec(0.0..1e12_f64, 1..60)
        ) {
            let mut measure = Sampled::bytes(WINDOW);
            values.iter().for_each(|&value| measure.add(at(5), value));
            let got = measure.recent(at(5)).unwrap();
            prop_assert!(got.p50 <= got.p95 && got.p95 <= got.max);
            for value in [got.p50, got.p95, got.max] {
                prop_assert!(values.contains(&value));
            }
            let below = values.iter().filter(|&&value| value <= got.p50).count();
            prop_assert!(below * 2 >= values.len());
            prop_assert!(values.iter().all(|&value| value <= got.max));
        }
    }
}
