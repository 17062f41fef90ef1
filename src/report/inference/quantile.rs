//! Bounds of a quantile by order statistics, and whether those of two samples are
//! apart.
//!
//! The number of values at or below the quantile q is binomial with n and q, so ranks
//! bound it whatever the distribution of the values (H. A. David and H. N. Nagaraja,
//! "Order Statistics", §7.1).

use std::cmp::Ordering;

use super::binomial;

/// Smallest tail that is looked for: below it no p-value is shown.
const TAIL_MIN: f64 = 1e-12;

/// Largest tail that is looked at: half of the values are on either side.
const WIDEST_TAIL: f64 = 0.5;

/// Steps of the search for the smallest tail: each halves its logarithm's range.
const STEPS: u32 = 40;

/// Which ranks bound a quantile of samples of one size.
pub(in crate::report) struct Ranks {
    /// Probability that at most so many values, from 0 on, are at or below the quantile.
    at_most: Vec<f64>,
    /// Probability that so many or more, from 0 on, are.
    at_least: Vec<f64>,
}

impl Ranks {
    /// Of samples of `n` values, and the quantile `q` between 0 and 1.
    pub(in crate::report) fn new(n: usize, q: f64) -> Self {
        let all = binomial::probabilities(n as u64, q);
        let summed = |sum: &mut f64, of: f64| {
            *sum += of;
            Some(*sum)
        };
        let at_most = all.iter().copied().scan(0.0, summed).collect();
        let mut at_least: Vec<f64> = all.iter().rev().copied().scan(0.0, summed).collect();
        at_least.reverse();
        Self { at_most, at_least }
    }

    /// The place, from 0, of the largest value that exceeds the quantile with no more
    /// than this probability.
    fn lower(&self, tail: f64) -> Option<usize> {
        self.at_most.partition_point(|&p| p <= tail).checked_sub(1)
    }

    /// The place, from 0, of the smallest value that is below the quantile with no more
    /// than this probability.
    fn upper(&self, tail: f64) -> Option<usize> {
        let rank = self.at_least.partition_point(|&p| p > tail);
        (rank < self.at_least.len()).then(|| rank.checked_sub(1)).flatten()
    }

    /// The places of the values that bound the quantile, each but for this probability;
    /// `None` if the sample is too small for one of them.
    pub(in crate::report) fn bounds(&self, tail: f64) -> Option<[usize; 2]> {
        Some([self.lower(tail)?, self.upper(tail)?])
    }
}

/// Two-sided p-value that both samples have the same quantile: twice the smallest tail
/// at which their bounds are apart; and whether that of the second one is larger or
/// smaller. It is conservative, the more so the more alike the samples are in size.
pub(in crate::report) fn test(
    (a, of_a): (&[u64], &Ranks),
    (b, of_b): (&[u64], &Ranks),
) -> (f64, Ordering) {
    let below = |(low, of_low): (&[u64], &Ranks), (high, of_high): (&[u64], &Ranks), tail| {
        let top = of_low.upper(tail).and_then(|place| low.get(place));
        let bottom = of_high.lower(tail).and_then(|place| high.get(place));
        top.zip(bottom).is_some_and(|(top, bottom)| top < bottom)
    };
    // Below one half the bounds of a sample enclose its quantile, so both cannot be.
    let greater = below((a, of_a), (b, of_b), WIDEST_TAIL);
    let less = below((b, of_b), (a, of_a), WIDEST_TAIL);
    let second = match (greater, less) {
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => return (1.0, Ordering::Equal),
    };
    let apart = |tail| match second {
        Ordering::Greater => below((a, of_a), (b, of_b), tail),
        _ => below((b, of_b), (a, of_a), tail),
    };
    let (mut no, mut yes) = (TAIL_MIN.ln(), WIDEST_TAIL.ln());
    for _ in 0..STEPS {
        let middle = f64::midpoint(no, yes);
        if apart(middle.exp()) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    ((2.0 * yes.exp()).min(1.0), second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_tables() {
        // Bounds of the median at 95 % (Conover, "Practical Nonparametric Statistics"):
        // n, first and last rank.
        for (n, first, last) in [(6, 1, 6), (10, 2, 9), (15, 4, 12), (20, 6, 15), (50, 18, 33)] {
            let bounds = Ranks::new(n, 0.5).bounds(0.025).unwrap();
            assert_eq!(bounds, [first - 1, last - 1], "{n}");
        }
        assert_eq!(Ranks::new(5, 0.5).bounds(0.025), None);
        // The least samples that bound P95 and P99 from above (Wilks, 1941).
        for (n, q) in [(59, 0.95), (299, 0.99)] {
            assert_eq!(Ranks::new(n, q).upper(0.05), Some(n - 1));
            assert_eq!(Ranks::new(n - 1, q).upper(0.05), None);
            assert_eq!(Ranks::new(n, 1.0 - q).lower(0.05), Some(0));
            assert_eq!(Ranks::new(n - 1, 1.0 - q).lower(0.05), None);
        }
    }

    #[test]
    fn samples_apart_have_the_p_of_their_nearest_ranks() {
        let ranks = Ranks::new(10, 0.5);
        let p = |a: &[u64], b: &[u64]| test((a, &ranks), (b, &ranks)).0;
        let low: Vec<u64> = (0..10).collect();
        let high: Vec<u64> = (10..20).collect();
        // The largest of one below the smallest of the other: 2 * 0.5^10.
        assert!((p(&low, &high) - 2.0 / 1_024.0).abs() < 1e-6, "{}", p(&low, &high));
        assert_eq!(p(&low, &high).to_bits(), p(&high, &low).to_bits());
        assert_eq!(test((&low, &ranks), (&high, &ranks)).1, Ordering::Greater);
        assert!(p(&low, &low) > 0.99);
        assert!(p(&[7; 10], &[7; 10]) > 0.99);
    }
}
