//! The head of a response: what the relay must know of it, and its changed forms.
//!
//! Accepts what httparse accepts: no folded fields, no blank before a colon. A line may
//! end in LF alone. Knows no body.

use crate::exchange::RequestKind;
use crate::exchange::record::CacheStatus;
use crate::http::framing::{Framing, values};

use super::cache;

/// Longest head of a response in bytes, with its interim responses and trailers: what
/// the usual proxies accept.
pub(super) const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Most fields of a response; those of CDNs have up to 60.
const FIELDS_MAX: usize = 128;

/// The coding of a body (RFC 9110 §8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// None.
    Identity,
    /// `gzip`
    Gzip,
    /// `deflate`
    Deflate,
    /// Another one, or several.
    Other,
}

/// The head of a final response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) coding: Coding,
    /// `Location`, if it is UTF-8.
    pub(super) location: Option<String>,
    /// The kind that its content type belongs to.
    pub(super) kind: Option<RequestKind>,
    pub(super) cache: CacheStatus,
    pub(super) age_secs: Option<u32>,
}

/// What a complete head is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// The head of an interim response (RFC 9110 §15.2).
    Interim,
    /// That of a final response.
    Final(Box<Head>),
    /// Not valid, or its body has no valid length.
    Malformed,
}

/// Reads a complete head; `to_head` if the request was `HEAD`.
pub(super) fn read(head: &[u8], to_head: bool) -> Read {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut parsed = httparse::Response::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        _ => return Read::Malformed,
    }
    let status = match parsed.code {
        // No request asks for another protocol.
        None | Some(0..100 | 101 | 600..) => return Read::Malformed,
        Some(100..200) => return Read::Interim,
        Some(status) => status,
    };
    let bodiless = to_head || matches!(status, 204 | 304);
    let framing = match Framing::of(&parsed) {
        _ if bodiless => Framing::Done,
        Ok(framing) => framing,
        Err(_) => return Read::Malformed,
    };
    let (cache, age_secs) = cache::read(parsed.headers);
    let location = values(&parsed, "Location").next();
    let location = location.and_then(|value| std::str::from_utf8(value).ok());
    Read::Final(Box::new(Head {
        status,
        framing,
        coding: coding(&parsed),
        location: location.map(str::to_owned),
        kind: values(&parsed, "Content-Type").next().and_then(kind),
        cache,
        age_secs,
    }))
}

fn coding(parsed: &httparse::Response<'_, '_>) -> Coding {
    let codings = values(parsed, "Content-Encoding").flat_map(|value| value.split(|&b| b == b','));
    let mut codings = codings.map(|coding| coding.trim_ascii().to_ascii_lowercase());
    let (first, second) = (codings.next(), codings.next());
    match (first.as_deref(), second) {
        (None | Some(b"" | b"identity"), None) => Coding::Identity,
        (Some(b"gzip" | b"x-gzip"), None) => Coding::Gzip,
        (Some(b"deflate"), None) => Coding::Deflate,
        _ => Coding::Other,
    }
}

/// The kind that a content type belongs to.
fn kind(value: &[u8]) -> Option<RequestKind> {
    let kind = value.split(|&byte| byte == b';').next()?.trim_ascii().to_ascii_lowercase();
    match kind.as_slice() {
        b"application/vnd.apple.mpegurl"
        | b"application/x-mpegurl"
        | b"application/mpegurl"
        | b"audio/mpegurl"
        | b"audio/x-mpegurl" => Some(RequestKind::Playlist),
        b"text/vtt" => Some(RequestKind::Segment),
        _ if kind.starts_with(b"video/") || kind.starts_with(b"audio/") => {
            Some(RequestKind::Segment)
        }
        _ => None,
    }
}

/// How the body of a response changes, and with it the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyChange {
    /// It is complete, without coding, and has this length.
    Whole(u64),
    /// It is cut and without coding; a length, if it has one, becomes this.
    Cut(u64),
}

/// The head with another `Location`.
pub(super) fn with_location(head: &[u8], location: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() + location.len());
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        if name(line).eq_ignore_ascii_case(b"Location") {
            field(&mut out, b"Location", location);
        } else {
            out.extend_from_slice(line);
        }
    }
    out
}

/// The head for a body that has changed.
pub(super) fn with_body(head: &[u8], change: BodyChange) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() + 32);
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let is = |other: &[u8]| name(line).eq_ignore_ascii_case(other);
        let is_end = line == b"\r\n" || line == b"\n";
        match change {
            _ if is(b"Content-Encoding") || is(b"Content-MD5") || is(b"Digest") => {}
            BodyChange::Whole(_) if is(b"Content-Length") || is(b"Transfer-Encoding") => {}
            BodyChange::Whole(_) if is(b"Trailer") => {}
            BodyChange::Cut(length) if is(b"Content-Length") => {
                field(&mut out, b"Content-Length", length.to_string().as_bytes());
            }
            BodyChange::Whole(length) | BodyChange::Cut(length) if is(b"Content-Range") => {
                // The request was for the whole resource.
                let range = format!("bytes 0-{}/{length}", length.saturating_sub(1));
                field(&mut out, b"Content-Range", range.as_bytes());
            }
            BodyChange::Whole(length) if is_end => {
                field(&mut out, b"Content-Length", length.to_string().as_bytes());
                out.extend_from_slice(line);
            }
            _ => out.extend_from_slice(line),
        }
    }
    out
}

/// The name of the field on this line; the line itself if it has none.
fn name(line: &[u8]) -> &[u8] {
    memchr::memchr(b':', line).and_then(|end| line.get(..end)).unwrap_or(line)
}

fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests;
