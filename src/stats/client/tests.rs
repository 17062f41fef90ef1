//! Short logs and what is counted of them, and any lines in any order.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::exchange::{ErrorReason, RequestKind};
use crate::ffmpeg::log::{Failure, parse};
use crate::stats::refused::Refused;
use crate::units::{Tick, Wall};

mod ending;

const CONTEXT: LogContext = LogContext {
    network_timeout: Duration::from_secs(15),
    reload_wait_max: Duration::from_millis(6_100),
    asks_ahead: false,
    began: Tick::ZERO,
    seen_since: None,
    looks_up_name: false,
};

/// The first nanosecond of that year.
const YEAR_2030_NS: u64 = 1_893_456_000 * 1_000_000_000;

/// A client, its totals, and the ages of the playlists' edges.
#[derive(Default)]
struct Play {
    client: ClientRequests,
    totals: Requests,
    ages: Vec<Duration>,
}

impl Play {
    /// Takes lines, each with its time in milliseconds; the wall clock starts with 2030.
    fn lines(lines: &[(u64, &str)]) -> Self {
        Self::read(lines, &CONTEXT)
    }

    fn read(lines: &[(u64, &str)], context: &LogContext) -> Self {
        let mut play = Self::default();
        for &(millis, line) in lines {
            play.line(millis, line, context);
        }
        play
    }

    fn line(&mut self, millis: u64, line: &str, context: &LogContext) {
        let tick = Tick::from_millis(millis);
        let now = Moment { tick, wall: Wall::from_unix_nanos(YEAR_2030_NS + tick.as_nanos()) };
        let line = parse(line.as_bytes());
        self.ages.extend(self.client.note(now, &line, context, &mut self.totals));
    }

    fn ended(mut self) -> Self {
        self.client.finish(&mut self.totals);
        self
    }

    fn errors(&self, kind: RequestKind, reason: ErrorReason) -> u64 {
        self.totals.errors[kind.index()][reason.index()]
    }
}

/// The span that was recorded, to 1 %; `None` unless it is the only one.
fn only_span(histogram: &crate::stats::Histogram) -> Option<Duration> {
    (histogram.count() == 1).then(|| histogram.quantile(1.0).unwrap())
}

fn near(got: Option<Duration>, want_ms: u64) -> bool {
    got.is_some_and(|got| got.abs_diff(Duration::from_millis(want_ms)) * 100 <= got)
}

const MASTER: [(u64, &str); 2] = [
    (0, "[tcp @ 0xa] [verbose] Starting connection attempt to h port 80"),
    (40, "[tcp @ 0xa] [verbose] Successfully connected to h port 80"),
];

const MEDIA_NEW: &str = "[hls @ 0x1] [info] Opening 'http://h/i.m3u8' for reading";
const MEDIA: &str = "[http @ 0x2] [info] Opening 'http://h/i.m3u8' for reading";
const CONNECTING: &str = "[tcp @ 0xb] [verbose] Starting connection attempt to h port 80";
const CONNECTED: &str = "[tcp @ 0xb] [verbose] Successfully connected to h port 80";
const WANT_0: &str =
    "[hls @ 0x1] [verbose] HLS request for url 'http://h/0.ts', offset 0, playlist 0";
const WANT_1: &str =
    "[hls @ 0x1] [verbose] HLS request for url 'http://h/1.ts', offset 0, playlist 0";
const OPEN_0: &str = "[http @ 0x3] [info] Opening 'http://h/0.ts' for reading";
const OPEN_1: &str = "[http @ 0x3] [info] Opening 'http://h/1.ts' for reading";

fn start() -> Vec<(u64, &'static str)> {
    let mut lines = MASTER.to_vec();
    lines.extend([(100, MEDIA_NEW), (100, CONNECTING), (110, CONNECTED), (150, WANT_0)]);
    lines
}

#[test]
fn the_first_playlist_shows_by_its_connection_alone() {
    let play = Play::lines(&MASTER).ended();
    assert_eq!(play.totals.by_kind, [1, 0, 0, 0, 0]);
    assert_eq!(play.totals.connections_new, 1);
    assert!(near(only_span(&play.totals.connect), 40));
}

#[test]
fn a_connect_is_timed_only_if_its_start_is_unambiguous() {
    let start = MASTER[0].1;
    let failed =
        "[tcp @ 0xa] [verbose] Connection attempt to ::1 port 80 failed: Connection refused";
    for (between, want) in [(start, 0), (failed, 0), (CONNECTING, 0)] {
        let play = Play::lines(&[MASTER[0], (20, between), MASTER[1]]);
        assert_eq!(play.totals.connect.count(), want, "{between}");
    }
    let second = [(0, start), (20, failed), (20, start), (50, MASTER[1].1)];
    assert!(near(only_span(&Play::lines(&second).totals.connect), 30));
}

