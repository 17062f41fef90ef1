//! The request of a client, from the form for a proxy to that for its origin.
//!
//! Keeps the order, spelling and values of the client's fields, so that an origin
//! receives what it would receive without the tap. Knows no connection.

use url::Url;

use super::Target;
use super::catalogue::Catalogue;
use super::settings::Settings;

/// Longest head of a request in bytes. Clients write about 300, and whatever fields the
/// user adds; servers accept 8 to 16 KiB.
pub(super) const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Most fields of a request; clients send about ten.
const FIELDS_MAX: usize = 100;

/// A request that can be forwarded.
#[derive(Debug)]
pub(super) struct Request {
    /// The URL that the client requested, which is http also for TLS.
    pub(super) url: Url,
    /// The same for people, as sent, with scheme https for TLS.
    pub(super) shown: String,
    /// Where to.
    pub(super) target: Target,
    /// Whether the method is `HEAD`.
    pub(super) is_head: bool,
    /// The first requested byte of the resource.
    pub(super) offset: u64,
    /// The head for the origin.
    pub(super) head: Vec<u8>,
}

/// Why a request is not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is malformed, or not in the form for a proxy.
    Malformed,
    /// It has a body.
    Body,
    /// Its method is neither `GET` nor `HEAD`.
    Method,
    /// Its head is too long.
    TooLong,
    /// Another request follows it before its response.
    Pipelined,
}

impl Refusal {
    /// The whole response.
    pub(super) const fn response(self) -> &'static [u8] {
        match self {
            Self::Malformed | Self::Pipelined => {
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            }
            Self::Body => {
                b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            }
            Self::Method => {
                b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\n\
                  Connection: close\r\n\r\n"
            }
            Self::TooLong => {
                b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n\
                  Connection: close\r\n\r\n"
            }
        }
    }
}

/// Reads a complete head.
pub(super) fn read(
    head: &[u8],
    settings: &Settings,
    catalogue: &Catalogue,
) -> Result<Request, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::TooLong),
        _ => return Err(Refusal::Malformed),
    }
    let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
        return Err(Refusal::Malformed);
    };
    if !matches!(method, "GET" | "HEAD") {
        return Err(Refusal::Method);
    }
    let fields: &[httparse::Header<'_>] = parsed.headers;
    refuse_bodies(fields)?;
    let (authority, local) = split(target).ok_or(Refusal::Malformed)?;
    let url = Url::parse(target).map_err(|_| Refusal::Malformed)?;
    let host = url.host_str().ok_or(Refusal::Malformed)?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().ok_or(Refusal::Malformed)?;
    let tls = catalogue.needs_tls(&host, port);
    let written = if tls { authority.strip_suffix(":443").unwrap_or(authority) } else { authority };
    let version = parsed.version.unwrap_or(1);
    let mut out = Vec::with_capacity(head.len());
    let line = [method, " ", local.0, local.1, " HTTP/1.", if version == 0 { "0" } else { "1" }];
    line.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    out.extend_from_slice(b"\r\n");
    write_fields(&mut out, fields, settings, &host, tls);
    let scheme = if tls { "https" } else { "http" };
    let shown = format!("{scheme}://{written}{}{}", local.0, local.1);
    let offset = offset(fields);
    let is_head = method == "HEAD";
    Ok(Request { url, shown, target: Target { host, port, tls }, is_head, offset, head: out })
}

/// Refuses a request with a body, and one whose framing or host is ambiguous.
fn refuse_bodies(fields: &[httparse::Header<'_>]) -> Result<(), Refusal> {
    let count = |name: &str| fields.iter().filter(|f| f.name.eq_ignore_ascii_case(name)).count();
    if count("Transfer-Encoding") > 0 {
        return Err(Refusal::Body);
    }
    let mut lengths = fields.iter().filter(|f| f.name.eq_ignore_ascii_case("Content-Length"));
    if lengths.any(|length| length.value != b"0") {
        return Err(Refusal::Body);
    }
    if count("Host") == 1 { Ok(()) } else { Err(Refusal::Malformed) }
}

/// The authority of a target in absolute form, and its origin form in two parts.
fn split(target: &str) -> Option<(&str, (&'static str, &str))> {
    let (scheme, rest) = target.split_at_checked("http://".len())?;
    if !scheme.eq_ignore_ascii_case("http://") {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, local) = rest.split_at_checked(end)?;
    // A password does not belong into a request line.
    if authority.is_empty() || authority.contains(['@', '\\']) {
        return None;
    }
    Some((authority, (if local.starts_with('/') { "" } else { "/" }, local)))
}

fn write_fields(
    out: &mut Vec<u8>,
    fields: &[httparse::Header<'_>],
    settings: &Settings,
    host: &str,
    tls: bool,
) {
    let secrets = settings.secrets_for(host, tls);
    for field in fields {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        let for_proxy =
            field.name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("proxy-"));
        let whole = is("Range") && !settings.keeps_range && field.value == b"bytes=0-";
        if for_proxy || whole || secrets.iter().any(|(name, _)| is(name)) {
            continue;
        }
        let value = match field.value.strip_suffix(b":443") {
            Some(short) if tls && is("Host") => short,
            _ => field.value,
        };
        write_field(out, field.name, value);
    }
    for (name, value) in secrets {
        write_field(out, name, value.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// The first byte of `Range: bytes=N-…`; 0 without one.
fn offset(fields: &[httparse::Header<'_>]) -> u64 {
    let range = fields.iter().find(|field| field.name.eq_ignore_ascii_case("Range"));
    let text = range.and_then(|range| std::str::from_utf8(range.value).ok());
    let first = text.and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
    first.and_then(|(first, _)| first.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
