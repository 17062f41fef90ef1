//! How a response goes out, where that is not at once and whole: the faults that
//! servers and networks show, made to order.
//!
//! Knows neither why nor to whom.

use std::num::NonZeroU64;
use std::time::Duration;

/// A delivery that differs from the plain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// From the whole request to the first byte of the response. A peer that sends
    /// its end of file meanwhile gets none.
    pub delay: Duration,
    /// Bytes a second, head and body together; `None` is no limit. They go out in
    /// chunks of a tenth of a second, of a byte at least, the first one at once.
    pub rate: Option<NonZeroU64>,
    /// Where the response ends before its end.
    pub cut: Option<Cut>,
    /// What `Content-Length` says instead of the length of the body. All of the
    /// body goes out, and where the two differ the connection closes after it,
    /// without `Connection: close`.
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
    /// The connection is reset (RST), once the peer has the bytes before the cut or
    /// takes no more of them.
    Reset,
    /// Nothing: the connection stays open and silent until the peer gives up, an
    /// hour at most.
    Stall,
}
