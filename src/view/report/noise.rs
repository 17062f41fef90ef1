//! Whether two runs differ, or may as well be the same.
//!
//! A difference is clear if it is larger than [`LEAST_CHANGE`] and than three
//! standard errors. These take the values of a run as independent, which they are
//! not quite: clients share an origin and a network. So this errs towards a clear
//! difference, and the page says so.

use crate::view::document::{Distribution, total};

/// Least change that is worth telling: percentiles are off by 1 % each.
const LEAST_CHANGE: f64 = 0.05;

/// Standard errors from which on chance is no likely cause: by chance alone one
/// comparison in about 400 is beyond it.
const SIGMAS: f64 = 3.0;

/// Fewest values, or events in both runs, from which anything is told.
const FEWEST: u64 = 20;

/// Whether something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    /// The second is clearly larger.
    Larger,
    /// The second is clearly smaller.
    Smaller,
    /// They may be the same.
    Unclear,
}

/// Compares events out of, or in, so much: failures of requests, stalls of hours.
pub(super) fn rates((a, of_a): (u64, f64), (b, of_b): (u64, f64)) -> Difference {
    if of_a <= 0.0 || of_b <= 0.0 || a.saturating_add(b) < FEWEST {
        return Difference::Unclear;
    }
    let (rate_a, rate_b) = (a as f64 / of_a, b as f64 / of_b);
    // Counts of events spread like their square root (Poisson).
    let error = (a.max(1) as f64 / (of_a * of_a) + b.max(1) as f64 / (of_b * of_b)).sqrt();
    beyond(rate_a, rate_b, (rate_b - rate_a).abs() > SIGMAS * error)
}

/// Compares the value that a share of the recorded ones does not exceed. Of each no
/// more than `independent` values count, since those of one client resemble each
/// other.
pub(super) fn quantiles(
    (a, b): (&Distribution, &Distribution),
    independent: [u64; 2],
    quantile: f64,
) -> Difference {
    let [most_a, most_b] = independent;
    let bounds = (around(a, most_a, quantile), around(b, most_b, quantile));
    let (Some(at_a), Some(at_b)) = bounds else {
        return Difference::Unclear;
    };
    beyond(at_a.1, at_b.1, at_a.2 < at_b.0 || at_b.2 < at_a.0)
}

fn beyond(a: f64, b: f64, significant: bool) -> Difference {
    if !significant || (b - a).abs() <= LEAST_CHANGE * a.abs() {
        Difference::Unclear
    } else if b > a {
        Difference::Larger
    } else {
        Difference::Smaller
    }
}

/// A quantile between its bounds: the values whose ranks are [`SIGMAS`] standard
/// errors away (order statistics, by the normal form of the binomial law).
fn around(all: &Distribution, most: u64, quantile: f64) -> Option<(f64, f64, f64)> {
    let count = total(all.recorded.iter().map(|&[_, count]| count));
    let independent = count.min(most);
    if independent < FEWEST {
        return None;
    }
    let error = (quantile * (1.0 - quantile) / independent as f64).sqrt() * SIGMAS;
    let at = |quantile: f64| {
        let rank = (quantile.clamp(0.0, 1.0) * count as f64).ceil().max(1.0);
        let mut below = 0.0;
        let found = all.recorded.iter().find(|&&[_, count]| {
            below += count as f64;
            below >= rank
        });
        found.or(all.recorded.last()).map(|&[value, _]| value as f64)
    };
    Some((at(quantile - error)?, at(quantile)?, at(quantile + error)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [u64; 2] = [u64::MAX; 2];

    /// Values around so many µs, all alike often.
    fn spread(around: u64, count: u64) -> Distribution {
        Distribution {
            unit: "seconds".to_owned(),
            count,
            sum: 0.0,
            percentiles: None,
            buckets: Vec::new(),
            recorded: (0..100).map(|step| [around + around * step / 100, count / 100]).collect(),
        }
    }

    #[test]
    fn only_what_chance_does_not_explain_is_a_difference() {
        use Difference::{Larger, Smaller, Unclear};
        let cases = [
            ((0, 1000.0), (0, 1000.0), Unclear),
            ((0, 1000.0), (19, 1000.0), Unclear),
            ((0, 1000.0), (40, 1000.0), Larger),
            ((100, 1000.0), (120, 1000.0), Unclear),
            ((100, 1000.0), (20, 1000.0), Smaller),
            ((1_000_000, 1e8), (1_010_000, 1e8), Unclear),
            ((50, 0.0), (50, 1.0), Unclear),
        ];
        for (a, b, want) in cases {
            assert_eq!(rates(a, b), want, "{a:?} {b:?}");
        }
    }

    #[test]
    fn percentiles_differ_where_their_bounds_do() {
        let base = spread(1_000, 10_000);
        assert_eq!(quantiles((&base, &base), ALL, 0.95), Difference::Unclear);
        assert_eq!(quantiles((&base, &spread(1_030, 10_000)), ALL, 0.5), Difference::Unclear);
        assert_eq!(quantiles((&base, &spread(1_500, 10_000)), ALL, 0.5), Difference::Larger);
        assert_eq!(quantiles((&base, &spread(500, 10_000)), ALL, 0.95), Difference::Smaller);
        assert_eq!(quantiles((&spread(1_000, 0), &base), ALL, 0.5), Difference::Unclear);
        let other = spread(1_200, 10_000);
        assert_eq!(quantiles((&base, &other), ALL, 0.5), Difference::Larger);
        assert_eq!(quantiles((&base, &other), [40, 40], 0.5), Difference::Unclear);
    }
}
