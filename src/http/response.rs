//! A response before it is serialized.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use super::{Delivery, Ticket};

/// A status code (RFC 9110 §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// The request was served.
    pub const OK: Self = Self(200);
    /// The request cannot be understood.
    pub const BAD_REQUEST: Self = Self(400);
    /// There is nothing at this path.
    pub const NOT_FOUND: Self = Self(404);
    /// The path exists, but not for this method.
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// The request has a body without a length.
    pub const REQUEST_TIMEOUT: Self = Self(408);
    /// A body must say how long it is.
    pub const LENGTH_REQUIRED: Self = Self(411);
    /// The body of the request is too long.
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    /// The request has an expectation that this server does not meet.
    pub const EXPECTATION_FAILED: Self = Self(417);
    /// The request head is too long or has too many fields (RFC 6585 §5).
    pub const HEADERS_TOO_LARGE: Self = Self(431);
    /// An error of this program.
    pub const INTERNAL_ERROR: Self = Self(500);
    /// Not available at present.
    pub const UNAVAILABLE: Self = Self(503);

    /// The reason phrase; empty for a code that this program never sends (RFC 9112 §4
    /// allows that).
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self.0 {
            200 => "OK",
            204 => "No Content",
            206 => "Partial Content",
            301 => "Moved Permanently",
            302 => "Found",
            304 => "Not Modified",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            410 => "Gone",
            411 => "Length Required",
            412 => "Precondition Failed",
            413 => "Content Too Large",
            416 => "Range Not Satisfiable",
            417 => "Expectation Failed",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "",
        }
    }

    /// Whether a response of this status never has a body (RFC 9110 §6.4.1).
    #[must_use]
    pub const fn forbids_body(self) -> bool {
        matches!(self.0, 100..=199 | 204 | 304)
    }
}

/// The body of a response.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// Bytes made for this response.
    Owned(Vec<u8>),
    /// A part of bytes that many responses share.
    Shared(Rc<[u8]>, Range<usize>),
    /// The first bytes of a body that stays open: the service is asked for the others
    /// ([`Service::more`](super::Service::more)) by the ticket of the response, without
    /// which there are none. Its length is unknown, so it ends with the connection, and
    /// a delivery does not apply to it. A peer that vanishes is noticed only when
    /// something is sent: a service sends at least a comment now and then.
    Open(Vec<u8>),
}

impl Body {
    /// The bytes; none if a shared range lies outside of the shared bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Owned(bytes) | Self::Open(bytes) => bytes,
            Self::Shared(bytes, range) => bytes.get(range.clone()).unwrap_or_default(),
        }
    }
}

/// Whose web pages may read a response in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Pages of the same origin alone.
    SameOrigin,
    /// Pages of every site, as web players need for media.
    AnySite,
}

impl Audience {
    /// The header fields for this audience, with those that every response has:
    ///
    /// - `X-Content-Type-Options`: text that contains what others sent is never taken
    ///   for a page or a script.
    /// - `Content-Security-Policy`: a page runs and loads nothing and cannot be framed.
    /// - `Cross-Origin-Resource-Policy`: other sites cannot embed it.
    pub(super) const fn fields(self) -> &'static str {
        match self {
            Self::SameOrigin => {
                "X-Content-Type-Options: nosniff\r\n\
                 Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
                 Cross-Origin-Resource-Policy: same-origin\r\n"
            }
            Self::AnySite => {
                "X-Content-Type-Options: nosniff\r\n\
                 Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
                 Cross-Origin-Resource-Policy: cross-origin\r\n\
                 Access-Control-Allow-Origin: *\r\n"
            }
        }
    }
}

/// A response. The connection adds `Content-Length` and `Connection`, and the
/// [`Audience`] its fields: none of these may be among `headers`. No value may contain
/// a line end.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// Header fields in the order in which they are sent.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; for a `HEAD` request only its length is used.
    pub body: Body,
    /// Whose web pages may read it.
    pub audience: Audience,
    /// How it is delivered; `None` is at once and whole.
    pub delivery: Option<Box<Delivery>>,
    /// Identifies the response to the service, which is then notified of its end.
    pub ticket: Option<Ticket>,
}

