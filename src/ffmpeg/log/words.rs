//! The message of a log line, recognized by its component and then by its first letter,
//! so that an irrelevant line costs one or two comparisons.

use memchr::memmem;

use super::date::unix_ns;
use super::{Failure, Level, Note, Source};

/// The note of a message, if it is relevant.
pub(super) fn note(source: Source, level: Level, words: &[u8]) -> Option<Note<'_>> {
    if level == Level::Debug {
        return debug(source, words);
    }
    let note = match source {
        Source::Other | Source::Unnamed => None,
        Source::Hls => hls(level, words),
        Source::Tcp => tcp(words),
        Source::Http => http(words),
        Source::Buffer => statistics(words),
        Source::Tls => tls(level, words),
        Source::Program => program(level, words),
    };
    note.or_else(|| match level {
        Level::Fatal | Level::Error | Level::Warning => problem(level, words),
        Level::Unknown if source == Source::Program => loader(words),
        _ => None,
    })
}

/// Problems that any component may report.
fn problem(level: Level, words: &[u8]) -> Option<Note<'static>> {
    const MEMORY: [&[u8]; 6] = [
        b"Cannot allocate memory",
        b"Error allocating ",
        b"ailed to allocate ",
        b"Could not allocate ",
        // The host refuses the thread's stack, or another thread.
        b"pthread_create failed",
        b"pthread_create() failed",
    ];
    if MEMORY.iter().any(|phrase| memmem::find(words, phrase).is_some()) {
        return Some(Note::OutOfMemory);
    }
    if level == Level::Warning {
        return None;
    }
    const OPTION: [&[u8]; 4] = [
        b"Unrecognized option '",
        b"Error splitting the argument list: ",
        b"Error setting option ",
        b"Missing argument for option ",
    ];
    let unknown = words.starts_with(b"Option ") && words.ends_with(b" not found.");
    if unknown || OPTION.iter().any(|start| words.starts_with(start)) {
        return Some(Note::OptionRefused);
    }
    (words == b"error reading header").then_some(Note::MediaUnreadable)
}

/// The dynamic loader (ld.so(8)) that cannot map a library. It gives no reason if
/// memory is lacking, and one otherwise.
fn loader(words: &[u8]) -> Option<Note<'static>> {
    memmem::find(words, b": error while loading shared libraries: ")?;
    const MEMORY: [&[u8]; 2] =
        [b": failed to map segment from shared object", b": Cannot allocate memory"];
    MEMORY.iter().any(|end| words.ends_with(end)).then_some(Note::OutOfMemory)
}

/// The opening of the first playlist is logged at level debug only.
fn debug(source: Source, words: &[u8]) -> Option<Note<'_>> {
    match (source, words.first()?) {
        (Source::Hls | Source::Unnamed, b'O') => opening(words, false),
        (Source::Hls, b'D') => {
            words.starts_with(b"Downloading an initialization section").then_some(Note::InitSection)
        }
        _ => None,
    }
}

fn hls(level: Level, words: &[u8]) -> Option<Note<'_>> {
    match words.first()? {
        b'S' => skipped_tag_or_segment(words),
        b'H' => hls_request(words),
        b'O' => opening(words, false),
        b'F' => failed(words),
        b's' => skipping(words),
        b'k' => keepalive(words),
        b'M' => words.starts_with(b"Media sequence changed unex").then_some(Note::SequenceChanged),
        b'U' => unable(words),
        b'E' => ended_or_failed(level, words),
        b'p' => words.starts_with(b"parse_playlist error ").then_some(Note::PlaylistFailed),
        b' ' => demuxed(words),
        _ => None,
    }
}

/// `Skip ('TAG')` or `Segment N of playlist M failed too many times, skipping`.
fn skipped_tag_or_segment(words: &[u8]) -> Option<Note<'_>> {
    if let Some(tag) = words.strip_prefix(b"Skip ('") {
        let date = tag.strip_prefix(b"#EXT-X-PROGRAM-DATE-TIME:");
        let unix_ns = date.and_then(|date| unix_ns(date.strip_suffix(b"')").unwrap_or(date)));
        return Some(unix_ns.map_or(Note::TagSkipped, |unix_ns| Note::ProgramDateTime { unix_ns }));
    }
    let given_up =
        words.starts_with(b"Segment ") && words.ends_with(b"failed too many times, skipping");
    given_up.then_some(Note::SegmentGivenUp)
}

/// `HLS request for url 'URL', offset 0, playlist 2`.
fn hls_request(words: &[u8]) -> Option<Note<'_>> {
    let (url, tail) = quoted(words.strip_prefix(b"HLS request for url '")?);
    let (mut offset, mut playlist) = (0, u32::MAX);
    for part in tail.split(|&byte| byte == b',') {
        if let Some(rest) = part.strip_prefix(b" offset ") {
            offset = number(rest).unwrap_or_default();
        } else if let Some(rest) = part.strip_prefix(b" playlist ") {
            playlist = number(rest).and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX);
        }
    }
    Some(Note::HlsRequest { url, offset, playlist })
}

