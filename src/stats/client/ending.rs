//! What an attempt was waiting for when we ended it, and how a success cancels the
//! failures before it.

use std::time::Duration;

use super::{ClientRequests, LogContext};
use crate::exchange::RequestKind;
use crate::ffmpeg::evidence::{Trouble, Waiting};
use crate::units::Tick;

/// A wait that has lasted this long when we end the attempt was in vain. A healthy path
/// takes well below a second for the name, a connection, playlists and the first
/// segment; the rest is for a busy host.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Segments without media after which none is expected: FFmpeg needs only the start of
/// one.
const SEGMENTS_WITHOUT_MEDIA: u32 = 2;

impl ClientRequests {
    /// We end the attempt at the age `lived`: what it was waiting for is evidence, and
    /// what its log says from now on is not.
    pub fn end(&mut self, now: Tick, lived: Duration, context: &LogContext) {
        if !self.ended_by_us {
            let seen = context.seen_since.map_or(lived, |since| now.since(since).min(lived));
            self.evidence.waiting = self.waiting(now, context).filter(|_| seen >= PATIENCE);
            self.ended_by_us = true;
        }
    }

    /// What it has been waiting for in vain; `None` if something is in progress.
    fn waiting(&self, now: Tick, context: &LogContext) -> Option<Waiting> {
        let vain = |since: Tick| now.since(since) >= PATIENCE;
        if !self.connects && context.looks_up_name {
            return Some(Waiting::Address);
        }
        if self.evidence.segments >= SEGMENTS_WITHOUT_MEDIA && vain(self.first_segment) {
            return Some(Waiting::Media);
        }
        match &self.request {
            Some(request) if request.failed => None,
            Some(request) => vain(request.began.tick).then_some(Waiting::Response),
            None => Some(Waiting::Unknown),
        }
    }

    /// A request succeeded, so earlier failures are no longer the reason.
    pub(super) fn succeeded(&mut self, kind: RequestKind, now: Tick) {
        let evidence = &mut self.evidence;
        if matches!(kind, RequestKind::Segment | RequestKind::Playlist) {
            evidence.trouble = Trouble::default();
        }
        if kind == RequestKind::Segment {
            evidence.lasting = Trouble::default();
            if evidence.segments == 0 {
                self.first_segment = now;
            }
            evidence.segments = evidence.segments.saturating_add(1);
        }
    }
}
