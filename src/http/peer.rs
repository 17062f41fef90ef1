//! The address of the other end of a connection.

use std::fmt;
use std::net::IpAddr;

/// The address of the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerAddress {
    /// It came over TCP, from this address.
    Ip(IpAddr),
    /// It came over a Unix socket, so it is a program on this host.
    Unix,
}

impl PeerAddress {
    /// Its IP address, if it has one.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(ip),
            Self::Unix => None,
        }
    }

    /// Whether it is a program on this host.
    #[must_use]
    pub fn is_local(self) -> bool {
        match self {
            Self::Ip(ip) => ip.to_canonical().is_loopback(),
            Self::Unix => true,
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.to_canonical().fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl<T: Into<IpAddr>> From<T> for PeerAddress {
    fn from(ip: T) -> Self {
        Self::Ip(ip.into())
    }
}