/// `Opening 'URL' for reading`.
fn opening(words: &[u8], reused: bool) -> Option<Note<'_>> {
    let (url, tail) = quoted(words.strip_prefix(b"Opening '")?);
    (tail.is_empty() || tail == b" for reading").then_some(Note::Opening { url, reused })
}

/// A URL up to the last quote, since it may contain quotes, and the text after it; a
/// cut line has no end.
fn quoted(words: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'\'', words).and_then(|end| words.split_at_checked(end)) {
        Some((url, tail)) => (url, tail.get(1..).unwrap_or_default()),
        None => (words, b""),
    }
}

fn failed(words: &[u8]) -> Option<Note<'_>> {
    match words.strip_prefix(b"Failed to ")? {
        rest if rest.starts_with(b"open segment ") => Some(Note::SegmentFailed),
        rest if rest.starts_with(b"reload playlist ") => Some(Note::ReloadFailed),
        rest if rest.starts_with(b"open an initialization section") => Some(Note::InitFailed),
        _ => None,
    }
}

/// `skipping 3 segments ahead, expired from playlists`.
fn skipping(words: &[u8]) -> Option<Note<'_>> {
    let rest = words.strip_prefix(b"skipping ")?;
    let count = number(rest)?;
    memmem::find(rest, b" segments ahead").map(|_| Note::SegmentsSkipped { count })
}

/// `keepalive request failed for 'URL' with error: 'REASON' when …`, and in 4.1
/// `keepalive request failed for 'URL', retrying with new connection: REASON`.
fn keepalive(words: &[u8]) -> Option<Note<'_>> {
    let rest = words.strip_prefix(b"keepalive request failed for '")?;
    let mark: &[u8] = b" with error: '";
    let at = memmem::rfind(rest, mark).map(|at| at + mark.len());
    let at = at.or_else(|| memmem::rfind(rest, b" new connection: ").map(|at| at + 17));
    let reason = at.and_then(|at| rest.get(at..)).unwrap_or_default();
    Some(Note::KeepaliveFailed(Failure::of(reason)))
}

/// `Unable to open key file URL`, `Unable to read key file URL`.
fn unable(words: &[u8]) -> Option<Note<'_>> {
    let rest = words.strip_prefix(b"Unable to ")?;
    let key = rest.starts_with(b"open key file") || rest.starts_with(b"read key file");
    key.then_some(Note::KeyFailed)
}

fn ended_or_failed(level: Level, words: &[u8]) -> Option<Note<'_>> {
    if words == b"EOF while reading input" {
        return Some(Note::InputEnded);
    }
    if words == b"Empty playlist" || words.starts_with(b"Empty segment [") {
        return Some(Note::PlaylistEmpty);
    }
    if words.starts_with(b"Error when loading first segment ") {
        return Some(Note::MediaUnreadable);
    }
    let reason = words.strip_prefix(b"Error opening input: ")?;
    (level == Level::Error).then(|| Note::InputFailed(Failure::of(reason)))
}

/// `  Total: 1005 packets (404682 bytes) demuxed`.
fn demuxed(words: &[u8]) -> Option<Note<'_>> {
    let rest = words.strip_prefix(b"  Total: ")?.strip_suffix(b" bytes) demuxed")?;
    let at = memchr::memchr(b'(', rest)?;
    Some(Note::PacketsRead { bytes: number(rest.get(at + 1..)?)? })
}

fn tcp(words: &[u8]) -> Option<Note<'_>> {
    match words.first()? {
        b'S' if words.starts_with(b"Starting connection attempt") => Some(Note::ConnectStarted),
        b'S' if words.starts_with(b"Successfully connected") => Some(Note::Connected),
        b'C' => connection(words),
        b'F' if words.starts_with(b"Failed to resolve hostname") => {
            Some(Note::Failed(Failure::Dns))
        }
        _ => None,
    }
}

/// `Connection to URL failed: REASON` ends the connect; `Connection attempt …` and, in
/// some versions, `Connected attempt failed: …` concern one address.
fn connection(words: &[u8]) -> Option<Note<'_>> {
    if words.starts_with(b"Connection attempt ") || words.starts_with(b"Connected attempt ") {
        return Some(Note::ConnectAttemptFailed);
    }
    let rest = words.strip_prefix(b"Connection to ")?;
    if rest.ends_with(b", trying next address") {
        return Some(Note::ConnectAttemptFailed);
    }
    let at = memmem::rfind(rest, b" failed: ")?;
    Some(Note::Failed(match Failure::of(rest.get(at + 9..)?) {
        Failure::Timeout => Failure::Timeout,
        Failure::Interrupted => Failure::Interrupted,
        _ => Failure::Connect,
    }))
}

