//! How the body of a response is delimited: by a length, in chunks, or by the end of
//! the connection (RFC 9112 §6 and §7).
//!
//! Counts bytes and keeps none of them. Knows no status and no limit of the body.

use super::response_error::ResponseError;

/// Longest line before a chunk in bytes, its extensions included.
const CHUNK_LINE_BYTES_MAX: usize = 1024;

/// What comes next of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// This many bytes of a body with a length.
    Sized(u64),
    /// A byte of the line before a chunk.
    ChunkLine {
        /// The size so far.
        size: u64,
        /// Bytes of the line so far.
        seen: usize,
        /// Whether the next byte may be a digit.
        digits: bool,
    },
    /// This many bytes of a chunk.
    Chunk(u64),
    /// The line end after a chunk.
    ChunkEnd,
    /// A byte of the trailers.
    Trailer {
        /// Whether the current line is empty so far.
        empty: bool,
    },
    /// Bytes until the connection ends.
    UntilClose,
    /// Nothing: the body is complete.
    Done,
}

impl Framing {
    /// The framing of the body that follows this head.
    ///
    /// # Errors
    /// [`ResponseError::Framing`] if the fields contradict each other or name an unknown
    /// coding.
    pub fn of(head: &httparse::Response<'_, '_>) -> Result<Self, ResponseError> {
        let mut codings = values(head, "Transfer-Encoding");
        let mut lengths = values(head, "Content-Length");
        if let Some(coding) = codings.next() {
            let is_alone = codings.next().is_none() && lengths.next().is_none();
            return match coding.eq_ignore_ascii_case(b"chunked") && is_alone {
                true => Ok(Self::ChunkLine { size: 0, seen: 0, digits: true }),
                false => Err(ResponseError::Framing),
            };
        }
        let Some(text) = lengths.next() else { return Ok(Self::UntilClose) };
        if lengths.any(|other| other != text) {
            return Err(ResponseError::Framing);
        }
        match length(text).ok_or(ResponseError::Framing)? {
            0 => Ok(Self::Done),
            length => Ok(Self::Sized(length)),
        }
    }

    /// How many of the next bytes are body at most; `None` if the next byte belongs to
    /// the framing.
    #[must_use]
    pub const fn body_bytes(self) -> Option<u64> {
        match self {
            Self::Sized(left) | Self::Chunk(left) => Some(left),
            Self::UntilClose => Some(u64::MAX),
            Self::ChunkLine { .. } | Self::ChunkEnd | Self::Trailer { .. } | Self::Done => None,
        }
    }

    /// The state after `count` bytes of the body, at most as many as
    /// [`Framing::body_bytes`].
    #[must_use]
    pub const fn after_body(self, count: u64) -> Self {
        match self {
            Self::Sized(left) if left == count => Self::Done,
            Self::Sized(left) => Self::Sized(left.saturating_sub(count)),
            Self::Chunk(left) if left == count => Self::ChunkEnd,
            Self::Chunk(left) => Self::Chunk(left.saturating_sub(count)),
            other => other,
        }
    }

    /// The state after a byte of the framing.
    ///
    /// # Errors
    /// [`ResponseError::Framing`] if the byte is not valid here,
    /// [`ResponseError::BodyTooLong`] if the size of a chunk does not fit 64 bits.
    pub fn after_byte(self, byte: u8) -> Result<Self, ResponseError> {
        match self {
            Self::ChunkLine { size, seen, digits } => chunk_line(byte, size, seen, digits),
            Self::ChunkEnd => match byte {
                b'\r' => Ok(Self::ChunkEnd),
                b'\n' => Ok(Self::ChunkLine { size: 0, seen: 0, digits: true }),
                _ => Err(ResponseError::Framing),
            },
            Self::Trailer { empty } => Ok(match byte {
                b'\n' if empty => Self::Done,
                b'\n' => Self::Trailer { empty: true },
                b'\r' => Self::Trailer { empty },
                _ => Self::Trailer { empty: false },
            }),
            other => Ok(other),
        }
    }
}

/// The values of all fields of this name, compared without case.
pub fn values<'a>(
    head: &'a httparse::Response<'_, '_>,
    name: &'static str,
) -> impl Iterator<Item = &'a [u8]> {
    let fields = head.headers.iter();
    fields.filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.trim_ascii())
}

/// A length in bytes: digits alone (RFC 9110 §8.6).
fn length(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// The state after a byte of the line before a chunk. The line holds the size in
/// hexadecimal digits and optional extensions, which are ignored.
fn chunk_line(byte: u8, size: u64, seen: usize, digits: bool) -> Result<Framing, ResponseError> {
    if seen >= CHUNK_LINE_BYTES_MAX {
        return Err(ResponseError::Framing);
    }
    match byte {
        b'\n' if seen == 0 => Err(ResponseError::Framing),
        b'\n' if size == 0 => Ok(Framing::Trailer { empty: true }),
        b'\n' => Ok(Framing::Chunk(size)),
        b';' | b' ' | b'\t' | b'\r' if seen > 0 => {
            Ok(Framing::ChunkLine { size, seen: seen + 1, digits: false })
        }
        _ if !digits => Ok(Framing::ChunkLine { size, seen: seen + 1, digits }),
        _ => {
            let digit = char::from(byte).to_digit(16).ok_or(ResponseError::Framing)?;
            let size = size.checked_mul(16).and_then(|size| size.checked_add(u64::from(digit)));
            let size = size.ok_or(ResponseError::BodyTooLong)?;
            Ok(Framing::ChunkLine { size, seen: seen + 1, digits })
        }
    }
}
