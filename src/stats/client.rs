//! The requests of one attempt, told from the order of the lines of its log.
//!
//! FFmpeg's HLS demuxer makes one request at a time (with `-http_multiple 0`), so
//! what a line says belongs to the request under way. From that follow the rules
//! of this file, each held by captures of FFmpeg 4.1, 5.1 and 9.0 against what a
//! server saw (`tests/log_captures.rs`):
//!
//! - A request counts as made when it went out: on a new connection once that
//!   stands (and TLS did not fail), on a kept-alive one unless FFmpeg finds it
//!   dead and asks again on a new one. So it is counted at the line *after* it.
//! - `HLS request` announces a segment or an initialization section; an `Opening`
//!   of that URL is it, of another URL its key, and without an announcement a
//!   playlist. At level verbose the first playlist is told by its TCP connection
//!   alone. A further connection for the same request is a redirect or another
//!   try, and counts as one more of that kind.
//! - Initialization sections look like segments below level debug. They are told
//!   by `init` in the file's name, which packagers use; others count as segments.
//! - Download times are *inferred*. A playlist's ends where its first new segment
//!   is asked for; one without news is not timed, since FFmpeg then waits without
//!   a word. A segment's ends where the next of the same playlist is asked for
//!   with nothing in between. At the live edge FFmpeg waits after a segment
//!   without a word and reloads the playlist: such a segment is timed only if it
//!   took longer than any wait can ([`Reading::reload_wait_max`]), and than the waits
//!   before it; encrypted ones always, by the closing of their connection. Segments
//!   of several playlists that are read by turns are not timed.
//! - What breaks in the middle of a segment is silent in FFmpeg, but for an
//!   answer that ends early; a playlist that hangs on a new connection gives no
//!   reason, and counts as a timeout if it took as long as one.
//!
//! Knows no clock: spans are between FFmpeg's own stamps where lines have them,
//! else between the readings of the lines. Those may be some milliseconds apart: a
//! span that is shorter counts as 0 or as the time between two readings, in such
//! shares that the mean is right, which it would not be if either was left out.

mod ending;
mod timing;
mod trouble;

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

pub use self::ending::PATIENCE;
use self::timing::At;
use super::Requests;
use super::refused::{self, Claim, Date, SEGMENTS_SKIPPED_MAX};
use crate::exchange::{Event, RequestKind};
use crate::ffmpeg::evidence::Evidence;
use crate::ffmpeg::log::{Line, Note};
use crate::units::{Moment, Tick};

/// How the log is to be read: what was asked of FFmpeg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// `-rw_timeout`: a failure without a reason after this long is a timeout.
    pub network_timeout: Duration,
    /// Longest time that FFmpeg waits between two loads of a playlist: its target
    /// duration (RFC 8216 §6.3.4), and what it comes late.
    pub reload_wait_max: Duration,
    /// Whether FFmpeg asks ahead (`-http_multiple` not 0): nothing is timed then.
    pub asks_ahead: bool,
    /// When the attempt began.
    pub began: Tick,
    /// The end of a time in which nobody looked, if there was one. A line of then or
    /// before has no time, and what began by then is not timed.
    pub seen_since: Option<Tick>,
    /// Whether the URL's host is a name, and the log says when a connect begins.
    pub looks_up_name: bool,
}

impl Reading {
    /// From one line to another; `None` if that is not known.
    fn span(&self, from: At, to: At) -> Option<Duration> {
        self.is_dated(from.tick).then(|| to.since(from))
    }

    fn is_dated(&self, tick: Tick) -> bool {
        self.seen_since.is_none_or(|since| tick > since)
    }
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    /// It waits for its connection.
    Connecting,
    /// It went out, for all that is known, but is not counted yet.
    Sent { reused: bool },
    /// It is counted.
    Counted,
}

/// The request under way.
#[derive(Debug, Clone, Copy)]
struct Request {
    url: u64,
    began: At,
    /// When its connection closed, for one that is encrypted.
    closed: Option<At>,
    kind: RequestKind,
    playlist: u32,
    wire: Wire,
    failed: bool,
    encrypted: bool,
}

/// A segment or an initialization section that the demuxer wants.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    url: u64,
    offset: u64,
    playlist: u32,
    kind: RequestKind,
    /// Its own request has begun, so that the next is not its key.
    asked: bool,
    /// It could not be opened; whether it is tried again shows later.
    failed: bool,
}

/// Follows the log of one attempt, from [`ClientRequests::default`] on. Has no
/// heap: whatever the log holds, it stays as it is, below 240 bytes.
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
    /// When the first segment had come.
    first_segment: Tick,
    /// A connection was begun.
    connects: bool,
    /// The playlists were read, and no media after them.
    media_unreadable: bool,
    /// What comes now is a consequence of our signal.
    ended_by_us: bool,
    /// This FFmpeg was seen to try segments again.
    tries_again: bool,
}

