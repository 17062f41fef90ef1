//! Addresses in flags: listeners, exporters and hosts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::{Host, Url};

use super::Scrape;
use crate::measures::METRICS_PATH;
use crate::units::address::EVERY;

/// A listen address: `addr:port`, `:port` (every address, as in Go), or a port, which
/// is one of `bare`.
fn address(text: &str, bare: IpAddr) -> Option<SocketAddr> {
    if let Ok(port) = text.parse::<u16>() {
        return Some(SocketAddr::from((bare, port)));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = || port.parse::<u16>().ok();
    match host {
        "" => Some(SocketAddr::from((EVERY, port()?))),
        "localhost" => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port()?))),
        _ => text.parse().ok(),
    }
}

pub(in crate::cli) fn scrape_address(text: &str) -> Result<Scrape, String> {
    if text.is_empty() {
        return Ok(Scrape(None));
    }
    match address(text, EVERY) {
        Some(address) => Ok(Scrape(Some(address))),
        None => Err("give a port or addr:port, such as 9090 or 127.0.0.1:9090; '' is off".into()),
    }
}

pub(in crate::cli) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    address(text, Ipv4Addr::LOCALHOST.into())
        .ok_or_else(|| "give a port or addr:port, such as 8080, :8080 or 192.0.2.1:8080".to_owned())
}

/// The URL of an exporter: http, without a password. The default path is that of the
/// metrics.
pub(in crate::cli) fn exporter(text: &str) -> Result<Url, String> {
    const EXAMPLE: &str = "such as http://origin:9100/metrics";
    let mut url = Url::parse(text).map_err(|_| format!("give a URL {EXAMPLE}"))?;
    if url.scheme() == "https" {
        return Err(format!(
            "https is not supported; give a URL {EXAMPLE}, or that of a tunnel to it"
        ));
    }
    if url.scheme() != "http" || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("give a URL {EXAMPLE}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("passwords are not supported; give a URL without one, {EXAMPLE}"));
    }
    if url.path() == "/" {
        url.set_path(METRICS_PATH);
    }
    url.set_fragment(None);
    Ok(url)
}

/// A host as written in a URL: an IPv6 address in brackets.
pub(in crate::cli) fn exporter_host(text: &str) -> Result<String, String> {
    let refused = || "give only a name or an address, such as origin.example or 192.0.2.1".into();
    if let Ok(IpAddr::V6(address)) = text.parse() {
        return Ok(format!("[{address}]"));
    }
    match Host::parse(text) {
        Ok(host) => Ok(host.to_string()),
        Err(_) => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let cases = [
            ("9090", Some("[::]:9090")),
            (":9090", Some("[::]:9090")),
            ("0.0.0.0:9090", Some("0.0.0.0:9090")),
            ("0", Some("[::]:0")),
            ("127.0.0.1:0", Some("127.0.0.1:0")),
            ("localhost:80", Some("127.0.0.1:80")),
            ("[::1]:9090", Some("[::1]:9090")),
            ("", None),
        ];
        for (text, want) in cases {
            let want = want.map(|address| address.parse().unwrap());
            assert_eq!(scrape_address(text), Ok(Scrape(want)), "{text}");
        }
        for text in ["65536", "host:80", "1.2.3.4", "1.2.3.4:", ":", ":x", "::1:80", "-1"] {
            assert!(scrape_address(text).is_err(), "{text}");
        }
        assert_eq!(listen_address("8080").unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(listen_address(":8080").unwrap().to_string(), "[::]:8080");
        assert!(listen_address("").is_err());
    }

    #[test]
    fn exporters_need_plain_http() {
        let cases = [
            ("http://h", "http://h/metrics"),
            ("http://h:9100/", "http://h:9100/metrics"),
            ("HTTP://H:81/status?x=y#z", "http://h:81/status?x=y"),
            ("http://[::1]:9113/metrics", "http://[::1]:9113/metrics"),
        ];
        for (text, want) in cases {
            assert_eq!(exporter(text).unwrap().as_str(), want);
        }
        for (text, why) in [
            ("https://h/metrics", "https is not supported"),
            ("h:9100", "give a URL"),
            ("", "give a URL"),
            ("ftp://h/", "give a URL"),
            ("http://u:p@h/", "password"),
        ] {
            let error = exporter(text).unwrap_err();
            assert!(error.contains(why) && error.contains("http://origin:9100"), "{text}: {error}");
        }
        for (text, want) in
            [("h.example", "h.example"), ("192.0.2.1", "192.0.2.1"), ("::1", "[::1]")]
        {
            assert_eq!(exporter_host(text).as_deref(), Ok(want));
        }
        for text in ["", "h:9100", "http://h", "h/x", "u@h"] {
            assert!(exporter_host(text).is_err(), "{text}");
        }
    }
}