#[test]
fn at_level_debug_the_first_playlist_is_not_counted_twice() {
    let mut lines = vec![(0, "[NULL @ 0x1] [debug] Opening 'http://h/m.m3u8' for reading")];
    lines.extend(MASTER);
    assert_eq!(Play::lines(&lines).ended().totals.by_kind, [1, 0, 0, 0, 0]);
}

#[test]
fn playlists_and_segments_are_distinguished_and_timed() {
    let mut lines = start();
    lines.extend([(150, OPEN_0), (350, WANT_1), (350, OPEN_1)]);
    let play = Play::lines(&lines).ended();
    assert_eq!(play.totals.by_kind, [2, 2, 0, 0, 0]);
    assert_eq!((play.totals.connections_new, play.totals.connections_reused), (2, 2));
    assert!(near(only_span(&play.totals.segment_download), 200));
    // The master took 100 ms, the media playlist 50.
    assert_eq!(play.totals.playlist_download.count(), 2);
    assert!(near(play.totals.playlist_download.quantile(0.5), 50));
    assert_eq!(play.totals.segments_downloaded, 2);
    assert_eq!(play.totals.playlist_refreshes, 0);
}

#[test]
fn a_wait_at_the_live_edge_is_not_timed_as_a_download() {
    let mut lines = start();
    lines.extend([(150, OPEN_0), (6_000, MEDIA), (6_010, WANT_1), (6_010, OPEN_1)]);
    lines.extend([(19_000, MEDIA)]);
    let play = Play::lines(&lines).ended();
    // The first segment may have waited; the second took longer than any wait.
    assert!(near(only_span(&play.totals.segment_download), 12_990));
    // In a stream with longer segments than the settings say each wait is as long.
    let mut longer = start();
    longer.extend([(150, OPEN_0), (10_000, MEDIA), (10_010, WANT_1), (10_010, OPEN_1)]);
    longer.extend([(20_100, MEDIA)]);
    assert_eq!(Play::lines(&longer).ended().totals.segment_download.count(), 0);
    assert_eq!(play.totals.playlist_refreshes, 2);
    let ahead = LogContext { asks_ahead: true, ..CONTEXT };
    let play = Play::read(&lines, &ahead).ended();
    assert_eq!(play.totals.segment_download.count() + play.totals.playlist_download.count(), 0);
}

#[test]
fn segments_read_alternately_are_not_timed() {
    let mut lines = start();
    let other = "[hls @ 0x1] [verbose] HLS request for url 'http://h/b/0.ts', offset 0, playlist 1";
    let open = "[http @ 0x4] [info] Opening 'http://h/b/0.ts' for reading";
    lines.extend([(150, OPEN_0), (200, other), (200, open), (300, WANT_1)]);
    let play = Play::lines(&lines).ended();
    assert_eq!(play.totals.segment_download.count(), 0);
    assert_eq!(play.totals.by_kind[RequestKind::Segment.index()], 2);
}

#[test]
fn stamps_of_ffmpeg_are_preferred_to_times_of_reads() {
    let mut lines = start();
    let stamped = |time: &str, line: &str| format!("2026-11-23 00:00:{time} {line}");
    let (open, want) = (stamped("00.150", OPEN_0), stamped("00.350", WANT_1));
    lines.extend([(400, open.as_str()), (400, want.as_str())]);
    assert!(near(only_span(&Play::lines(&lines).totals.segment_download), 200));
    // An hour is a change of local time, not a download.
    let jumped = stamped("00.350", WANT_1).replace(" 00:", " 01:");
    lines.pop();
    lines.push((500, jumped.as_str()));
    assert!(near(only_span(&Play::lines(&lines).totals.segment_download), 100));
}

#[test]
fn a_closed_kept_alive_connection_is_no_request_and_no_error() {
    let closed = "[AVIOContext @ 0x5] [verbose] Statistics: 990 bytes read, 0 seeks";
    let said = "[hls @ 0x1] [warning] keepalive request failed for 'http://h/i.m3u8' with error: \
                'Broken pipe' when parsing playlist";
    for words in [vec![], vec![said]] {
        let mut lines = start();
        lines.extend([(150, OPEN_0), (6_000, MEDIA), (6_000, closed)]);
        lines.extend(words.iter().map(|&words| (6_000, words)));
        lines.extend([
            (6_000, MEDIA_NEW),
            (6_001, CONNECTING),
            (6_002, CONNECTED),
            (6_010, WANT_1),
        ]);
        let play = Play::lines(&lines).ended();
        assert_eq!(play.totals.by_kind, [3, 1, 0, 0, 0], "{words:?}");
        assert_eq!((play.totals.connections_new, play.totals.connections_reused), (3, 1));
        assert_eq!(play.totals.errors.as_flattened().iter().sum::<u64>(), 0);
        assert_eq!(play.totals.playlist_refreshes, 1);
        assert_eq!(play.client.bytes(), 990);
    }
}

