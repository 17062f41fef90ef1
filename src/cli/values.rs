//! The value of each flag: its grammar, its limits, and the remedy when it is
//! neither.
//!
//! Every parser returns the value or one line that says what to give instead;
//! the caller puts the name of the flag or variable before it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use super::nearest::nearest;
use crate::config::{LogFormat, LogLevel, ProbeFailurePolicy};
use crate::exposition::format::METRICS_PATH;
use crate::ffmpeg::options::{LogDetail, Variant};
use crate::origin::faults::{Recipe, RecipeError};
use crate::units::address::EVERY;
use crate::units::shard::{Shard, ShardError};
use crate::units::{Wall, duration};

/// Most clients. No Linux host runs more: `PID_MAX_LIMIT` is 4,194,304 and a
/// million of the smallest FFmpeg need some 3.6 TB.
pub const MAX_CLIENTS: u32 = 1_000_000;

/// Most starts a second; far above the 20 µs that one start takes.
pub const MAX_RAMP_RATE: f64 = 1_000_000.0;

/// Shortest delay before a restart, in milliseconds: with none, a client that
/// cannot start would do nothing but try.
pub const MIN_BACKOFF_MS: u64 = 1;

/// Largest growth of the delay from one restart to the next; above it the
/// second restart already waits the longest delay.
pub const MAX_BACKOFF_MULTIPLIER: f64 = 1_000.0;

/// Longest reconnect delay in seconds that FFmpeg takes (`reconnect_delay_max`
/// in libavformat/http.c).
pub const MAX_RECONNECT_DELAY_SECS: u32 = 4_294;

/// Most segment retries that FFmpeg takes (`seg_max_retry` in libavformat/hls.c).
pub const MAX_SEGMENT_RETRIES: u32 = i32::MAX as u32;

/// Shortest target duration, in milliseconds: progress comes once a second, so
/// that anything below says nothing of a stall.
pub const MIN_TARGET_DURATION_MS: u64 = 500;

/// Least memory that FFmpeg can be limited to, in bytes: twice what the leanest takes.
pub const MIN_FFMPEG_MEMORY_BYTES: u64 = 8 << 20;

/// Shortest time from one look at the origin's side to the next, in milliseconds: an
/// exporter takes some 20 ms for an answer.
pub const MIN_LOOK_INTERVAL_MS: u64 = 500;

/// Longest window over the origin's side, and longest time between two looks: an hour.
pub const MAX_LOOK_WINDOW: Duration = Duration::from_secs(3_600);

/// A scrape address; `None` is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scrape(pub(super) Option<SocketAddr>);

/// A list of bit rates in bit/s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bitrates(pub(super) Vec<u64>);

/// A whole number within bounds.
fn whole<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
    text: &str,
    least: T,
    most: T,
) -> Result<T, String> {
    match text.parse::<T>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("give a whole number from {least} to {most}")),
    }
}

/// A number within bounds; neither infinite nor not a number.
fn number(text: &str, least: f64, most: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => Err(format!("give a number from {least} to {most}")),
    }
}

/// The value of the name in the list that equals the text.
fn one_of<T: Copy>(text: &str, names: &[(&str, T)]) -> Result<T, String> {
    names.iter().find(|&&(name, _)| name == text).map(|&(_, value)| value).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|&(name, _)| name).collect();
        let list = known.join(", ");
        match nearest(text, known) {
            Some(meant) => format!("did you mean {meant}? Give one of {list}"),
            None => format!("give one of {list}"),
        }
    })
}

const VARIANTS: [(&str, Variant); 4] = [
    ("all", Variant::All),
    ("highest", Variant::Highest),
    ("lowest", Variant::Lowest),
    ("first", Variant::First),
];

const POLICIES: [(&str, ProbeFailurePolicy); 2] =
    [("fallback", ProbeFailurePolicy::Fallback), ("fail", ProbeFailurePolicy::Fail)];

const LOG_LEVELS: [(&str, LogLevel); 5] = [
    ("debug", LogLevel::Debug),
    ("info", LogLevel::Info),
    ("warn", LogLevel::Warn),
    ("warning", LogLevel::Warn),
    ("error", LogLevel::Error),
];

const LOG_FORMATS: [(&str, LogFormat); 2] = [("json", LogFormat::Json), ("text", LogFormat::Text)];

