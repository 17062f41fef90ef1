//! The words between a relay and the owner of its sockets.

use std::net::SocketAddr;
use std::time::Duration;

use crate::exchange::record::ExchangeResult;

/// Where a relay wants its connection to the origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether to speak TLS; the server's name is `host`.
    pub tls: bool,
}

/// A connection to the origin that was established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connected {
    /// The address of the origin or cache.
    pub peer: SocketAddr,
    /// The look-up of the name; `None` for a cached name and for an address.
    pub dns: Option<Duration>,
    /// The TCP connect, since the first address was tried.
    pub connect: Duration,
    /// The TLS handshake; `None` without TLS.
    pub tls: Option<Duration>,
}

/// Why a connection to the origin could not be established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The name could not be resolved.
    Dns,
    /// `ECONNREFUSED`.
    Refused,
    /// `ENETUNREACH`, `EHOSTUNREACH`, and other errors of connect(2).
    Unreachable,
    /// `ETIMEDOUT`.
    Timeout,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// `ECONNRESET`.
    Reset,
}

impl ConnectFailure {
    pub(super) const fn result(self) -> ExchangeResult {
        match self {
            Self::Dns => ExchangeResult::Dns,
            Self::Refused => ExchangeResult::Refused,
            Self::Unreachable => ExchangeResult::Unreachable,
            Self::Timeout => ExchangeResult::ConnectTimeout,
            Self::Tls => ExchangeResult::Tls,
            Self::Reset => ExchangeResult::Reset,
        }
    }
}

/// How the origin closed a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// In order (FIN).
    Eof,
    /// By a reset or another error.
    Reset,
}

/// What to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// Both connections, in order.
    Both,
    /// Both, that of the client by a reset (`SO_LINGER` with 0 s).
    ResetClient,
}
