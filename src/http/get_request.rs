//! The head of a GET request, as bytes.
//!
//! Credentials are sent to the host of the run's URL alone, wherever a redirect or a
//! playlist leads. Knows no socket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::{Position, Url};

/// Fields that would change the framing or the coding of the response; the user's are
/// not sent.
const OURS: [&str; 8] = [
    "Accept-Encoding",
    "Connection",
    "Content-Length",
    "Expect",
    "Range",
    "TE",
    "Transfer-Encoding",
    "Upgrade",
];

/// Fields with credentials, and `Host`, which belongs to the run's URL alone.
const FOR_OWN_HOST: [&str; 3] = ["Authorization", "Cookie", "Host"];

/// What every GET of a run has in common.
#[derive(Debug, Clone, Copy)]
pub struct GetRequest<'a> {
    /// The URL that the credentials belong to.
    pub own: &'a Url,
    /// `User-Agent`.
    pub user_agent: &'a str,
    /// Further fields, each `Name: value` without CR, LF and NUL.
    pub fields: &'a [String],
}

impl GetRequest<'_> {
    /// The request for this URL, for a connection that closes and a body without
    /// coding.
    #[must_use]
    pub fn get(&self, url: &Url) -> Vec<u8> {
        let own = self.is_own(url);
        let kept: Vec<(&str, &str)> = self
            .fields
            .iter()
            .filter_map(|field| field.split_once(':'))
            .map(|(name, value)| (name.trim(), value.trim()))
            .filter(|(name, _)| !is_one_of(name, &OURS))
            .filter(|(name, _)| own || !is_one_of(name, &FOR_OWN_HOST))
            .collect();
        let mut head =
            format!("GET {} HTTP/1.1\r\n", &url[Position::BeforePath..Position::AfterQuery]);
        let defaults = [
            ("Host", url[Position::BeforeHost..Position::AfterPort].to_owned()),
            ("User-Agent", self.user_agent.to_owned()),
            ("Accept", "*/*".to_owned()),
            ("Accept-Encoding", "identity".to_owned()),
            ("Connection", "close".to_owned()),
        ];
        let given = |name: &str| kept.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let basic = basic(url).filter(|_| !given("Authorization"));
        let defaults = defaults.into_iter().filter(|(name, _)| !given(name));
        for (name, value) in defaults.chain(basic.map(|value| ("Authorization", value))) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        for (name, value) in &kept {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// Whether the credentials may be sent to this URL: to the same host, and not in
    /// clear text if the run's URL is https.
    fn is_own(&self, url: &Url) -> bool {
        let downgraded = self.own.scheme() == "https" && url.scheme() != "https";
        self.own.host() == url.host() && !downgraded
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// The credentials in a URL as a value of `Authorization` (RFC 7617).
fn basic(url: &Url) -> Option<String> {
    let password = url.password();
    if url.username().is_empty() && password.is_none() {
        return None;
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(password.unwrap_or_default()));
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(own: &str, url: &str, fields: &[&str]) -> String {
        let own = Url::parse(own).unwrap();
        let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        let request = GetRequest { own: &own, user_agent: "ua/1", fields: &fields };
        String::from_utf8(request.get(&Url::parse(url).unwrap())).unwrap()
    }

    #[test]
    fn requests_an_uncoded_body_and_a_close() {
        let got = head("http://h/a", "http://[::1]:81/a/b%20c?d=e#f", &[]);
        let want = "GET /a/b%20c?d=e HTTP/1.1\r\nHost: [::1]:81\r\nUser-Agent: ua/1\r\n\
                    Accept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n";
        assert_eq!(got, want);
    }

    #[test]
    fn sends_user_fields_except_those_that_change_framing() {
        let fields = ["X-A: 1", "host: other", "user-agent:mine", "Range: bytes=0-", "TE: x"];
        let got = head("http://h/a", "http://h/b", &fields);
        let want = "GET /b HTTP/1.1\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\
                    Connection: close\r\nX-A: 1\r\nhost: other\r\nuser-agent: mine\r\n\r\n";
        assert_eq!(got, want);
    }

    #[test]
    fn sends_credentials_to_their_own_host_only() {
        let fields = ["Authorization: Bearer x", "Cookie: c=d", "X-A: 1"];
        for (url, own) in [
            ("https://h/b", true),
            ("https://h:8443/b", true),
            ("https://H/b", true),
            ("http://h/b", false),
            ("https://h.evil/b", false),
            ("https://cdn.h/b", false),
        ] {
            let got = head("https://h/a", url, &fields);
            assert_eq!(got.contains("Bearer x"), own, "{url}");
            assert_eq!(got.contains("c=d"), own, "{url}");
            assert!(got.contains("X-A: 1"), "{url}");
        }
    }

    #[test]
    fn sends_credentials_of_the_url_as_basic() {
        for (url, fields, want) in [
            ("http://u:p@h/a", &[][..], Some("Basic dTpw")),
            ("http://u@h/a", &[], Some("Basic dTo=")),
            ("http://:p@h/a", &[], Some("Basic OnA=")),
            ("http://u%40:%70@h/a", &[], Some("Basic dUA6cA==")),
            ("http://u:p@h/a", &["authorization: mine"], None),
            ("http://h/a", &[], None),
        ] {
            let got = head("http://h/a", url, fields);
            let found = got.lines().find_map(|line| line.strip_prefix("Authorization: "));
            assert_eq!(found, want, "{url}");
            assert!(got.contains("Host: h\r\n"), "{got}");
        }
    }
}
