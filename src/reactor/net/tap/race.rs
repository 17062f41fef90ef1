//! The order and the times in which the addresses of a name are tried (RFC 8305).
//!
//! Knows no socket.

use std::net::IpAddr;
use std::time::Duration;

use crate::units::Tick;

/// The pause after which the next address is tried beside those before (RFC 8305,
/// section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Addresses that are tried for one connection, since each takes a descriptor until one
/// of them is connected.
const ADDRESSES_MAX: usize = 8;

/// The addresses of a name that were not tried yet.
#[derive(Debug)]
pub(super) struct Race {
    /// The next one last.
    rest: Vec<IpAddr>,
    next_at: Tick,
}

impl Race {
    /// Of addresses in the order of getaddrinfo(3); the first is due now.
    pub(super) fn new(now: Tick, found: &[IpAddr]) -> Self {
        let mut rest = alternating(found);
        rest.truncate(ADDRESSES_MAX);
        rest.reverse();
        Self { rest, next_at: now }
    }

    /// The address to try, if its time has come.
    pub(super) fn next(&mut self, now: Tick) -> Option<IpAddr> {
        if now < self.next_at {
            return None;
        }
        let next = self.rest.pop()?;
        self.next_at = now.after(ATTEMPT_DELAY);
        Some(next)
    }

    /// An attempt has failed: the next address is due now.
    pub(super) const fn failed(&mut self, now: Tick) {
        self.next_at = now;
    }

    /// When [`Race::next`] has an address; `None` if none is left.
    pub(super) fn deadline(&self) -> Option<Tick> {
        (!self.rest.is_empty()).then_some(self.next_at)
    }
}

/// The same addresses, IPv6 and IPv4 in turn, beginning with the family of the first
/// (RFC 8305, section 4): one family that leads nowhere then costs one pause.
fn alternating(found: &[IpAddr]) -> Vec<IpAddr> {
    let v6_first = found.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<IpAddr>, Vec<IpAddr>) =
        found.iter().partition(|address| address.is_ipv6() == v6_first);
    let mut families = [first.into_iter(), second.into_iter()];
    let mut order = Vec::with_capacity(found.len());
    while order.len() < found.len() {
        for family in &mut families {
            order.extend(family.next());
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Tick {
        Tick::default().after(Duration::from_millis(millis))
    }

    fn addresses(text: &str) -> Vec<IpAddr> {
        text.split_whitespace().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn families_alternate() {
        for (found, order) in [
            ("", ""),
            ("192.0.2.1", "192.0.2.1"),
            ("::1 ::2 192.0.2.1 192.0.2.2", "::1 192.0.2.1 ::2 192.0.2.2"),
            ("192.0.2.1 ::1 192.0.2.2", "192.0.2.1 ::1 192.0.2.2"),
            ("::1 ::2 ::3 192.0.2.1", "::1 192.0.2.1 ::2 ::3"),
            ("192.0.2.1 192.0.2.2 ::1", "192.0.2.1 ::1 192.0.2.2"),
        ] {
            assert_eq!(alternating(&addresses(found)), addresses(order), "{found}");
        }
    }

    #[test]
    fn the_next_address_waits_for_the_pause_or_a_failure() {
        let found = addresses("192.0.2.1 192.0.2.2 192.0.2.3");
        let mut race = Race::new(at(0), &found);
        assert_eq!(race.deadline(), Some(at(0)));
        assert_eq!(race.next(at(0)), Some(found[0]));
        assert_eq!(race.deadline(), Some(at(250)));
        assert_eq!(race.next(at(249)), None);
        assert_eq!(race.next(at(250)), Some(found[1]));
        race.failed(at(300));
        assert_eq!(race.deadline(), Some(at(300)));
        assert_eq!(race.next(at(300)), Some(found[2]));
        assert_eq!(race.deadline(), None);
        race.failed(at(310));
        assert_eq!((race.next(at(310)), race.deadline()), (None, None));
    }

    #[test]
    fn a_name_without_addresses_has_nothing_to_try() {
        let mut race = Race::new(at(0), &[]);
        assert_eq!((race.deadline(), race.next(at(0))), (None, None));
    }

    #[test]
    fn the_addresses_of_one_connection_are_bounded() {
        let many: Vec<IpAddr> = (0..100_u32).map(|n| IpAddr::from(n.to_be_bytes())).collect();
        let mut race = Race::new(at(0), &many);
        let mut tried = 0;
        while race.next(at(0)).is_some() {
            tried += 1;
            race.failed(at(0));
        }
        assert_eq!(tried, ADDRESSES_MAX);
    }
}
