//! The current request: what it is for, how far it has come, and when it counts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::at::At;
use super::{ClientRequests, LogContext};
use crate::exchange::{Event, RequestKind};
use crate::stats::Requests;
use crate::units::Tick;

/// How far the current request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// It waits for its connection.
    Connecting,
    /// As far as is known it was sent, but it is not counted yet.
    Sent { reused: bool },
    /// It is counted.
    Counted,
}

/// The current request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) url: u64,
    pub(super) began: At,
    /// When its connection closed, for one that is encrypted.
    pub(super) closed: Option<At>,
    pub(super) kind: RequestKind,
    pub(super) playlist: u32,
    pub(super) wire: Wire,
    pub(super) failed: bool,
    pub(super) encrypted: bool,
}

/// A segment or an initialization section that the demuxer wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) url: u64,
    pub(super) offset: u64,
    pub(super) playlist: u32,
    pub(super) kind: RequestKind,
    /// Its own request has begun, so the next one is not for its key.
    pub(super) asked: bool,
    /// It could not be opened; a later line shows whether it is retried.
    pub(super) failed: bool,
}

impl ClientRequests {
    /// The demuxer wants a segment or an initialization section.
    pub(super) fn want(&mut self, url: &[u8], offset: u64, playlist: u32, totals: &mut Requests) {
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
    pub(super) fn open(
        &mut self,
        at: At,
        url: &[u8],
        reused: bool,
        context: &LogContext,
        totals: &mut Requests,
    ) -> Option<Duration> {
        let plain = url.strip_prefix(b"crypto").and_then(|rest| rest.get(1..));
        let url_hash = hash(plain.unwrap_or(url));
        self.drop_if_dead(url_hash, reused);
        let (kind, playlist) = self.kind_of(url_hash);
        let is_playlist = kind == RequestKind::Playlist;
        let took = is_playlist.then(|| self.time_until_playlist(at, url_hash, context)).flatten();
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

    /// Drops a request that is repeated on a new connection and had no response: its
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

    pub(super) fn connecting(&mut self, at: At, address: u64, totals: &mut Requests) {
        self.connects = true;
        // A second address is tried in parallel, so it is unclear which one counts.
        let parallel = self.connect.is_some_and(|(other, _)| other == address);
        self.connect = (!parallel).then_some((address, at));
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

    pub(super) fn connected(
        &mut self,
        at: At,
        address: u64,
        context: &LogContext,
        totals: &mut Requests,
    ) {
        let began = self.connect.take().filter(|(other, _)| *other == address);
        if let Some(span) = began.and_then(|(_, began)| context.span(began, at)) {
            totals.record(&Event::Connected { took: span });
        }
        if let Some(request) = &mut self.request {
            request.wire = Wire::Sent { reused: false };
        }
    }

    /// The current request was sent: counts it.
    pub(super) fn sent(&mut self, totals: &mut Requests) {
        if let Some(request) = &mut self.request
            && let Wire::Sent { reused } = request.wire
        {
            totals.record(&Event::Asked { kind: request.kind, reused });
            request.wire = Wire::Counted;
        }
    }

    pub(super) fn is_init(&mut self) {
        if let Some(request) = &mut self.request
            && request.kind == RequestKind::Segment
            && request.wire != Wire::Counted
        {
            request.kind = RequestKind::Init;
        }
    }

    /// Completes the current request: counts it and its success, which took `took`.
    /// Returns the age of the edge of a playlist that has a date.
    pub(super) fn leave(
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