#[test]
fn an_error_status_counts_for_each_response() {
    let mut lines = start();
    let status = "[http @ 0x3] [warning] HTTP error 404 Not Found";
    let keepalive = "[hls @ 0x1] [warning] keepalive request failed for 'http://h/0.ts' with \
                     error: 'Server returned 404 Not Found' when opening url, retrying with new \
                     connection";
    let open_new = "[hls @ 0x1] [info] Opening 'http://h/0.ts' for reading";
    let failed = "[hls @ 0x1] [warning] Failed to open segment 0 of playlist 0";
    lines.extend([(150, OPEN_0), (160, status), (160, keepalive), (160, open_new)]);
    lines.extend([
        (161, CONNECTING),
        (162, CONNECTED),
        (170, status),
        (170, failed),
        (170, WANT_1),
    ]);
    let play = Play::lines(&lines);
    assert_eq!(play.totals.by_kind, [2, 2, 0, 0, 0]);
    assert_eq!(play.errors(RequestKind::Segment, ErrorReason::Http4xx), 2);
    assert_eq!(play.totals.http_errors[4], 2);
    assert_eq!(play.totals.segments_skipped, 1);
    assert_eq!(play.totals.segments_downloaded, 0);
    let evidence = play.client.evidence();
    assert_eq!(
        (evidence.trouble.failure, evidence.trouble.status),
        (Some(Failure::Status), Some(404))
    );
    assert!(!evidence.trouble.playlist);
}

#[test]
fn a_retried_segment_is_skipped_only_when_given_up() {
    let failed = "[in#0 @ 0x1] [warning] Failed to open segment 0 of playlist 0";
    let given_up = "[in#0 @ 0x1] [warning] Segment 0 of playlist 0 failed too many times, skipping";
    let mut lines = start();
    lines.extend([(150, OPEN_0), (160, failed), (160, WANT_0), (160, OPEN_0)]);
    let mut saved = lines.clone();
    saved.extend([(170, WANT_1)]);
    assert_eq!(Play::lines(&saved).ended().totals.segments_skipped, 0);
    lines.extend([(170, failed), (170, given_up), (170, WANT_1)]);
    assert_eq!(Play::lines(&lines).ended().totals.segments_skipped, 1);
}

#[test]
fn parts_of_one_resource_are_distinguished_by_offset() {
    let part = |offset: u32| WANT_0.replace("offset 0", &format!("offset {offset}"));
    let failed = "[hls @ 0x1] [warning] Failed to open segment 0 of playlist 0";
    let (first, second) = (part(100), part(200));
    let lines = [(0, first.as_str()), (0, OPEN_0), (10, failed), (20, second.as_str())];
    assert_eq!(Play::lines(&lines).totals.segments_skipped, 1);
}

#[test]
fn a_failure_without_a_reason_is_a_timeout_after_the_timeout() {
    let failed = "[hls @ 0x1] [warning] Failed to reload playlist 0";
    for (at, reason) in [(7_000, ErrorReason::Other), (21_000, ErrorReason::Timeout)] {
        let mut lines = start();
        lines.extend([(150, OPEN_0), (6_000, MEDIA), (at, failed)]);
        let play = Play::lines(&lines).ended();
        assert_eq!(play.errors(RequestKind::Playlist, reason), 1, "{at}");
        assert_eq!(play.totals.reload_failures, 1);
        assert!(play.client.evidence().trouble.playlist);
    }
}

#[test]
fn a_failed_connect_is_an_error_but_no_request() {
    let attempt =
        "[tcp @ 0xa] [verbose] Connection attempt to h port 80 failed: Connection refused";
    let failed = "[tcp @ 0xa] [error] Connection to tcp://h:80 failed: Connection refused";
    let again = "[http @ 0x1] [warning] Will reconnect at 0 in 1 second(s).";
    let last = "[error] http://h/m.m3u8: Connection refused";
    let lines = [(0, MASTER[0].1), (1, attempt), (1, failed), (1, again)];
    let lines = [&lines[..], &[(1_000, MASTER[0].1), (1_001, failed), (1_001, last)]].concat();
    let play = Play::lines(&lines).ended();
    assert_eq!(play.totals.by_kind, [0; 5]);
    assert_eq!(play.errors(RequestKind::Playlist, ErrorReason::Connect), 2);
    assert_eq!(play.totals.reconnections, 1);
    assert_eq!(play.client.evidence().trouble.failure, Some(Failure::Connect));
}

