//! Endings as they were seen, and what each is called.

use super::*;

const MEDIA: Option<Duration> = Some(Duration::from_secs(6));
const NO_MEDIA: Option<Duration> = Some(Duration::ZERO);
const NOT_READ: Option<Duration> = None;

/// A log that told nothing.
const SILENT: Evidence = Evidence {
    failure: None,
    status: None,
    playlist_failed: false,
    input_opened: false,
    ended_at_start: false,
    input_ended: false,
    exiting_on_signal: false,
    vain_refreshes: 0,
};

const fn failed(failure: Failure) -> Evidence {
    Evidence { failure: Some(failure), ..SILENT }
}

const fn playlist(failure: Failure) -> Evidence {
    Evidence { playlist_failed: true, ..failed(failure) }
}

const fn stale(vain_refreshes: u32) -> Evidence {
    Evidence { vain_refreshes, ..SILENT }
}

const fn code(code: u8, media: Option<Duration>, evidence: Evidence) -> Ending {
    let status = ExitStatus::Code(code);
    Ending { status, told: false, stalled_by_us: false, oom: false, media, evidence }
}

const fn signal(signal: u8, oom: bool) -> Ending {
    Ending { status: ExitStatus::Signal(signal), oom, ..code(0, MEDIA, SILENT) }
}

type Row = (&'static str, Ending, Outcome);

/// FFmpeg exits 0 on failures as well as at the end of the playlist.
fn exits_with_0() -> Vec<Row> {
    use Failure::{Connect, Other, Status, Timeout, Truncated};
    use Outcome::{
        Completed, Error, HttpError, NetworkError, NoInput, PlaylistError, StalePlaylist,
    };
    let zero = |media, evidence| code(0, media, evidence);
    let (stale_now, not_yet) = (stale(STALE_REFRESHES), stale(STALE_REFRESHES - 1));
    vec![
        ("a playlist turns 404 or 503", zero(MEDIA, playlist(Status)), PlaylistError),
        ("a playlist hangs", zero(MEDIA, playlist(Timeout)), Outcome::Timeout),
        ("a playlist breaks off", zero(MEDIA, playlist(Truncated)), NetworkError),
        ("the origin went away", zero(MEDIA, playlist(Connect)), NetworkError),
        ("a playlist is dead at once", zero(NO_MEDIA, playlist(Other)), PlaylistError),
        ("max_reload is used up", zero(MEDIA, stale_now), StalePlaylist),
        ("a playlist is stale from the start", zero(NO_MEDIA, stale_now), StalePlaylist),
        ("it ended after refreshes in vain", zero(MEDIA, not_yet), Completed),
        ("all was played", zero(MEDIA, SILENT), Completed),
        ("the last segment was 404", zero(MEDIA, failed(Status)), HttpError),
        ("the last segment failed somehow", zero(MEDIA, failed(Other)), Error),
        ("no media, no reason", zero(NO_MEDIA, SILENT), NoInput),
        ("nothing but the code is known", zero(NOT_READ, SILENT), Completed),
        ("progress was not read", zero(NOT_READ, playlist(Status)), PlaylistError),
    ]
}

/// 9.x has other codes than 1 for some failures.
fn exits_with_more() -> Vec<Row> {
    use Failure::{Connect, Dns, Invalid, Lost, Status, Timeout, Tls};
    use Outcome::{Error, HttpError, NetworkError, NoInput, PlaylistError};
    vec![
        ("the master is 404", code(8, NO_MEDIA, playlist(Status)), PlaylistError),
        ("the master is no playlist", code(183, NO_MEDIA, playlist(Invalid)), PlaylistError),
        ("the master hangs", code(146, NO_MEDIA, playlist(Timeout)), Outcome::Timeout),
        ("nobody listens", code(145, NO_MEDIA, playlist(Connect)), NetworkError),
        ("the name is unknown", code(251, NO_MEDIA, playlist(Dns)), NetworkError),
        ("the certificate is not trusted", code(251, NO_MEDIA, failed(Tls)), NetworkError),
        ("the first segments are 404", code(1, NO_MEDIA, failed(Status)), HttpError),
        ("a segment is reset", code(1, MEDIA, failed(Lost)), NetworkError),
        ("an option is unknown", code(1, NO_MEDIA, SILENT), NoInput),
        ("a segment is garbage", code(1, MEDIA, failed(Invalid)), Error),
        ("an error after stale refreshes", code(1, MEDIA, stale(STALE_REFRESHES)), Error),
        ("anything else", code(1, MEDIA, SILENT), Error),
        ("nothing but the code is known", code(1, NOT_READ, SILENT), Error),
    ]
}

/// What we did, and what others did.
fn ended_by_someone() -> Vec<Row> {
    use Outcome::{Crashed, OomKilled, Stalled, Stopped};
    let told = |ending| Ending { told: true, ..ending };
    let stalled = |ending| Ending { stalled_by_us: true, ..ending };
    let signalled = Evidence { exiting_on_signal: true, ..failed(Failure::Interrupted) };
    vec![
        ("we stopped it", told(code(255, MEDIA, signalled)), Stopped),
        (
            "we stopped it before its start",
            told(code(0, NO_MEDIA, failed(Failure::Status))),
            Stopped,
        ),
        ("we killed it", told(signal(SIGKILL, true)), Stopped),
        ("we ended it for a stall", stalled(code(255, MEDIA, signalled)), Stalled),
        ("the stop came into that", told(stalled(signal(SIGKILL, false))), Stalled),
        ("somebody else sent SIGTERM", code(255, MEDIA, signalled), Crashed),
        ("it crashed", signal(11, true), Crashed),
        ("somebody else killed it", signal(SIGKILL, false), Crashed),
        ("the kernel killed it", signal(SIGKILL, true), OomKilled),
    ]
}

#[test]
fn every_ending_has_its_name() {
    let table = [exits_with_0(), exits_with_more(), ended_by_someone()].concat();
    for (what, ending, outcome) in &table {
        assert_eq!(classify(ending), *outcome, "{what}");
    }
    for outcome in Outcome::ALL {
        assert!(table.iter().any(|row| row.2 == outcome), "no {} in the table", outcome.name());
    }
}

#[test]
fn indices_are_places_in_the_list_of_all() {
    for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
        assert_eq!(outcome.index(), place, "{}", outcome.name());
    }
}

#[test]
fn only_what_was_played_or_told_to_end_is_no_failure() {
    let good: Vec<_> = Outcome::ALL.into_iter().filter(|outcome| !outcome.is_failure()).collect();
    assert_eq!(good, [Outcome::Completed, Outcome::Stopped]);
}
