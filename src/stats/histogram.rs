//! Distributions of spans in constant memory: fixed Prometheus buckets for the
//! scrape, and finer ones for percentiles.

use std::time::Duration;

use crate::units::nanos;

/// Significant decimal digits of a percentile: its relative error is at most 1 %.
const SIGNIFICANT_DIGITS: u8 = 2;

/// Longest span that is recorded exactly, 30 days in microseconds; longer ones count as this.
const LONGEST_US: u64 = 30 * 24 * 3600 * 1_000_000;

/// Counts of recorded spans.
///
/// Percentiles have a relative error of at most 1 % or 1 µs, whichever is larger
/// (HdrHistogram with two significant digits over microseconds).
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds_secs: &'static [f64],
    buckets: Box<[u64]>,
    sum_ns: u128,
    precise: Option<hdrhistogram::Histogram<u64>>,
}

impl Histogram {
    /// An empty histogram with these upper bounds in seconds, ascending;
    /// the `+Inf` bucket is implied.
    #[must_use]
    pub fn new(bounds_secs: &'static [f64]) -> Self {
        Self {
            bounds_secs,
            buckets: vec![0; bounds_secs.len() + 1].into_boxed_slice(),
            sum_ns: 0,
            precise: hdrhistogram::Histogram::new_with_max(LONGEST_US, SIGNIFICANT_DIGITS).ok(),
        }
    }

    /// Counts one span.
    pub fn record(&mut self, span: Duration) {
        let ns = nanos(span);
        let secs = span.as_secs_f64();
        let bucket = self.bounds_secs.partition_point(|&bound| bound < secs);
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
        self.sum_ns += u128::from(ns);
        if let Some(precise) = &mut self.precise {
            precise.saturating_record(ns / 1_000);
        }
    }

    /// Spans recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Sum of the recorded spans in seconds.
    #[must_use]
    pub fn sum_secs(&self) -> f64 {
        self.sum_ns as f64 / 1e9
    }

    /// Upper bounds in seconds with the number of spans at or below each; the
    /// `+Inf` bucket, equal to [`Histogram::count`], is left out.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.bounds_secs.iter().zip(&self.buckets).scan(0, |total, (&bound, &count)| {
            *total += count;
            Some((bound, *total))
        })
    }

    /// Every recorded span in microseconds, rounded up within the stated error,
    /// with how often it came; ascending. Counts of equal spans of two histograms
    /// add up to those of both together.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let values = self.precise.iter().flat_map(hdrhistogram::Histogram::iter_recorded);
        values.map(|value| (value.value_iterated_to(), value.count_at_value()))
    }

    /// The span that a share `quantile` (0 to 1) of the recorded ones do not
    /// exceed; `None` if nothing was recorded.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let precise = self.precise.as_ref().filter(|h| !h.is_empty())?;
        Some(Duration::from_micros(precise.value_at_quantile(quantile)))
    }
}

/// The span that a share `quantile` (0 to 1) of spans do not exceed, given as
/// [`Histogram::recorded`] gives them, of one histogram or of several merged;
/// `None` if there is none. The same as [`Histogram::quantile`] of all together.
pub fn quantile_of(
    recorded: impl Iterator<Item = (u64, u64)> + Clone,
    quantile: f64,
) -> Option<Duration> {
    let total = recorded.clone().fold(0_u64, |sum, (_, count)| sum.saturating_add(count));
    let rank = ((quantile * total as f64).ceil() as u64).max(1);
    let mut below = 0_u64;
    for (micros, count) in recorded {
        below = below.saturating_add(count);
        if below >= rank {
            return Some(Duration::from_micros(micros));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: &[f64] = &[0.001, 0.01, 0.1];

    #[test]
    fn a_span_on_a_bound_counts_below_it() {
        let mut h = Histogram::new(BOUNDS);
        for ms in [1, 2, 10, 11, 1_000] {
            h.record(Duration::from_millis(ms));
        }
        let seen: Vec<_> = h.cumulative().collect();
        assert_eq!(seen, [(0.001, 1), (0.01, 3), (0.1, 4)]);
        assert_eq!(h.count(), 5);
        assert!((h.sum_secs() - 1.024).abs() < 1e-9);
    }

    #[test]
    fn nothing_recorded_has_no_percentile() {
        assert_eq!(Histogram::new(BOUNDS).quantile(0.5), None);
    }

    #[test]
    fn percentiles_stay_within_the_stated_error() {
        let mut h = Histogram::new(BOUNDS);
        for ms in 1..=10_000 {
            h.record(Duration::from_millis(ms));
        }
        for (q, want) in [(0.5, 5.0), (0.95, 9.5), (0.99, 9.9), (1.0, 10.0)] {
            let got = h.quantile(q).unwrap().as_secs_f64();
            assert!((got - want).abs() <= want * 0.01, "{q}: {got} is not {want}");
        }
    }

    #[test]
    fn the_recorded_spans_of_two_add_up_to_those_of_both() {
        let [mut one, mut two, mut both] = [(); 3].map(|()| Histogram::new(BOUNDS));
        for (half, ms) in [(0, 1_u64), (1, 1), (0, 777), (1, 778), (1, 90_000)] {
            let span = Duration::from_millis(ms);
            if half == 0 { &mut one } else { &mut two }.record(span);
            both.record(span);
        }
        let mut sum = std::collections::BTreeMap::new();
        for (us, count) in one.recorded().chain(two.recorded()) {
            *sum.entry(us).or_insert(0) += count;
        }
        assert_eq!(both.recorded().collect::<Vec<_>>(), sum.into_iter().collect::<Vec<_>>());
        assert_eq!(both.recorded().next(), Some((1_003, 2)));
    }

    proptest! {
        #[test]
        fn a_quantile_of_what_was_recorded_is_that_of_the_histogram(
            spans in prop::collection::vec(0..50_000_000_u64, 0..80),
            quantile in 0.001..=1.0_f64,
        ) {
            let mut h = Histogram::new(BOUNDS);
            spans.iter().for_each(|&us| h.record(Duration::from_micros(us)));
            let recorded: Vec<_> = h.recorded().collect();
            let again = quantile_of(recorded.into_iter(), quantile);
            prop_assert_eq!(again, h.quantile(quantile));
        }
    }

    #[test]
    fn a_span_beyond_the_longest_is_kept() {
        let mut h = Histogram::new(BOUNDS);
        h.record(Duration::from_secs(1 << 40));
        assert_eq!(h.count(), 1);
        assert!(h.quantile(0.5).unwrap() >= Duration::from_micros(LONGEST_US));
    }
}