#[test]
fn a_refused_certificate_is_no_request() {
    let failed = "[tls @ 0x1] [error] error:0A000086:SSL routines::certificate verify failed";
    let play = Play::lines(&[MASTER[0], MASTER[1], (50, failed)]).ended();
    assert_eq!(play.totals.by_kind, [0; 5]);
    assert_eq!(play.errors(RequestKind::Playlist, ErrorReason::Tls), 1);
}

#[test]
fn a_redirect_is_one_more_request_on_a_new_connection() {
    let again = MASTER.map(|(at, line)| (at + 50, line));
    let play = Play::lines(&[&MASTER[..], &again].concat()).ended();
    assert_eq!(play.totals.by_kind, [2, 0, 0, 0, 0]);
    assert_eq!(play.totals.connect.count(), 2);
}

#[test]
fn keys_and_initialization_sections_are_recognized() {
    let key = "[hls @ 0x1] [info] Opening 'http://h/key' for reading";
    let crypto = "[hls @ 0x1] [info] Opening 'crypto+http://h/0.ts' for reading";
    let mut lines = start();
    lines.extend([(150, key), (151, CONNECTING), (152, CONNECTED)]);
    lines.extend([(160, crypto), (161, CONNECTING), (162, CONNECTED)]);
    // Encrypted: its connection closes at its end, before the wait.
    lines.push((260, "[AVIOContext @ 0x5] [verbose] Statistics: 100 bytes read, 0 seeks"));
    lines.push((5_000, MEDIA));
    let play = Play::lines(&lines).ended();
    assert_eq!(play.totals.by_kind, [3, 1, 0, 1, 0]);
    assert!(near(only_span(&play.totals.segment_download), 100));

    let want = "[hls @ 0x1] [verbose] HLS request for url 'http://h/v/Init-1.mp4?t=1', offset 0, \
                playlist 0";
    let open = "[hls @ 0x1] [info] Opening 'http://h/v/Init-1.mp4?t=1' for reading";
    let mut lines = start();
    lines.extend([(150, want), (150, open), (151, CONNECTING), (152, CONNECTED), (160, WANT_0)]);
    assert_eq!(Play::lines(&lines).ended().totals.by_kind, [2, 0, 1, 0, 0]);
}

#[test]
fn the_newest_date_of_a_playlist_gives_the_age_of_its_edge() {
    let date = |secs: u32| {
        format!(
            "[hls @ 0x1] [info] Skip ('#EXT-X-PROGRAM-DATE-TIME:2030-01-01T00:00:0{secs}.000Z')"
        )
    };
    let (older, newer) = (date(1), date(2));
    let lines =
        [(9_000, MEDIA), (9_001, &older), (9_001, &newer), (9_001, WANT_0), (9_002, OPEN_0)];
    let play = Play::lines(&lines);
    assert_eq!(play.ages, [Duration::from_millis(7_001)]);
    // A date in the future comes from a wrong clock and is no age of 0.
    let future = [(500, MEDIA), (500, older.as_str()), (500, WANT_0)];
    assert!(Play::lines(&future).ages.is_empty());
}

#[test]
fn a_stale_playlist_shows_by_refreshes_without_a_segment() {
    let mut lines = start();
    lines.extend([(150, OPEN_0), (6_000, MEDIA), (9_000, MEDIA), (12_000, MEDIA)]);
    let play = Play::lines(&lines);
    assert_eq!(play.client.evidence().vain_refreshes, 2);
    lines.extend([(12_100, WANT_1)]);
    assert_eq!(Play::lines(&lines).client.evidence().vain_refreshes, 0);
}

#[test]
fn a_playlist_without_an_established_connection_is_not_timed() {
    let mut lines = MASTER.to_vec();
    lines.extend([(100, MEDIA_NEW), (100, CONNECTING), (150, WANT_0)]);
    let play = Play::lines(&lines);
    assert_eq!(play.totals.by_kind, [1, 0, 0, 0, 0]);
    assert_eq!(play.totals.playlist_download.count(), 1, "the master playlist alone");
}

#[test]
fn the_tracker_is_small_and_has_no_heap() {
    assert!(size_of::<ClientRequests>() <= 240);
    assert!(!std::mem::needs_drop::<ClientRequests>());
}

