//! Why a response cannot be used: by its head, its framing or its length.

use std::fmt;

/// Why a response cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseError {
    /// The bytes are not a head of HTTP/1.x.
    NotHttp,
    /// Head and trailers are longer than the limit of 16 KiB.
    HeadTooLong,
    /// Any status but 200.
    Status(u16),
    /// The length of the body is ambiguous, or a chunk is malformed.
    Framing,
    /// The body is longer than allowed.
    BodyTooLong,
    /// The connection ended before the response was complete.
    Cut,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("the response is not HTTP"),
            Self::HeadTooLong => f.write_str("the response head is too long"),
            Self::Status(status) => write!(f, "HTTP status {status}"),
            Self::Framing => f.write_str("the response body has no valid length"),
            Self::BodyTooLong => f.write_str("the response body is too long"),
            Self::Cut => f.write_str("closed before the end of the response"),
        }
    }
}

impl std::error::Error for ResponseError {}
