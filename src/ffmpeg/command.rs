//! The FFmpeg command of a client: what is asked of FFmpeg, as arguments.
//!
//! All clients share one [`Template`]; only the user agent carries the client's
//! number, so that an origin's log can be joined with ours. Options that this
//! FFmpeg does not know are left out. Input options come before `-i`, for FFmpeg
//! gives an option to the file that follows it.
//!
//! Knows no process; `reactor::process::child` runs the command.

use std::ffi::{CStr, CString};
use std::io::Write as _;
use std::iter;
use std::path::Path;

pub use crate::ffmpeg::arguments::CommandError;
use crate::ffmpeg::arguments::{Arguments, Source, into_c_string};
use crate::ffmpeg::capabilities::{Capabilities, OptionName};
use crate::ffmpeg::options::{LogDetail, Options};
use crate::units::ClientId;
use crate::units::text::is_hidden;

/// Flags of the log: `level` puts the level into each line and `repeat` stops
/// FFmpeg from collapsing equal ones. Accepted from 4.1 to 9.0.
const LOG_FLAGS: &str = "repeat+level";

/// Flag of the log that puts FFmpeg's own clock before each line. No help text
/// of FFmpeg lists it, so the version must tell who knows it.
const LOG_CLOCK_FLAG: &str = "datetime";

/// First release whose log knows [`LOG_CLOCK_FLAG`].
const LOG_CLOCK_SINCE_MAJOR: u32 = 8;

/// What FFmpeg logs when nobody counts: what went wrong, for the last words of a
/// client.
const QUIET_LOG_LEVEL: &str = "warning";

/// Period of the progress blocks, in seconds.
const STATS_PERIOD_SECS: u32 = 1;

/// Reloads of a playlist that brings nothing new. FFmpeg's own limit was 1000,
/// then 3, then 100; with 3 every live client dies.
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

/// The command of every client, but for the client's number.
#[derive(Debug, Clone)]
pub struct Template {
    /// Arguments before the user agent.
    before: Vec<CString>,
    /// The user agent without the client's suffix; holds no NUL.
    user_agent: Vec<u8>,
    /// Arguments after the user agent.
    after: Vec<CString>,
    left_out: Vec<OptionName>,
    timed_by_reading: bool,
}

impl Template {
    /// The command that asks for `options` and `map` of an FFmpeg that can do
    /// `capabilities`.
    ///
    /// # Errors
    ///
    /// [`CommandError`] if this FFmpeg cannot do what is asked.
    pub fn new(
        options: &Options,
        map: Map,
        capabilities: &Capabilities,
    ) -> Result<Self, CommandError> {
        let source = Source::new(options, capabilities)?;
        let mut arguments = Arguments::new(capabilities);
        let log_level = log_level(options.stats, capabilities);
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
        let timed_by_reading = options.stats.is_some() && !has_log_clock(capabilities);
        let left_out = arguments.into_left_out();
        Ok(Self { before, user_agent, after, left_out, timed_by_reading })
    }

    /// The arguments of `client`, the program's name not among them.
    ///
    /// Only the user agent is written anew, into `scratch`; reuse it from spawn
    /// to spawn.
    pub fn argv<'a>(
        &'a self,
        client: ClientId,
        scratch: &'a mut Vec<u8>,
    ) -> impl Iterator<Item = &'a CStr> {
        scratch.clear();
        scratch.extend_from_slice(&self.user_agent);
        // Writing to a Vec cannot fail.
        let _ = write!(scratch, "/client-{client}\0");
        let user_agent = CStr::from_bytes_with_nul(scratch).unwrap_or_default();
        let before = self.before.iter().map(CString::as_c_str);
        before.chain(iter::once(user_agent)).chain(self.after.iter().map(CString::as_c_str))
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

    /// The options that were wanted and that this FFmpeg does not know.
    #[must_use]
    pub fn left_out(&self) -> &[OptionName] {
        &self.left_out
    }

    /// Whether times are told from when a line of the log is read, since this
    /// FFmpeg does not say when it wrote it.
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