#[test]
fn expired_segments_and_sequence_jumps_are_counted() {
    let lines = [
        (0, "[warning] skipping 17 segments ahead, expired from playlists"),
        (9, "[hls @ 0x1] [warning] skipping 2 segments ahead, expired from playlists"),
    ];
    assert_eq!(Play::lines(&lines).totals.segments_skipped, 19);
    let jump = "[hls @ 0x1] [warning] Media sequence changed unexpectedly: 9 -> 3";
    assert_eq!(Play::lines(&[(0, jump)]).totals.sequence_jumps, 1);
}

#[test]
fn absurd_numbers_are_refused_and_counted() {
    let skip = |count: u64| format!("[warning] skipping {count} segments ahead, expired");
    let read = |bytes: u64| {
        format!("[AVIOContext @ 0x5] [verbose] Statistics: {bytes} bytes read, 0 seeks")
    };
    let date = |date: &str| format!("[hls @ 0x1] [info] Skip ('#EXT-X-PROGRAM-DATE-TIME:{date}')");
    let status = |status: u64| format!("[http @ 0x3] [warning] HTTP error {status} x");
    let second = 12_500_000_000;
    for (claim, line, millis, refused) in [
        (Claim::SegmentsSkipped, skip(100_000), 0, false),
        (Claim::SegmentsSkipped, skip(100_001), 0, true),
        (Claim::SegmentsSkipped, skip(u64::MAX), 0, true),
        (Claim::Bytes, read(second), 0, false),
        (Claim::Bytes, read(second + 1), 0, true),
        (Claim::Bytes, read(2 * second), 1_000, false),
        (Claim::Bytes, read(2 * second + 1), 1_000, true),
        (Claim::Bytes, read(i64::MAX as u64), 3_600_000, true),
        (Claim::Bytes, read(u64::MAX), 3_600_000, true),
        (Claim::ProgramDate, date("2030-01-01T00:00:00Z"), 0, false),
        (Claim::ProgramDate, date("2029-01-01T00:00:00Z"), 0, false),
        (Claim::ProgramDate, date("2030-01-02T00:00:00Z"), 0, false),
        (Claim::ProgramDate, date("2030-01-02T00:00:01Z"), 0, true),
        (Claim::ProgramDate, date("1970-01-01T00:00:00Z"), 0, true),
        (Claim::HttpStatus, status(400), 0, false),
        (Claim::HttpStatus, status(599), 0, false),
        (Claim::HttpStatus, status(600), 0, true),
        (Claim::HttpStatus, status(200), 0, true),
        (Claim::HttpStatus, status(70_000), 0, true),
    ] {
        let play = Play::lines(&[(0, MEDIA), (millis, &line), (millis, &line)]);
        let second_line = line.contains("bytes read") && !refused;
        let want = if refused { 2 } else { u64::from(second_line) };
        let mut all = Refused::default();
        (0..want).for_each(|_| all.count(claim));
        assert_eq!(play.totals.refused, all, "{line}");
    }
    let totals = Play::lines(&[(0, &skip(u64::MAX)), (9, &skip(5)), (9, &read(u64::MAX))]);
    assert_eq!((totals.totals.segments_skipped, totals.client.bytes()), (5, 0));
}

proptest! {
    /// Any lines in any order: no panic, and no more requests than lines.
    #[test]
    fn any_lines_in_any_order_are_counted_consistently(
        picks in prop::collection::vec((0usize..12, 0u64..60_000), 0..200)
    ) {
        let words = [
            MASTER[0].1, MASTER[1].1, MEDIA, MEDIA_NEW, WANT_0, WANT_1, OPEN_0, OPEN_1,
            "[hls @ 0x1] [warning] Failed to open segment 0 of playlist 0",
            "[http @ 0x3] [warning] HTTP error 503 Service Unavailable",
            "[http @ 0x3] [warning] Will reconnect at 0 in 1 second(s).",
            "[tls @ 0x1] [error] x",
        ];
        let lines: Vec<_> = picks.iter().map(|&(at, ms)| (ms, words[at])).collect();
        let play = Play::lines(&lines).ended();
        let made = play.totals.by_kind.iter().sum::<u64>();
        prop_assert!(made <= lines.len() as u64);
        prop_assert_eq!(made, play.totals.connections_new + play.totals.connections_reused);
        prop_assert!(play.totals.segments_downloaded <= play.totals.by_kind[1]);
        prop_assert!(play.totals.playlist_refreshes <= play.totals.by_kind[0]);
    }
}
