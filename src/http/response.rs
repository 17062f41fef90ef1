//! A response, before it becomes bytes.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

/// A status code (RFC 9110 §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

/// What follows the head.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// Bytes made for this response.
    Owned(Vec<u8>),
    /// A part of bytes that many responses share.
    Shared(Rc<[u8]>, Range<usize>),
}

/// A response. `Content-Length`, `Date`-independent framing and `Connection`
/// are the connection's work and must not be among `headers`.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// Header fields, in the order to be sent.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; for a `HEAD` request only its length is used.
    pub body: Body,
}
