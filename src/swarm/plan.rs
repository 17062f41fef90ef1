//! When each client is due for its first start.
//!
//! Client i is due at i / rate, counted from the beginning of the ramp and not
//! from the client before it, so that the rate asked is the rate got; jitter
//! moves a client without moving those after it. The number i is that of the whole
//! run, so the schedules of its shards together are that of the run.

use std::time::Duration;

use super::Settings;
use super::random::Random;
use crate::units::{ClientId, nanos};

/// How long after the beginning of the ramp this client is due, before jitter.
///
/// `rate` is in starts a second, above 0. Rounded up to a whole nanosecond, so
/// that floor(t · rate) + 1 clients are due by t.
#[must_use]
pub fn due(client: ClientId, rate: f64) -> Duration {
    let due_ns = (f64::from(client.number()) * 1e9 / rate).ceil();
    Duration::from_nanos(due_ns as u64)
}

/// A random span from 0 to `jitter`.
pub fn jitter(jitter: Duration, random: &mut Random) -> Duration {
    Duration::from_nanos(random.up_to(nanos(jitter)))
}

/// How long after the beginning of the ramp this client starts; `random` is its
/// generator, from which nothing was drawn yet.
pub fn offset(client: ClientId, settings: &Settings, random: &mut Random) -> Duration {
    due(client, settings.ramp_rate).saturating_add(jitter(settings.ramp_jitter, random))
}

/// A ramp that goes on when the run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutShort {
    /// Clients of this process that are due before the end.
    pub started: u32,
    /// When the last of them all would be due.
    pub takes: Duration,
}

/// Whether the end of the run comes before some client of this process is due; exact,
/// jitter included. Takes O(clients).
#[must_use]
pub fn cut_short(settings: &Settings) -> Option<CutShort> {
    let duration = settings.duration?;
    let offsets = (0..settings.share()).map(|place| {
        let client = settings.shard.client(place);
        offset(client, settings, &mut Random::new(settings.seed, client))
    });
    let (mut started, mut takes) = (0, Duration::ZERO);
    for offset in offsets {
        started += u32::from(offset < duration);
        takes = takes.max(offset);
    }
    (started < settings.share()).then_some(CutShort { started, takes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn due_ns(client: u64, rate: f64) -> u64 {
        nanos(due(ClientId::new(client as u32), rate))
    }

    proptest! {
        #[test]
        fn is_monotone(rate in 0.1..5_000_f64, client in 0..100_000_u64) {
            prop_assert!(due_ns(client, rate) < due_ns(client + 1, rate));
        }

        #[test]
        fn is_exact(rate in 1..=2_000_u64, t_ns in 0..600_000_000_000_u64) {
            let due_by_t = t_ns * rate / 1_000_000_000 + 1;
            prop_assert!(due_ns(due_by_t - 1, rate as f64) <= t_ns);
            prop_assert!(due_ns(due_by_t, rate as f64) > t_ns);
        }

        #[test]
        fn jitter_stays_in_bounds(seed: u64, ms in 0..10_000_u64) {
            let mut random = Random::new(seed, ClientId::new(0));
            let most = Duration::from_millis(ms);
            prop_assert!(jitter(most, &mut random) <= most);
        }
    }

    #[test]
    fn the_first_client_is_due_at_once() {
        assert_eq!(due_ns(0, 0.001), 0);
    }

    #[test]
    fn an_absurd_rate_does_not_overflow() {
        assert_eq!(due_ns(u64::from(u32::MAX), f64::MIN_POSITIVE), u64::MAX);
        assert_eq!(due_ns(7, f64::INFINITY), 0);
    }
}
