//! What the clients asked of the origin, and what their viewers would have felt.

use super::collector::Collector;
use crate::exchange::{ERROR_STATUSES, ErrorReason, RequestKind};
use crate::measures::Scene;
use crate::measures::families::{self, Family};
use crate::stats::{Histogram, Requests};

/// Error statuses that are shown from the start: the two by which origins most
/// often say that something is missing or too much.
const KNOWN_STATUSES: [u16; 2] = [404, 503];

/// Requests and their ends, as far as they were measured.
pub(super) fn requests(out: &mut Collector, scene: &Scene<'_>) {
    let requests = &scene.snapshot.totals.requests;
    if scene.measured.bytes() {
        out.single(families::BYTES_DOWNLOADED, requests.bytes as f64);
    }
    if !scene.measured.log {
        return;
    }
    let by_kind = RequestKind::ALL.iter().zip(requests.by_kind);
    out.labelled(families::REQUESTS, by_kind.map(|(kind, n)| (vec![kind.name()], n as f64)));
    out.single(families::SEGMENTS_DOWNLOADED, requests.segments_downloaded as f64);
    out.single(families::PLAYLIST_REFRESHES, requests.playlist_refreshes as f64);
    errors(out, requests);
    let connections = [("true", requests.connections_reused), ("false", requests.connections_new)];
    out.labelled(
        families::CONNECTIONS,
        connections.map(|(reused, count)| (vec![reused], count as f64)),
    );
    unless_empty(out, families::TCP_CONNECT, &requests.connect);
    out.histogram(families::SEGMENT_DOWNLOAD, &requests.segment_download);
    out.histogram(families::PLAYLIST_DOWNLOAD, &requests.playlist_download);
    out.single(families::RECONNECTIONS, requests.reconnections as f64);
    out.single(families::TIMEOUTS, requests.timeouts as f64);
    out.single(families::SEGMENTS_SKIPPED, requests.segments_skipped as f64);
}

fn errors(out: &mut Collector, requests: &Requests) {
    let errors = RequestKind::ALL.iter().zip(&requests.errors).flat_map(|(kind, row)| {
        let reasons = ErrorReason::ALL.iter().zip(row);
        reasons.map(|(reason, &count)| (vec![kind.name(), reason.name()], count as f64))
    });
    out.labelled(families::REQUEST_ERRORS, errors);
    let shown: Vec<_> = ERROR_STATUSES
        .zip(requests.http_errors.iter())
        .filter(|&(status, &count)| count > 0 || KNOWN_STATUSES.contains(&status))
        .map(|(status, &count)| (status.to_string(), count as f64))
        .collect();
    let samples = shown.iter().map(|(status, count)| (vec![status.as_str()], *count));
    out.labelled(families::HTTP_ERRORS, samples);
}

/// What a viewer would have felt, if FFmpeg's progress was read.
pub(super) fn playback(out: &mut Collector, scene: &Scene<'_>) {
    if !scene.measured.log {
        return;
    }
    let (snapshot, playback) = (scene.snapshot, &scene.snapshot.totals.playback);
    out.histogram(families::STARTUP, &playback.startup);
    out.single(families::CLIENTS_STALLED, f64::from(snapshot.stalled));
    out.single(families::STALLS, playback.stalls as f64);
    out.single(families::STALL_TIME, snapshot.stall_time.as_secs_f64());
    out.single(families::BELOW_REALTIME, f64::from(snapshot.below_realtime));
    out.single(families::ABOVE_REALTIME, f64::from(snapshot.above_realtime));
    out.histogram(families::PLAYBACK_SPEED, &playback.speed);
    out.histogram(families::DRIFT, &playback.drift);
    unless_empty(out, families::PLAYLIST_EDGE_AGE, &playback.playlist_edge_age);
}

/// What the kernel told of the clients' sockets, if it did.
pub(super) fn tcp(out: &mut Collector, scene: &Scene<'_>) {
    if !scene.measured.tcp {
        return;
    }
    let requests = &scene.snapshot.totals.requests;
    out.histogram(families::TCP_RTT, &requests.tcp_rtt);
    out.single(families::TCP_RETRANSMITS, requests.tcp_retransmits as f64);
}

/// A histogram of what may never be told: by this FFmpeg, at this level of its
/// log, or by this playlist.
fn unless_empty(out: &mut Collector, family: Family, counts: &Histogram) {
    if counts.count() > 0 {
        out.histogram(family, counts);
    }
}