fn log_details() -> [(&'static str, LogDetail); 3] {
    let details = [LogDetail::Info, LogDetail::Verbose, LogDetail::Debug];
    details.map(|detail| (detail.name(), detail))
}

/// The values of the flag with this name, if they are few and known.
pub(super) fn choices(flag: &str) -> Vec<&'static str> {
    fn names<T>(list: &[(&'static str, T)]) -> Vec<&'static str> {
        list.iter().map(|&(name, _)| name).collect()
    }
    match flag {
        "variant" => names(&VARIANTS),
        "probe-failure-policy" => names(&POLICIES),
        "log-level" => names(&LOG_LEVELS),
        "log-format" => names(&LOG_FORMATS),
        "stats-loglevel" => names(&log_details()),
        _ => Vec::new(),
    }
}

/// Go's booleans (`strconv.ParseBool`).
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("give true or false".to_owned()),
    }
}

/// Whether the text is one of Go's booleans.
pub(super) fn is_boolean(text: &str) -> bool {
    boolean(text).is_ok()
}

pub(super) fn clients(text: &str) -> Result<NonZeroU32, String> {
    let least = NonZeroU32::MIN;
    whole(text, least, NonZeroU32::new(MAX_CLIENTS).unwrap_or(least))
}

pub(super) fn ramp_rate(text: &str) -> Result<f64, String> {
    number(text, 1.0, MAX_RAMP_RATE).map_err(|remedy| format!("{remedy}, in clients a second"))
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    whole(text, 0, u64::MAX)
}

pub(super) fn shard(text: &str) -> Result<Shard, String> {
    text.parse().map_err(|error: ShardError| error.to_string())
}

/// A moment as RFC 3339 has it, with its offset from UTC.
pub(super) fn start_at(text: &str) -> Result<Wall, String> {
    let moment: Option<jiff::Timestamp> = text.parse().ok();
    let since_epoch = moment.and_then(|at| u64::try_from(at.as_nanosecond()).ok());
    since_epoch.map(Wall::from_unix_nanos).ok_or_else(|| {
        "give a moment from 1970 to 2554 with its offset, such as 2026-01-31T18:00:00Z".to_owned()
    })
}

pub(super) fn max_restarts(text: &str) -> Result<u64, String> {
    whole(text, 0, u64::MAX).map_err(|remedy| format!("{remedy}; 0 is unlimited"))
}

pub(super) fn backoff(text: &str) -> Result<Duration, String> {
    let delay = duration::parse(text)?;
    if delay < Duration::from_millis(MIN_BACKOFF_MS) {
        return Err(format!("give {MIN_BACKOFF_MS}ms or more, or clients restart without a pause"));
    }
    Ok(delay)
}

pub(super) fn multiplier(text: &str) -> Result<f64, String> {
    number(text, 1.0, MAX_BACKOFF_MULTIPLIER)
}

pub(super) fn variant(text: &str) -> Result<Variant, String> {
    one_of(text, &VARIANTS)
}

pub(super) fn policy(text: &str) -> Result<ProbeFailurePolicy, String> {
    one_of(text, &POLICIES)
}

pub(super) fn log_level(text: &str) -> Result<LogLevel, String> {
    one_of(text, &LOG_LEVELS)
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    one_of(text, &LOG_FORMATS)
}

pub(super) fn log_detail(text: &str) -> Result<LogDetail, String> {
    one_of(text, &log_details())
}

pub(super) fn target_duration(text: &str) -> Result<Duration, String> {
    let span = duration::parse(text)?;
    if span < Duration::from_millis(MIN_TARGET_DURATION_MS) {
        return Err(format!("give {MIN_TARGET_DURATION_MS}ms or more, such as 6s"));
    }
    Ok(span)
}

pub(super) fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "give an IP address such as 192.0.2.1 or 2001:db8::1".to_owned())
}

/// Whether the text would end a header line early (RFC 9110 §5.5).
pub(super) fn breaks_a_line(text: &str) -> bool {
    text.contains(['\r', '\n', '\0'])
}

/// Names with a comma between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names(pub(super) Vec<String>);

pub(super) fn names(text: &str) -> Result<Names, String> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().any(String::is_empty) {
        _ if text.is_empty() => Ok(Names(Vec::new())),
        true => Err("give names with a comma between them, such as quality,start".to_owned()),
        false => Ok(Names(names)),
    }
}

