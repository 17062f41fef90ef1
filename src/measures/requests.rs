//! What the clients asked of the origin, and what came of it.

use super::clients;
use super::declare::measures;
use super::measure::{Better, Measure, Merge};
use super::scene::Needs;
use super::unit::Unit;
use super::value::{Counts, Held, Value, Values};
use crate::exchange::{ERROR_STATUSES, ErrorReason, RequestKind};

/// Error statuses that are shown from the start: the two by which origins most
/// often say that something is missing or too much.
const KNOWN_STATUSES: &[u16] = &[404, 503];

/// The median and the upper end.
const UPPER: &[f64] = &[0.5, 0.95];

/// The same with the upper end of segments, which are many.
const UPPER_OF_MANY: &[f64] = &[0.5, 0.95, 0.99];

measures! {
    BYTES = Measure::counter("bytes_downloaded", "Bytes").unit(Unit::Bytes)
        .family("hlsswarm_bytes_downloaded_total",
            "Bytes that the clients received, sampled at their sockets and corrected by what FFmpeg reports at its end; bytes between the last sample of a socket and its close may be missing.")
        .field("bytes.downloaded").needs(Needs::Bytes).column("bytes")
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.bytes));
    BIT_RATE = Measure::gauge("bits_per_second_per_client", "Received by each client")
        .number(Unit::BitsPerSecond)
        .field("bytes.bits_per_second_per_client").optional()
        .derived(|values| each_client(values, &BYTES, 8.0));
    BY_KIND = Measure::counts("requests", "Requests")
        .family("hlsswarm_requests_total", "Requests in FFmpeg's log, by kind of resource.")
        .labels(&["kind"])
        .field("requests.by_kind").needs(Needs::Requests).column("requests")
        .read(|scene| Counts::kept(
            |place| RequestKind::ALL.get(place).map_or("", |kind| kind.name()),
            &scene.snapshot.totals.requests.by_kind,
        ));
    SEGMENTS = Measure::counter("segments_downloaded", "Segments")
        .family("hlsswarm_segments_downloaded_total", "Segments asked for and not seen to fail.")
        .field("requests.segments_downloaded").needs(Needs::Requests).column("segments")
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.segments_downloaded));
    PLAYLIST_REFRESHES = Measure::counter("playlist_refreshes", "Playlist refreshes")
        .family("hlsswarm_playlist_refreshes_total",
            "Media playlists asked for again and not seen to fail.")
        .field("requests.playlist_refreshes").needs(Needs::Requests)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.playlist_refreshes));
    SEGMENTS_PER_MINUTE = Measure::gauge("segments_per_minute", "Segments of each client")
        .number(Unit::PerMinute)
        .field("requests.segments_per_minute_per_client").optional()
        .derived(|values| each_client(values, &SEGMENTS, 60.0));
    REFRESHES_PER_MINUTE = Measure::gauge("refreshes_per_minute", "Refreshes of each client")
        .number(Unit::PerMinute)
        .field("requests.playlist_refreshes_per_minute_per_client").optional()
        .derived(|values| each_client(values, &PLAYLIST_REFRESHES, 60.0));
    ERRORS = Measure::counts("request_errors", "Failed requests").groups()
        .family("hlsswarm_request_errors_total",
            "Requests that failed, by kind of resource and reason.")
        .labels(&["kind", "reason"])
        .field("requests.errors").sparse().needs(Needs::Requests).column("errors")
        .read(|scene| Counts::pairs(
            |place| {
                let reasons = ErrorReason::ALL.len();
                let kind = RequestKind::ALL.get(place / reasons).map_or("", |kind| kind.name());
                let reason = ErrorReason::ALL.get(place % reasons).map_or("", |why| why.name());
                [kind, reason]
            },
            scene.snapshot.totals.requests.errors.as_flattened(),
        ));
    HTTP_ERRORS = Measure::counts("http_errors", "Error statuses")
        .family("hlsswarm_http_errors_total", "Responses with an error status, 400 to 599.")
        .labels(&["status"]).zeros_of(KNOWN_STATUSES)
        .field("requests.http_errors").sparse().needs(Needs::Requests)
        .read(|scene| Counts::by_number(
            *ERROR_STATUSES.start(),
            &*scene.snapshot.totals.requests.http_errors,
        ));
    CONNECTIONS_REUSED = Measure::counter("connections_reused", "Connections reused")
        .family("hlsswarm_connections_total",
            "Requests by connection: kept alive (true) or new (false).")
        .labels(&["reused"]).fixed(&["true"])
        .field("requests.connections_reused").needs(Needs::Requests)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.connections_reused));
    CONNECTIONS_NEW = Measure::counter("connections_new", "New connections")
        .family("hlsswarm_connections_total",
            "Requests by connection: kept alive (true) or new (false).")
        .labels(&["reused"]).fixed(&["false"])
        .field("requests.connections_new").needs(Needs::Requests)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.connections_new));
    TCP_CONNECT = Measure::times("tcp_connect", "TCP connects")
        .family("hlsswarm_tcp_connect_seconds",
            "Time of a TCP connect, inferred from FFmpeg's log; absent before the first.")
        .field("requests.tcp_connect").optional().merge(Merge::SumIfAny).needs(Needs::Requests)
        .read(|scene| Value::times_if_any(&scene.snapshot.totals.requests.connect));
    SEGMENT_DOWNLOAD = Measure::times("segment_download", "Segment times")
        .family("hlsswarm_segment_download_seconds",
            "Time of a segment's download, inferred from the lines of FFmpeg's log around it.")
        .field("requests.segment_download").needs(Needs::Requests).column("segment_download")
        .compared(Better::Less, UPPER_OF_MANY)
        .read(|scene| Value::Times(&scene.snapshot.totals.requests.segment_download));
    PLAYLIST_DOWNLOAD = Measure::times("playlist_download", "Playlist times")
        .family("hlsswarm_playlist_download_seconds",
            "Time of a playlist's download, inferred from the lines of FFmpeg's log around it.")
        .field("requests.playlist_download").needs(Needs::Requests).column("playlist_download")
        .compared(Better::Less, UPPER)
        .read(|scene| Value::Times(&scene.snapshot.totals.requests.playlist_download));
    RECONNECTIONS = Measure::counter("reconnections", "Reconnects")
        .family("hlsswarm_reconnections_total", "Reconnects that FFmpeg announced.")
        .field("requests.reconnections").needs(Needs::Inference)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.reconnections));
    TIMEOUTS = Measure::counter("timeouts", "Timeouts")
        .family("hlsswarm_timeouts_total", "Requests that timed out.")
        .field("requests.timeouts").needs(Needs::Requests)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.timeouts));
    SEGMENTS_SKIPPED = Measure::counter("segments_skipped", "Segments skipped")
        .family("hlsswarm_segments_skipped_total",
            "Segments that FFmpeg gave up, or that expired before it came to them.")
        .field("requests.segments_skipped").needs(Needs::Inference)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.segments_skipped));
    SEQUENCE_JUMPS = Measure::counter("sequence_jumps", "Sequence jumps")
        .field("requests.sequence_jumps").needs(Needs::Inference)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.sequence_jumps));
    RELOAD_FAILURES = Measure::counter("playlist_reload_failures", "Failed reloads")
        .field("requests.playlist_reload_failures").needs(Needs::Inference)
        .read(|scene| Value::Whole(scene.snapshot.totals.requests.reload_failures));
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = &[
    &BYTES,
    &BIT_RATE,
    &BY_KIND,
    &SEGMENTS,
    &PLAYLIST_REFRESHES,
    &SEGMENTS_PER_MINUTE,
    &REFRESHES_PER_MINUTE,
    &CONNECTIONS_NEW,
    &CONNECTIONS_REUSED,
    &ERRORS,
    &HTTP_ERRORS,
    &TIMEOUTS,
    &RECONNECTIONS,
    &SEGMENTS_SKIPPED,
    &SEQUENCE_JUMPS,
    &RELOAD_FAILURES,
    &TCP_CONNECT,
    &SEGMENT_DOWNLOAD,
    &PLAYLIST_DOWNLOAD,
];

/// What of a count came to each client a second while it was active, times a factor.
fn each_client(values: &Values, count: &Measure, times: f64) -> Option<Held> {
    let secs = values.number(&clients::ACTIVE_TIME).filter(|&secs| secs > 0.0)?;
    Some(Held::Number(values.number(count)? * times / secs))
}
