//! Parses FFmpeg's log, a line at a time: its source, its time by FFmpeg's clock, and
//! what it says about requests, connections and failures.
//!
//! Reads the messages of FFmpeg 4.1 to 9.x at levels verbose and debug, given
//! `-loglevel level+…`, with or without the `datetime` stamp of 8.0 and later
//! (`libavutil/log.c`). Most lines are irrelevant and are recognized by their first
//! bytes, the others by the first letter of their message. Borrows from the line,
//! allocates nothing, and accepts any bytes. Knows no client and no clock: what follows
//! from the order of the lines is for `stats::client`.

mod date;
mod prefix;
mod words;

#[cfg(test)]
mod tests;

pub use prefix::{Level, Source, Stamp};

use crate::exchange::ErrorReason;

/// One line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// When it was written, if FFmpeg says so.
    pub stamp: Option<Stamp>,
    /// The component that logged it.
    pub source: Source,
    /// The address of that component, which distinguishes connections; 0 if unknown,
    /// and for lines without a note.
    pub address: u64,
    /// Its log level.
    pub level: Level,
    /// What the line reports; `None` for the many irrelevant lines.
    pub note: Option<Note<'a>>,
}

/// An event reported by a line of `libavformat` (`hls.c`, `http.c`, `tcp.c`,
/// `network.c`, `aviobuf.c`) or `fftools`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note<'a> {
    /// A request for this URL starts.
    Opening {
        /// As requested; with the prefix `crypto+` if the response is encrypted.
        url: &'a [u8],
        /// Whether an open connection is used again.
        reused: bool,
    },
    /// The demuxer wants a segment or an initialization section.
    HlsRequest {
        /// Its URL.
        url: &'a [u8],
        /// First byte requested; 0 if the line was cut.
        offset: u64,
        /// The playlist that lists it, from 0; `u32::MAX` if the line was cut.
        playlist: u32,
    },
    /// The last request was for an initialization section (level debug only).
    InitSection,
    /// A TCP connect starts.
    ConnectStarted,
    /// A TCP connect succeeded.
    Connected,
    /// Connecting to one address failed; another may follow.
    ConnectAttemptFailed,
    /// The response has an error status.
    HttpStatus(u16),
    /// A request or a connection failed.
    Failed(Failure),
    /// FFmpeg could not open its input or gave up reading it; the connection may have
    /// reported the reason before.
    InputFailed(Failure),
    /// A request on a kept-alive connection failed; one on a new connection follows.
    KeepaliveFailed(Failure),
    /// FFmpeg will retry on a new connection.
    WillReconnect,
    /// Segments left the playlist before FFmpeg reached them.
    SegmentsSkipped {
        /// How many.
        count: u64,
    },
    /// A segment could not be opened. Before 6.0 it is skipped; since then it may be
    /// retried (`-seg_max_retry`).
    SegmentFailed,
    /// A segment failed too often and is skipped (6.0 and later).
    SegmentGivenUp,
    /// An initialization section could not be opened.
    InitFailed,
    /// A key could not be opened or read.
    KeyFailed,
    /// A playlist could not be reloaded.
    ReloadFailed,
    /// A playlist could not be read at the start; another line gives the reason.
    PlaylistFailed,
    /// A playlist lists no segment.
    PlaylistEmpty,
    /// The playlists were read, and the first media after them was not.
    MediaUnreadable,
    /// FFmpeg rejects an option of its command.
    OptionRefused,
    /// FFmpeg could not allocate memory, or a thread, which needs memory as well.
    OutOfMemory,
    /// The media sequence of a playlist went back or jumped.
    SequenceChanged,
    /// A playlist has a tag that the demuxer does not know: a playlist is being read.
    TagSkipped,
    /// As [`Note::TagSkipped`], with the time at which a segment starts.
    ProgramDateTime {
        /// Nanoseconds since the Unix epoch.
        unix_ns: i64,
    },
    /// A connection or a file closes.
    BytesRead {
        /// Payload bytes read from it: without heads, after decryption.
        bytes: u64,
    },
    /// A client closes.
    PacketsRead {
        /// Bytes of media packets demuxed from all streams in use.
        bytes: u64,
    },
    /// The input's streams are known.
    InputOpened,
    /// The duration of the input, logged once when it is opened.
    Duration {
        /// Whether it has one: a live playlist has none until it ended.
        known: bool,
    },
    /// FFmpeg read its input to the end, or to a failure that it treated as the end.
    InputEnded,
    /// FFmpeg exits on a signal.
    ExitingOnSignal,
}

impl Note<'_> {
    /// Whether the line reports a failure other than by our signal.
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
    /// Reset, closed or broken by the peer.
    Lost,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// Timed out.
    Timeout,
    /// The response ended before it was complete.
    Truncated,
    /// An error status, which a line of its own reports.
    Status,
    /// The data were not as expected.
    Invalid,
    /// FFmpeg was asked to end.
    Interrupted,
    /// This host refused memory (`ENOMEM`).
    Memory,
    /// Anything else.
    Other,
}

impl Failure {
    /// Why the request failed; `None` for what is no failure of a request, or is one
    /// that another line names.
    #[must_use]
    pub const fn reason(self) -> Option<ErrorReason> {
        match self {
            Self::Dns => Some(ErrorReason::Dns),
            Self::Connect | Self::Lost => Some(ErrorReason::Connect),
            Self::Tls => Some(ErrorReason::Tls),
            Self::Timeout => Some(ErrorReason::Timeout),
            Self::Truncated => Some(ErrorReason::Truncated),
            Self::Other => Some(ErrorReason::Other),
            Self::Status | Self::Invalid | Self::Interrupted | Self::Memory => None,
        }
    }
}

/// The message of a line, without the stamp, the component and the level.
#[must_use]
pub fn words(line: &[u8]) -> &[u8] {
    prefix::split(prefix::stamp(line).1).words
}

/// Parses one line, given without its end.
#[must_use]
pub fn parse(line: &[u8]) -> Line<'_> {
    let (stamp, rest) = prefix::stamp(line);
    let prefix = prefix::split(rest);
    let note = words::note(prefix.source, prefix.level, prefix.words);
    let address = if note.is_some() { prefix.address() } else { 0 };
    Line { stamp, source: prefix.source, address, level: prefix.level, note }
}
