//! Amounts in recipes: bytes, rates, shares and spans of time.
//!
//! Each is parsed from text and shown as it is typed.

use std::fmt;
use std::time::Duration;

use crate::units::duration;

/// Most bytes in a recipe: more than any segment has.
pub(super) const BYTES_MAX: u64 = 1_000_000_000;

/// Units of bytes as typed, the largest first.
const BYTE_UNITS: [(&str, u64); 3] = [("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

/// Parses `1000B`, `10kB` or `1MB`; `None` if malformed or above [`BYTES_MAX`].
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (digits, scale) =
        BYTE_UNITS.iter().find_map(|&(unit, scale)| Some((text.strip_suffix(unit)?, scale)))?;
    let count = plain_number(digits)?.checked_mul(scale)?;
    (count <= BYTES_MAX).then_some(count)
}

/// Bytes, shown as typed.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |&&(_, scale): &&(&str, u64)| self.0.is_multiple_of(scale) && self.0 > 0;
        let (unit, scale) = BYTE_UNITS.iter().find(fits).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / scale)
    }
}

/// A number made of digits alone.
pub(super) fn plain_number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// A share of requests or segments, exact to a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    millionths: u32,
}

impl Share {
    /// All of them.
    pub const WHOLE: Self = Self { millionths: MILLION };

    /// Parses `5%`, `0.05` or `1.0`; `None` if malformed, zero, above the whole or
    /// finer than a millionth.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, decimals) = match text.strip_suffix('%') {
            Some(percent) => (percent, 4),
            None => (text, 6),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if part.len() > decimals || (part.is_empty() && number.contains('.')) {
            return None;
        }
        let scale = 10_u64.pow(decimals as u32);
        let part = if part.is_empty() { 0 } else { plain_number(&format!("{part:0<decimals$}"))? };
        let millionths = plain_number(whole)?.checked_mul(scale)?.checked_add(part)?;
        let millionths = u32::try_from(millionths).ok()?;
        (1..=MILLION).contains(&millionths).then_some(Self { millionths })
    }

    /// Whether a uniformly distributed `draw` falls into the share.
    pub(super) const fn takes(self, draw: u64) -> bool {
        ((draw as u128 * MILLION as u128) >> 64) < self.millionths as u128
    }
}

const MILLION: u32 = 1_000_000;

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:04}", self.millionths / 10_000, self.millionths % 10_000);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A window of time, relative to the start of the origin or to the request that posted
/// the recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    /// Its start.
    pub from: Duration,
    /// Its end; `None` is never.
    pub to: Option<Duration>,
}

impl TimeWindow {
    /// At all times.
    pub const ALWAYS: Self = Self { from: Duration::ZERO, to: None };

    /// Parses `FROM-TO` or `FROM-`; `None` if malformed or empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let from = duration::parse(from).ok()?;
        let to = if to.is_empty() { None } else { Some(duration::parse(to).ok()?) };
        to.is_none_or(|to| from < to).then_some(Self { from, to })
    }

    /// Its length; `None` is unlimited.
    #[must_use]
    pub fn length(&self) -> Option<Duration> {
        self.to.map(|to| to.saturating_sub(self.from))
    }

    /// Whether the window contains this time after the recipe's start: the start is
    /// inside, the end is not.
    #[must_use]
    pub fn holds(&self, elapsed: Duration) -> bool {
        self.from <= elapsed && self.to.is_none_or(|to| elapsed < to)
    }
}

impl fmt::Display for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = self.to.map(duration::show).unwrap_or_default();
        write!(f, "@{}-{to}", duration::show(self.from))
    }
}
