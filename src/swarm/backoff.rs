//! The delay before a restart.

use std::time::Duration;

use super::Backoff;
use super::random::Random;
use crate::units::nanos;

/// The jitter either way is the delay divided by this: ±20 %.
const JITTER_DIVISOR: u64 = 5;

impl Backoff {
    /// The delay after `failures` earlier failures in a row, before jitter:
    /// `initial × multiplier^failures`, at most `max`.
    #[must_use]
    pub fn base(&self, failures: u32) -> Duration {
        let exponent = i32::try_from(failures).unwrap_or(i32::MAX);
        // An infinite power times an initial delay of 0 would be NaN.
        let growth = self.multiplier.powi(exponent).min(f64::MAX);
        let base_ns = nanos(self.initial) as f64 * growth;
        Duration::from_nanos(base_ns as u64).min(self.max)
    }
}

/// `base` with a random ±20 %, so that clients that die together do not start
/// together.
pub fn with_jitter(base: Duration, random: &mut Random) -> Duration {
    let base_ns = nanos(base);
    let most_ns = base_ns / JITTER_DIVISOR;
    Duration::from_nanos((base_ns - most_ns).saturating_add(random.up_to(2 * most_ns)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::ClientId;

    const DEFAULT: Backoff = Backoff {
        initial: Duration::from_millis(250),
        max: Duration::from_secs(5),
        multiplier: 1.7,
    };

    #[test]
    fn grows_from_initial_to_max() {
        let base_ms = |failures| DEFAULT.base(failures).as_millis();
        assert_eq!([0, 1, 2, 5, 6, 100].map(base_ms), [250, 425, 722, 3_549, 5_000, 5_000]);
    }

    #[test]
    fn no_delay_stays_no_delay() {
        let none = Backoff { initial: Duration::ZERO, ..DEFAULT };
        assert_eq!(none.base(u32::MAX), Duration::ZERO);
    }

    #[test]
    fn jitter_reaches_both_ends_of_its_range() {
        let mut random = Random::new(1, ClientId::new(0));
        let ms: Vec<_> = (0..1_000)
            .map(|_| with_jitter(Duration::from_secs(1), &mut random).as_millis())
            .collect();
        assert!(ms.iter().any(|&d| d < 810) && ms.iter().any(|&d| d > 1_190));
    }

    proptest! {
        #[test]
        fn stays_in_bounds(
            initial_ms in 0..100_000_u64,
            max_ms in 0..100_000_u64,
            multiplier in 1.0..100_f64,
            failures: u32,
            seed: u64,
        ) {
            let max = Duration::from_millis(max_ms);
            let initial = Duration::from_millis(initial_ms);
            let backoff = Backoff { initial, max, multiplier };
            let base = backoff.base(failures);
            prop_assert!(base <= max && base >= initial.min(max));
            prop_assert!(base <= backoff.base(failures.saturating_add(1)));
            let delay = with_jitter(base, &mut Random::new(seed, ClientId::new(0)));
            prop_assert!(delay >= base.mul_f64(0.799_999) && delay <= base.mul_f64(1.200_001));
        }

        #[test]
        fn any_span_can_have_jitter(base_ns: u64, seed: u64) {
            let mut random = Random::new(seed, ClientId::new(0));
            let delay = with_jitter(Duration::from_nanos(base_ns), &mut random);
            prop_assert!(nanos(delay) >= base_ns - base_ns / 5);
        }
    }
}
