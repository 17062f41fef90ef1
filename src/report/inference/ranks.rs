//! The rank test of Mann and Whitney (Wilcoxon's), with ties.
//!
//! H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18 (1947). Small
//! samples: the exact distribution over all ways to deal out the ranks that are there,
//! ties included, by the shift algorithm (B. Streitberg and J. Röhmel, 1986). Larger
//! ones: its normal form, with the variance corrected for ties and for continuity.

use std::cmp::Ordering;

/// Most values of both samples together that are tested exactly: 3 million steps.
const EXACT_MAX: usize = 40;

/// Two-sided p-value that two samples are of one distribution, 1 if either is empty,
/// and whether the second one has the larger ranks or the smaller ones.
pub(in crate::report) fn test(a: &[u64], b: &[u64]) -> (f64, Ordering) {
    let (ranks, of_a) = ranks(a, b);
    let all = ranks.len() as u64;
    let sum: u64 = ranks.iter().zip(&of_a).filter(|&(_, &of_a)| of_a).map(|(rank, _)| rank).sum();
    let expected = a.len() as u64 * (all + 1);
    let off = sum.abs_diff(expected);
    let p = match (a.is_empty() || b.is_empty() || off == 0, ranks.len() <= EXACT_MAX) {
        (true, _) => 1.0,
        (false, true) => exact(&ranks, a.len(), expected, off),
        (false, false) => normal(a, b, &ranks, off),
    };
    (p, expected.cmp(&sum))
}

/// The least p-value that samples of these sizes can have: that of two that do not
/// overlap.
pub(in crate::report) fn least_p(a: usize, b: usize) -> f64 {
    let factorial = |n: usize| libm::lgamma(n as f64 + 1.0);
    (2.0 * (factorial(a) + factorial(b) - factorial(a + b)).exp()).min(1.0)
}

/// Twice the ranks of the values of both, ascending, so that the mean rank of ties is a
/// whole number, and which of them are of `a`.
fn ranks(a: &[u64], b: &[u64]) -> (Vec<u64>, Vec<bool>) {
    let mut all: Vec<(u64, bool)> = a.iter().map(|&value| (value, true)).collect();
    all.extend(b.iter().map(|&value| (value, false)));
    all.sort_unstable();
    let mut ranks = Vec::with_capacity(all.len());
    for ties in all.chunk_by(|(one, _), (two, _)| one == two) {
        let before = ranks.len();
        let mean = (before + 1 + before + ties.len()) as u64;
        ranks.resize(before + ties.len(), mean);
    }
    (ranks, all.into_iter().map(|(_, of_a)| of_a).collect())
}

/// The share of all choices of so many ranks whose sum is off by so much or more.
fn exact(ranks: &[u64], chosen: usize, expected: u64, off: u64) -> f64 {
    let most: u64 = ranks.iter().sum();
    // In how many ways so many ranks have each sum.
    let mut ways = vec![vec![0.0_f64; most as usize + 1]; chosen + 1];
    if let Some(none) = ways.first_mut().and_then(|sums| sums.first_mut()) {
        *none = 1.0;
    }
    let mut reached = 0;
    for &rank in ranks {
        reached += rank as usize;
        for size in (1..=chosen).rev() {
            let (smaller, larger) = ways.split_at_mut(size);
            let (Some(smaller), Some(larger)) = (smaller.last(), larger.first_mut()) else {
                continue;
            };
            let shifted = larger.iter_mut().take(reached + 1).skip(rank as usize);
            shifted.zip(smaller).for_each(|(with, without)| *with += without);
        }
    }
    let sums = || ways.last().into_iter().flatten().zip(0_u64..);
    let all: f64 = sums().map(|(ways, _)| ways).sum();
    let far = sums().filter(|&(_, sum)| sum.abs_diff(expected) >= off);
    far.map(|(ways, _)| ways).sum::<f64>() / all
}

