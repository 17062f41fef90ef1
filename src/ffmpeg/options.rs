//! The settings of every client's FFmpeg, before they become arguments.

use std::net::IpAddr;
use std::time::Duration;

use url::Url;

/// Which streams of the master playlist a client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariantChoice {
    /// Every stream of every variant (`-map 0`).
    All,
    /// The variant of the highest bitrate.
    Highest,
    /// The variant of the lowest bitrate.
    Lowest,
    /// The first video and the first audio stream.
    First,
}

/// How much FFmpeg logs (`-loglevel`), which determines the available statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogDetail {
    /// Requests, but no connects.
    Info,
    /// Every request and every connect.
    Verbose,
    /// Everything, at several times the lines.
    Debug,
}

impl LogDetail {
    /// The level's name in FFmpeg.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Verbose => "verbose",
            Self::Debug => "debug",
        }
    }
}

/// The settings of every client's FFmpeg; only the client's number differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The playlist to load, http or https.
    pub url: Url,
    /// Whether requests go through the tap, whose port [`Template`] gets when it is known.
    ///
    /// [`Template`]: super::command::Template
    pub tap: bool,
    /// Connect to this address instead of resolving the URL's host.
    pub resolve: Option<IpAddr>,
    /// Adds `Cache-Control: no-cache` and `Pragma: no-cache`.
    pub no_cache: bool,
    /// Extra header fields, each `Name: value`, in order.
    pub headers: Vec<String>,
    /// Extra input options, placed before `-i`, in order.
    pub extra_args: Vec<String>,
    /// `User-Agent` without the client's suffix.
    pub user_agent: String,
    /// Network read and write timeout.
    pub timeout: Duration,
    /// Whether FFmpeg's reconnect options are given.
    pub reconnect: bool,
    /// Longest reconnect delay, in seconds.
    pub reconnect_delay_secs: u32,
    /// Retries of a segment.
    pub segment_retries: u32,
    /// Whether FFmpeg's own prefetching stays enabled.
    pub http_multiple: bool,
    /// How much FFmpeg logs; `None` is warnings only, and no progress.
    pub stats: Option<LogDetail>,
}

/// The fields whose values are credentials (RFC 9110 §11.6.2, RFC 6265 §4.2).
const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];

impl Options {
    /// The header fields that FFmpeg sends itself. With the tap those with credentials
    /// are not among them.
    pub(super) fn own_headers(&self) -> impl Iterator<Item = &String> {
        self.headers.iter().filter(|header| !self.tap || credential(header).is_none())
    }

    /// The names and values of the header fields with credentials, which the tap adds to
    /// requests for the chosen hosts.
    #[must_use]
    pub fn credentials(&self) -> Vec<(String, String)> {
        let found = self.headers.iter().filter_map(|header| credential(header));
        found.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The plainest command for this URL: no headers, an empty user agent, no time limit,
    /// no retries, no statistics.
    #[must_use]
    pub const fn new(url: Url) -> Self {
        Self {
            url,
            tap: false,
            resolve: None,
            no_cache: false,
            headers: Vec::new(),
            extra_args: Vec::new(),
            user_agent: String::new(),
            timeout: Duration::ZERO,
            reconnect: false,
            reconnect_delay_secs: 0,
            segment_retries: 0,
            http_multiple: false,
            stats: None,
        }
    }
}

/// Name and value of a header field with credentials; `None` for others.
fn credential(header: &str) -> Option<(&str, &str)> {
    let (name, value) = header.split_once(':')?;
    let name = name.trim();
    let is_one = CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known));
    is_one.then(|| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tap_takes_the_credentials() {
        let given = ["X-A: b", "authorization: Basic x:y", "Cookie : a=b; c=d", "Cookies: e"];
        let headers = given.map(str::to_owned).to_vec();
        let url = Url::parse("http://h/a.m3u8").unwrap();
        let mut options = Options { headers, ..Options::new(url) };
        assert_eq!(options.own_headers().count(), 4);
        options.tap = true;
        assert_eq!(options.own_headers().collect::<Vec<_>>(), ["X-A: b", "Cookies: e"]);
        let credentials = options.credentials();
        let found: Vec<_> = credentials.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(found, [("authorization", "Basic x:y"), ("Cookie", "a=b; c=d")]);
    }
}
