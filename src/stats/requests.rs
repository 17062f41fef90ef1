//! Counts the requests of the clients and their results.

use std::time::Duration;

use super::Histogram;
use super::refused::Refused;
use crate::exchange::record::{ExchangeResult, Record};
use crate::exchange::{ERROR_STATUSES, ErrorReason, Event, RequestKind};

/// Upper bounds of a TCP connect and of a round trip, in seconds.
const NETWORK_SECS: &[f64] =
    &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Upper bounds of a download, in seconds.
const DOWNLOAD_SECS: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0, 30.0];

/// Running totals of the requests of all clients; they only grow.
#[derive(Debug, Clone)]
pub struct Requests {
    /// Requests by kind, in the order of [`RequestKind::ALL`].
    pub by_kind: [u64; RequestKind::ALL.len()],
    /// Failed requests by kind and reason, in the orders of `ALL`.
    pub errors: [[u64; ErrorReason::ALL.len()]; RequestKind::ALL.len()],
    /// Answers of [`ERROR_STATUSES`], by status less 400.
    pub http_errors: Box<[u64; 200]>,
    /// Requests on a new connection.
    pub connections_new: u64,
    /// Requests on a kept-alive connection.
    pub connections_reused: u64,
    /// Segments requested without a logged failure.
    pub segments_downloaded: u64,
    /// Reloads of media playlists without a logged failure.
    pub playlist_refreshes: u64,
    /// From the start of a TCP connect to its success, by the timestamps of the log.
    pub connect: Histogram,
    /// Segment downloads, bracketed by log lines.
    pub segment_download: Histogram,
    /// Playlist downloads, bracketed by log lines.
    pub playlist_download: Histogram,
    /// Reconnects that FFmpeg announced.
    pub reconnections: u64,
    /// Requests that timed out.
    pub timeouts: u64,
    /// Segments that FFmpeg gave up or that expired before it came to them.
    pub segments_skipped: u64,
    /// Media sequences that changed unexpectedly.
    pub sequence_jumps: u64,
    /// Playlists that could not be reloaded.
    pub reload_failures: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Numbers in the log beyond their bounds, which were ignored.
    pub refused: Refused,
    /// Smoothed round-trip times of the clients' sockets, one a sample.
    pub tcp_rtt: Histogram,
    /// Segments of TCP sent again by the clients' sockets.
    pub tcp_retransmits: u64,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            by_kind: Default::default(),
            errors: Default::default(),
            http_errors: Box::new([0; 200]),
            connections_new: 0,
            connections_reused: 0,
            segments_downloaded: 0,
            playlist_refreshes: 0,
            connect: Histogram::new(NETWORK_SECS),
            segment_download: Histogram::new(DOWNLOAD_SECS),
            playlist_download: Histogram::new(DOWNLOAD_SECS),
            reconnections: 0,
            timeouts: 0,
            segments_skipped: 0,
            sequence_jumps: 0,
            reload_failures: 0,
            bytes: 0,
            refused: Refused::default(),
            tcp_rtt: Histogram::new(NETWORK_SECS),
            tcp_retransmits: 0,
        }
    }
}

impl Requests {
    /// Counts an event of an exchange.
    pub fn record(&mut self, event: &Event) {
        match *event {
            Event::Connected { took } => self.connect.record(took),
            Event::Asked { kind, reused } => self.asked(kind, reused),
            Event::Responded { status } => self.responded(status),
            Event::Failed { kind, reason } => self.count_failure(kind, reason),
            Event::Succeeded { kind, refresh, took } => self.succeeded(kind, refresh, took),
        }
    }

    /// Counts an exchange. Its bytes are counted beside it, with those of its attempt.
    pub fn exchange(&mut self, record: &Record<'_>) {
        let Record { kind, result, status, reused, times, .. } = *record;
        if let Some(took) = times.connect {
            self.record(&Event::Connected { took });
        }
        if result.was_sent() {
            self.record(&Event::Asked { kind, reused });
        }
        if let Some(status) = status {
            self.record(&Event::Responded { status });
        }
        if let Some(reason) = result.reason(status) {
            self.record(&Event::Failed { kind, reason });
        } else if result == ExchangeResult::Ok {
            let refresh = record.is_refresh;
            self.record(&Event::Succeeded { kind, refresh, took: times.ttlb });
        }
        self.sample_socket(u64::from(record.tcp.retransmits), record.tcp.rtt);
    }

    fn asked(&mut self, kind: RequestKind, reused: bool) {
        if let Some(count) = self.by_kind.get_mut(kind.index()) {
            *count += 1;
        }
        if reused {
            self.connections_reused += 1;
        } else {
            self.connections_new += 1;
        }
    }

    fn responded(&mut self, status: u16) {
        let index = status.checked_sub(*ERROR_STATUSES.start()).map(usize::from);
        if let Some(count) = index.and_then(|index| self.http_errors.get_mut(index)) {
            *count += 1;
        }
    }

    fn count_failure(&mut self, kind: RequestKind, reason: ErrorReason) {
        let row = self.errors.get_mut(kind.index());
        if let Some(count) = row.and_then(|row| row.get_mut(reason.index())) {
            *count += 1;
        }
        if reason == ErrorReason::Timeout {
            self.timeouts += 1;
        }
    }

    fn succeeded(&mut self, kind: RequestKind, refresh: bool, took: Option<Duration>) {
        let times = match kind {
            RequestKind::Segment => {
                self.segments_downloaded += 1;
                &mut self.segment_download
            }
            RequestKind::Playlist => {
                self.playlist_refreshes += u64::from(refresh);
                &mut self.playlist_download
            }
            RequestKind::Init | RequestKind::Key | RequestKind::Other => return,
        };
        if let Some(took) = took {
            times.record(took);
        }
    }

    /// Requests of every kind.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.by_kind.iter().sum()
    }

    /// Failed requests of every kind, for every reason.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.errors.iter().flatten().sum()
    }

    /// Segments were skipped.
    pub const fn skip_segments(&mut self, count: u64) {
        self.segments_skipped = self.segments_skipped.saturating_add(count);
    }

    /// A socket of a client was sampled.
    pub fn sample_socket(&mut self, retransmits: u64, rtt: Option<Duration>) {
        self.tcp_retransmits += retransmits;
        if let Some(rtt) = rtt {
            self.tcp_rtt.record(rtt);
        }
    }
}