/// The number before the first dot of a release's version (`9.0.2`, `n9.0.2-17`);
/// `None` for a snapshot, which is named by a date or a commit.
fn release(version: &str) -> Option<u32> {
    let version = version.strip_prefix('n').unwrap_or(version);
    version.split_once('.')?.0.parse().ok()
}

/// A word for a shell. Control characters get bash's `$'…'`, since a terminal
/// would take a pasted CR for the Enter key.
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
mod tests {
    use std::time::Duration;

    use url::Url;

    use super::*;
    use crate::ffmpeg::capabilities::OptionName::*;

    const OLD: (&[u8], &[u8]) = (
        include_bytes!("../../tests/data/ffmpeg-4.1-2018-version.txt"),
        include_bytes!("../../tests/data/ffmpeg-4.1-2018-help.txt"),
    );
    const DEBIAN: (&[u8], &[u8]) = (
        include_bytes!("../../tests/data/ffmpeg-5.1.9-version.txt"),
        include_bytes!("../../tests/data/ffmpeg-5.1.9-help.txt"),
    );
    const NEW: (&[u8], &[u8]) = (
        include_bytes!("../../tests/data/ffmpeg-9.0.2-version.txt"),
        include_bytes!("../../tests/data/ffmpeg-9.0.2-help.txt"),
    );

    fn can((version, help): (&[u8], &[u8])) -> Capabilities {
        Capabilities::parse(version, help).unwrap()
    }

    fn options(url: &str) -> Options {
        Options {
            url: Url::parse(url).unwrap(),
            resolve: None,
            no_cache: false,
            headers: vec![],
            extra_args: vec![],
            user_agent: "ua/1".to_owned(),
            timeout: Duration::from_secs(15),
            reconnect: true,
            reconnect_delay_secs: 5,
            segment_retries: 3,
            http_multiple: false,
            stats: Some(LogDetail::Verbose),
        }
    }

    fn words(options: &Options, map: Map, capabilities: &Capabilities) -> Vec<String> {
        let template = Template::new(options, map, capabilities).unwrap();
        let mut scratch = Vec::new();
        let argv = template.argv(ClientId::new(7), &mut scratch);
        argv.map(|argument| argument.to_str().unwrap().to_owned()).collect()
    }

    fn line(options: &Options, map: Map, capabilities: &Capabilities) -> String {
        words(options, map, capabilities).join(" ")
    }

    #[test]
    fn the_whole_command() {
        let options = options("http://h/a.m3u8");
        let common = |clock| {
            let log = format!("-loglevel repeat+level{clock}+verbose");
            format!("-hide_banner -nostdin -nostats {log} -progress pipe:1")
        };
        let reconnect = "-reconnect 1";
        let end = "-i http://h/a.m3u8 -map 0 -c copy -f null -";
        assert_eq!(
            line(&options, Map::All, &can(NEW)),
            format!(
                "{} -stats_period 1 {reconnect} -reconnect_on_network_error 1 \
                 -reconnect_delay_max 5 -rw_timeout 15000000 -user_agent ua/1/client-7 \
                 -seg_max_retry 3 -max_reload 1000 -http_multiple 0 {end}",
                common("+datetime")
            )
        );
        assert_eq!(
            line(&options, Map::All, &can(OLD)),
            format!(
                "{} {reconnect} -reconnect_delay_max 5 -rw_timeout 15000000 \
                 -user_agent ua/1/client-7 -max_reload 1000 -http_multiple 0 {end}",
                common("")
            )
        );
    }

