//! What an attempt's log tells of its end, as `stats::client` gathers it: the
//! log's share in the verdict of [`super::outcome`].

use super::log::Failure;

/// Evidence from the log of one attempt. What was never logged stays at its
/// default: below level verbose that is nearly everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Why the last request failed, unless one after it succeeded.
    pub failure: Option<Failure>,
    /// The error status of that request, if it had one.
    pub status: Option<u16>,
    /// Whether that request was for a playlist.
    pub playlist_failed: bool,
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
