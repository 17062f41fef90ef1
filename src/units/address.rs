//! Listen addresses, and the addresses that reach them. Knows no socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Every address of a host: a listener on it accepts IPv4 and IPv6.
pub const EVERY: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// The address at which programs on this host reach a listener on `bound`. A listener
/// on every address is reached at the IPv4 loopback address, which every host has.
#[must_use]
pub fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = if bound.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { bound.ip() };
    SocketAddr::new(ip, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listener_on_every_address_is_reached_at_loopback() {
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