    #[test]
    fn what_was_left_out_is_what_was_wanted_and_unknown() {
        let mut options = options("http://h/a.m3u8");
        let left_out = |options: &Options| {
            Template::new(options, Map::All, &can(OLD)).unwrap().left_out().to_vec()
        };
        assert_eq!(left_out(&options), [StatsPeriod, ReconnectOnNetworkError, SegMaxRetry]);
        options.reconnect = false;
        assert_eq!(left_out(&options), [StatsPeriod, SegMaxRetry]);
        assert_eq!(Template::new(&options, Map::All, &can(NEW)).unwrap().left_out(), []);
    }

    #[test]
    fn the_log_is_as_deep_as_asked_and_has_a_clock_where_ffmpeg_has_one() {
        let cases = [
            (Some(LogDetail::Info), DEBIAN, "repeat+level+info"),
            (Some(LogDetail::Debug), DEBIAN, "repeat+level+debug"),
            (Some(LogDetail::Verbose), OLD, "repeat+level+verbose"),
            (Some(LogDetail::Info), NEW, "repeat+level+datetime+info"),
            (None, NEW, "repeat+level+warning"),
        ];
        for (stats, ffmpeg, want) in cases {
            let options = Options { stats, ..options("http://h/a") };
            let words = words(&options, Map::All, &can(ffmpeg));
            assert!(words.windows(2).any(|pair| pair == ["-loglevel", want]), "{words:?}");
            for option in ["-progress", "-stats_period"] {
                let given = words.iter().any(|word| word == option);
                let known = option == "-progress" || ffmpeg != OLD;
                assert_eq!(given, stats.is_some() && known, "{option} {want}");
            }
        }
    }

    #[test]
    fn only_a_release_tells_its_age() {
        let cases = [
            ("9.0.2", Some(9)),
            ("n9.0.2-17-g2a571b6068-20260930", Some(9)),
            ("5.1.9-0+deb12u1", Some(5)),
            ("10.0", Some(10)),
            ("N-47683-g0e8eb07980-static", None),
            ("2024-05-20-git-127ded5078-full_build.net", None),
            ("git-2020-06-04-7f81785", None),
            ("", None),
        ];
        for (version, want) in cases {
            assert_eq!(release(version), want, "{version}");
        }
    }

    #[test]
    fn maps() {
        let cases = [
            (Map::All, "-map 0 -c copy"),
            (Map::First, "-map 0:v:0? -map 0:a:0? -c copy"),
            (Map::Program(12), "-map 0:p:12 -c copy"),
        ];
        for (map, wanted) in cases {
            let line = line(&options("http://h/a#t=3"), map, &can(DEBIAN));
            assert!(line.contains(&format!("-i http://h/a {wanted}")), "{line}");
        }
    }

    #[test]
    fn switches_and_extra_arguments() {
        let mut options = options("http://h/a");
        options.reconnect = false;
        options.http_multiple = true;
        options.extra_args = vec!["-re".to_owned(), "-cookies".to_owned(), "a=b; c".to_owned()];
        options.timeout = Duration::from_millis(1500);
        let words = words(&options, Map::All, &can(NEW));
        assert!(!words.iter().any(|word| word.starts_with("-reconnect")));
        assert!(!words.contains(&"-http_multiple".to_owned()));
        assert!(words.windows(2).any(|pair| pair == ["-rw_timeout", "1500000"]));
        assert!(words.windows(4).any(|four| four == ["-re", "-cookies", "a=b; c", "-i"]));
    }

    #[test]
    fn values_beyond_what_ffmpeg_accepts_are_cut() {
        let mut options = options("http://h/a");
        options.reconnect_delay_secs = u32::MAX;
        options.segment_retries = u32::MAX;
        options.timeout = Duration::MAX;
        let line = line(&options, Map::All, &can(NEW));
        assert!(line.contains("-reconnect_delay_max 4294 -rw_timeout 9223372036854775807 "));
        assert!(line.contains("-seg_max_retry 2147483647 "));
    }

