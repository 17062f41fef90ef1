//! The http form of https URIs, for clients whose proxy adds TLS.
//!
//! A client that requests `http://h:443/…` from its proxy sends an ordinary request;
//! for `https://h/…` it would request a tunnel. The port is always explicit, so that
//! the result still shows where the TLS server listens. A pure function: the caller
//! remembers which servers need TLS.

use std::io::Write;

use super::lines::split_once;

/// The port of https (RFC 9110 §4.2.2).
const HTTPS_PORT: u16 = 443;

/// Bytes by which the http form is longer than its URI: `http:` before `//`, and a
/// port.
const ADDED_BYTES_MAX: usize = "http:".len() + ":65535".len();

/// The scheme by which a playlist was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

/// `http://h:p/…` for `https://h[:p]/…`; `None` for every URI that does not change.
///
/// `base` is the scheme of the playlist with the URI. A URI without a scheme but with a
/// host (`//h/…`, RFC 3986 §4.2) inherits it, so from https it is mapped as well. Other
/// relative URIs do not change: their base has been mapped already. Neither do
/// malformed URIs, with an empty host or an invalid port.
#[must_use]
pub fn without_tls(uri: &[u8], base: Scheme) -> Option<Vec<u8>> {
    let rest = after_scheme(uri, base)?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let host_at = memchr::memrchr(b'@', authority).map_or(0, |at| at + 1);
    let (user, server) = authority.split_at_checked(host_at)?;
    let (host, port) = host_and_port(server)?;
    let mut plain = Vec::with_capacity(uri.len() + ADDED_BYTES_MAX);
    for part in [b"http://", user, host] {
        plain.extend_from_slice(part);
    }
    // Writing into a vector cannot fail.
    let _ = write!(plain, ":{port}");
    plain.extend_from_slice(path);
    Some(plain)
}

/// The text after `https://`, or after `//` if that means the same.
fn after_scheme(uri: &[u8], base: Scheme) -> Option<&[u8]> {
    if let Some(rest) = uri.strip_prefix(b"//") {
        return (base == Scheme::Https).then_some(rest);
    }
    let (scheme, rest) = split_once(uri, b':')?;
    if scheme.eq_ignore_ascii_case(b"https") { rest.strip_prefix(b"//") } else { None }
}

/// The host, with its brackets if it is an IPv6 address, and the port.
fn host_and_port(server: &[u8]) -> Option<(&[u8], u16)> {
    let bracket = memchr::memchr(b']', server).filter(|_| server.starts_with(b"["));
    let host_bytes = match bracket {
        Some(at) => at + 1,
        None => memchr::memchr(b':', server).unwrap_or(server.len()),
    };
    let (host, port) = server.split_at_checked(host_bytes)?;
    let port = match port.strip_prefix(b":") {
        None if port.is_empty() => HTTPS_PORT,
        None => return None,
        Some(b"") => HTTPS_PORT,
        Some(digits) if digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).ok()?.parse().ok().filter(|&port| port > 0)?
        }
        Some(_) => return None,
    };
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_port_explicitly() {
        for (uri, want) in [
            ("https://h/a.ts", "http://h:443/a.ts"),
            ("https://h:8443/a.ts?b=https://c/", "http://h:8443/a.ts?b=https://c/"),
            ("https://h", "http://h:443"),
            ("https://h?a", "http://h:443?a"),
            ("https://h#a", "http://h:443#a"),
            ("https://h:/a", "http://h:443/a"),
            ("https://h:443/a", "http://h:443/a"),
            ("https://h:80/a", "http://h:80/a"),
            ("HTTPS://H/A", "http://H:443/A"),
            ("https://u:p@h/a", "http://u:p@h:443/a"),
            ("https://u@x:p@h:9/a@b:1", "http://u@x:p@h:9/a@b:1"),
            ("https://[::1]/a", "http://[::1]:443/a"),
            ("https://[2001:db8::1]:8443", "http://[2001:db8::1]:8443"),
            ("https://h/a b", "http://h:443/a b"),
            ("//h/a", "http://h:443/a"),
            ("//h:8443/a", "http://h:8443/a"),
        ] {
            let found = without_tls(uri.as_bytes(), Scheme::Https);
            assert_eq!(found.as_deref(), Some(want.as_bytes()), "{uri}");
        }
        assert_eq!(without_tls(b"https://h/\xff", Scheme::Http).unwrap(), b"http://h:443/\xff");
    }

    #[test]
    fn keeps_other_uris() {
        for uri in [
            "",
            "a.ts",
            "/a.ts",
            "../a.ts",
            "?a",
            "#a",
            "a:b/c",
            "http://h/a",
            "http://h:443/a",
            "data:text/plain,https://h/",
            "skd://key",
            "file:///a",
            "https:",
            "https:/h",
            "https:h",
            "https://",
            "https:///a",
            "https://:443/a",
            "https://u@/a",
            "https://h:x/a",
            "https://h:0/a",
            "https://h:65536/a",
            "https://h:+1/a",
            "https://[::1/a",
            "https://[::1]x/a",
            "https://::1/a",
            "httpsx://h/a",
            " https://h/a",
            "//",
            "///a",
        ] {
            assert_eq!(without_tls(uri.as_bytes(), Scheme::Https), None, "{uri}");
        }
        assert_eq!(without_tls(b"//h/a", Scheme::Http), None);
    }

    #[test]
    fn mapping_twice_equals_mapping_once() {
        let once = without_tls(b"https://h/a", Scheme::Https).unwrap();
        assert_eq!(without_tls(&once, Scheme::Https), None);
    }
}
