//! A distribution as a summary holds it: in a form that can be added to others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::unit::Unit;
use crate::stats::{Histogram, quantile_of};

/// A distribution. Two of one measure are joined by adding what has the same `le` and
/// the same value of `recorded`; the percentiles follow from `recorded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Name of the unit of its values.
    pub unit: String,
    /// Values recorded.
    pub count: u64,
    /// Their sum, in the unit.
    pub sum: f64,
    /// Absent if nothing was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentiles: Option<Percentiles>,
    /// Values at or below each of the family's bounds.
    pub buckets: Vec<Bucket>,
    /// Each value in millionths of the unit, and how often it came; ascending.
    pub recorded: Vec<[u64; 2]>,
}

/// Values that a share of the recorded ones do not exceed, in the unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// 1 %.
    pub p1: f64,
    /// 5 %.
    pub p5: f64,
    /// 50 %.
    pub p50: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
}

impl Percentiles {
    /// Those of what was recorded; `None` of nothing.
    #[must_use]
    pub fn of(recorded: &[[u64; 2]]) -> Option<Self> {
        let at = |share| quantile(recorded, share);
        Some(Self { p1: at(0.01)?, p5: at(0.05)?, p50: at(0.5)?, p95: at(0.95)?, p99: at(0.99)? })
    }

    /// The one of this share of all; `None` if it is none of the five.
    #[must_use]
    pub fn at(&self, share: f64) -> Option<f64> {
        let all =
            [(0.01, self.p1), (0.05, self.p5), (0.5, self.p50), (0.95, self.p95), (0.99, self.p99)];
        all.iter().find(|(of, _)| (of - share).abs() < 1e-9).map(|&(_, value)| value)
    }

    /// All five, the lowest first.
    #[must_use]
    pub const fn all(&self) -> [f64; 5] {
        [self.p1, self.p5, self.p50, self.p95, self.p99]
    }
}

/// Values at or below a bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The bound, in the unit.
    pub le: f64,
    /// How many.
    pub count: u64,
}

/// The value that this share of all do not exceed, by the nearest rank; `None` of
/// nothing.
#[must_use]
pub fn quantile(recorded: &[[u64; 2]], share: f64) -> Option<f64> {
    let pairs = recorded.iter().map(|&[value, count]| (value, count));
    quantile_of(pairs, share).map(|span| span.as_secs_f64())
}

impl Distribution {
    /// What a histogram recorded.
    #[must_use]
    pub fn of(histogram: &Histogram, unit: Unit) -> Self {
        let recorded: Vec<_> = histogram.recorded().map(|(value, n)| [value, n]).collect();
        Self {
            unit: unit.name().to_owned(),
            count: histogram.count(),
            sum: histogram.sum_secs(),
            percentiles: Percentiles::of(&recorded),
            buckets: histogram.cumulative().map(|(le, count)| Bucket { le, count }).collect(),
            recorded,
        }
    }

    /// The largest value, off by 1 % at most; `None` if nothing was recorded.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.recorded.last().map(|&[value, _]| value as f64 / 1e6)
    }

    /// All that several recorded.
    ///
    /// # Errors
    /// They have other units or bounds.
    pub fn joined<'a>(all: impl IntoIterator<Item = &'a Self>) -> Result<Option<Self>, String> {
        let mut joined: Option<Self> = None;
        let mut recorded: BTreeMap<u64, u64> = BTreeMap::new();
        for one in all {
            for &[value, count] in &one.recorded {
                let sum = recorded.entry(value).or_insert(0);
                *sum = sum.saturating_add(count);
            }
            match &mut joined {
                None => joined = Some(one.clone()),
                Some(joined) => joined.add_buckets(one)?,
            }
        }
        Ok(joined.map(|joined| {
            let recorded: Vec<_> = recorded.into_iter().map(|(value, n)| [value, n]).collect();
            Self { percentiles: Percentiles::of(&recorded), recorded, ..joined }
        }))
    }

    fn add_buckets(&mut self, one: &Self) -> Result<(), String> {
        let bounds = |of: &Self| of.buckets.iter().map(|b| b.le.to_bits()).collect::<Vec<_>>();
        if self.unit != one.unit || bounds(self) != bounds(one) {
            return Err(
                "the buckets differ; merge what one version of the program wrote".to_owned()
            );
        }
        self.count = self.count.saturating_add(one.count);
        self.sum += one.sum;
        for (bucket, more) in self.buckets.iter_mut().zip(&one.buckets) {
            bucket.count = bucket.count.saturating_add(more.count);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_came() {
        let spread: Vec<[u64; 2]> = (1..=100).map(|value| [value * 1_000_000, 1]).collect();
        let of = |values: &[[u64; 2]]| [0.5, 0.95, 0.99].map(|share| quantile(values, share));
        assert_eq!(of(&[]), [None; 3]);
        assert_eq!(of(&[[7_000_000, 1]]), [Some(7.0); 3]);
        let [one, two] = [1_000_000, 2_000_000];
        assert_eq!(of(&[[one, 94], [two, 5], [3_000_000, 1]]), [Some(1.0), Some(2.0), Some(2.0)]);
        assert_eq!(of(&spread), [Some(50.0), Some(95.0), Some(99.0)]);
        assert_eq!(Percentiles::of(&spread).unwrap().at(0.95), Some(95.0));
    }
}
