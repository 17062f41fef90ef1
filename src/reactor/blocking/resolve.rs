//! Resolves a host name by getaddrinfo(3): /etc/hosts, nsswitch and DNS, like every other
//! program of this host.
//!
//! For use before the loop. A resolver may take 30 s and more (resolv.conf(5)), so it
//! runs in a thread (`call.rs`). Does not know what the addresses are for.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::call::{NoResult, within};

/// How long a lookup may take: by default the resolver waits 5 s for each of two attempts
/// (resolv.conf(5)), and its own error is more specific than ours.
pub const LOOKUP_TIME: Duration = Duration::from_secs(12);

/// Most addresses returned for a name.
const ADDRESSES_MAX: usize = 8;

/// Why a name has no address.
#[derive(Debug)]
pub enum Unresolved {
    /// The resolver did not reply within this time.
    TimedOut(Duration),
    /// A stop was requested.
    Stopped,
    /// The resolver's own error, such as "Name or service not known".
    Failed(io::Error),
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(limit) => {
                write!(f, "no response to the lookup within {} s", limit.as_secs())
            }
            Self::Stopped => f.write_str("a stop was requested during the lookup"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// The addresses of `host`, a name or an address without brackets, in the order of
/// getaddrinfo(3); at least one and at most eight.
///
/// # Errors
/// See [`Unresolved`]: when `limit` has passed, when `stop` has become readable, or
/// when the resolver knows no address.
pub fn resolve(
    host: &str,
    port: u16,
    limit: Duration,
    stop: BorrowedFd<'_>,
) -> Result<Vec<SocketAddr>, Unresolved> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let name = (host.to_owned(), port);
    let found = within(limit, stop, move || {
        name.to_socket_addrs().map(|all| all.take(ADDRESSES_MAX).collect::<Vec<_>>())
    });
    match found {
        Ok(Ok(addresses)) if addresses.is_empty() => {
            Err(Unresolved::Failed(io::Error::other("the name has no address")))
        }
        Ok(found) => found.map_err(Unresolved::Failed),
        Err(NoResult::TimedOut) => Err(Unresolved::TimedOut(limit)),
        Err(NoResult::Stopped) => Err(Unresolved::Stopped),
        Err(NoResult::Failed(error)) => Err(Unresolved::Failed(error)),
    }
}

/// The addresses of a name in the order of getaddrinfo(3), at most eight. Blocks for as
/// long as the resolver takes.
///
/// # Errors
/// The resolver's own.
pub fn addresses(name: &str) -> io::Result<Vec<IpAddr>> {
    let found = (name, 0).to_socket_addrs()?;
    Ok(found.take(ADDRESSES_MAX).map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn resolves_addresses_and_local_names_without_a_name_server() {
        let (stop, _asks) = io::pipe().unwrap();
        for (host, want) in [("::1", "[::1]:80"), ("192.0.2.7", "192.0.2.7:80")] {
            let found = resolve(host, 80, Duration::ZERO, stop.as_fd()).unwrap();
            assert_eq!(found, [want.parse().unwrap()]);
        }
        let local = resolve("localhost", 9100, LOOKUP_TIME, stop.as_fd()).unwrap();
        assert!(local.iter().all(|found| found.ip().is_loopback() && found.port() == 9100));
    }

    #[test]
    fn an_impossible_name_has_no_address() {
        let (stop, _asks) = io::pipe().unwrap();
        // Refused before any name server is queried.
        let error = resolve("no..name", 80, LOOKUP_TIME, stop.as_fd()).unwrap_err();
        assert!(matches!(error, Unresolved::Failed(_)), "{error}");
    }
}
