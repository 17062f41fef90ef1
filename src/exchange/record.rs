//! The record of an exchange: one request and its response, as they were on the wire.
//!
//! Plain data, made once when the exchange has ended.

use std::net::SocketAddr;
use std::time::Duration;

use super::{ErrorReason, RequestKind};
use crate::units::{Tick, Wall};

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExchangeResult {
    /// A complete response with a status of 200 to 299, or 304.
    Ok,
    /// A complete response with another status of 300 to 399.
    Redirect,
    /// A response with a status of 400 to 599.
    Status,
    /// The name of the origin could not be resolved.
    Dns,
    /// The connection was refused (`ECONNREFUSED`).
    Refused,
    /// No route to the origin (`ENETUNREACH`, `EHOSTUNREACH`).
    Unreachable,
    /// The connection was not established in time.
    ConnectTimeout,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// The origin closed the connection before the head of a response was complete.
    NoResponse,
    /// The head or the framing of the response violates RFC 9112.
    Malformed,
    /// The body ended before its length, or before its last chunk.
    Truncated,
    /// The origin reset the connection (`ECONNRESET`).
    Reset,
    /// Nothing was received for the network timeout.
    Timeout,
    /// A status of 200 to 299, but not what was requested: a playlist without
    /// `#EXTM3U`, or a segment in no known format.
    NotMedia,
    /// A status of 200 to 299 without a body.
    Empty,
    /// The client closed the connection before the response was complete.
    Abandoned,
}

impl ExchangeResult {
    /// Every result.
    pub const ALL: [Self; 16] = [
        Self::Ok,
        Self::Redirect,
        Self::Status,
        Self::Dns,
        Self::Refused,
        Self::Unreachable,
        Self::ConnectTimeout,
        Self::Tls,
        Self::NoResponse,
        Self::Malformed,
        Self::Truncated,
        Self::Reset,
        Self::Timeout,
        Self::NotMedia,
        Self::Empty,
        Self::Abandoned,
    ];

    /// Its place in [`ExchangeResult::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The result as a label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Redirect => "redirect",
            Self::Status => "status",
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls",
            Self::NoResponse => "no_response",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::NotMedia => "not_media",
            Self::Empty => "empty",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether the request was sent: the connection was established.
    #[must_use]
    pub const fn was_sent(self) -> bool {
        !matches!(
            self,
            Self::Dns | Self::Refused | Self::Unreachable | Self::ConnectTimeout | Self::Tls
        )
    }

    /// Why the request failed, if it did; `status` is that of the response.
    #[must_use]
    pub const fn reason(self, status: Option<u16>) -> Option<ErrorReason> {
        match self {
            Self::Ok | Self::Redirect | Self::Abandoned => None,
            Self::Status => match status {
                Some(status) => ErrorReason::of_status(status),
                None => None,
            },
            Self::Dns => Some(ErrorReason::Dns),
            Self::Refused | Self::Unreachable => Some(ErrorReason::Connect),
            Self::ConnectTimeout | Self::Timeout => Some(ErrorReason::Timeout),
            Self::Tls => Some(ErrorReason::Tls),
            Self::NoResponse | Self::Reset => Some(ErrorReason::Connect),
            Self::Truncated => Some(ErrorReason::Truncated),
            Self::Malformed | Self::NotMedia | Self::Empty => Some(ErrorReason::Other),
        }
    }

    /// Whether the origin, or the way to it, failed the client. An abandoned exchange
    /// was ended by the client itself.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Ok | Self::Redirect | Self::Abandoned)
    }
}

/// How a cache served a response (RFC 9211, and the fields of common caches).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheStatus {
    /// From the cache nearest to the client.
    Hit,
    /// From a cache behind it.
    ShieldHit,
    /// From a cache, although no longer fresh.
    Stale,
    /// From a cache, after the origin confirmed it.
    Revalidated,
    /// From the origin, through a cache.
    Miss,
    /// From the origin; the response is not to be cached.
    Bypass,
    /// No field says so.
    Unknown,
}

impl CacheStatus {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Hit,
        Self::ShieldHit,
        Self::Stale,
        Self::Revalidated,
        Self::Miss,
        Self::Bypass,
        Self::Unknown,
    ];

    /// Its place in [`CacheStatus::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The status as a label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::ShieldHit => "shield_hit",
            Self::Stale => "stale",
            Self::Revalidated => "revalidated",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
            Self::Unknown => "unknown",
        }
    }
}

/// The parts of an exchange in time; `None` for a part that did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// The look-up of the name. `None` on a reused connection and for a cached name.
    pub dns: Option<Duration>,
    /// The TCP connect. `None` on a reused connection.
    pub connect: Option<Duration>,
    /// The TLS handshake. `None` on a reused connection and over http.
    pub tls: Option<Duration>,
    /// From the complete request to the first byte of the response; connecting is
    /// part of it.
    pub ttfb: Option<Duration>,
    /// From the complete request to the last byte of the response. `None` unless the
    /// response is complete.
    pub ttlb: Option<Duration>,
}

/// The kernel's counters of the connection since its last exchange (tcp(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpCounters {
    /// The smoothed round-trip time.
    pub rtt: Option<Duration>,
    /// Segments that this side retransmitted.
    pub retransmits: u32,
}

/// One request and its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The requested URL, with its query; with scheme https if TLS was used. Not masked.
    pub url: &'a str,
    /// What the request was for.
    pub kind: RequestKind,
    /// How it ended.
    pub result: ExchangeResult,
    /// The status of the response, if its head was received.
    pub status: Option<u16>,
    /// Whether its connection to the origin was kept alive from an earlier exchange.
    pub reused: bool,
    /// When the request was complete.
    pub began: Tick,
    /// When the exchange ended.
    pub ended: Tick,
    /// The parts between.
    pub times: Times,
    /// Bytes of the head of the response.
    pub head_bytes: u64,
    /// Bytes received of the body, with the framing of chunks.
    pub body_bytes: u64,
    /// How a cache served it.
    pub cache: CacheStatus,
    /// The field `Age` of the response, in seconds (RFC 9111 §5.1).
    pub age_secs: Option<u32>,
    /// The address of the origin or cache.
    pub edge: Option<SocketAddr>,
    /// Duration of the segment (`EXTINF`), for a segment that a playlist named.
    pub media: Option<Duration>,
    /// The date of the segment's begin (`EXT-X-PROGRAM-DATE-TIME`), or for a media
    /// playlist the date of the end of its last segment.
    pub date: Option<Wall>,
    /// Whether the client had loaded this playlist before.
    pub is_refresh: bool,
    /// What the kernel counted.
    pub tcp: TcpCounters,
    /// The longest time that data of this exchange waited in the tap.
    pub tap_delay: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_stand_at_their_index() {
        assert!(ExchangeResult::ALL.iter().enumerate().all(|(place, one)| one.index() == place));
        assert!(CacheStatus::ALL.iter().enumerate().all(|(place, one)| one.index() == place));
    }
}
