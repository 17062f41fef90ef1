//! The URL of the playlist: http or https, with a host.

use url::Url;

use super::UsageError;
use super::error::quoted;

/// Parses the URL of a playlist.
///
/// The `url` crate is as lenient as a browser (WHATWG URL): it parses
/// `http:///live.m3u8` as the host `live.m3u8`. So the start is checked here.
///
/// # Errors
/// A URL that is not http(s), has no host or starts with a dash.
pub(super) fn parse(text: &str) -> Result<Url, UsageError> {
    let refuse = |why: &str| {
        UsageError::new(format!(
            "URL {} {why}; give one such as https://example.com/live.m3u8",
            shown(text)
        ))
    };
    if text.starts_with('-') {
        return Err(refuse("starts with a dash"));
    }
    let Some(rest) = after_scheme(text) else { return Err(refuse("is not http or https")) };
    if rest.is_empty() || rest.starts_with(['/', '\\', '?', '#', ':', '@']) {
        return Err(refuse("has no host"));
    }
    let url = Url::parse(text).map_err(|error| refuse(&format!("is not valid ({error})")))?;
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => Err(refuse("has no host")),
    }
}

/// The text after `http://` or `https://`.
fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
}

/// The URL in quotes. It is left out if it may contain a password, which cannot be
/// located in an invalid URL.
fn shown(text: &str) -> String {
    if text.contains('@') { "(not shown, it has a password)".to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_http_and_https() {
        let cases = [
            ("http://h/a.m3u8", "http://h/a.m3u8"),
            ("HTTPS://H:8443", "https://h:8443/"),
            ("http://u:p@h/a?b=c#d", "http://u:p@h/a?b=c#d"),
            ("http://[::1]:80/a", "http://[::1]/a"),
            ("http://h/a b", "http://h/a%20b"),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text).unwrap().as_str(), want);
        }
    }

    #[test]
    fn rejects_other_urls_in_one_line() {
        let cases = [
            ("", "not http"),
            ("example.com/a.m3u8", "not http"),
            ("localhost:8080/a", "not http"),
            ("ftp://h/a", "not http"),
            ("/etc/passwd", "not http"),
            ("http:/h", "not http"),
            ("-clients", "dash"),
            ("-http://h", "dash"),
            ("http://", "no host"),
            ("http:///live.m3u8", "no host"),
            ("http://:80/a", "no host"),
            ("http://\\h", "no host"),
            ("http://?a", "no host"),
            ("http://u@/a", "not valid"),
            ("http://h:99999/", "not valid"),
            ("http://a b/", "not valid"),
            ("false\nx", "not http"),
        ];
        for (text, why) in cases {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(why) && error.contains("give one such as"), "{text}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn shows_no_password() {
        for text in ["http://u:se/cret@h/", "ftp://u:secret@h", "http://u:secret@h:x/"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("cret"), "{error}");
        }
        let error = parse("ftp://h/?token=secret").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
