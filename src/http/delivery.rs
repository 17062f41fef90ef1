//! How a response is delivered if not at once and whole: the faults of servers and
//! networks, on request.
//!
//! Does not know which fault causes it.

use std::num::NonZeroU64;
use std::time::Duration;

/// A delivery with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Time from the complete request to the first byte of the response. A peer that
    /// sends its end of file before gets no response.
    pub delay: Duration,
    /// Bytes a second, head and body together; `None` is unlimited. They are sent in
    /// chunks of a tenth of a second, at least one byte each, the first one at once.
    pub rate: Option<NonZeroU64>,
    /// Where the response breaks off.
    pub cut: Option<Cut>,
    /// A false value of `Content-Length`. The whole body is sent; if the two differ,
    /// the connection closes after it, without `Connection: close`.
    pub content_length: Option<u64>,
}

/// Where and how a response breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Bytes of the body that are sent; `None` sends not even the head.
    pub after: Option<usize>,
    /// What happens after them.
    pub end: CutEnd,
}

/// What happens where a response breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutEnd {
    /// The connection is closed (FIN).
    Close,
    /// The connection is reset (RST) once the peer has the bytes before the cut or
    /// takes no more of them.
    Reset,
    /// The connection stays open and silent until the peer gives up, one hour at most.
    Stall,
}
