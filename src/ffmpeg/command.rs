//! The FFmpeg command of a client.
//!
//! All clients share one [`Template`]; only the user agent contains the client's
//! number, so that an origin's log can be joined with ours. Options that this FFmpeg
//! does not support are left out. Input options precede `-i`, since FFmpeg applies an
//! option to the next file.
//!
//! Knows no process; `reactor::process::child` runs the command.

use std::ffi::{CStr, CString};
use std::io::Write as _;
use std::iter;
use std::path::Path;

pub use crate::ffmpeg::arguments::CommandError;
use crate::ffmpeg::arguments::{Arguments, OpenedUrl, into_c_string};
use crate::ffmpeg::capabilities::{Capabilities, OptionName};
use crate::ffmpeg::options::{LogDetail, Options};
use crate::units::text::is_hidden;
use crate::units::{ClientId, loopback};

/// Log flags: `level` adds the level to each line and `repeat` keeps FFmpeg from
/// collapsing equal lines. Accepted from 4.1 to 9.0.
const LOG_FLAGS: &str = "repeat+level";

/// Log flag that adds FFmpeg's own time to each line. No help text of FFmpeg lists it,
/// so support follows from the version.
const LOG_CLOCK_FLAG: &str = "datetime";

/// First major release that supports [`LOG_CLOCK_FLAG`].
const LOG_CLOCK_SINCE_MAJOR: u32 = 8;

/// Log level without statistics: problems only, for the last lines of a client.
const QUIET_LOG_LEVEL: &str = "warning";

/// Period of the progress blocks, in seconds.
const STATS_PERIOD_SECS: u32 = 1;

/// Reloads of a playlist without new segments. FFmpeg's default was 1000, then 3, then
/// 100; with 3 every live client ends.
const MAX_RELOAD: u32 = 1000;

/// Largest number of segment retries that FFmpeg accepts (`hls.c`: INT_MAX).
const SEGMENT_RETRIES_MAX: u32 = i32::MAX as u32;

/// The streams of the input that a client reads (`-map`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// Every stream.
    All,
    /// The first video and the first audio stream, whichever exist.
    First,
    /// The streams of the program with this id: one variant of the master playlist.
    Program(u32),
}

impl Map {
    fn arguments(self) -> Vec<String> {
        let streams = match self {
            Self::All => vec!["0".to_owned()],
            Self::First => vec!["0:v:0?".to_owned(), "0:a:0?".to_owned()],
            Self::Program(id) => vec![format!("0:p:{id}")],
        };
        streams.into_iter().flat_map(|stream| ["-map".to_owned(), stream]).collect()
    }
}

/// The command of every client, except for the client's number.
#[derive(Debug, Clone)]
pub struct Template {
    /// Arguments before the user agent.
    before: Vec<CString>,
    /// The user agent without the client's suffix; contains no NUL.
    user_agent: Vec<u8>,
    /// The port of the tap, if requests go through it.
    tap_port: Option<u16>,
    /// Arguments after the user agent.
    after: Vec<CString>,
    left_out: Vec<OptionName>,
    timed_by_reading: bool,
}

impl Template {
    /// The command with `options` and `map` for an FFmpeg with `capabilities`.
    ///
    /// # Errors
    ///
    /// [`CommandError`] if this FFmpeg cannot do it.
    pub fn new(
        options: &Options,
        map: Map,
        capabilities: &Capabilities,
    ) -> Result<Self, CommandError> {
        let source = OpenedUrl::new(options, capabilities)?;
        let mut arguments = Arguments::new(capabilities);
        // With the tap the log is for people alone.
        let detail = options.stats.filter(|_| !options.tap);
        let log_level = log_level(detail, capabilities);
        arguments.push(["-hide_banner", "-nostdin", "-nostats", "-loglevel", &log_level]);
        if options.stats.is_some() {
            arguments.push(["-progress", "pipe:1"]);
            arguments.push_known(OptionName::StatsPeriod, STATS_PERIOD_SECS);
        }
        arguments.push_tls(&source);
        if options.reconnect {
            arguments.push_reconnect(options.reconnect_delay_secs);
        }
        arguments.push_timeout(options.timeout);
        arguments.push(["-user_agent"]);
        let before = arguments.take()?;
        arguments.push_headers(&source);
        let retries = options.segment_retries.min(SEGMENT_RETRIES_MAX);
        arguments.push_known(OptionName::SegMaxRetry, retries);
        arguments.push_known(OptionName::MaxReload, MAX_RELOAD);
        if !options.http_multiple {
            arguments.push_known(OptionName::HttpMultiple, 0);
        }
        arguments.push(&options.extra_args);
        arguments.push(["-i", source.url.as_str()]);
        arguments.push(map.arguments());
        arguments.push(["-c", "copy", "-f", "null", "-"]);
        let after = arguments.take()?;
        let user_agent = into_c_string(options.user_agent.clone())?.into_bytes();
        let timed_by_reading = detail.is_some() && !has_log_clock(capabilities);
        let left_out = arguments.into_left_out();
        Ok(Self { before, user_agent, tap_port: None, after, left_out, timed_by_reading })
    }