pub(super) fn user_agent(text: &str) -> Result<String, String> {
    if breaks_a_line(text) {
        return Err("must not contain CR, LF or NUL; remove them".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn reconnect_delay(text: &str) -> Result<u32, String> {
    whole(text, 0, MAX_RECONNECT_DELAY_SECS).map_err(|remedy| format!("{remedy}, in seconds"))
}

pub(super) fn segment_retries(text: &str) -> Result<u32, String> {
    whole(text, 0, MAX_SEGMENT_RETRIES)
}

pub(super) fn file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("give the path of a program, or its name in PATH".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// A file to write; the empty path is none.
pub(super) fn output_file(text: &str) -> Result<PathBuf, String> {
    if text.contains('\0') {
        return Err("must not contain NUL; give the path of a file".to_owned());
    }
    Ok(PathBuf::from(text))
}

pub(super) fn fault(text: &str) -> Result<Recipe, String> {
    text.parse().map_err(|why: RecipeError| why.to_string())
}

/// A size in bytes with a unit of powers of 1024, as systemd takes it; 0 is none.
pub(super) fn memory_max(text: &str) -> Result<u64, String> {
    let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
    let found = units.iter().find_map(|&(unit, bits)| Some((text.strip_suffix(unit)?, bits)));
    let (number, bits) = found.unwrap_or((text, 0));
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << bits));
    bytes.filter(|&bytes| bytes == 0 || bytes >= MIN_FFMPEG_MEMORY_BYTES).ok_or_else(|| {
        let least = MIN_FFMPEG_MEMORY_BYTES >> 20;
        format!("give a size of {least}M or more with K, M, G or T, such as 512M; 0 is no limit")
    })
}

pub(super) fn ffmpeg_arg(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("must not contain NUL; remove it".to_owned());
    }
    Ok(text.to_owned())
}

/// An address to listen at: `addr:port`, `:port` (every address, as in Go), or a
/// port alone, which means `bare`.
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

pub(super) fn scrape_address(text: &str) -> Result<Scrape, String> {
    if text.is_empty() {
        return Ok(Scrape(None));
    }
    match address(text, EVERY) {
        Some(address) => Ok(Scrape(Some(address))),
        None => Err("give a port or addr:port, such as 9090 or 127.0.0.1:9090; '' is off".into()),
    }
}

pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    address(text, Ipv4Addr::LOCALHOST.into())
        .ok_or_else(|| "give a port or addr:port, such as 8080, :8080 or 192.0.2.1:8080".to_owned())
}

/// The URL of an exporter: plain http, without a password. Without a path it is
/// that of the metrics.
pub(super) fn exporter(text: &str) -> Result<Url, String> {
    const EXAMPLE: &str = "such as http://origin:9100/metrics";
    let mut url = Url::parse(text).map_err(|_| format!("give a URL {EXAMPLE}"))?;
    if url.scheme() == "https" {
        return Err(format!(
            "TLS is not spoken here; give a URL {EXAMPLE}, or that of a tunnel to it"
        ));
    }
    if url.scheme() != "http" || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("give a URL {EXAMPLE}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("no password is sent; give a URL without one, {EXAMPLE}"));
    }
    if url.path() == "/" {
        url.set_path(METRICS_PATH);
    }
    url.set_fragment(None);
    Ok(url)
}

/// A host as it stands in a URL: an IPv6 address in brackets.
pub(super) fn exporter_host(text: &str) -> Result<String, String> {
    let refused = || "give a name or an address alone, such as origin.example or 192.0.2.1".into();
    if let Ok(IpAddr::V6(address)) = text.parse() {
        return Ok(format!("[{address}]"));
    }
    match Host::parse(text) {
        Ok(host) => Ok(host.to_string()),
        Err(_) => Err(refused()),
    }
}

fn look(text: &str) -> Result<Duration, String> {
    let least = Duration::from_millis(MIN_LOOK_INTERVAL_MS);
    match duration::parse(text)? {
        span if span < least || span > MAX_LOOK_WINDOW => {
            Err(format!("give {MIN_LOOK_INTERVAL_MS}ms to 1h, such as 2s"))
        }
        span => Ok(span),
    }
}

pub(super) fn look_interval(text: &str) -> Result<Duration, String> {
    look(text)
}

pub(super) fn look_window(text: &str) -> Result<Duration, String> {
    look(text)
}

/// A bit rate in bit/s: a whole number, or a number with `k` or `M`.
fn bitrate(text: &str) -> Option<u64> {
    let (number, scale) = match text.strip_suffix(['k', 'M']) {
        Some(number) if text.ends_with('M') => (number, 1e6),
        Some(number) => (number, 1e3),
        None => (text, 1.0),
    };
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    // Above 2^53 a float rounds; what the origin serves is far below.
    Some((number.parse::<f64>().ok()? * scale).round() as u64)
}

