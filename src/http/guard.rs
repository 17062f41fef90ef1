//! Which requests may change state: those of programs on this host, not of web pages.
//!
//! A browser on this host sends requests of any page to loopback addresses too, so the
//! peer's address proves nothing. Three fields do, because the browser sets them, not
//! the page:
//!
//! - `Host` must be a loopback address or `localhost`. Under any other name the browser
//!   may take the page and this server for the same site, if the name resolves to
//!   loopback by now (DNS rebinding).
//! - `Sec-Fetch-Site`, if present, must not name another site.
//! - `Origin`, if present, must equal `Host`. Browsers that do not send
//!   `Sec-Fetch-Site` send `Origin` with every `POST` to another site.
//!
//! The content type is not checked: a form of another site can send only three types,
//! but `curl -d` uses one of them, and the fields above reject such a form. Knows no
//! path and no method.

use std::net::{IpAddr, SocketAddr};

use super::{PeerAddress, Request};

/// Whether this request may change state.
///
/// # Errors
/// One line for the client: the reason and the remedy.
pub fn permit(request: &Request<'_>) -> Result<(), &'static str> {
    if !request.peer.is_some_and(PeerAddress::is_local) {
        return Err("only programs on this host may do this; connect to 127.0.0.1 or [::1]");
    }
    let host = request.header("Host").unwrap_or_default();
    if !std::str::from_utf8(host).is_ok_and(is_loopback) {
        return Err("the Host is not a loopback address; use 127.0.0.1, [::1] or localhost");
    }
    let mut sites = request.fields("Sec-Fetch-Site");
    let mut origins = request.fields("Origin");
    let allowed = sites.all(|site| matches!(site, b"same-origin" | b"none"))
        && origins.all(|origin| is_same(origin, host));
    if allowed { Ok(()) } else { Err("web pages of other sites may not do this; use curl") }
}

/// Whether this value of `Host`, with or without a port, names this host by an address
/// that needs no name server.
fn is_loopback(host: &str) -> bool {
    let bare = || host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let address = host.parse().map(|address: SocketAddr| address.ip());
    if let Ok(address) = address.or_else(|_| bare().parse::<IpAddr>()) {
        return address.to_canonical().is_loopback();
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost")
}

/// Whether an origin equals `host`. The scheme need not be compared: a port serves one
/// scheme only.
fn is_same(origin: &[u8], host: &[u8]) -> bool {
    let authority = [&b"http://"[..], b"https://"].iter().find_map(|it| origin.strip_prefix(*it));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn permits(peer: &str, fields: &[(&'static str, &str)]) -> bool {
        let headers: Vec<_> = fields
            .iter()
            .map(|(name, value)| httparse::Header { name, value: value.as_bytes() })
            .collect();
        let unix = (peer == "unix").then_some(PeerAddress::Unix);
        let peer = unix.or_else(|| peer.parse().ok().map(PeerAddress::Ip));
        permit(&Request { peer, ..Request::new(Method::Post, "/faults", &headers) }).is_ok()
    }

    #[test]
    fn permits_programs_on_this_host() {
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(permits(peer, &[("Host", "127.0.0.1:8080")]), "{peer}");
        }
        for peer in ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "unknown"] {
            assert!(!permits(peer, &[("Host", "127.0.0.1:8080")]), "{peer}");
        }
        assert!(permits("unix", &[("Host", "localhost")]));
        assert!(!permits("unix", &[("Host", "evil.example")]));
    }

    #[test]
    fn requires_a_loopback_host() {
        let good = [
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.1.2.3:80",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:8080",
            "localhost",
            "localhost:8080",
            "LOCALHOST:8080",
        ];
        for host in good {
            assert!(permits("127.0.0.1", &[("host", host)]), "{host}");
        }
        let bad = [
            "",
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example:8080",
            "127.0.0.1@evil.example",
            "localhost.evil.example",
            "evil.localhost",
            "192.0.2.1:8080",
            "0.0.0.0:8080",
            "[::]:8080",
            "2130706433",
            "0x7f.1",
        ];
        for host in bad {
            assert!(!permits("127.0.0.1", &[("Host", host)]), "{host}");
        }
        assert!(!permits("127.0.0.1", &[]), "a request without Host");
    }

    #[test]
    fn rejects_pages_of_other_sites() {
        let host = ("Host", "127.0.0.1:8080");
        let good = [
            ("Origin", "http://127.0.0.1:8080"),
            ("Origin", "https://127.0.0.1:8080"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Site", "none"),
            // What curl -d sends.
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        for field in good {
            assert!(permits("127.0.0.1", &[host, field]), "{field:?}");
        }
        let bad = [
            ("Origin", "http://evil.example"),
            ("Origin", "http://127.0.0.1:3000"),
            ("Origin", "http://127.0.0.1"),
            ("Origin", "http://localhost:8080"),
            ("Origin", "127.0.0.1:8080"),
            ("Origin", "null"),
            ("Origin", ""),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
            ("Sec-Fetch-Site", ""),
        ];
        for field in bad {
            assert!(!permits("127.0.0.1", &[host, field]), "{field:?}");
            assert!(
                !permits("127.0.0.1", &[host, good[0], good[2], field]),
                "{field:?} among others"
            );
        }
        // The name resolves to loopback, so the browser considers it one site.
        let rebound = [("Host", "evil.example:8080"), ("Origin", "http://evil.example:8080")];
        assert!(!permits("127.0.0.1", &rebound));
    }
}
