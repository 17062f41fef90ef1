//! A parsed request head, and what it says about the connection after it.

use super::{PeerAddress, Status};

/// Most header fields of a request; people and scrapers send about ten.
pub const MAX_FIELDS: usize = 64;

/// A request method, as far as a read-only server distinguishes them (RFC 9110 §9).
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

impl Method {
    /// The method of this name; names are case-sensitive.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }
}

/// A request, borrowed from the connection's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The path without the query, as sent: nothing is decoded.
    pub path: &'a str,
    /// The text after `?`, if any.
    pub query: Option<&'a str>,
    /// The header fields in the order received.
    pub headers: &'a [httparse::Header<'a>],
    /// The body of a `POST`, at most 16 KiB; empty for every other method.
    pub body: &'a [u8],
    /// The address of the peer, if known.
    pub peer: Option<PeerAddress>,
}

impl<'a> Request<'a> {
    /// A request without query, body and peer.
    #[must_use]
    pub const fn new(method: Method, path: &'a str, headers: &'a [httparse::Header<'a>]) -> Self {
        Self { method, path, query: None, headers, body: &[], peer: None }
    }

    /// The value of the first field of this name, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.fields(name).next()
    }

    /// The values of all fields of this name, compared without case.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value)
    }
}

/// Whether and how the connection continues after a request (RFC 9112 §6 and §9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Continuation {
    /// Whether another request may follow.
    pub(super) keep_alive: bool,
    /// Whether the response must announce keep-alive: HTTP/1.0 closes by default.
    pub(super) announce: bool,
    /// Bytes of a body that follow the head.
    pub(super) body_bytes: usize,
}

/// Parses a complete head; returns the status of the refusal if it cannot be served.
pub(super) fn parse<'h, 'b: 'h>(
    head: &'b [u8],
    fields: &'h mut [httparse::Header<'b>; MAX_FIELDS],
    body_limit: usize,
) -> Result<(Request<'h>, Continuation), Status> {
    let mut parsed = httparse::Request::new(fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Status::HEADERS_TOO_LARGE),
        _ => return Err(Status::BAD_REQUEST),
    }
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(Status::BAD_REQUEST);
    };
    let (path, query) = split_target(target).ok_or(Status::BAD_REQUEST)?;
    let request = Request { query, ..Request::new(Method::named(method), path, parsed.headers) };
    let continuation = continuation(&request, version == 0, body_limit)?;
    Ok((request, continuation))
}

/// Path and query of a request target in origin-form, absolute-form or
/// asterisk-form (RFC 9112 §3.2).
fn split_target(target: &str) -> Option<(&str, Option<&str>)> {
    let local = match target {
        "*" => target,
        _ if target.starts_with('/') => target,
        _ => after_authority(target)?,
    };
    let (path, query) = match local.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (local, None),
    };
    Some((if path.is_empty() { "/" } else { path }, query))
}

fn after_authority(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    if known && end > 0 { rest.get(end..) } else { None }
}

/// What the fields say about the connection. Returns 400 if they contradict each other
/// or `Host` is missing in HTTP/1.1, and for a `POST`, whose body is needed, the reason
/// why it cannot be received.
fn continuation(
    request: &Request<'_>,
    http_1_0: bool,
    body_limit: usize,
) -> Result<Continuation, Status> {
    let hosts = request.fields("Host").count();
    if hosts > 1 || (hosts == 0 && !http_1_0) {
        return Err(Status::BAD_REQUEST);
    }
    let asked = |token| request.fields("Connection").any(|value| has_token(value, token));
    let wanted = !asked("close") && (!http_1_0 || asked("keep-alive"));
    let length = content_length(request).ok_or(Status::BAD_REQUEST)?;
    let chunked = request.header("Transfer-Encoding").is_some();
    if chunked && length.is_some() {
        return Err(Status::BAD_REQUEST);
    }
    let body = length.unwrap_or(0);
    let expects = body > 0 && request.header("Expect").is_some();
    let fitting = usize::try_from(body).ok().filter(|&bytes| bytes <= body_limit);
    if request.method == Method::Post {
        match fitting {
            _ if chunked => return Err(Status::LENGTH_REQUIRED),
            None => return Err(Status::CONTENT_TOO_LARGE),
            // The peer repeats it without the field (RFC 9110 §15.5.18).
            Some(_) if expects => return Err(Status::EXPECTATION_FAILED),
            Some(_) => {}
        }
    }
    // After a final response to `Expect: 100-continue` the body may follow or not (RFC
    // 9110 §10.1.1), so the start of the next request is unknown.
    let body_bytes = fitting.filter(|_| !chunked && !expects);
    let keep_alive = wanted && body_bytes.is_some();
    Ok(Continuation {
        keep_alive,
        announce: http_1_0 && keep_alive,
        body_bytes: body_bytes.unwrap_or(0),
    })
}

/// Outer `None`: not a single number; inner `None`: no such field.
fn content_length(request: &Request<'_>) -> Option<Option<u64>> {
    let mut lengths = request.fields("Content-Length");
    let Some(value) = lengths.next() else { return Some(None) };
    if lengths.next().is_some() || value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = str::from_utf8(value).ok()?.parse().ok()?;
    Some(Some(length))
}

