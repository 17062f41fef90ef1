//! Failures: each is counted once for the current request, by the first reason that a
//! line gives, and becomes evidence of how the attempt ended.

use super::at::At;
use super::request::Wire;
use super::{ClientRequests, LogContext};
use crate::exchange::{ErrorReason, Event, RequestKind};
use crate::ffmpeg::evidence::Trouble;
use crate::ffmpeg::log::{Failure, Note};
use crate::stats::Requests;
use crate::stats::refused::Claim;

impl ClientRequests {
    /// Counts what went wrong; false if the note is no trouble.
    pub(super) fn trouble(
        &mut self,
        at: At,
        note: Note<'_>,
        context: &LogContext,
        totals: &mut Requests,
    ) -> bool {
        match note {
            Note::HttpStatus(status) => self.status(status, totals),
            Note::Failed(failure) => {
                self.connect = None;
                self.failed(failure, totals);
            }
            // It repeats an earlier line about an option, or of a connection.
            Note::InputFailed(_) if self.evidence.option_refused => {}
            Note::InputFailed(failure) => {
                if self.request.is_some() || self.evidence.trouble.failure.is_none() {
                    self.failed(failure, totals);
                }
            }
            Note::KeepaliveFailed(failure) => self.keepalive_failed(failure, totals),
            Note::WillReconnect => {
                totals.reconnections += 1;
                self.unexplained(at, context, totals);
                if let Some(request) = &mut self.request {
                    request.failed = false;
                    request.wire = Wire::Connecting;
                }
            }
            Note::OptionRefused => self.evidence.option_refused = true,
            Note::OutOfMemory => self.evidence.out_of_memory = true,
            _ => return self.trouble_of_demuxer(at, note, context, totals),
        }
        true
    }

    /// The same for failures of the demuxer with a playlist, a segment or a key.
    fn trouble_of_demuxer(
        &mut self,
        at: At,
        note: Note<'_>,
        context: &LogContext,
        totals: &mut Requests,
    ) -> bool {
        match note {
            Note::SegmentFailed => {
                self.unexplained(at, context, totals);
                if let Some(wanted) = &mut self.wanted {
                    wanted.asked = true;
                    wanted.failed = true;
                }
            }
            Note::SegmentGivenUp => {
                self.tries_again = true;
                totals.skip_segments(1);
                if let Some(wanted) = &mut self.wanted {
                    wanted.failed = false;
                }
            }
            Note::ReloadFailed => {
                totals.reload_failures += 1;
                self.unexplained(at, context, totals);
            }
            Note::InitFailed | Note::KeyFailed => self.unexplained(at, context, totals),
            Note::PlaylistFailed => {
                self.troubled(Trouble { playlist: true, ..self.evidence.trouble });
            }
            Note::PlaylistEmpty => {
                if let Some(request) = &mut self.request {
                    request.failed = true;
                }
                self.troubled(Trouble { playlist: true, ..self.evidence.trouble });
            }
            Note::MediaUnreadable => self.media_unreadable = true,
            _ => return false,
        }
        true
    }

    fn status(&mut self, status: u16, totals: &mut Requests) {
        self.sent(totals);
        // FFmpeg reports no other status as an error (`http.c`, `check_http_code`).
        let Some(reason) = ErrorReason::of_status(status) else {
            return totals.refused.count(Claim::HttpStatus);
        };
        totals.record(&Event::Responded { status });
        self.error(Failure::Status, Some(status), reason, totals);
    }

    fn failed(&mut self, failure: Failure, totals: &mut Requests) {
        if failure == Failure::Lost && self.lost() {
            return;
        }
        match failure {
            Failure::Invalid => return self.invalid(),
            Failure::Memory => return self.evidence.out_of_memory = true,
            _ => {}
        }
        let Some(reason) = failure.reason() else { return };
        match &mut self.request {
            Some(request) if failure == Failure::Tls && request.wire != Wire::Counted => {
                request.wire = Wire::Connecting;
            }
            _ if matches!(failure, Failure::Timeout | Failure::Truncated) => self.sent(totals),
            _ => {}
        }
        self.error(failure, None, reason, totals);
    }

    /// The response was complete, but no playlist or no media: no failure of the
    /// request. If requests failed before, that is the reason.
    fn invalid(&mut self) {
        let of_playlist = match &mut self.request {
            Some(request) => {
                request.failed = true;
                request.kind == RequestKind::Playlist
            }
            None => self.wanted.is_none(),
        };
        let playlist = of_playlist && !self.media_unreadable;
        let lasts = !playlist && !self.evidence.lasting.playlist;
        let before = if lasts { self.evidence.lasting } else { self.evidence.trouble };
        let failure = before.failure.or(Some(Failure::Invalid));
        self.troubled(Trouble { failure, status: before.status, playlist, media: !playlist });
    }

    /// Only a timeout is an error of the origin. A connection that it had closed is not,
    /// and a status has a line of its own.
    fn keepalive_failed(&mut self, failure: Failure, totals: &mut Requests) {
        match failure {
            Failure::Timeout => self.failed(failure, totals),
            Failure::Lost | Failure::Other => {
                self.lost();
            }
            _ => {}
        }
    }

    /// A kept-alive connection turned out to be closed: the request was never sent, and
    /// is repeated on a new one. False if the connection was new.
    pub(super) fn lost(&mut self) -> bool {
        match &mut self.request {
            Some(request) if request.wire == (Wire::Sent { reused: true }) => {
                request.wire = Wire::Connecting;
                request.failed = true;
                true
            }
            Some(request) => request.wire == Wire::Connecting && request.failed,
            None => false,
        }
    }

    /// Something failed and no earlier line gave the reason.
    fn unexplained(&mut self, at: At, context: &LogContext, totals: &mut Requests) {
        let Some(request) = self.request else { return };
        self.sent(totals);
        let waited = context.span(request.began, at);
        let failure = if waited.is_some_and(|span| span >= context.network_timeout) {
            Failure::Timeout
        } else {
            Failure::Other
        };
        self.failed(failure, totals);
    }

    /// Counts the failure of the current request, once, by the first reason.
    fn error(
        &mut self,
        failure: Failure,
        status: Option<u16>,
        reason: ErrorReason,
        totals: &mut Requests,
    ) {
        let kind = match &mut self.request {
            Some(request) if request.failed => return,
            Some(request) => {
                request.failed = true;
                request.kind
            }
            // A name that is not found has no connection.
            None if self.wanted.is_none() => RequestKind::Playlist,
            None => RequestKind::Other,
        };
        totals.record(&Event::Failed { kind, reason });
        let playlist = kind == RequestKind::Playlist;
        self.troubled(Trouble { failure: Some(failure), status, playlist, media: false });
    }

    /// Records a failure as evidence. A failure after we ended the attempt is none,
    /// except that of a name, whose lookup cannot be interrupted.
    fn troubled(&mut self, trouble: Trouble) {
        if !self.ended_by_us || trouble.failure == Some(Failure::Dns) {
            self.evidence.trouble = trouble;
            self.evidence.lasting = trouble;
        }
    }
}
