//! The value of each flag: its syntax, its limits and the remedy.
//!
//! Every parser returns the value, or one line that says what to give instead; the
//! caller puts the name of the flag or variable before it.

mod addresses;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub(super) use self::addresses::{exporter, exporter_host, listen_address, scrape_address};
use super::nearest::nearest;
use crate::config::{LogFormat, LogLevel, ProbeFailurePolicy};
use crate::ffmpeg::options::{LogDetail, VariantChoice};
use crate::origin::faults::{Recipe, RecipeError};
use crate::tap::HeaderHosts;
use crate::units::shard::{Shard, ShardError};
use crate::units::{Wall, duration};

/// Most clients. No Linux host runs more: `PID_MAX_LIMIT` is 4,194,304, and a million
/// of the smallest FFmpeg need about 3.6 TB.
pub const MAX_CLIENTS: u32 = 1_000_000;

/// Most starts a second; far more than starts of 20 µs each allow.
pub const MAX_RAMP_RATE: f64 = 1_000_000.0;

/// Shortest delay before a restart, in milliseconds: without one, a client that cannot
/// start would restart in a busy loop.
pub const MIN_BACKOFF_MS: u64 = 1;

/// Largest growth of the delay between restarts; above it the second restart already
/// has the longest delay.
pub const MAX_BACKOFF_MULTIPLIER: f64 = 1_000.0;

/// Longest reconnect delay in seconds that FFmpeg accepts (`reconnect_delay_max` in
/// libavformat/http.c).
pub const MAX_RECONNECT_DELAY_SECS: u32 = 4_294;

/// Most segment retries that FFmpeg accepts (`seg_max_retry` in libavformat/hls.c).
pub const MAX_SEGMENT_RETRIES: u32 = i32::MAX as u32;

/// Shortest target duration, in milliseconds: progress comes once a second, so a
/// shorter one cannot show a stall.
pub const MIN_TARGET_DURATION_MS: u64 = 500;

/// Smallest memory limit of FFmpeg, in bytes: twice what the leanest build needs.
pub const MIN_FFMPEG_MEMORY_BYTES: u64 = 8 << 20;

/// Shortest interval between polls of the origin's exporters, in milliseconds: an
/// exporter needs about 20 ms for a response.
pub const MIN_POLL_INTERVAL_MS: u64 = 500;

/// Longest window and longest interval of the origin's exporters: an hour.
pub const MAX_POLL_WINDOW: Duration = Duration::from_secs(3_600);

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

/// The value whose name equals the text.
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

const VARIANTS: [(&str, VariantChoice); 4] = [
    ("all", VariantChoice::All),
    ("highest", VariantChoice::Highest),
    ("lowest", VariantChoice::Lowest),
    ("first", VariantChoice::First),
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

/// The values of the flag with this name, if there are few.
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

/// A time by RFC 3339, with its offset from UTC.
pub(super) fn start_at(text: &str) -> Result<Wall, String> {
    let moment: Option<jiff::Timestamp> = text.parse().ok();
    let since_epoch = moment.and_then(|at| u64::try_from(at.as_nanosecond()).ok());
    since_epoch.map(Wall::from_unix_nanos).ok_or_else(|| {
        "give a time from 1970 to 2554 with its offset, such as 2026-01-31T18:00:00Z".to_owned()
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

pub(super) fn variant(text: &str) -> Result<VariantChoice, String> {
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

/// Whether the text would end a header line (RFC 9110 §5.5).
pub(super) fn breaks_a_line(text: &str) -> bool {
    text.contains(['\r', '\n', '\0'])
}

/// Names separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names(pub(super) Vec<String>);

pub(super) fn names(text: &str) -> Result<Names, String> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    match names.iter().any(String::is_empty) {
        _ if text.is_empty() => Ok(Names(Vec::new())),
        true => Err("give names separated by commas, such as quality,start".to_owned()),
        false => Ok(Names(names)),
    }
}

pub(super) fn user_agent(text: &str) -> Result<String, String> {
    if breaks_a_line(text) {
        return Err("must not contain CR, LF or NUL; remove them".to_owned());
    }
    Ok(text.to_owned())
}

/// `all`, or names of hosts with commas between.
pub(super) fn header_hosts(text: &str) -> Result<HeaderHosts, String> {
    if text == "all" {
        return Ok(HeaderHosts::All);
    }
    let hosts: Vec<_> = text.split(',').map(|host| host.trim().to_owned()).collect();
    let is_host = |host: &String| !host.is_empty() && !host.contains(['/', ' ', '@', '*']);
    if !hosts.iter().all(is_host) {
        return Err("give names of hosts with commas between, or all".to_owned());
    }
    Ok(HeaderHosts::Named(hosts))
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

/// A file to write; an empty path is none.
pub(super) fn output_file(text: &str) -> Result<PathBuf, String> {
    if text.contains('\0') {
        return Err("must not contain NUL; give the path of a file".to_owned());
    }
    Ok(PathBuf::from(text))
}

pub(super) fn fault(text: &str) -> Result<Recipe, String> {
    text.parse().map_err(|why: RecipeError| why.to_string())
}

/// A size in bytes with a unit of a power of 1024, as in systemd; 0 is none.
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

fn poll_span(text: &str) -> Result<Duration, String> {
    let least = Duration::from_millis(MIN_POLL_INTERVAL_MS);
    match duration::parse(text)? {
        span if span < least || span > MAX_POLL_WINDOW => {
            Err(format!("give {MIN_POLL_INTERVAL_MS}ms to 1h, such as 2s"))
        }
        span => Ok(span),
    }
}

pub(super) fn poll_interval(text: &str) -> Result<Duration, String> {
    poll_span(text)
}

pub(super) fn poll_window(text: &str) -> Result<Duration, String> {
    poll_span(text)
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
    // Above 2^53 a float rounds; the origin serves far less.
    Some((number.parse::<f64>().ok()? * scale).round() as u64)
}

pub(super) fn bitrates(text: &str) -> Result<Bitrates, String> {
    let rates: Option<Vec<u64>> = text.split(',').map(|part| bitrate(part.trim())).collect();
    rates.map(Bitrates).ok_or_else(|| "give bit rates such as 200k,1.5M".to_owned())
}

#[cfg(test)]
mod tests;
