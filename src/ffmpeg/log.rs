//! FFmpeg's log, a line at a time: who spoke, when by its own clock, and what it
//! says of requests, connections and failures.
//!
//! Reads the words of FFmpeg 4.1 to 9.x at the levels verbose and debug, given
//! `-loglevel level+…`, with or without the `datetime` stamp of 8.0 and later
//! (`libavutil/log.c`). Most lines are noise and are told by their first bytes;
//! the rest are told by the first letter of their words. Borrows from the line,
//! allocates nothing, and takes any bytes. Knows no client and no clock: what
//! follows from the order of the lines is for `stats::client`.

mod date;
mod prefix;
mod words;

#[cfg(test)]
mod tests;

pub use prefix::{Level, Source, Stamp};

/// One line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// When it was written, if FFmpeg says so.
    pub stamp: Option<Stamp>,
    /// The part of FFmpeg that spoke.
    pub source: Source,
    /// The address of that part, which tells connections apart; 0 if unknown, and
    /// for lines without a note.
    pub address: u64,
    /// How much the line matters to FFmpeg.
    pub level: Level,
    /// What the line says; `None` for the many that say nothing of use here.
    pub note: Option<Note<'a>>,
}

/// What a line says. Words are those of `libavformat` (`hls.c`, `http.c`,
/// `tcp.c`, `network.c`, `aviobuf.c`) and `fftools`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note<'a> {
    /// A request for this URL begins.
    Opening {
        /// As asked for; with the prefix `crypto+` where the answer is encrypted.
        url: &'a [u8],
        /// Whether an open connection is used again.
        reused: bool,
    },
    /// The demuxer wants a segment or an initialization section.
    HlsRequest {
        /// Its URL.
        url: &'a [u8],
        /// Where in the resource it begins; 0 where the line was cut.
        offset: u64,
        /// The playlist that names it, from 0; `u32::MAX` where the line was cut.
        playlist: u32,
    },
    /// What was asked for last is an initialization section (level debug only).
    InitSection,
    /// A TCP connect begins.
    ConnectStarted,
    /// A TCP connect succeeded.
    Connected,
    /// One address could not be connected to; another may follow.
    ConnectAttemptFailed,
    /// The answer has an error status.
    HttpStatus(u16),
    /// A request or a connection failed.
    Failed(Failure),
    /// FFmpeg could not open its input or gave up reading it; the connection may
    /// have said why before.
    InputFailed(Failure),
    /// A request on a kept-alive connection failed; one on a new follows.
    KeepaliveFailed(Failure),
    /// FFmpeg will try again, on a new connection.
    WillReconnect,
    /// Segments left the playlist before FFmpeg came to them.
    SegmentsSkipped {
        /// How many.
        count: u64,
    },
    /// A segment could not be opened. Before 6.0 it is skipped, since then it may
    /// be tried again (`-seg_max_retry`).
    SegmentFailed,
    /// A segment was tried too often and is skipped (6.0 and later).
    SegmentGivenUp,
    /// An initialization section could not be opened.
    InitFailed,
    /// A key could not be opened or read.
    KeyFailed,
    /// A playlist could not be loaded anew.
    ReloadFailed,
    /// A playlist could not be read at the start; why is said by another line.
    PlaylistFailed,
    /// A playlist names no segment.
    PlaylistEmpty,
    /// The playlists were read, and the first media after them was not.
    MediaUnreadable,
    /// FFmpeg refuses an option of its command.
    OptionRefused,
    /// FFmpeg was refused memory, or a thread, which takes memory too.
    OutOfMemory,
    /// The media sequence of a playlist went back or jumped.
    SequenceChanged,
    /// A playlist has a tag that the demuxer does not know, so it is being read.
    TagSkipped,
    /// As [`Note::TagSkipped`], with the time at which a segment begins.
    ProgramDateTime {
        /// Nanoseconds since the Unix epoch.
        unix_ns: i64,
    },
    /// A connection or a file closes.
    BytesRead {
        /// Payload read from it: without heads, after decryption.
        bytes: u64,
    },
    /// A client closes.
    PacketsRead {
        /// Bytes of media packets demuxed from all streams in use.
        bytes: u64,
    },
    /// The input's streams are known.
    InputOpened,
    /// The length of the input, said once when it is opened.
    Duration {
        /// Whether it has one: a live playlist has none until it ended.
        known: bool,
    },
    /// FFmpeg read its input to the end, or to a failure that it took for the end.
    InputEnded,
    /// FFmpeg obeys a signal.
    ExitingOnSignal,
}

impl Note<'_> {
    /// Whether the line names something that failed, and not for our signal.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        match self {
            Note::Failed(failure) | Note::InputFailed(failure) | Note::KeepaliveFailed(failure) => {
                !matches!(failure, Failure::Interrupted)
            }
            Note::HttpStatus(_)
            | Note::PlaylistFailed
            | Note::PlaylistEmpty
            | Note::OptionRefused
            | Note::OutOfMemory => true,
            _ => false,
        }
    }
}

/// Why something failed, in FFmpeg's words (`libavutil/error.c`, strerror).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The name could not be resolved.
    Dns,
    /// Refused or unreachable.
    Connect,
    /// Reset, closed or broken by the other side.
    Lost,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// Nothing came in time.
    Timeout,
    /// The answer ended before it was whole.
    Truncated,
    /// An error status, told by a line of its own.
    Status,
    /// What came was not what was expected.
    Invalid,
    /// FFmpeg was asked to end.
    Interrupted,
    /// This host refused memory (`ENOMEM`).
    Memory,
    /// Anything else.
    Other,
}

/// What a line says, without the stamp, the part that speaks and its level.
#[must_use]
pub fn words(line: &[u8]) -> &[u8] {
    prefix::split(prefix::stamp(line).1).words
}

/// Reads one line, given without its end.
#[must_use]
pub fn parse(line: &[u8]) -> Line<'_> {
    let (stamp, rest) = prefix::stamp(line);
    let prefix = prefix::split(rest);
    let note = words::note(prefix.source, prefix.level, prefix.words);
    let address = if note.is_some() { prefix.address() } else { 0 };
    Line { stamp, source: prefix.source, address, level: prefix.level, note }
}
