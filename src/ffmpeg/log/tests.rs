//! Log lines of every version with their notes, and arbitrary bytes.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn note_of(line: &str) -> Option<Note<'_>> {
    parse(line.as_bytes()).note
}

fn opening(url: &str, reused: bool) -> Option<Note<'_>> {
    Some(Note::Opening { url: url.as_bytes(), reused })
}

#[test]
fn recognizes_requests_of_every_version() {
    let segment = Some(Note::HlsRequest { url: b"http://h/0.ts", offset: 18, playlist: 2 });
    for part in ["hls,applehttp @ 0x1a2", "hls @ 0x55dd2193d200", "in#0/hls @ 0x1", "in#0 @ 0x1"] {
        let request = format!(
            "[{part}] [verbose] HLS request for url 'http://h/0.ts', offset 18, playlist 2"
        );
        assert_eq!(note_of(&request), segment, "{part}");
        let open = format!("[{part}] [info] Opening 'http://h/0.ts' for reading");
        assert_eq!(note_of(&open), opening("http://h/0.ts", false), "{part}");
    }
    for scheme in ["http", "https"] {
        let open = format!("[{scheme} @ 0x1] [info] Opening 'http://h/0.ts' for reading");
        assert_eq!(note_of(&open), opening("http://h/0.ts", true), "{scheme}");
    }
}

#[test]
fn recognizes_the_first_playlist_at_level_debug() {
    for part in ["NULL", "in#0", "hls"] {
        let line = format!("[{part} @ 0x1] [debug] Opening 'http://h/m.m3u8' for reading");
        assert_eq!(note_of(&line), opening("http://h/m.m3u8", false), "{part}");
    }
    assert_eq!(note_of("[debug] Opening an input file: http://h/m.m3u8."), None);
    assert_eq!(
        note_of("[hls @ 0x1] [debug] Downloading an initialization section of size 819"),
        Some(Note::InitSection)
    );
}

#[test]
fn accepts_quotes_in_urls_and_cut_lines() {
    let quote = "[hls @ 0x1] [info] Opening 'http://h/o'clock.ts' for reading";
    assert_eq!(note_of(quote), opening("http://h/o'clock.ts", false));
    assert_eq!(note_of("[hls @ 0x1] [info] Opening 'http://h/lo"), opening("http://h/lo", false));
    assert_eq!(
        note_of("[hls @ 0x1] [verbose] HLS request for url 'http://h/lo"),
        Some(Note::HlsRequest { url: b"http://h/lo", offset: 0, playlist: u32::MAX })
    );
    assert_eq!(note_of("[http @ 0x1] [info] Opening 'http://h/up' for writing"), None);
}

