//! Responses of the origin: tagged bytes, whole or in part, or a line of text.
//!
//! Knows neither paths nor media.

use std::borrow::Cow;
use std::rc::Rc;

use crate::http::{Body, Request, Response, Selection, Status, select};

/// Bytes and their description.
#[derive(Debug)]
pub(super) struct Entity {
    /// The bytes.
    pub(super) bytes: Rc<[u8]>,
    /// `Content-Type`.
    pub(super) content_type: &'static str,
    /// A strong entity tag, with its quotes (RFC 9110 §8.8.3).
    pub(super) etag: String,
    /// `Cache-Control`.
    pub(super) cache_control: Cow<'static, str>,
}

impl Entity {
    /// The response to a `GET` or `HEAD` of it.
    pub(super) fn response(self, request: &Request<'_>) -> Response {
        let length = self.bytes.len();
        let selection = select(request, &self.etag, length);
        let mut headers =
            vec![("Cache-Control", self.cache_control), ("ETag", Cow::Owned(self.etag))];
        let (status, range) = match selection {
            Selection::NotModified => {
                return Response::plain(Status(304), headers, Body::Empty);
            }
            Selection::Unsatisfiable => {
                headers = vec![("Content-Range", format!("bytes */{length}").into())];
                return words(416, "the requested range is not available", headers);
            }
            Selection::Whole => (Status(200), 0..length),
            Selection::Part(range) => {
                let (first, last) = (range.start, range.end.saturating_sub(1));
                let field = format!("bytes {first}-{last}/{length}");
                headers.push(("Content-Range", field.into()));
                (Status(206), range)
            }
        };
        headers.push(("Content-Type", self.content_type.into()));
        headers.push(("Accept-Ranges", "bytes".into()));
        Response::plain(status, headers, Body::Shared(self.bytes, range))
    }
}

/// A line of plain text that must not be cached, with further header fields.
pub(super) fn words(
    status: u16,
    text: &str,
    mut headers: Vec<(&'static str, Cow<'static, str>)>,
) -> Response {
    headers.push(("Cache-Control", "no-store".into()));
    headers.push(("Content-Type", "text/plain; charset=utf-8".into()));
    let body = Body::Owned(format!("{text}\n").into_bytes());
    Response::plain(Status(status), headers, body)
}

/// A strong entity tag derived from the bytes by FNV-1a, which need not resist
/// deliberate collisions.
pub(super) fn content_tag(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    format!("\"{hash:016x}\"")
}
