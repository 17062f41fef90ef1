//! A recipe as typed and shown: a fault, its target and its time.
//!
//! `KIND[:TARGET][:SHARE][:/N][:@FROM-TO][:PARAM]`, the fields after the kind in any
//! order: each has a form of its own. Knows no request and no clock.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::amounts::{Bytes, Share, TimeWindow};
use super::target::FaultTarget;
use crate::units::duration;

/// A fault with its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// An error status replaces the response.
    Status {
        /// The status, 400 to 599.
        code: u16,
        /// `Retry-After` in seconds.
        retry_after_secs: Option<u64>,
    },
    /// The response starts late.
    Latency(Latency),
    /// There is no response, and the connection stays open.
    Hang,
    /// The response is sent at this many bytes a second.
    Drip(u64),
    /// The connection is closed after this many bytes of the body; `None` is half of
    /// it.
    Truncate(Option<u64>),
    /// The connection is reset after this many bytes of the body; `None` is before the
    /// response.
    Reset(Option<u64>),
    /// `Content-Length` is off by this many bytes.
    Length(i64),
    /// A live playlist is stale.
    Stale,
    /// A live playlist is rewound by this many segments.
    Rewind(u64),
    /// Media time jumps after every this many segments of the live stream.
    Discontinuity(u64),
    /// Segments are listed but not found, the same ones for every client.
    Missing,
    /// A redirect to the same resource, with this status.
    Redirect(u16),
    /// Connections are refused.
    Refuse,
}

impl FaultKind {
    /// The names of the kinds that are no status, in the order in which they are
    /// shown.
    pub const NAMES: [&str; 12] = [
        "latency",
        "hang",
        "drip",
        "truncate",
        "reset",
        "length",
        "stale",
        "rewind",
        "discontinuity",
        "missing",
        "redirect",
        "refuse",
    ];

    /// Its name, as it is typed.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self {
            Self::Status { code, .. } => return code.to_string(),
            Self::Latency(_) => "latency",
            Self::Hang => "hang",
            Self::Drip(_) => "drip",
            Self::Truncate(_) => "truncate",
            Self::Reset(_) => "reset",
            Self::Length(_) => "length",
            Self::Stale => "stale",
            Self::Rewind(_) => "rewind",
            Self::Discontinuity(_) => "discontinuity",
            Self::Missing => "missing",
            Self::Redirect(_) => "redirect",
            Self::Refuse => "refuse",
        };
        name.to_owned()
    }

    /// The target where none is typed.
    pub(super) const fn usual_target(self) -> FaultTarget {
        match self {
            Self::Stale | Self::Rewind(_) | Self::Discontinuity(_) => FaultTarget::Media,
            Self::Missing => FaultTarget::Segments,
            _ => FaultTarget::All,
        }
    }

    /// What is particular to it, where that is not what it usually is.
    fn param(self) -> Option<String> {
        match self {
            Self::Status { code, retry_after_secs } => {
                let usual = if code == 429 { Some(USUAL_RETRY_SECS) } else { None };
                let secs = retry_after_secs.filter(|_| retry_after_secs != usual)?;
                Some(duration::show(Duration::from_secs(secs)))
            }
            Self::Latency(latency) => Some(latency.to_string()),
            Self::Drip(rate) => Some(format!("{}/s", Bytes(rate))),
            Self::Truncate(after) | Self::Reset(after) => {
                after.map(|bytes| Bytes(bytes).to_string())
            }
            Self::Length(off) if off != USUAL_LENGTH_OFF => {
                let sign = if off < 0 { '-' } else { '+' };
                Some(format!("{sign}{}", Bytes(off.unsigned_abs())))
            }
            Self::Rewind(count) if count != USUAL_REWIND => Some(count.to_string()),
            Self::Discontinuity(every) if every != USUAL_RUN => Some(every.to_string()),
            Self::Redirect(code) if code != USUAL_REDIRECT => Some(code.to_string()),
            _ => None,
        }
    }
}

/// Default `Retry-After` of a 429, in seconds.
pub(super) const USUAL_RETRY_SECS: u64 = 1;

/// Default error of `Content-Length`, in bytes.
pub(super) const USUAL_LENGTH_OFF: i64 = 1_000;

/// Default number of segments by which a playlist is rewound.
pub(super) const USUAL_REWIND: u64 = 3;

/// Default number of segments between two discontinuities.
pub(super) const USUAL_RUN: u64 = 5;

/// Default status of a redirect.
pub(super) const USUAL_REDIRECT: u16 = 302;

/// How late a response begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Uniform, from the first to the second, both included.
    Uniform(Duration, Duration),
    /// Exponential, with this mean.
    Exponential(Duration),
    /// Normal, with this mean and standard deviation; never below 0.
    Normal(Duration, Duration),
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = duration::show;
        match *self {
            Self::Fixed(span) => f.write_str(&show(span)),
            Self::Uniform(least, most) => write!(f, "{}-{}", show(least), show(most)),
            Self::Exponential(mean) => write!(f, "exp({})", show(mean)),
            Self::Normal(mean, deviation) => {
                write!(f, "normal({},{})", show(mean), show(deviation))
            }
        }
    }
}

/// A fault, its target and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// The fault.
    pub kind: FaultKind,
    /// The resources that it applies to.
    pub target: FaultTarget,
    /// The share of the requests selected otherwise; for missing segments, of the
    /// segments.
    pub share: Share,
    /// Applies to one client in this many; `None` is all clients.
    pub every_client: Option<NonZeroU32>,
    /// When it applies.
    pub window: TimeWindow,
}

impl fmt::Display for Recipe {
    /// The recipe as typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.name())?;
        if self.target != self.kind.usual_target() {
            write!(f, ":{}", self.target)?;
        }
        if self.share != Share::WHOLE {
            write!(f, ":{}", self.share)?;
        }
        if let Some(every) = self.every_client {
            write!(f, ":/{every}")?;
        }
        if self.window != TimeWindow::ALWAYS {
            write!(f, ":{}", self.window)?;
        }
        match self.kind.param() {
            Some(param) => write!(f, ":{param}"),
            None => Ok(()),
        }
    }
}