#[test]
fn recognizes_every_kind_of_line() {
    use Failure::*;
    for (line, want) in [
        ("[tcp @ 0x1] [verbose] Starting connection attempt to ::1 port 80", Note::ConnectStarted),
        ("[tcp @ 0x1] [verbose] Successfully connected to ::1 port 80", Note::Connected),
        (
            "[tcp @ 0x1] [verbose] Connection attempt to ::1 port 80 failed: Connection refused",
            Note::ConnectAttemptFailed,
        ),
        (
            "[tcp @ 0x1] [verbose] Connected attempt failed: Connection refused",
            Note::ConnectAttemptFailed,
        ),
        (
            "[tcp @ 0x1] [error] Connection to tcp://h:9?timeout=3 failed: Connection refused",
            Note::Failed(Connect),
        ),
        (
            "[tcp @ 0x1] [error] Connection to tcp://h:9 failed: Connection timed out",
            Note::Failed(Timeout),
        ),
        (
            "[tcp @ 0x1] [error] Failed to resolve hostname no.invalid: Name or service not known",
            Note::Failed(Dns),
        ),
        ("[http @ 0x1] [warning] HTTP error 503 Service Unavailable", Note::HttpStatus(503)),
        (
            "[http @ 0x1] [error] Error reading HTTP response: Connection timed out",
            Note::Failed(Timeout),
        ),
        (
            "[http @ 0x1] [error] Stream ends prematurely at 9, should be 18",
            Note::Failed(Truncated),
        ),
        ("[http @ 0x1] [warning] Will reconnect at 0 in 1 second(s).", Note::WillReconnect),
        (
            "[tls @ 0x1] [error] error:0A000086:SSL routines::certificate verify failed",
            Note::Failed(Tls),
        ),
        ("[tls @ 0x1] [error] IO error: Connection timed out", Note::Failed(Timeout)),
        (
            "[hls @ 0x1] [warning] keepalive request failed for 'http://h/i.m3u8' with error: \
             'Server returned 404 Not Found' when parsing playlist",
            Note::KeepaliveFailed(Status),
        ),
        (
            "[hls,applehttp @ 0x1] [warning] keepalive request failed for 'http://h/i.m3u8', \
             retrying with new connection: Broken pipe",
            Note::KeepaliveFailed(Lost),
        ),
        (
            "[hls @ 0x1] [warning] skipping 17 segments ahead, expired from playlists",
            Note::SegmentsSkipped { count: 17 },
        ),
        (
            "[warning] skipping 17 segments ahead, expired from playlists",
            Note::SegmentsSkipped { count: 17 },
        ),
        ("[hls @ 0x1] [warning] Failed to open segment 7 of playlist 0", Note::SegmentFailed),
        (
            "[in#0 @ 0x1] [warning] Segment 7 of playlist 0 failed too many times, skipping",
            Note::SegmentGivenUp,
        ),
        ("[hls @ 0x1] [warning] Failed to reload playlist 0", Note::ReloadFailed),
        (
            "[hls @ 0x1] [warning] Media sequence changed unexpectedly: 9 -> 2",
            Note::SequenceChanged,
        ),
        ("[hls @ 0x1] [error] Unable to open key file http://h/key", Note::KeyFailed),
        ("[hls @ 0x1] [warning] Empty segment [http://h/v.m3u8]", Note::PlaylistEmpty),
        ("[warning] Empty playlist", Note::PlaylistEmpty),
        (
            "[hls,applehttp @ 0x1] [error] Error when loading first segment 'http://h/0.ts'",
            Note::MediaUnreadable,
        ),
        ("[mov,mp4,m4a,3gp,3g2,mj2 @ 0x1] [error] error reading header", Note::MediaUnreadable),
        ("[hls @ 0x1] [info] Skip ('#EXT-X-VERSION:3')", Note::TagSkipped),
        (
            "[AVIOContext @ 0x1] [verbose] Statistics: 468120 bytes read, 0 seeks",
            Note::BytesRead { bytes: 468_120 },
        ),
        (
            "[verbose]   Total: 1435 packets (865390 bytes) demuxed",
            Note::PacketsRead { bytes: 865_390 },
        ),
        (
            "[in#0/hls @ 0x1] [verbose]   Total: 1 packets (2 bytes) demuxed",
            Note::PacketsRead { bytes: 2 },
        ),
        ("[info] Input #0, hls, from 'http://h/m.m3u8':", Note::InputOpened),
        ("[info]   Duration: N/A, start: 1.4, bitrate: N/A", Note::Duration { known: false }),
        ("[info]   Duration: 00:00:05.00, start: 1.4", Note::Duration { known: true }),
        ("[verbose] No more output streams to write to, finishing.", Note::InputEnded),
        ("[in#0/hls @ 0x1] [verbose] EOF while reading input", Note::InputEnded),
        ("[info] Exiting normally, received signal 15.", Note::ExitingOnSignal),
        ("[error] http://h:9/m.m3u8: Connection refused", Note::InputFailed(Connect)),
        ("[error] Unrecognized option 'nosuch'.", Note::OptionRefused),
        ("[fatal] Error splitting the argument list: Option not found", Note::OptionRefused),
        ("[error] Option tls_verify not found.", Note::OptionRefused),
        ("[hls demuxer @ 0x1] [error] Error setting option live to value x.", Note::OptionRefused),
        (
            "[in#0 @ 0x1] [error] Error opening input: Cannot allocate memory",
            Note::InputFailed(Memory),
        ),
        ("[fatal] Error opening input files: Cannot allocate memory", Note::OutOfMemory),
        ("[error] Error allocating the decoder context.", Note::OutOfMemory),
        ("[mpegts @ 0x1] [warning] Failed to allocate buffers for seekback", Note::OutOfMemory),
        (
            "[in#0/hls @ 0x1] [error] pthread_create() failed: Resource temporarily unavailable",
            Note::OutOfMemory,
        ),
        (
            "/usr/bin/ffmpeg: error while loading shared libraries: libjpeg.so.62: failed to map \
             segment from shared object",
            Note::OutOfMemory,
        ),
        (
            "[in#0 @ 0x1] [error] Error opening input: Invalid data found when processing input",
            Note::InputFailed(Invalid),
        ),
    ] {
        assert_eq!(note_of(line), Some(want), "{line}");
    }
}