fn has_token(value: &[u8], token: &str) -> bool {
    value
        .split(|&byte| byte == b',')
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY_LIMIT: usize = 100;

    fn head(version: &str, fields: &str) -> String {
        format!("GET / HTTP/{version}\r\n{fields}\r\n")
    }

    fn continuation_of(head: &str) -> Result<Continuation, Status> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        parse(head.as_bytes(), &mut fields, BODY_LIMIT).map(|(_, continuation)| continuation)
    }

    #[test]
    fn splits_a_target_into_path_and_query() {
        let cases = [
            ("/", Some(("/", None))),
            ("/a/b?c=d&e", Some(("/a/b", Some("c=d&e")))),
            ("/a?", Some(("/a", Some("")))),
            ("/?a?b", Some(("/", Some("a?b")))),
            ("http://host:1/a?b", Some(("/a", Some("b")))),
            ("HTTPS://host", Some(("/", None))),
            ("http://host?b", Some(("/", Some("b")))),
            ("*", Some(("*", None))),
            ("http:///a", None),
            ("ftp://host/a", None),
            ("host:443", None),
            ("a", None),
        ];
        for (target, want) in cases {
            assert_eq!(split_target(target), want, "{target}");
        }
    }

    #[test]
    fn keep_alive_follows_version_and_fields() {
        let cases = [
            ("1.1", "Host: a\r\n", true, false, 0),
            ("1.1", "Host: a\r\nConnection: close\r\n", false, false, 0),
            ("1.1", "Host: a\r\nConnection: x, CLOSE\r\n", false, false, 0),
            ("1.1", "Host: a\r\nConnection: x\r\nConnection: close\r\n", false, false, 0),
            ("1.1", "Host: a\r\nConnection: keep-alive\r\n", true, false, 0),
            ("1.1", "Host: a\r\nConnection: closed\r\n", true, false, 0),
            ("1.0", "", false, false, 0),
            ("1.0", "Connection: Keep-Alive\r\n", true, true, 0),
            ("1.0", "Connection: keep-alive, close\r\n", false, false, 0),
            ("1.1", "Host: a\r\nContent-Length: 100\r\n", true, false, 100),
            ("1.1", "Host: a\r\nContent-Length: 101\r\n", false, false, 0),
            ("1.1", "Host: a\r\nTransfer-Encoding: chunked\r\n", false, false, 0),
            ("1.1", "Host: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", false, false, 0),
            ("1.1", "Host: a\r\nExpect: 100-continue\r\n", true, false, 0),
        ];
        for (version, fields, keep_alive, announce, body_bytes) in cases {
            let want = Continuation { keep_alive, announce, body_bytes };
            assert_eq!(continuation_of(&head(version, fields)), Ok(want), "{version} {fields:?}");
        }
    }

    #[test]
    fn refuses_invalid_heads_with_a_status() {
        let many = format!("Host: a\r\n{}", "A: b\r\n".repeat(MAX_FIELDS));
        let cases = [
            ("1.1", "", Status::BAD_REQUEST),
            ("1.1", "Host: a\r\nHost: a\r\n", Status::BAD_REQUEST),
            ("2.0", "Host: a\r\n", Status::BAD_REQUEST),
            ("1.1", "Host : a\r\n", Status::BAD_REQUEST),
            ("1.1", "Host: a\r\n folded\r\n", Status::BAD_REQUEST),
            ("1.1", "Host: a\r\nContent-Length: -1\r\n", Status::BAD_REQUEST),
            ("1.1", "Host: a\r\nContent-Length: \r\n", Status::BAD_REQUEST),
            ("1.1", "Host: a\r\nContent-Length: 99999999999999999999\r\n", Status::BAD_REQUEST),
            ("1.1", "Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n", Status::BAD_REQUEST),
            (
                "1.1",
                "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                Status::BAD_REQUEST,
            ),
            ("1.1", &many, Status::HEADERS_TOO_LARGE),
        ];
        for (version, fields, want) in cases {
            assert_eq!(continuation_of(&head(version, fields)), Err(want), "{version} {fields:?}");
        }
    }

    #[test]
    fn accepts_the_maximum_number_of_fields() {
        let fields = format!("Host: a\r\n{}", "A: b\r\n".repeat(MAX_FIELDS - 1));
        assert!(continuation_of(&head("1.1", &fields)).is_ok());
    }

    #[test]
    fn reads_method_and_fields() {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let head = b"HEAD /x HTTP/1.1\r\nhOST: a\r\nAccept: b\r\naccept: c\r\n\r\n";
        let (request, _) = parse(head, &mut fields, BODY_LIMIT).unwrap();
        assert_eq!(request.method, Method::Head);
        assert_eq!(request.header("Host"), Some(&b"a"[..]));
        assert_eq!(request.fields("ACCEPT").collect::<Vec<_>>(), [b"b", b"c"]);
        assert_eq!(Method::named("get"), Method::Other);
        assert_eq!(Method::named("POST"), Method::Post);
    }
}