pub(super) fn bitrates(text: &str) -> Result<Bitrates, String> {
    let rates: Option<Vec<u64>> = text.split(',').map(|part| bitrate(part.trim())).collect();
    rates.map(Bitrates).ok_or_else(|| "give bit rates such as 200k,1.5M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_those_of_go() {
        for text in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "yes", "on", "tRUE", "2", " true"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn exporters_are_asked_over_plain_http() {
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
            ("https://h/metrics", "TLS"),
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
        assert_eq!(look_interval("500ms"), Ok(Duration::from_millis(500)));
        for text in ["499ms", "0", "3601s", "-1s", "2"] {
            assert!(look_window(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(clients("1").unwrap().get(), 1);
        assert_eq!(clients("1000000").unwrap().get(), MAX_CLIENTS);
        for text in ["0", "-1", "1000001", "1.5", "", "ten", "1e3"] {
            assert!(clients(text).is_err(), "{text}");
        }
        assert_eq!(ramp_rate("1"), Ok(1.0));
        assert_eq!(ramp_rate("2.5"), Ok(2.5));
        for text in ["0", "0.99", "-5", "NaN", "inf", "1e9", ""] {
            assert!(ramp_rate(text).is_err(), "{text}");
        }
        for text in ["0.9", "NaN", "infinity", "-2"] {
            assert!(multiplier(text).is_err(), "{text}");
        }
        assert_eq!(reconnect_delay("4294"), Ok(4294));
        assert!(reconnect_delay("4295").is_err());
        assert_eq!(segment_retries("2147483647"), Ok(2_147_483_647));
        assert!(segment_retries("2147483648").is_err());
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        assert!(seed("0x10").is_err());
    }

    #[test]
    fn a_backoff_is_never_nothing() {
        assert!(backoff("0").is_err());
        assert!(backoff("999us").is_err());
        assert_eq!(backoff("1ms"), Ok(Duration::from_millis(1)));
    }

    #[test]
    fn a_stall_takes_longer_than_progress_does() {
        assert!(target_duration("0").is_err());
        assert!(target_duration("499ms").is_err());
        assert_eq!(target_duration("500ms"), Ok(Duration::from_millis(500)));
    }

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
    fn bit_rates() {
        let cases: [(&str, &[u64]); 4] = [
            ("200k,600k,1500k", &[200_000, 600_000, 1_500_000]),
            ("1.5M", &[1_500_000]),
            ("100000, 100M", &[100_000, 100_000_000]),
            ("264.5k", &[264_500]),
        ];
        for (text, want) in cases {
            assert_eq!(bitrates(text), Ok(Bitrates(want.to_vec())), "{text}");
        }
        for text in ["", "200k,", "k", "200K", "1G", "-200k", "1e6", "inf"] {
            assert!(bitrates(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(log_level("warning"), Ok(LogLevel::Warn));
        assert_eq!(log_level("warn"), Ok(LogLevel::Warn));
        let remedy = "did you mean highest? Give one of all, highest, lowest, first";
        assert_eq!(variant("hihgest"), Err(remedy.to_owned()));
        assert_eq!(variant("best"), Err("give one of all, highest, lowest, first".to_owned()));
        assert_eq!(log_detail("debug"), Ok(LogDetail::Debug));
        assert_eq!(log_detail("quiet"), Err("give one of info, verbose, debug".to_owned()));
        assert_eq!(output_file(""), Ok(PathBuf::new()));
        assert!(output_file("a\0b").is_err());
        assert!(policy("").is_err());
        assert!(log_format("JSON").is_err());
        assert_eq!(ip("::1"), Ok(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])));
        assert!(ip("localhost").is_err());
    }

    #[test]
    fn a_size_of_memory_has_a_unit_of_powers_of_1024() {
        let sizes = [("0", 0), ("8388608", 8 << 20), ("8192K", 8 << 20), ("512M", 512 << 20)];
        for (text, bytes) in sizes.into_iter().chain([("1G", 1 << 30), ("2T", 2 << 40)]) {
            assert_eq!(memory_max(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "1M", "1.5G", "-1G", "512m", "20000000T", "1 G"] {
            assert!(memory_max(text).is_err(), "{text}");
        }
    }
}