    /// The same command for clients whose requests go through the tap at this port. Each
    /// has an address of its own ([`loopback::of_client`]).
    #[must_use]
    pub fn through_tap(self, port: u16) -> Self {
        Self { tap_port: Some(port), ..self }
    }

    /// The arguments of `client`, without the name of the program.
    ///
    /// Only the user agent and the address of the tap are written, into `scratch`, which
    /// can be reused for the next spawn.
    pub fn argv<'a>(
        &'a self,
        client: ClientId,
        scratch: &'a mut Vec<u8>,
    ) -> impl Iterator<Item = &'a CStr> {
        scratch.clear();
        scratch.extend_from_slice(&self.user_agent);
        // Writing to a Vec cannot fail.
        let _ = write!(scratch, "/client-{client}\0");
        let proxy_at = scratch.len();
        if let (Some(port), Some(address)) = (self.tap_port, loopback::of_client(client)) {
            let _ = write!(scratch, "http://{address}:{port}\0");
        }
        let (user_agent, proxy) = scratch.split_at_checked(proxy_at).unwrap_or_default();
        let proxy = CStr::from_bytes_with_nul(proxy).ok();
        let user_agent = CStr::from_bytes_with_nul(user_agent).unwrap_or_default();
        let before = self.before.iter().map(CString::as_c_str).chain(iter::once(user_agent));
        let proxy = proxy.into_iter().flat_map(|proxy| [c"-http_proxy", proxy]);
        before.chain(proxy).chain(self.after.iter().map(CString::as_c_str))
    }

    /// The command of `client` for a shell, credentials included.
    #[must_use]
    pub fn shell_line(&self, program: &Path, client: ClientId) -> String {
        let mut scratch = Vec::new();
        let mut line = quote(&program.to_string_lossy());
        for argument in self.argv(client, &mut scratch) {
            line.push(' ');
            line.push_str(&quote(&argument.to_string_lossy()));
        }
        line
    }

    /// The requested options that this FFmpeg does not support.
    #[must_use]
    pub fn left_out(&self) -> &[OptionName] {
        &self.left_out
    }

    /// Whether events are timed when their log line is read, because this FFmpeg does
    /// not log times.
    #[must_use]
    pub const fn is_timed_by_reading(&self) -> bool {
        self.timed_by_reading
    }
}

/// The value of `-loglevel`: flags and level.
fn log_level(stats: Option<LogDetail>, capabilities: &Capabilities) -> String {
    let Some(detail) = stats else { return format!("{LOG_FLAGS}+{QUIET_LOG_LEVEL}") };
    let level = detail.name();
    if has_log_clock(capabilities) {
        format!("{LOG_FLAGS}+{LOG_CLOCK_FLAG}+{level}")
    } else {
        format!("{LOG_FLAGS}+{level}")
    }
}

fn has_log_clock(capabilities: &Capabilities) -> bool {
    release(capabilities.version()).is_some_and(|major| major >= LOG_CLOCK_SINCE_MAJOR)
}

/// The major version of a release (`9.0.2`, `n9.0.2-17`); `None` for a snapshot, which
/// is named by a date or a commit.
fn release(version: &str) -> Option<u32> {
    let version = version.strip_prefix('n').unwrap_or(version);
    version.split_once('.')?.0.parse().ok()
}

/// Quotes a word for a shell. Control characters are written as bash's `$'…'`, since a
/// terminal would treat a pasted CR as the Enter key.
pub(super) fn quote(word: &str) -> String {
    if !word.contains(is_hidden) {
        return shell_words::quote(word).into_owned();
    }
    let mut quoted = String::from("$'");
    for character in word.chars() {
        match character {
            '\'' | '\\' => quoted.extend(['\\', character]),
            '\r' => quoted.push_str("\\r"),
            '\n' => quoted.push_str("\\n"),
            hidden if is_hidden(hidden) => {
                let number = u32::from(hidden);
                quoted.push_str(&match number {
                    ..=0xffff => format!("\\u{number:04x}"),
                    _ => format!("\\U{number:08x}"),
                });
            }
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests;
