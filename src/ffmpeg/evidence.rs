//! What the log of an attempt shows about its end. `stats::client` collects it for
//! [`super::outcome`].

use super::log::Failure;

/// A failure named in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trouble {
    /// Why the request failed.
    pub failure: Option<Failure>,
    /// Its error status, if it had one.
    pub status: Option<u16>,
    /// Whether the request was for a playlist.
    pub playlist: bool,
    /// Whether media was expected and the response was no media.
    pub media: bool,
}

/// What an attempt was waiting for when we ended it, if it had waited for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The address of the URL's host: it had connected to nothing.
    Address,
    /// The end of a response.
    Response,
    /// Media in the received segments.
    Media,
    /// Something that the log does not show.
    Unknown,
}

/// Evidence from the log of one attempt. A field without a log line keeps its default;
/// below level verbose that is nearly every field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// The last failure, unless a request after it succeeded.
    pub trouble: Trouble,
    /// The last failure, unless a segment came after it. FFmpeg skips segments that
    /// fail and reloads the playlist, which does not clear the failure.
    pub lasting: Trouble,
    /// Segments received without a logged failure.
    pub segments: u32,
    /// FFmpeg rejected an option of its command.
    pub option_refused: bool,
    /// FFmpeg lacked memory, and has requested no segment since.
    pub out_of_memory: bool,
    /// What the attempt was waiting for when we ended it.
    pub waiting: Option<Waiting>,
    /// Streams were found.
    pub input_opened: bool,
    /// The input had a duration when it was opened: its playlist had ended.
    pub ended_at_start: bool,
    /// FFmpeg read to the end, or to a failure that it treated as the end. No log line
    /// shows ENDLIST in a live playlist, so this without a failure stands for it.
    pub input_ended: bool,
    /// FFmpeg logged that it exits on a signal.
    pub exiting_on_signal: bool,
    /// Refreshes of a playlist, at the end, without a new segment.
    pub vain_refreshes: u32,
}
