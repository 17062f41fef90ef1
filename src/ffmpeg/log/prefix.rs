//! The prefix of a log line: the stamp, the component with its address, and the level
//! (`libavutil/log.c`, `format_line`).

use std::time::Duration;

use memchr::memchr;

/// Most components before a message: a program's and a library's.
const PARTS_MAX: usize = 3;

const DAY_MS: u32 = 24 * 3600 * 1000;

/// FFmpeg's own time of a line: milliseconds of the local day.
///
/// Meaningful for differences only. The date is ignored, since the lines of an attempt
/// are hours apart at most, and the time zone is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    day_ms: u32,
}

impl Stamp {
    /// The span since `earlier`, assumed to be at most a day.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let ms = (self.day_ms + DAY_MS - earlier.day_ms) % DAY_MS;
        Duration::from_millis(u64::from(ms))
    }
}

/// Removes the stamp `2026-11-23 01:51:19.937 ` from a line, if there is one.
pub(super) fn stamp(line: &[u8]) -> (Option<Stamp>, &[u8]) {
    if line.first().is_none_or(|byte| !byte.is_ascii_digit()) {
        return (None, line);
    }
    match line.split_first_chunk::<24>() {
        Some((head, rest)) => day_ms(head).map_or((None, line), |stamp| (Some(stamp), rest)),
        None => (None, line),
    }
}

#[rustfmt::skip]
fn day_ms(head: &[u8; 24]) -> Option<Stamp> {
    let &[_, _, _, _, b'-', _, _, b'-', _, _, b' ',
        h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1, f2, f3, b' '] = head
    else {
        return None;
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let two = |a, b| Some(digit(a)? * 10 + digit(b)?);
    let (hours, minutes, secs) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    let ms = two(f1, f2)? * 10 + digit(f3)?;
    // A leap second is written as 60 and counts as the first of the next minute.
    let day_ms = ((hours * 60 + minutes) * 60 + secs) * 1000 + ms;
    Some(Stamp { day_ms: day_ms % DAY_MS })
}

/// The component of FFmpeg that logged a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The program itself, or a line without a component.
    Program,
    /// A TCP connection.
    Tcp,
    /// A TLS connection.
    Tls,
    /// An HTTP or HTTPS connection.
    Http,
    /// The HLS demuxer: `hls`, `hls,applehttp` (4.1), `in#0/hls` and, before the input
    /// is open, `in#0` (7.0 and later); the latter two are also the reading thread.
    Hls,
    /// A buffer before a connection or a file.
    Buffer,
    /// A context without a class name: opening the first playlist, before 7.0.
    Unnamed,
    /// Any other component.
    Other,
}

impl Source {
    fn of(name: &[u8]) -> Self {
        match name {
            b"tcp" => Self::Tcp,
            b"tls" => Self::Tls,
            b"http" | b"https" => Self::Http,
            b"hls" | b"hls,applehttp" => Self::Hls,
            b"AVIOContext" => Self::Buffer,
            b"NULL" => Self::Unnamed,
            _ if name.starts_with(b"in#") => Self::Hls,
            _ => Self::Other,
        }
    }
}

/// FFmpeg's level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `panic` or `fatal`.
    Fatal,
    /// `error`.
    Error,
    /// `warning`.
    Warning,
    /// `info`.
    Info,
    /// `verbose`.
    Verbose,
    /// `debug` or `trace`.
    Debug,
    /// No level: the line continues the one before, or levels are not printed.
    Unknown,
}

impl Level {
    fn of(name: &[u8]) -> Self {
        match name {
            b"debug" | b"trace" => Self::Debug,
            b"verbose" => Self::Verbose,
            b"info" => Self::Info,
            b"warning" => Self::Warning,
            b"error" => Self::Error,
            b"fatal" | b"panic" => Self::Fatal,
            _ => Self::Unknown,
        }
    }
}

/// A line split into its parts.
pub(super) struct Prefix<'a> {
    pub(super) source: Source,
    pub(super) level: Level,
    pub(super) words: &'a [u8],
    /// The address as printed.
    hex: &'a [u8],
}

impl Prefix<'_> {
    /// The address of the component; 0 if it cannot be parsed.
    pub(super) fn address(&self) -> u64 {
        let digits = self.hex.strip_prefix(b"0x").unwrap_or_default();
        let digits = digits.iter().take(16).map(|&byte| char::from(byte).to_digit(16));
        digits.map_while(|digit| digit).fold(0, |sum, digit| (sum << 4) | u64::from(digit))
    }
}

/// Splits `[part @ 0x…] [level] words`; of several components the last counts.
pub(super) fn split(line: &[u8]) -> Prefix<'_> {
    let mut found =
        Prefix { source: Source::Program, level: Level::Unknown, words: line, hex: b"" };
    // Most lines start with a level only, above all debug.
    if let Some(words) = line.strip_prefix(b"[debug] ") {
        return Prefix { level: Level::Debug, words, ..found };
    }
    for _ in 0..PARTS_MAX {
        let Some((inside, words)) = bracket(found.words) else { break };
        let level = Level::of(inside);
        if level != Level::Unknown {
            found.level = level;
            found.words = words;
            break;
        }
        let Some(at) = memchr(b'@', inside) else { break };
        let name = inside.get(..at.saturating_sub(1)).unwrap_or_default();
        found.source = Source::of(name);
        found.hex = inside.get(at + 2..).unwrap_or_default();
        found.words = words;
    }
    found
}

/// Removes `[inside] ` from the front.
fn bracket(words: &[u8]) -> Option<(&[u8], &[u8])> {
    let open = words.strip_prefix(b"[")?;
    let end = memchr(b']', open)?;
    let (inside, rest) = open.split_at_checked(end)?;
    let rest = rest.get(1..)?;
    Some((inside, rest.strip_prefix(b" ").unwrap_or(rest)))
}