impl ClientRequests {
    /// Payload of the attempt so far: the sum over connections that FFmpeg closed,
    /// exact once it has ended in good order. Without heads of requests and
    /// answers, and without the bodies of errors.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the log tells of the attempt's end.
    #[must_use]
    pub const fn evidence(&self) -> Evidence {
        self.evidence
    }

    /// Takes one line that arrived at `now` and counts what it tells. Returns the
    /// age of the playlist's edge, wall clock less programme date time, once for each
    /// playlist that was loaded and has one: the newest date in it, which most origins
    /// give to every segment, against the arrival of its line.
    pub fn note(
        &mut self,
        now: Moment,
        line: &Line<'_>,
        reading: &Reading,
        totals: &mut Requests,
    ) -> Option<Duration> {
        let note = line.note?;
        let at = At { tick: now.tick, stamp: line.stamp };
        match note {
            Note::HlsRequest { url, offset, playlist } => {
                let edge_age = self.arrive(at, playlist, reading, totals);
                self.want(url, offset, playlist, totals);
                return edge_age;
            }
            Note::Opening { url, reused } => return self.open(at, url, reused, reading, totals),
            Note::ConnectStarted => self.connecting(at, line.address, totals),
            Note::Connected => self.connected(at, line.address, reading, totals),
            Note::ConnectAttemptFailed => self.connect = None,
            Note::InitSection => self.is_init(),
            Note::ProgramDateTime { unix_ns } => self.dated(now, unix_ns, reading, totals),
            Note::TagSkipped => self.sent(totals),
            Note::BytesRead { bytes } => self.closed(at, bytes, reading, totals),
            Note::SegmentsSkipped { count } if count > SEGMENTS_SKIPPED_MAX => {
                totals.refused.count(Claim::SegmentsSkipped);
            }
            Note::SegmentsSkipped { count } => totals.skip_segments(count),
            Note::SequenceChanged => totals.sequence_jumps += 1,
            _ if self.trouble(at, note, reading, totals) => {}
            _ => self.milestone(note),
        }
        None
    }

    /// The log has ended: counts what was still open.
    pub fn finish(&mut self, totals: &mut Requests) {
        self.leave(Tick::ZERO, None, totals);
        self.request = None;
        if self.wanted.take().is_some_and(|wanted| wanted.failed) && !self.tries_again {
            totals.skip_segments(1);
        }
    }

    /// Marks the way to the end.
    fn milestone(&mut self, note: Note<'_>) {
        match note {
            Note::InputOpened => self.evidence.input_opened = true,
            Note::Duration { known } => self.evidence.ended_at_start = known,
            Note::InputEnded => self.evidence.input_ended = true,
            Note::ExitingOnSignal => self.evidence.exiting_on_signal = true,
            _ => {}
        }
    }

    /// The demuxer is done with the request under way, since it wants another.
    fn arrive(
        &mut self,
        at: At,
        playlist: u32,
        reading: &Reading,
        totals: &mut Requests,
    ) -> Option<Duration> {
        let took = self.time_until(at, Some(playlist), reading);
        let edge_age = self.leave(at.tick, took, totals);
        self.request = None;
        edge_age
    }

    /// The demuxer wants a segment or an initialization section.
    fn want(&mut self, url: &[u8], offset: u64, playlist: u32, totals: &mut Requests) {
        let url_hash = hash(url);
        if let Some(before) = self.wanted.filter(|wanted| wanted.failed) {
            if (before.url, before.offset) == (url_hash, offset) {
                self.tries_again = true;
            } else {
                totals.skip_segments(1);
            }
        }
        let kind = if names_init(url) { RequestKind::Init } else { RequestKind::Segment };
        let (asked, failed) = (false, false);
        self.wanted = Some(Wanted { url: url_hash, offset, playlist, kind, asked, failed });
        self.evidence.vain_refreshes = 0;
        self.evidence.out_of_memory &= self.ended_by_us;
    }

