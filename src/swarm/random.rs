//! The random choices of a client: a generator of its own, so that what one client
//! draws does not depend on the others.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

use crate::units::ClientId;

/// A client's random numbers, the same for the same seed and client.
#[derive(Debug, Clone)]
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The generator of this client in a run with this seed.
    ///
    /// The seed goes through SplitMix64 first, so that neighbouring seeds and
    /// clients do not share streams.
    #[must_use]
    pub fn new(seed: u64, client: ClientId) -> Self {
        let mixed = SplitMix64::seed_from_u64(seed).next_u64();
        Self(Xoshiro256PlusPlus::seed_from_u64(mixed ^ u64::from(client.number())))
    }

    /// A number from 0 to `most`, both included, each as likely as the others
    /// to within 2⁻⁶⁴.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let range = u128::from(most) + 1;
        ((u128::from(self.0.next_u64()) * range) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draws(seed: u64, client: u32) -> [u64; 4] {
        let mut random = Random::new(seed, ClientId::new(client));
        std::array::from_fn(|_| random.up_to(u64::MAX))
    }

    proptest! {
        #[test]
        fn stays_in_its_range(seed: u64, client: u32, most: u64) {
            let mut random = Random::new(seed, ClientId::new(client));
            for _ in 0..20 {
                prop_assert!(random.up_to(most) <= most);
            }
        }
    }

    #[test]
    fn reaches_both_ends() {
        let mut random = Random::new(1, ClientId::new(1));
        let mut seen = [false; 4];
        (0..100).for_each(|_| seen[random.up_to(3) as usize] = true);
        assert_eq!(seen, [true; 4]);
        assert_eq!(random.up_to(0), 0);
    }

    #[test]
    fn depends_on_the_seed_and_on_the_client_alone() {
        assert_eq!(draws(7, 3), draws(7, 3));
        let mut all: Vec<u64> =
            (0..20).flat_map(|seed| (0..20).flat_map(move |client| draws(seed, client))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 20 * 20 * 4);
    }
}
