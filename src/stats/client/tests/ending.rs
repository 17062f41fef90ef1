//! What the log says of attempts that had no media when we ended them.

use super::*;
use crate::ffmpeg::evidence::{Evidence, Trouble, Waiting};

const FORBIDDEN: &str = "[http @ 0x3] [warning] HTTP error 403 Forbidden";
const FAILED_0: &str = "[hls @ 0x1] [warning] Failed to open segment 0 of playlist 0";
const FAILED_1: &str = "[hls @ 0x1] [warning] Failed to open segment 1 of playlist 0";
const STOPPED: &str = "[error] http://h/m.m3u8: Immediate exit requested";

/// When the attempts of this file are ended, in milliseconds after their spawn.
const ENDED: u64 = 6_000;

/// The evidence of an attempt that we end at [`ENDED`] after these lines.
fn ended_after(lines: &[(u64, &str)], context: &LogContext) -> Evidence {
    let mut play = Play::read(lines, context);
    play.client.end(Tick::from_millis(ENDED), Duration::from_millis(ENDED), context);
    play.line(ENDED, STOPPED, context);
    play.ended().client.evidence()
}

#[test]
fn a_reloaded_playlist_does_not_cancel_failed_segments() {
    let mut lines = start();
    lines.extend([(150, OPEN_0), (160, FORBIDDEN), (160, FAILED_0), (1_000, MEDIA)]);
    lines.extend([(1_050, WANT_1), (1_050, OPEN_1), (1_060, FORBIDDEN), (1_060, FAILED_1)]);
    lines.extend([(2_000, MEDIA), (5_000, MEDIA)]);
    let evidence = ended_after(&lines, &CONTEXT);
    let forbidden =
        Trouble { failure: Some(Failure::Status), status: Some(403), ..Trouble::default() };
    assert_eq!((evidence.trouble, evidence.lasting), (Trouble::default(), forbidden));
    assert_eq!((evidence.segments, evidence.waiting), (0, None));
}

#[test]
fn a_complete_segment_cancels_earlier_failures() {
    let mut lines = start();
    lines.extend([(150, OPEN_0), (160, FORBIDDEN), (160, FAILED_0)]);
    lines.extend([(200, WANT_1), (200, OPEN_1), (300, MEDIA)]);
    let evidence = ended_after(&lines, &CONTEXT);
    assert_eq!((evidence.lasting, evidence.segments), (Trouble::default(), 1));
}

/// Two complete segments, and the playlist again.
fn two_segments() -> Vec<(u64, &'static str)> {
    let mut lines = start();
    lines.extend([(150, OPEN_0), (200, WANT_1), (200, OPEN_1), (300, MEDIA)]);
    lines
}

#[test]
fn waits_for_name_response_and_media_are_distinguished() {
    let named = LogContext { looks_up_name: true, ..CONTEXT };
    let open = [&start()[..], &[(150, OPEN_0)]].concat();
    let late = [&start()[..], &[(5_000, OPEN_0)]].concat();
    let info = "[info] ffmpeg stats and -progress period set to 1.";
    for (lines, context, want) in [
        (vec![(10, info)], named, Some(Waiting::Address)),
        (vec![(10, info)], CONTEXT, Some(Waiting::Unknown)),
        (MASTER.to_vec(), named, Some(Waiting::Response)),
        (open, named, Some(Waiting::Response)),
        (late, CONTEXT, None),
        (two_segments(), CONTEXT, Some(Waiting::Media)),
    ] {
        assert_eq!(ended_after(&lines, &context).waiting, want, "{lines:?}");
    }
}

#[test]
fn a_young_attempt_waits_for_nothing() {
    let mut play = Play::lines(&two_segments());
    let lived = PATIENCE - Duration::from_millis(1);
    play.client.end(Tick::from_millis(60_000), lived, &CONTEXT);
    assert_eq!(play.client.evidence().waiting, None);
}

