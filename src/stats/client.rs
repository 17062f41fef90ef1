//! The requests of one attempt, inferred from the order of the lines of its log.
//!
//! FFmpeg's HLS demuxer makes one request at a time (with `-http_multiple 0`), so a
//! line belongs to the current request. The rules of this file follow from that. Each
//! is tested with captures of FFmpeg 4.1, 5.1 and 9.0 against what a server saw
//! (`tests/log_captures.rs`):
//!
//! - A request counts once it was sent: on a new connection when that is established
//!   (and TLS did not fail), on a kept-alive one unless FFmpeg finds it closed and
//!   repeats the request on a new one. So it is counted at the line *after* it.
//! - `HLS request` announces a segment or an initialization section. An `Opening` of
//!   that URL is the request for it; of another URL, for its key; without an
//!   announcement, for a playlist. At level verbose the first playlist shows only by
//!   its TCP connection. A further connection for the same request is a redirect or a
//!   retry, and counts as one more of that kind.
//! - Below level debug an initialization section looks like a segment. It is recognized
//!   by `init` in the file's name, which packagers use; others count as segments.
//! - Download times are *inferred*. A playlist's ends when its first new segment is
//!   requested. A playlist without a new segment is not timed, since FFmpeg then waits
//!   without a line. A segment's ends when the next of the same playlist is requested
//!   with nothing in between. At the live edge FFmpeg waits after a segment without a
//!   line and reloads the playlist. Such a segment is timed only if it took longer than
//!   any wait can ([`LogContext::reload_wait_max`]) and than the waits before it. An
//!   encrypted one is always timed, by the closing of its connection. Segments of
//!   several playlists that are read alternately are not timed.
//! - FFmpeg logs nothing when a segment breaks off in the middle, except for a response
//!   that ends early. A playlist that hangs on a new connection has no reason in the
//!   log, and counts as a timeout if it took as long as one.
//!
//! Knows no clock: spans are between FFmpeg's own stamps if lines have them, else
//! between the times at which the lines were read. Those may be some milliseconds apart:
//! a shorter span counts as 0 or as the time between two reads, in proportions that
//! make the mean right. Leaving either out would bias it.

mod at;
mod ending;
mod exchange;
mod request;
mod timing;
mod trouble;

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::at::At;
pub use self::ending::PATIENCE;
use self::request::{Request, Wanted};
use super::Requests;
use super::refused::{self, Claim, Date, SEGMENTS_SKIPPED_MAX};
use crate::ffmpeg::evidence::Evidence;
use crate::ffmpeg::log::{Line, Note};
use crate::units::{Moment, Tick};

/// How to read the log: what FFmpeg was started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogContext {
    /// `-rw_timeout`: a failure without a reason after this long counts as a timeout.
    pub network_timeout: Duration,
    /// Longest time that FFmpeg waits between two loads of a playlist: its target
    /// duration (RFC 8216 §6.3.4) plus scheduling slack.
    pub reload_wait_max: Duration,
    /// Whether FFmpeg requests ahead (`-http_multiple` not 0): nothing is timed then.
    pub asks_ahead: bool,
    /// When the attempt began.
    pub began: Tick,
    /// The end of the last span in which the loop did not run, if there was one. A line
    /// of then or before has no time, and what began by then is not timed.
    pub seen_since: Option<Tick>,
    /// Whether the URL's host is a name, and the log says when a connect begins.
    pub looks_up_name: bool,
}

impl LogContext {
    /// The span from one line to another; `None` if that is not known.
    fn span(&self, from: At, to: At) -> Option<Duration> {
        self.is_dated(from.tick).then(|| to.since(from))
    }

    fn is_dated(&self, tick: Tick) -> bool {
        self.seen_since.is_none_or(|since| tick > since)
    }
}

/// Follows the log of one attempt, from [`ClientRequests::default`] on. Has no heap: it
/// stays below 240 bytes whatever is in the log.
#[derive(Debug, Clone, Default)]
pub struct ClientRequests {
    request: Option<Request>,
    wanted: Option<Wanted>,
    connect: Option<(u64, At)>,
    /// When the last playlist was loaded.
    loaded: Option<At>,
    /// Shortest time from such a load to the next, with segments between.
    reload_min_ms: Option<u32>,
    /// From the newest programme date time to the wall clock, in the playlist
    /// that is being read.
    edge_age: Option<Duration>,
    bytes: u64,
    evidence: Evidence,
    /// When the first segment was complete.
    first_segment: Tick,
    /// A connection was started.
    connects: bool,
    /// The playlists were read, and no media after them.
    media_unreadable: bool,
    /// What follows is a consequence of our signal.
    ended_by_us: bool,
    /// This FFmpeg was seen to retry segments.
    tries_again: bool,
}

