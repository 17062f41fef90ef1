//! What an attempt's log says of its end, as `stats::client` gathers it: the
//! log's share in the verdict of [`super::outcome`].

use super::log::Failure;

/// A failure that the log named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trouble {
    /// Why the request failed.
    pub failure: Option<Failure>,
    /// Its error status, if it had one.
    pub status: Option<u16>,
    /// Whether it was for a playlist.
    pub playlist: bool,
    /// Whether the response came, and was no media although media was wanted.
    pub media: bool,
}

/// What an attempt was waiting for when we ended it, if it had waited for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The address of the URL's host: it had connected to nothing.
    Address,
    /// The end of a response.
    Response,
    /// Media in the segments that had come.
    Media,
    /// Something that the log does not name.
    Unknown,
}

/// Evidence from the log of one attempt. What was never logged stays at its
/// default: below level verbose that is nearly everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// The last failure, unless a request after it succeeded.
    pub trouble: Trouble,
    /// The last failure, unless a segment came after it: FFmpeg skips segments that
    /// fail and loads the playlist again, which repairs nothing.
    pub lasting: Trouble,
    /// Segments that came and were not seen to fail.
    pub segments: u32,
    /// FFmpeg refused an option of its command.
    pub option_refused: bool,
    /// FFmpeg lacked memory, and has asked for no segment since.
    pub out_of_memory: bool,
    /// What it had been waiting for when we ended it.
    pub waiting: Option<Waiting>,
    /// Streams were found.
    pub input_opened: bool,
    /// The input had a length when it was opened: its playlist had ended.
    pub ended_at_start: bool,
    /// FFmpeg read to the end, or to a failure that it took for the end; no line
    /// tells ENDLIST in a live playlist, so this without a failure stands for it.
    pub input_ended: bool,
    /// FFmpeg says that it obeys a signal.
    pub exiting_on_signal: bool,
    /// Refreshes of a playlist, at the end, that brought no new segment.
    pub vain_refreshes: u32,
}
