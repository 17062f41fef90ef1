//! The binomial distribution, exactly, and the comparison of two counts by it.
//!
//! Counts: given their sum, one of two Poisson counts with equal rates is binomial
//! (J. Przyborowski and H. Wilenski, Biometrika 31, 1940).

use super::SIZE_MAX;

/// Probabilities of 0 to `n` successes, each with probability `p` between 0 and 1,
/// both excluded. `n` is at most [`SIZE_MAX`].
pub(in crate::report) fn probabilities(n: u64, p: f64) -> Vec<f64> {
    let n = n.min(SIZE_MAX);
    let (success, failure) = (p.ln(), (-p).ln_1p());
    let all = libm::lgamma(n as f64 + 1.0);
    let of = |k: u64| {
        let (k, rest) = (k as f64, (n - k) as f64);
        let ways = all - libm::lgamma(k + 1.0) - libm::lgamma(rest + 1.0);
        (ways + k * success + rest * failure).exp()
    };
    (0..=n).map(of).collect()
}

/// Probability of `k` or more successes of `n`.
pub(in crate::report) fn at_least(k: u64, n: u64, p: f64) -> f64 {
    let skipped = usize::try_from(k).unwrap_or(usize::MAX);
    probabilities(n, p).iter().skip(skipped).rev().sum()
}

/// Two-sided p-value of `k` of `n` events, each with probability `p`, where `k` is
/// more than expected: twice the tail.
pub(in crate::report) fn p_value(k: u64, n: u64, p: f64) -> f64 {
    (2.0 * at_least(k, n, p)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, want: f64, within: f64) {
        assert!((got - want).abs() <= within, "{got} and not {want}");
    }

    #[test]
    fn tails_are_those_of_tables() {
        // The sign test (Siegel, "Nonparametric Statistics", table D).
        for (k, n, want) in [(9, 10, 0.011), (8, 10, 0.055), (15, 20, 0.021), (18, 25, 0.022)] {
            near(at_least(k, n, 0.5), want, 5e-4);
        }
        near(at_least(9, 10, 0.5), 11.0 / 1_024.0, 1e-14);
        // 1-0.95^59: the least sample whose largest value bounds P95 (Wilks, 1941).
        near(at_least(59, 59, 0.95), 0.048_5, 5e-5);
        near(p_value(10, 10, 0.5), 2.0 / 1_024.0, 1e-14);
        near(p_value(3, 10, 0.5), 1.0, 0.0);
        near(at_least(0, 7, 0.2), 1.0, 1e-12);
        near(at_least(8, 7, 0.2), 0.0, 0.0);
    }

    #[test]
    fn many_trials_are_exact_too() {
        let all: f64 = probabilities(SIZE_MAX, 0.37).iter().sum();
        near(all, 1.0, 1e-9);
        // By the normal form with Cochran's half: z = (5100.5 - 0.5 - 5000) / 50 = 2.
        near(at_least(5_101, 10_000, 0.5), 0.0222, 5e-4);
        assert_eq!(probabilities(u64::MAX, 0.5).len() as u64, SIZE_MAX + 1);
    }
}