    #[test]
    fn headers_and_resolve() {
        let no_cache = "Cache-Control: no-cache|Pragma: no-cache|";
        let host_first = format!("Host: h:81|{no_cache}X: 1|");
        let cases = [
            ("http://h/a", "", true, "", "http://h/a", no_cache),
            ("http://h/a", "", false, "X: 1|Y: 2", "http://h/a", "X: 1|Y: 2|"),
            ("http://h:81/?b", "10.0.0.1", true, "X: 1", "http://10.0.0.1:81/?b", &host_first),
            ("https://u:p@h/a", "::1", false, "", "https://u:p@[::1]/a", "Host: h|"),
            ("http://[::2]:80/a", "::1", false, "", "http://[::1]/a", "Host: [::2]|"),
            ("http://h/a", "::1", false, "host : other", "http://[::1]/a", "host : other|"),
        ];
        for (url, resolve, no_cache, headers, opened, block) in cases {
            let mut options = options(url);
            options.resolve = resolve.parse().ok();
            options.no_cache = no_cache;
            options.headers =
                headers.split('|').filter(|h| !h.is_empty()).map(str::to_owned).collect();
            let words = words(&options, Map::All, &can(DEBIAN));
            let after = |flag: &str| {
                words.iter().position(|word| word == flag).map(|index| words[index + 1].clone())
            };
            assert_eq!(after("-i").unwrap(), opened);
            assert_eq!(after("-headers").unwrap().replace("\r\n", "|"), block, "{url}");
            let skips = url.starts_with("https") && !resolve.is_empty();
            assert_eq!(after("-tls_verify"), skips.then(|| "0".to_owned()), "{url}");
        }
        assert!(!line(&options("https://h/a"), Map::All, &can(DEBIAN)).contains("-tls_verify"));
        assert!(!line(&options("http://h/a"), Map::All, &can(DEBIAN)).contains("-headers"));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let refused = |options: &Options, capabilities: &Capabilities| {
            Template::new(options, Map::All, capabilities).unwrap_err().to_string()
        };
        let mut resolved = options("https://h/a");
        resolved.resolve = Some("127.0.0.1".parse().unwrap());
        assert!(refused(&resolved, &can(NEW)).contains("verifies every certificate"));
        let without_tls = can((DEBIAN.0, b"http AVOptions:\n  -reconnect <boolean> .D.\n"));
        assert!(refused(&options("https://h/a"), &without_tls).contains("without TLS"));
        let mut nul = options("http://h/a");
        nul.user_agent = "a\0b".to_owned();
        assert!(refused(&nul, &can(NEW)).contains("NUL"));
    }

    #[test]
    fn a_scratch_is_reused_from_client_to_client() {
        let template = Template::new(&options("http://h/a"), Map::All, &can(NEW)).unwrap();
        let mut scratch = Vec::new();
        for number in [123_456, 9, 0] {
            let wanted = CString::new(format!("ua/1/client-{number}")).unwrap();
            let mut argv = template.argv(ClientId::new(number), &mut scratch);
            assert!(argv.any(|argument| argument == wanted.as_c_str()));
        }
    }

    #[test]
    fn shell_line_can_be_pasted() {
        let mut options = options("http://u:p@h/a?b=1&c=2");
        options.headers = vec!["X: it's".to_owned()];
        let template = Template::new(&options, Map::First, &can(DEBIAN)).unwrap();
        let line = template.shell_line(Path::new("/opt/my ffmpeg"), ClientId::new(0));
        assert!(line.starts_with("'/opt/my ffmpeg' -hide_banner "), "{line}");
        assert!(line.contains(r" -headers $'X: it\'s\r\n' "), "{line}");
        assert!(
            line.ends_with(
                " -i 'http://u:p@h/a?b=1&c=2' -map '0:v:0?' -map '0:a:0?' -c copy -f null -"
            ),
            "{line}"
        );
        assert_eq!(quote("\u{1b}\u{7f}\t\\"), r"$'\u001b\u007f\u0009\\'");
    }
}
