//! Addresses to listen at, and how they are reached. Knows no socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Every address of a host, IPv4 and IPv6: to listen at it takes both.
pub const EVERY: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Where programs on this host reach what listens at `bound`. A listener at every
/// address is reached at the IPv4 loopback one, which every host has.
#[must_use]
pub fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = if bound.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { bound.ip() };
    SocketAddr::new(ip, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_at_every_address_is_reached_at_a_loopback_one() {
        let cases = [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "127.0.0.1:9090"),
            ("[::1]:80", "[::1]:80"),
            ("192.0.2.1:1", "192.0.2.1:1"),
        ];
        for (bound, url) in cases {
            assert_eq!(reachable(bound.parse().unwrap()).to_string(), url);
        }
    }
}