fn normal(a: &[u64], b: &[u64], ranks: &[u64], off: u64) -> f64 {
    let (n, m, all) = (a.len() as f64, b.len() as f64, ranks.len() as f64);
    let ties = ranks.chunk_by(|one, two| one == two).map(|ties| {
        let count = ties.len() as f64;
        count.mul_add(count * count, -count)
    });
    let spread = all + 1.0 - ties.sum::<f64>() / (all * (all - 1.0));
    let deviation = (n * m / 12.0 * spread).sqrt();
    if deviation <= 0.0 {
        return 1.0;
    }
    // `off` is twice how far U is from its mean.
    let z = (off as f64 / 2.0 - 0.5).max(0.0) / deviation;
    libm::erfc(z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(got: f64, want: f64, within: f64) {
        assert!((got - want).abs() <= within, "{got} and not {want}");
    }

    fn p_value(a: &[u64], b: &[u64]) -> f64 {
        test(a, b).0
    }

    /// The p-value by the normal form, whatever the size.
    fn by_normal(a: &[u64], b: &[u64]) -> f64 {
        let (ranks, of_a) = ranks(a, b);
        let sum: u64 =
            ranks.iter().zip(&of_a).filter(|(_, of_a)| **of_a).map(|(rank, _)| rank).sum();
        normal(a, b, &ranks, sum.abs_diff(a.len() as u64 * (ranks.len() as u64 + 1)))
    }

    #[test]
    fn published_examples_come_out() {
        // SciPy's documentation of mannwhitneyu: ages at a diagnosis.
        let (males, females) = ([16, 19, 22, 24, 29], [11, 12, 17, 20]);
        near(p_value(&males, &females), 0.111_111_1, 1e-6);
        near(by_normal(&males, &females), 0.111_346_88, 1e-7);
        // Hollander and Wolfe (1973), in R's documentation of wilcox.test: 0.1272 one-sided.
        let x = [73, 80, 83, 104, 138, 145, 146, 164, 189, 191];
        let y = [74, 88, 90, 115, 121];
        near(p_value(&x, &y), 0.254_4, 1e-4);
        // Mann and Whitney's table: P(U <= 2) = 4/252 for 5 and 5, so twice that.
        near(p_value(&[1, 2, 3, 4, 7], &[5, 6, 8, 9, 10]), 8.0 / 252.0, 1e-12);
        near(p_value(&[1, 2, 3], &[4, 5, 6]), 0.1, 1e-12);
        assert_eq!(test(&[1, 2, 3], &[4, 5, 6]).1, Ordering::Greater);
        assert_eq!(test(&[4, 5, 6], &[1, 2, 3]).1, Ordering::Less);
        near(least_p(3, 3), 0.1, 1e-12);
        near(least_p(10, 10), 2.0 / 184_756.0, 1e-12);
    }

    #[test]
    fn ties_and_empty_samples_are_no_difference() {
        near(p_value(&[5; 10], &[5; 10]), 1.0, 1e-12);
        near(p_value(&[5; 100], &[5; 100]), 1.0, 1e-12);
        near(p_value(&[], &[1, 2]), 1.0, 0.0);
        // By hand: 36 of the 70 choices have two of each value.
        near(p_value(&[1, 1, 1, 2], &[1, 2, 2, 2]), 34.0 / 70.0, 1e-12);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_exact_p_is_that_of_all_choices(
            mut a in prop::collection::vec(0_u64..6, 1..6),
            mut b in prop::collection::vec(0_u64..6, 1..6),
        ) {
            a.sort_unstable();
            b.sort_unstable();
            let (ranks, of_a) = ranks(&a, &b);
            let sum = |mask: u32| -> i64 {
                let picked = ranks.iter().enumerate().filter(|(i, _)| mask & (1 << i) != 0);
                picked.map(|(_, &rank)| rank as i64).sum()
            };
            let own = of_a.iter().enumerate().fold(0_u32, |mask, (i, &of_a)| mask | (u32::from(of_a) << i));
            let expected = (a.len() * (ranks.len() + 1)) as i64;
            let off = (sum(own) - expected).abs();
            let masks = (0..1_u32 << ranks.len()).filter(|mask| mask.count_ones() as usize == a.len());
            let (far, all) = masks.fold((0_u32, 0_u32), |(far, all), mask| {
                (far + u32::from((sum(mask) - expected).abs() >= off), all + 1)
            });
            prop_assert!((p_value(&a, &b) - f64::from(far) / f64::from(all)).abs() < 1e-9);
        }
    }

    #[test]
    fn the_normal_form_meets_the_exact_one() {
        let a: Vec<u64> = (0..20).map(|i| i * 3).collect();
        let b: Vec<u64> = (0..20).map(|i| i * 3 + 17).collect();
        near(by_normal(&a, &b), p_value(&a, &b), 2e-3);
    }
}