fn http(words: &[u8]) -> Option<Note<'_>> {
    match words.first()? {
        b'O' => opening(words, true),
        b'H' => {
            let status = number(words.strip_prefix(b"HTTP error ")?)?;
            Some(Note::HttpStatus(u16::try_from(status).unwrap_or(u16::MAX)))
        }
        b'W' => words.starts_with(b"Will reconnect at ").then_some(Note::WillReconnect),
        b'S' => ends_early(words.strip_prefix(b"Stream ends prematurely at ")?),
        b'E' => unread(words.strip_prefix(b"Error reading HTTP response: ")?),
        b'U' => unread(words.strip_prefix(b"URL read error: ")?),
        _ => None,
    }
}

/// `9, should be 18`. A response without Content-Length may end by the close (RFC 9112
/// §6.3); FFmpeg assumes the largest length for it.
fn ends_early(words: &[u8]) -> Option<Note<'_>> {
    let unknown = words.ends_with(b", should be 18446744073709551615");
    (!unknown).then_some(Note::Failed(Failure::Truncated))
}

/// An end of file is ignored: some versions print it at the end of every segment, and
/// on a kept-alive connection it only means that the origin closed it.
fn unread(reason: &[u8]) -> Option<Note<'_>> {
    (reason != b"End of file").then(|| Note::Failed(Failure::of(reason)))
}

/// `Statistics: 468120 bytes read, 0 seeks`; a context that wrote logs another text.
fn statistics(words: &[u8]) -> Option<Note<'_>> {
    let rest = words.strip_prefix(b"Statistics: ")?;
    memmem::find(rest, b" bytes read")?;
    Some(Note::BytesRead { bytes: number(rest)? })
}

/// Any problem of the TLS layer (`tls_gnutls.c`, `tls_openssl.c`), except the line that
/// only announces the next one.
fn tls(level: Level, words: &[u8]) -> Option<Note<'_>> {
    let problem = matches!(level, Level::Fatal | Level::Error | Level::Warning);
    if !problem || words.starts_with(b"Error in the p") {
        return None;
    }
    let io = words.strip_prefix(b"IO error: ").map(Failure::of);
    Some(Note::Failed(io.unwrap_or(Failure::Tls)))
}

fn program(level: Level, words: &[u8]) -> Option<Note<'_>> {
    match words.first()? {
        b' ' if words.starts_with(b"  Duration: ") => {
            Some(Note::Duration { known: !words.starts_with(b"  Duration: N/A") })
        }
        b' ' => demuxed(words),
        b'I' => words.starts_with(b"Input #0, ").then_some(Note::InputOpened),
        b'N' => words.starts_with(b"No more output streams").then_some(Note::InputEnded),
        b'E' => {
            if words == b"Empty playlist" {
                // 4.1 names no component here.
                return Some(Note::PlaylistEmpty);
            }
            words.starts_with(b"Exiting normally, received signal").then_some(Note::ExitingOnSignal)
        }
        // 4.1 logs it without naming the demuxer.
        b's' => skipping(words),
        b'h' if level == Level::Error && words.starts_with(b"http") => {
            let at = memmem::rfind(words, b": ")?;
            Some(Note::InputFailed(Failure::of(words.get(at + 2..)?)))
        }
        _ => None,
    }
}

/// The number at the front.
fn number(words: &[u8]) -> Option<u64> {
    let digits = words.iter().take_while(|byte| byte.is_ascii_digit());
    let mut some = false;
    let sum = digits.fold(0u64, |sum, byte| {
        some = true;
        sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'))
    });
    some.then_some(sum)
}

impl Failure {
    /// Recognizes a reason by its first words.
    fn of(reason: &[u8]) -> Self {
        const REASONS: [(&[u8], Failure); 16] = [
            (b"Server returned ", Failure::Status),
            (b"Connection timed out", Failure::Timeout),
            (b"Operation timed out", Failure::Timeout),
            (b"Connection reset", Failure::Lost),
            (b"Broken pipe", Failure::Lost),
            (b"End of file", Failure::Lost),
            (b"Software caused connection abort", Failure::Lost),
            (b"Connection refused", Failure::Connect),
            (b"No route to host", Failure::Connect),
            (b"Host is unreachable", Failure::Connect),
            (b"Network is unreachable", Failure::Connect),
            (b"Network unreachable", Failure::Connect),
            (b"Cannot assign requested address", Failure::Connect),
            (b"Invalid data found", Failure::Invalid),
            (b"Immediate exit requested", Failure::Interrupted),
            (b"Cannot allocate memory", Failure::Memory),
        ];
        let found = REASONS.iter().find(|(words, _)| reason.starts_with(words));
        found.map_or(Self::Other, |&(_, failure)| failure)
    }
}
