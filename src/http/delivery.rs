//! How a response goes out, where that is not at once and whole: the faults that
//! servers and networks show, made to order.
//!
//! Knows neither why nor to whom.

use std::num::NonZeroU64;
use std::time::Duration;

/// A delivery that differs from the plain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// From the request to the first byte of the response.
    pub delay: Duration,
    /// Bytes a second at most, head and body together; `None` is no limit.
    pub rate: Option<NonZeroU64>,
    /// Where the response ends before its end.
    pub cut: Option<Cut>,
    /// What `Content-Length` says instead of the length of the body.
    pub content_length: Option<u64>,
}

/// Where a response ends before its end, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Bytes of the body that go out; `None` is not even the head.
    pub after: Option<usize>,
    /// What happens there.
    pub end: CutEnd,
}

/// What happens where a response is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutEnd {
    /// The connection is closed in good order (FIN).
    Close,
    /// The connection is reset (RST).
    Reset,
    /// Nothing: the connection stays open and silent until the peer gives up.
    Stall,
}