    /// A request begins.
    fn open(
        &mut self,
        at: At,
        url: &[u8],
        reused: bool,
        reading: &Reading,
        totals: &mut Requests,
    ) -> Option<Duration> {
        let plain = url.strip_prefix(b"crypto").and_then(|rest| rest.get(1..));
        let url_hash = hash(plain.unwrap_or(url));
        self.drop_if_dead(url_hash, reused);
        let (kind, playlist) = self.kind_of(url_hash);
        let is_playlist = kind == RequestKind::Playlist;
        let took = is_playlist.then(|| self.time_until_playlist(at, url_hash, reading)).flatten();
        let before = self.request.filter(|request| !request.failed).map(|request| request.url);
        let edge_age = self.leave(at.tick, took, totals);
        if before == Some(url_hash) && is_playlist {
            self.evidence.vain_refreshes += 1;
        }
        let wire = if reused { Wire::Sent { reused } } else { Wire::Connecting };
        let encrypted = plain.is_some();
        self.request = Some(Request {
            url: url_hash,
            began: at,
            closed: None,
            kind,
            playlist,
            wire,
            failed: false,
            encrypted,
        });
        edge_age
    }

    /// What a request for this URL is for.
    fn kind_of(&mut self, url: u64) -> (RequestKind, u32) {
        match &mut self.wanted {
            Some(wanted) if wanted.url == url => {
                wanted.asked = true;
                (wanted.kind, wanted.playlist)
            }
            Some(wanted) if !wanted.asked => (RequestKind::Key, wanted.playlist),
            _ => (RequestKind::Playlist, u32::MAX),
        }
    }

    /// A request that is made again on a new connection, and had no answer: its
    /// kept-alive connection was closed, so it never reached the origin.
    fn drop_if_dead(&mut self, url: u64, reused: bool) {
        if let Some(request) = &self.request
            && request.url == url
            && request.wire == (Wire::Sent { reused: true })
            && !reused
        {
            self.request = None;
        }
    }

    fn connecting(&mut self, at: At, address: u64, totals: &mut Requests) {
        self.connects = true;
        // A second address is tried beside the first: which one counts is unclear.
        let beside = self.connect.is_some_and(|(other, _)| other == address);
        self.connect = (!beside).then_some((address, at));
        if self.request.is_none() && self.wanted.is_none() {
            self.request = Some(Request {
                url: 0,
                began: at,
                closed: None,
                kind: RequestKind::Playlist,
                playlist: u32::MAX,
                wire: Wire::Connecting,
                failed: false,
                encrypted: false,
            });
        }
        self.sent(totals);
    }

    fn connected(&mut self, at: At, address: u64, reading: &Reading, totals: &mut Requests) {
        let began = self.connect.take().filter(|(other, _)| *other == address);
        if let Some(span) = began.and_then(|(_, began)| reading.span(began, at)) {
            totals.record(&Event::Connected { took: span });
        }
        if let Some(request) = &mut self.request {
            request.wire = Wire::Sent { reused: false };
        }
    }

    /// The request under way went out: counts it.
    fn sent(&mut self, totals: &mut Requests) {
        if let Some(request) = &mut self.request
            && let Wire::Sent { reused } = request.wire
        {
            totals.record(&Event::Asked { kind: request.kind, reused });
            request.wire = Wire::Counted;
        }
    }

    fn is_init(&mut self) {
        if let Some(request) = &mut self.request
            && request.kind == RequestKind::Segment
            && request.wire != Wire::Counted
        {
            request.kind = RequestKind::Init;
        }
    }

    fn dated(&mut self, now: Moment, unix_ns: i64, reading: &Reading, totals: &mut Requests) {
        self.sent(totals);
        self.edge_age = match refused::date(unix_ns, now.wall.as_unix_nanos()) {
            Date::Aged(age) => reading.is_dated(now.tick).then_some(age),
            Date::NoAge => None,
            Date::Absurd => {
                totals.refused.count(Claim::ProgramDate);
                None
            }
        };
    }

    fn closed(&mut self, at: At, bytes: u64, reading: &Reading, totals: &mut Requests) {
        let most = refused::bytes_max(at.tick.since(reading.began));
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

    /// Leaves the request under way behind: counts it, and its success, which took so
    /// long if that is known. Returns the age of the edge of a playlist that has a date.
    fn leave(
        &mut self,
        now: Tick,
        took: Option<Duration>,
        totals: &mut Requests,
    ) -> Option<Duration> {
        self.sent(totals);
        let edge_age = self.edge_age.take();
        let request = self.request?;
        if request.failed || request.wire != Wire::Counted {
            return None;
        }
        // All playlists are loaded once before the first segment is wanted.
        let refresh = self.wanted.is_some();
        totals.record(&Event::Succeeded { kind: request.kind, refresh, took });
        if !self.ended_by_us {
            self.succeeded(request.kind, now);
        }
        edge_age
    }
}

fn hash(url: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    hasher.finish()
}

/// Whether the last part of the URL's path has `init` in it.
fn names_init(url: &[u8]) -> bool {
    let path = url.split(|&byte| byte == b'?').next().unwrap_or_default();
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    name.windows(4).any(|part| part.eq_ignore_ascii_case(b"init"))
}