impl ClientRequests {
    /// Payload of the attempt so far: the sum over connections that FFmpeg closed, exact
    /// once it has ended gracefully. Excludes heads, and the bodies of errors.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the log says about the attempt's end.
    #[must_use]
    pub const fn evidence(&self) -> Evidence {
        self.evidence
    }

    /// Takes one line that was read at `now` and counts what it reports. Returns the age
    /// of the playlist's edge once for each playlist that was loaded and has dates: the
    /// wall clock when the line was read less the newest programme date time, which most
    /// origins give to every segment.
    pub fn note(
        &mut self,
        now: Moment,
        line: &Line<'_>,
        context: &LogContext,
        totals: &mut Requests,
    ) -> Option<Duration> {
        let note = line.note?;
        let at = At { tick: now.tick, stamp: line.stamp };
        match note {
            Note::HlsRequest { url, offset, playlist } => {
                let edge_age = self.arrive(at, playlist, context, totals);
                self.want(url, offset, playlist, totals);
                return edge_age;
            }
            Note::Opening { url, reused } => return self.open(at, url, reused, context, totals),
            Note::ConnectStarted => self.connecting(at, line.address, totals),
            Note::Connected => self.connected(at, line.address, context, totals),
            Note::ConnectAttemptFailed => self.connect = None,
            Note::InitSection => self.is_init(),
            Note::ProgramDateTime { unix_ns } => self.dated(now, unix_ns, context, totals),
            Note::TagSkipped => self.sent(totals),
            Note::BytesRead { bytes } => self.closed(at, bytes, context, totals),
            Note::SegmentsSkipped { count } if count > SEGMENTS_SKIPPED_MAX => {
                totals.refused.count(Claim::SegmentsSkipped);
            }
            Note::SegmentsSkipped { count } => totals.skip_segments(count),
            Note::SequenceChanged => totals.sequence_jumps += 1,
            _ if self.trouble(at, note, context, totals) => {}
            _ => self.milestone(note),
        }
        None
    }

    /// The log has ended: counts what is still open.
    pub fn finish(&mut self, totals: &mut Requests) {
        self.leave(Tick::ZERO, None, totals);
        self.request = None;
        if self.wanted.take().is_some_and(|wanted| wanted.failed) && !self.tries_again {
            totals.skip_segments(1);
        }
    }

    /// Notes what leads to the end.
    fn milestone(&mut self, note: Note<'_>) {
        match note {
            Note::InputOpened => self.evidence.input_opened = true,
            Note::Duration { known } => self.evidence.ended_at_start = known,
            Note::InputEnded => self.evidence.input_ended = true,
            Note::ExitingOnSignal => self.evidence.exiting_on_signal = true,
            _ => {}
        }
    }

    /// The demuxer is done with the current request, since it wants another.
    fn arrive(
        &mut self,
        at: At,
        playlist: u32,
        context: &LogContext,
        totals: &mut Requests,
    ) -> Option<Duration> {
        let took = self.time_until(at, Some(playlist), context);
        let edge_age = self.leave(at.tick, took, totals);
        self.request = None;
        edge_age
    }

    fn dated(&mut self, now: Moment, unix_ns: i64, context: &LogContext, totals: &mut Requests) {
        self.sent(totals);
        self.edge_age = match refused::date(unix_ns, now.wall.as_unix_nanos()) {
            Date::Aged(age) => context.is_dated(now.tick).then_some(age),
            Date::NoAge => None,
            Date::Absurd => {
                totals.refused.count(Claim::ProgramDate);
                None
            }
        };
    }

    fn closed(&mut self, at: At, bytes: u64, context: &LogContext, totals: &mut Requests) {
        let most = refused::bytes_max(at.tick.since(context.began));
        match self.bytes.checked_add(bytes).filter(|&all| all <= most) {
            Some(all) => self.bytes = all,
            None => totals.refused.count(Claim::Bytes),
        }
        if let Some(request) = &mut self.request
            && request.encrypted
            && request.closed.is_none()
        {
            request.closed = Some(at);
        }
    }
}
