//! How long a download took, inferred from the lines around it by the rules in
//! [`super`].

use std::time::Duration;

use super::at::At;
use super::request::{Request, Wire};
use super::{ClientRequests, LogContext};
use crate::exchange::RequestKind;

impl ClientRequests {
    /// A segment of `playlist` is wanted next: returns how long the request before took.
    pub(super) fn time_until(
        &mut self,
        at: At,
        playlist: Option<u32>,
        context: &LogContext,
    ) -> Option<Duration> {
        // Without an established connection it was not sent, and does not count.
        let was_sent = |request: &Request| !request.failed && request.wire != Wire::Connecting;
        let request = self.request.filter(was_sent)?;
        let end = request.closed.unwrap_or(at);
        let span = context.span(request.began, end);
        if request.kind == RequestKind::Playlist {
            self.loaded = Some(at);
        }
        let span = span.filter(|_| !context.asks_ahead)?;
        match request.kind {
            RequestKind::Playlist => Some(span),
            RequestKind::Segment => {
                (playlist == Some(request.playlist) || request.closed.is_some()).then_some(span)
            }
            _ => None,
        }
    }

    /// A playlist is requested next: returns how long the request before took. Not known
    /// if FFmpeg may have waited.
    pub(super) fn time_until_playlist(
        &mut self,
        at: At,
        url: u64,
        context: &LogContext,
    ) -> Option<Duration> {
        let request = self.request?;
        let overdue = request.kind == RequestKind::Segment && self.is_overdue(at, context);
        match request.kind {
            RequestKind::Playlist if request.url != url => self.time_until(at, None, context),
            RequestKind::Segment if overdue || request.closed.is_some() => {
                self.time_until(at, Some(request.playlist), context)
            }
            _ => None,
        }
    }

    /// Whether the next playlist is requested later than FFmpeg waits for it: by the
    /// target duration in the settings, and by the waits of this attempt, since its
    /// segments may be longer than the settings say.
    fn is_overdue(&mut self, at: At, context: &LogContext) -> bool {
        let Some(waited) = self.loaded.and_then(|loaded| context.span(loaded, at)) else {
            return false;
        };
        let shown = self.reload_min_ms.map(|span| Duration::from_millis(span.into()));
        let wait_max = shown.map(|shortest| shortest + shortest / 2).unwrap_or_default();
        let waited_ms = u32::try_from(waited.as_millis()).unwrap_or(u32::MAX);
        self.reload_min_ms = Some(self.reload_min_ms.unwrap_or(u32::MAX).min(waited_ms));
        shown.is_some() && waited > wait_max.max(context.reload_wait_max)
    }
}
