//! Many tests at once: Holm's correction.
//!
//! S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
//! Journal of Statistics 6 (1979). It holds however the tests depend on each other.

/// The p-values corrected, in their order: the probability that any true hypothesis
/// is rejected, if all below a level are, is no more than that level.
pub(in crate::report) fn adjusted(p: &[f64]) -> Vec<f64> {
    let mut ascending: Vec<(usize, f64)> = p.iter().copied().enumerate().collect();
    ascending.sort_by(|(_, one), (_, two)| one.total_cmp(two));
    let left = (1..=p.len()).rev();
    let mut least = 0.0_f64;
    for ((_, p), left) in ascending.iter_mut().zip(left) {
        least = least.max(*p * left as f64).min(1.0);
        *p = least;
    }
    ascending.sort_by_key(|&(place, _)| place);
    ascending.into_iter().map(|(_, p)| p).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_p_is_multiplied_by_the_number_of_tests_left() {
        // As p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") of R.
        let got = adjusted(&[0.01, 0.04, 0.03, 0.005]);
        let near = got.iter().zip([0.03, 0.06, 0.06, 0.02]).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near, "{got:?}");
        assert_eq!(adjusted(&[0.5, 0.9]), [1.0, 1.0]);
        assert_eq!(adjusted(&[]), [0.0; 0]);
    }
}