#[test]
fn only_a_failed_name_is_evidence_after_our_signal() {
    let lost = "[error] http://h/m.m3u8: End of file";
    let name =
        "[tcp @ 0x1] [error] Failed to resolve hostname h: Temporary failure in name resolution";
    for (line, want) in [(lost, None), (name, Some(Failure::Dns))] {
        let mut play = Play::lines(&MASTER);
        play.client.end(Tick::from_millis(50), Duration::from_millis(50), &CONTEXT);
        play.line(60, line, &CONTEXT);
        assert_eq!(play.ended().client.evidence().lasting.failure, want, "{line}");
    }
}

/// FFmpeg cannot read the input, after these lines.
fn unreadable_after(lines: &[(u64, &str)]) -> (Trouble, u64) {
    let invalid = "[error] http://h/m.m3u8: Invalid data found when processing input";
    let play = Play::lines(&[lines, &[(900, invalid)]].concat()).ended();
    (play.client.evidence().trouble, play.totals.failed())
}

#[test]
fn unreadable_media_is_no_failed_playlist_and_no_failed_request() {
    let invalid = Some(Failure::Invalid);
    let media = Trouble { failure: invalid, media: true, ..Trouble::default() };
    assert_eq!(unreadable_after(&two_segments()[..6]), (media, 0));
    // Below level verbose no line says that a segment is wanted.
    let unread = "[hls @ 0x1] [error] Error when loading first segment 'http://h/0.ts'";
    assert_eq!(unreadable_after(&[(300, MEDIA), (310, unread)]), (media, 0));
    let playlist = Trouble { failure: invalid, playlist: true, ..Trouble::default() };
    assert_eq!(unreadable_after(&MASTER), (playlist, 0));
    // An earlier failure is the reason.
    let lines = [&start()[..], &[(150, OPEN_0), (160, FORBIDDEN), (160, FAILED_0)]].concat();
    let (trouble, failed) = unreadable_after(&lines);
    assert_eq!((trouble.failure, trouble.status, failed), (Some(Failure::Status), Some(403), 1));
    assert!(!trouble.playlist);
}

#[test]
fn an_unreadable_playlist_fails_for_the_reason_of_the_next_line() {
    let unread =
        "[hls @ 0x1] [warning] parse_playlist error Connection timed out [http://h/i.m3u8]";
    let timed_out = "[error] http://h/m.m3u8: Connection timed out";
    let lines = [&MASTER[..], &[(100, MEDIA), (1_100, unread), (1_110, timed_out)]].concat();
    let play = Play::lines(&lines).ended();
    assert_eq!(play.client.evidence().trouble.failure, Some(Failure::Timeout));
    assert_eq!(play.errors(RequestKind::Playlist, ErrorReason::Timeout), 1);
}

#[test]
fn an_empty_playlist_failed() {
    let empty = "[hls @ 0x1] [warning] Empty segment [http://h/i.m3u8]";
    let lines = [&MASTER[..], &[(100, MEDIA), (110, empty)]].concat();
    assert!(Play::lines(&lines).ended().client.evidence().trouble.playlist);
}

#[test]
fn refused_options_and_refused_memory_are_no_failed_requests() {
    let option = "[hls demuxer @ 0x1] [error] Error setting option live to value x.";
    let argument = "[error] http://h/m.m3u8: Invalid argument";
    let play = Play::lines(&[(10, option), (20, argument)]).ended();
    assert!(play.client.evidence().option_refused);
    assert_eq!(play.totals.failed(), 0);
    let memory = "[in#0 @ 0x1] [error] Error opening input: Cannot allocate memory";
    let play = Play::lines(&[&start()[..], &[(160, memory)]].concat()).ended();
    assert!(play.client.evidence().out_of_memory);
    assert_eq!(play.totals.failed(), 0);
}

#[test]
fn an_allocation_failure_before_a_segment_is_no_evidence() {
    let seekback = "[mpegts @ 0x1] [warning] Failed to allocate buffers for seekback";
    let lines = [&start()[..], &[(150, OPEN_0), (160, seekback), (200, WANT_1)]].concat();
    assert!(!Play::lines(&lines).ended().client.evidence().out_of_memory);
}
