//! Input arguments common to every FFmpeg program: where and how to connect.
//!
//! Shared by [`command`](super::command), for FFmpeg, and
//! [`variants`](super::variants), for ffprobe, which opens the same URL.

use std::ffi::CString;
use std::fmt;
use std::time::Duration;

use url::Url;

use crate::ffmpeg::capabilities::{Capabilities, OptionName};
use crate::ffmpeg::options::Options;

/// Longest reconnect delay that FFmpeg accepts, in seconds (`http.c`).
const RECONNECT_DELAY_MAX_SECS: u32 = 4294;

/// The URL to open, with `-resolve` applied.
#[derive(Debug)]
pub(super) struct OpenedUrl {
    pub(super) url: Url,
    headers: Vec<String>,
    skip_tls_verification: bool,
}

impl OpenedUrl {
    /// Derives the URL and the header fields from the options.
    pub(super) fn new(
        options: &Options,
        capabilities: &Capabilities,
    ) -> Result<Self, CommandError> {
        let mut url = options.url.clone();
        // FFmpeg would send the fragment to the origin, which RFC 9110 §7.1 excludes.
        url.set_fragment(None);
        if options.tap {
            // The tap adds TLS, and connects to the address of -resolve.
            without_tls(&mut url)?;
        }
        let https = url.scheme() == "https";
        let version = || capabilities.version().to_owned();
        if https && !capabilities.https() {
            return Err(CommandError::NoHttps { version: version() });
        }
        let mut headers = Vec::new();
        if let Some(address) = options.resolve.filter(|_| !options.tap) {
            if https && capabilities.verifies_tls() {
                return Err(CommandError::ResolveRefused { version: version() });
            }
            // A Host header of the user replaces ours: two are an error.
            if !options.headers.iter().any(|header| is_host(header)) {
                headers.push(format!("Host: {}", authority(&url)));
            }
            url.set_ip_host(address).map_err(|()| CommandError::NoHost)?;
        }
        if options.no_cache {
            headers.extend(["Cache-Control: no-cache", "Pragma: no-cache"].map(str::to_owned));
        }
        headers.extend(options.own_headers().cloned());
        let skip_tls_verification = https && options.resolve.is_some() && !options.tap;
        Ok(Self { url, headers, skip_tls_verification })
    }
}

/// Makes an https URL the http form of it that the tap expects, with its port.
fn without_tls(url: &mut Url) -> Result<(), CommandError> {
    if url.scheme() != "https" {
        return Ok(());
    }
    let port = url.port_or_known_default();
    url.set_scheme("http").map_err(|()| CommandError::NoHost)?;
    url.set_port(port).map_err(|()| CommandError::NoHost)
}

/// `host[:port]` as in the URL, without the default port and without credentials.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_host(header: &str) -> bool {
    header.split_once(':').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("host"))
}

/// Arguments for one FFmpeg program, without those that it does not support.
pub(super) struct Arguments<'a> {
    capabilities: &'a Capabilities,
    arguments: Vec<String>,
    left_out: Vec<OptionName>,
}

impl<'a> Arguments<'a> {
    pub(super) const fn new(capabilities: &'a Capabilities) -> Self {
        Self { capabilities, arguments: Vec::new(), left_out: Vec::new() }
    }

    pub(super) fn push<S: AsRef<str>>(&mut self, arguments: impl IntoIterator<Item = S>) {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
    }

    pub(super) fn push_known(&mut self, option: OptionName, value: impl fmt::Display) {
        if self.capabilities.knows(option) {
            self.push([option.flag(), &value.to_string()]);
        } else {
            self.left_out.push(option);
        }
    }

    pub(super) fn push_timeout(&mut self, timeout: Duration) {
        self.push_known(OptionName::RwTimeout, timeout.as_micros().min(i64::MAX as u128));
    }

    /// Reconnect options. They apply to the first playlist only: the HLS demuxer does
    /// not pass them on.
    ///
    /// `-reconnect_streamed` is left out on purpose. FFmpeg treats an unknown size as
    /// the largest possible one, so the close that ends a response without
    /// Content-Length looks like a lost connection (`http_read_stream` in `http.c`, 4.1
    /// to 9.0). With that option and `-reconnect` it requests the playlist again from
    /// its start, at once and without end: over 2,000 requests a second. Little is
    /// lost: FFmpeg appends the repeated playlist to the broken one. If the origin
    /// serves ranges, `-reconnect` alone resumes it.
    pub(super) fn push_reconnect(&mut self, delay_max_secs: u32) {
        self.push_known(OptionName::Reconnect, 1);
        self.push_known(OptionName::ReconnectOnNetworkError, 1);
        let delay_max_secs = delay_max_secs.min(RECONNECT_DELAY_MAX_SECS);
        self.push_known(OptionName::ReconnectDelayMax, delay_max_secs);
    }

    /// FFmpeg rejects `-tls_verify` before an http URL, so it is given for https only.
    pub(super) fn push_tls(&mut self, source: &OpenedUrl) {
        if source.skip_tls_verification {
            self.push_known(OptionName::TlsVerify, 0);
        }
    }

    pub(super) fn push_headers(&mut self, source: &OpenedUrl) {
        if !source.headers.is_empty() {
            let block: String =
                source.headers.iter().map(|header| format!("{header}\r\n")).collect();
            self.push(["-headers", &block]);
        }
    }

    /// The options that this FFmpeg does not support.
    pub(super) fn into_left_out(self) -> Vec<OptionName> {
        self.left_out
    }

    /// The arguments pushed since the last call.
    pub(super) fn take(&mut self) -> Result<Vec<CString>, CommandError> {
        self.arguments.drain(..).map(into_c_string).collect()
    }
}

pub(super) fn into_c_string(argument: String) -> Result<CString, CommandError> {
    CString::new(argument).map_err(|_| CommandError::Nul)
}

/// Why a command cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// An argument contains a NUL byte, which execve(2) does not allow.
    Nul,
    /// The URL has no host to replace.
    NoHost,
    /// An https URL, and an FFmpeg without TLS.
    NoHttps {
        /// Its version.
        version: String,
    },
    /// `-resolve` for https with an FFmpeg that verifies certificates by default: its
    /// HLS demuxer passes `-tls_verify 0` to no segment.
    ResolveRefused {
        /// Its version.
        version: String,
    },
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nul => write!(f, "an argument for FFmpeg contains a NUL byte: remove it"),
            Self::NoHost => write!(f, "-resolve needs a URL with a host"),
            Self::NoHttps { version } => write!(
                f,
                "FFmpeg {version} was built without TLS and cannot open https: \
                 use another with -ffmpeg, or an http URL"
            ),
            Self::ResolveRefused { version } => write!(
                f,
                "-resolve cannot work for https with FFmpeg {version}: it verifies every \
                 certificate, and -tls_verify 0 does not reach the segments; put the address \
                 into /etc/hosts instead of -resolve, or use FFmpeg 8 or older"
            ),
        }
    }
}

impl std::error::Error for CommandError {}