impl Response {
    /// A response that is sent at once and whole, to pages of the same origin.
    #[must_use]
    pub const fn plain(
        status: Status,
        headers: Vec<(&'static str, Cow<'static, str>)>,
        body: Body,
    ) -> Self {
        let audience = Audience::SameOrigin;
        Self { status, headers, body, audience, delivery: None, ticket: None }
    }

    /// A response with a body of this media type.
    #[must_use]
    pub fn new(status: Status, content_type: &'static str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type", Cow::Borrowed(content_type))];
        Self::plain(status, headers, Body::Owned(body))
    }

    /// A response of one line of plain text: `text`, or the reason phrase if it is
    /// empty.
    #[must_use]
    pub fn text(status: Status, text: &str) -> Self {
        let text = if text.is_empty() { status.reason() } else { text };
        Self::new(status, "text/plain; charset=utf-8", format!("{text}\n").into_bytes())
    }

    /// This response with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The status line and the header fields, with the empty line after them
    /// (RFC 9112 §4 and §5); `connection` is the value of that field, if any.
    pub(super) fn head(&self, connection: Option<&str>) -> Vec<u8> {
        let mut head = String::with_capacity(HEAD_BYTES);
        let Status(code) = self.status;
        head.push_str("HTTP/1.1 ");
        head.push_str(&code.to_string());
        head.push(' ');
        head.push_str(self.status.reason());
        head.push_str("\r\n");
        for (name, value) in &self.headers {
            push_field(&mut head, name, value);
        }
        head.push_str(self.audience.fields());
        if !self.status.forbids_body() && !matches!(self.body, Body::Open(_)) {
            let announced = self.delivery.as_ref().and_then(|delivery| delivery.content_length);
            let length = announced.unwrap_or(self.body.bytes().len() as u64);
            push_field(&mut head, "Content-Length", &length.to_string());
        }
        if let Some(value) = connection {
            push_field(&mut head, "Connection", value);
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// Capacity for a usual head in bytes, so that one allocation suffices.
const HEAD_BYTES: usize = 512;

fn push_field(head: &mut String, name: &str, value: &str) {
    head.push_str(name);
    head.push_str(": ");
    head.push_str(value);
    head.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_has_a_length_unless_the_status_forbids_a_body() {
        let cases = [
            (200, "HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n\r\n"),
            (304, "HTTP/1.1 304 Not Modified\r\n", "\r\n"),
            (204, "HTTP/1.1 204 No Content\r\n", "\r\n"),
            (299, "HTTP/1.1 299 \r\n", "Content-Length: 3\r\n\r\n"),
        ];
        let fields = Audience::SameOrigin.fields();
        for (code, line, end) in cases {
            let response = Response::new(Status(code), "a/b", b"abc".to_vec());
            let want = format!("{line}Content-Type: a/b\r\n{fields}{end}");
            assert_eq!(String::from_utf8(response.head(None)).unwrap(), want);
        }
    }

    #[test]
    fn head_restricts_other_sites_by_audience() {
        for (audience, policy, any) in [
            (Audience::SameOrigin, "same-origin", false),
            (Audience::AnySite, "cross-origin", true),
        ] {
            let response = Response { audience, ..Response::text(Status::OK, "") };
            let head = String::from_utf8(response.head(None)).unwrap();
            for field in [
                "X-Content-Type-Options: nosniff",
                "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
                &format!("Cross-Origin-Resource-Policy: {policy}"),
            ] {
                assert!(head.contains(&format!("\r\n{field}\r\n")), "{field}: {head}");
            }
            assert_eq!(head.contains("\r\nAccess-Control-Allow-Origin: *\r\n"), any, "{head}");
            assert!(head.len() < HEAD_BYTES, "{} bytes", head.len());
        }
    }

    #[test]
    fn shared_body_is_limited_to_its_range() {
        let all: Rc<[u8]> = Rc::from(&b"0123456789"[..]);
        assert_eq!(Body::Shared(Rc::clone(&all), 2..5).bytes(), b"234");
        assert_eq!(Body::Shared(all, 5..11).bytes(), b"");
    }

    #[test]
    fn text_defaults_to_the_reason_phrase() {
        assert_eq!(Response::text(Status::NOT_FOUND, "").body.bytes(), b"Not Found\n");
        assert_eq!(Response::text(Status::OK, "ok").body.bytes(), b"ok\n");
    }
}
