//! A request head, parsed.

/// A request method, as far as a read-only server tells them apart (RFC 9110 §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`, for services that take one; anything else is [`Method::Other`].
    Post,
    /// Any other method.
    Other,
}

/// A request, borrowed from the connection's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: &'a str,
    /// What follows `?`, if anything.
    pub query: Option<&'a str>,
    /// The header fields in the order received.
    pub headers: &'a [httparse::Header<'a>],
}

impl<'a> Request<'a> {
    /// The value of the first field of this name, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value)
    }
}