#[test]
fn irrelevant_lines_have_no_note() {
    for line in [
        "",
        "[",
        "[]",
        "[ @ ]",
        "User-Agent: x/1",
        "[debug] Transform tree:",
        "[debug]     mdct_inv_float_avx2 - type: mdct_float, len: 120",
        "[h264 @ 0x1] [verbose] Reinit context to 320x192, pix_fmt: yuv420p",
        "[http @ 0x1] [debug] request: GET /v0/index.m3u8 HTTP/1.1",
        "[tcp @ 0x1] [debug] Original list of addresses:",
        "[AVIOContext @ 0x1] [verbose] Statistics: 2417 bytes written, 0 seeks, 13 writeouts",
        "[AVIOContext @ 0x1] [verbose] Statistics: 0 seeks, 12 writeouts",
        // Some versions log this at the end of every segment.
        "[http @ 0x1] [error] Error reading HTTP response: End of file",
        "[verbose]   Total: 1149 packets (367122 bytes) muxed",
        "ffmpeg: error while loading shared libraries: libx.so: cannot open shared object file: No such file or directory",
        "[fatal] Stream map '' matches no streams.",
        "[info] frame=  399 fps= 33 q=-1.0 Lsize=N/A time=00:00:16.00 bitrate=N/A speed=1.33x",
        // The response had no Content-Length: it ends when the connection closes.
        "[http @ 0x1] [error] Stream ends prematurely at 9, should be 18446744073709551615",
    ] {
        assert_eq!(note_of(line), None, "{line}");
    }
}

#[test]
fn parses_component_and_stamp() {
    let line = parse(b"2026-11-23 01:51:19.937 [tcp @ 0x55ab] [verbose] Successfully connected to");
    assert_eq!(line.source, Source::Tcp);
    assert_eq!(line.address, 0x55ab);
    assert_eq!(line.level, Level::Verbose);
    assert_eq!(line.note, Some(Note::Connected));
    let later = parse(b"2026-11-24 00:00:00.001 [info] x");
    let midnight = later.stamp.unwrap().since(line.stamp.unwrap());
    assert_eq!(midnight, Duration::from_millis(22 * 3_600_000 + 8 * 60_000 + 40_064));
    for other in
        ["2026-11-23 01:51:19 [info] x", "23:59:59.999 [info] x", "2026-11-23 aa:bb:cc.ddd x"]
    {
        assert_eq!(parse(other.as_bytes()).stamp, None, "{other}");
    }
}

#[test]
fn last_of_two_components_counts() {
    let line = parse(b"[in#0/hls @ 0x1] [http @ 0x2] [info] Opening 'http://h/0.ts' for reading");
    assert_eq!((line.source, line.address), (Source::Http, 2));
    assert_eq!(line.note, Some(Note::Opening { url: b"http://h/0.ts", reused: true }));
}

#[test]
fn a_date_needs_an_offset() {
    let date = |date: &str| {
        let line = format!("[hls @ 0x1] [info] Skip ('#EXT-X-PROGRAM-DATE-TIME:{date}')");
        match note_of(&line) {
            Some(Note::ProgramDateTime { unix_ns }) => Some(unix_ns),
            Some(Note::TagSkipped) => None,
            other => panic!("{other:?}"),
        }
    };
    let want = Some(1_795_420_146_500_000_000);
    for written in
        ["2026-11-23T07:49:06.500Z", "2026-11-23T08:49:06.5+01:00", "2026-11-23T07:49:06.500+0000"]
    {
        assert_eq!(date(written), want, "{written}");
    }
    for written in ["2026-11-23T07:49:06.500", "", "soon", "2026-13-23T07:49:06Z"] {
        assert_eq!(date(written), None, "{written}");
    }
}

/// Bytes that often begin as lines do, so that the deep branches are reached as well.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let starts: Vec<&[u8]> = vec![
        b"",
        b"2026-11-23 01:51:19.937 ",
        b"[hls @ 0x55] [warning] ",
        b"[hls @ 0x55] [verbose] HLS request for url '",
        b"[hls @ 0x55] [info] Skip ('#EXT-X-PROGRAM-DATE-TIME:",
        b"[hls @ 0x55] [warning] keepalive request failed for '",
        b"[http @ 0x55] [warning] HTTP error ",
        b"[tcp @ 0x55] [error] Connection to ",
        b"[AVIOContext @ 0x] [verbose] Statistics: ",
        b"[verbose]   Total: 1 packets (",
        b"[error] http",
    ];
    (prop::sample::select(starts), prop::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(start, rest)| [start, &rest].concat())
}

proptest! {
    #[test]
    fn accepts_any_bytes(line in line()) {
        let _ = parse(&line);
    }
}
