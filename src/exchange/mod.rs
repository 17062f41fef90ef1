//! What happens in an exchange: one request and its response.
//!
//! Plain data. The code that follows requests emits events, and `stats::Requests`
//! counts them; it has no other input for requests.
//!
//! An exchange is a few events and not one record, because FFmpeg's log shows it in
//! parts: a request counts as soon as it is sent, fails later, and may fail before it
//! is sent (a name that is not found). An exchange has at most one `Asked`, then one
//! `Failed` or one `Succeeded`, or neither if the log breaks off.
//!
//! What the demuxer does between exchanges (skipped segments, failed reloads, jumps
//! of the media sequence) and what sockets show (bytes, round trips) is not part of
//! them, and is counted on its own.

pub mod record;

use std::time::Duration;

/// What happened in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Its TCP connection is established.
    Connected {
        /// From the start of the connect to its success.
        took: Duration,
    },
    /// Its request was sent.
    Asked {
        /// What the request is for.
        kind: RequestKind,
        /// Whether its connection was kept alive from an earlier exchange.
        reused: bool,
    },
    /// The head of its response was received.
    Responded {
        /// Its status; `stats` counts those of [`ERROR_STATUSES`].
        status: u16,
    },
    /// It failed.
    Failed {
        /// What the request was for.
        kind: RequestKind,
        /// Why.
        reason: ErrorReason,
    },
    /// Its response was not seen to fail.
    Succeeded {
        /// What the request was for.
        kind: RequestKind,
        /// Whether the playlists had been loaded before, for a playlist.
        refresh: bool,
        /// From the request to the end of the response; `None` if not known.
        took: Option<Duration>,
    },
}

/// What a request was for (RFC 8216).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestKind {
    /// A master or media playlist.
    Playlist,
    /// A media segment.
    Segment,
    /// A media initialization section (`EXT-X-MAP`).
    Init,
    /// A decryption key (`EXT-X-KEY`).
    Key,
    /// Anything else.
    Other,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Playlist, Self::Segment, Self::Init, Self::Key, Self::Other];

    /// Its place in [`RequestKind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The kind as a label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Playlist => "playlist",
            Self::Segment => "segment",
            Self::Init => "init",
            Self::Key => "key",
            Self::Other => "other",
        }
    }
}

/// Why a request failed. FFmpeg's own words for it are `ffmpeg::log::Failure`, which
/// maps to these reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorReason {
    /// A status of 400 to 499.
    Http4xx,
    /// A status of 500 to 599.
    Http5xx,
    /// The name could not be resolved.
    Dns,
    /// The connection was refused, unreachable or reset before a response.
    Connect,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// Nothing was received in time.
    Timeout,
    /// The response ended before it was complete.
    Truncated,
    /// Anything else.
    Other,
}

impl ErrorReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Http4xx,
        Self::Http5xx,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Truncated,
        Self::Other,
    ];

    /// The reason that a status of a response is; `None` unless it is one of
    /// [`ERROR_STATUSES`].
    #[must_use]
    pub const fn of_status(status: u16) -> Option<Self> {
        match status {
            400..=499 => Some(Self::Http4xx),
            500..=599 => Some(Self::Http5xx),
            _ => None,
        }
    }

    /// Its place in [`ErrorReason::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The reason as a label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http4xx => "http_4xx",
            Self::Http5xx => "http_5xx",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::Other => "other",
        }
    }
}

/// First and last status that counts as an error (RFC 9110 §15.5, §15.6).
pub const ERROR_STATUSES: std::ops::RangeInclusive<u16> = 400..=599;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_status_and_no_other_is_a_reason() {
        for status in 0..=u16::MAX {
            let is_error = ERROR_STATUSES.contains(&status);
            assert_eq!(ErrorReason::of_status(status).is_some(), is_error, "{status}");
        }
    }

    #[test]
    fn kinds_and_reasons_stand_at_their_index() {
        assert!(RequestKind::ALL.iter().enumerate().all(|(place, kind)| kind.index() == place));
        assert!(ErrorReason::ALL.iter().enumerate().all(|(place, why)| why.index() == place));
    }
}
