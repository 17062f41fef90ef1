//! Which requests a recipe applies to, and the random draws.
//!
//! Every draw is a function of the seed and its subject, so the same requests in the
//! same order get the same faults.

use std::f64::consts::TAU;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

use super::recipe::Latency;
use crate::http::{PeerAddress, Request};

/// Precedes a client's number at the end of a `User-Agent`.
const CLIENT_MARK: &str = "/client-";

/// Longest latency drawn, as a multiple of the mean or of the typed value: without it
/// one request in a million would hang for minutes.
const TAIL: f64 = 20.0;

/// The sender of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Requester {
    /// A client of a swarm, by its number.
    Numbered(u32),
    /// Any other client, by its address.
    At(Option<IpAddr>),
}

impl Requester {
    /// The sender of this request.
    pub(in super::super) fn of(request: &Request<'_>) -> Self {
        let agent = request.header("User-Agent").and_then(|agent| str::from_utf8(agent).ok());
        let number = agent.and_then(|agent| agent.rsplit_once(CLIENT_MARK)).map(|(_, n)| n);
        let digits = number.filter(|n| n.bytes().all(|byte| byte.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse().ok()) {
            Some(number) => Self::Numbered(number),
            None => Self::At(request.peer.and_then(PeerAddress::ip)),
        }
    }

    /// Whether this is each `every`th client: one whose number it divides.
    pub(super) fn is_each(self, every: NonZeroU32, seed: u64) -> bool {
        let number = match self {
            Self::Numbered(number) => number.into(),
            Self::At(None) => 0,
            Self::At(Some(IpAddr::V4(ip))) => draw(seed, &[ip.to_bits().into()]),
            Self::At(Some(IpAddr::V6(ip))) => {
                let bits = ip.to_bits();
                draw(seed, &[(bits >> 64) as u64, bits as u64])
            }
        };
        number.is_multiple_of(u64::from(every.get()))
    }
}

/// A pseudo-random number that depends on the seed and the subject alone.
pub(super) fn draw(seed: u64, subject: &[u64]) -> u64 {
    let mix = |value| SplitMix64::seed_from_u64(value).next_u64();
    subject.iter().fold(mix(seed), |mixed, part| mix(mixed ^ part))
}

/// A number for a text, as the subject of a draw: FNV-1a.
pub(super) fn number_of(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// The latency that these two numbers select.
pub(super) fn lateness(latency: Latency, draws: [u64; 2]) -> Duration {
    let [first, second] = draws.map(unit);
    match latency {
        Latency::Fixed(span) => span,
        Latency::Uniform(least, most) => least + (most - least).mul_f64(first),
        // The inverse of the distribution function.
        Latency::Exponential(mean) => mean.mul_f64((-(1.0 - first).ln()).min(TAIL)),
        // Box-Muller transform; negative values become 0.
        Latency::Normal(mean, deviation) => {
            let standard = (-2.0 * (1.0 - first).ln()).sqrt() * (TAU * second).cos();
            let off = deviation.mul_f64(standard.abs().min(TAIL));
            if standard < 0.0 { mean.saturating_sub(off) } else { mean + off }
        }
    }
}

/// A number from 0 to less than 1, of 53 bits.
fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::Method;

    fn client(agent: &str, peer: Option<IpAddr>) -> Requester {
        let headers = [httparse::Header { name: "User-Agent", value: agent.as_bytes() }];
        Requester::of(&Request {
            peer: peer.map(PeerAddress::Ip),
            ..Request::new(Method::Get, "/", &headers)
        })
    }

    #[test]
    fn identifies_a_client_by_agent_or_address() {
        let peer = Some(IpAddr::from([127, 0, 0, 1]));
        assert_eq!(client("ffmpeg-hls-swarm/0.1.0/client-17", peer), Requester::Numbered(17));
        for agent in ["curl/8", "x/client-", "x/client-1a", "x/client-+1", "x/client-99999999999"] {
            assert_eq!(client(agent, peer), Requester::At(peer), "{agent}");
        }
    }

    #[test]
    fn every_tenth_client_is_one_in_ten() {
        let ten = NonZeroU32::new(10).unwrap();
        let meant = (0..100).filter(|&n| Requester::Numbered(n).is_each(ten, 1));
        assert_eq!(meant.collect::<Vec<_>>(), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
        let by_address = (0..10_000_u32)
            .filter(|n| Requester::At(Some(IpAddr::from(n.to_be_bytes()))).is_each(ten, 1));
        assert!((900..1_100).contains(&by_address.count()));
    }

    #[test]
    fn lateness_has_the_stated_distribution() {
        let ms = Duration::from_millis;
        for (latency, mean_ms, deviation_ms) in [
            (Latency::Fixed(ms(200)), 200.0, 0.0),
            (Latency::Uniform(ms(100), ms(900)), 500.0, 231.0),
            (Latency::Exponential(ms(300)), 300.0, 300.0),
            (Latency::Normal(ms(300), ms(50)), 300.0, 50.0),
        ] {
            let count = 20_000;
            let late = |n| lateness(latency, [draw(1, &[n, 0]), draw(1, &[n, 1])]);
            let spans: Vec<f64> = (0..count).map(|n| late(n).as_secs_f64() * 1e3).collect();
            let mean = spans.iter().sum::<f64>() / count as f64;
            let squares: f64 = spans.iter().map(|span| (span - mean).powi(2)).sum();
            let deviation = (squares / count as f64).sqrt();
            assert!((mean - mean_ms).abs() <= 0.02 * mean_ms, "{latency}: mean {mean}");
            assert!((deviation - deviation_ms).abs() <= 0.03 * mean_ms, "{latency}: {deviation}");
        }
    }

    proptest! {
        #[test]
        fn lateness_is_bounded(draws: [u64; 2], least in 0_u64..1_000, more in 0_u64..1_000) {
            let ms = Duration::from_millis;
            let uniform = lateness(Latency::Uniform(ms(least), ms(least + more)), draws);
            prop_assert!((ms(least)..=ms(least + more)).contains(&uniform));
            prop_assert!(lateness(Latency::Exponential(ms(least)), draws) <= ms(least * 20));
            let normal = lateness(Latency::Normal(ms(least), ms(more)), draws);
            prop_assert!(normal <= ms(least + more * 20));
        }
    }
}
