//! Endings as they were seen, and what each is called.

use super::*;

const MEDIA: Option<Duration> = Some(Duration::from_secs(6));
const NO_MEDIA: Option<Duration> = Some(Duration::ZERO);
const NOT_SILENT: Option<Duration> = None;

/// A log that told nothing.
const SILENT: Evidence = Evidence {
    failure: None,
    playlist_failed: false,
    stale: false,
    duration: None,
    signalled: false,
};

const fn failed(failure: Failure) -> Evidence {
    Evidence { failure: Some(failure), ..SILENT }
}

const fn playlist(failure: Option<Failure>) -> Evidence {
    Evidence { failure, playlist_failed: true, ..SILENT }
}

const fn vod(secs: u64) -> Evidence {
    Evidence { duration: Some(Duration::from_secs(secs)), ..SILENT }
}

fn code(code: u8, media: Option<Duration>, evidence: Evidence) -> Ending {
    let status = ExitStatus::Code(code);
    Ending { status, told: false, stalled_by_us: false, oom: false, media, evidence }
}

fn signal(signal: u8, oom: bool) -> Ending {
    Ending { status: ExitStatus::Signal(signal), oom, ..code(0, MEDIA, SILENT) }
}

fn table() -> Vec<(&'static str, Ending, Outcome)> {
    use Failure::{Connect, Dns, Status, Timeout, Tls, Truncated};
    let told = |ending| Ending { told: true, ..ending };
    let stalled = |ending| Ending { stalled_by_us: true, ..ending };
    let stale = Evidence { stale: true, ..SILENT };
    let gone = failed(Status(404));
    vec![
        // Exit code 0 on failure.
        (
            "a playlist turns 404",
            code(0, MEDIA, playlist(Some(Status(404)))),
            Outcome::PlaylistError,
        ),
        (
            "a playlist turns 503",
            code(0, MEDIA, playlist(Some(Status(503)))),
            Outcome::PlaylistError,
        ),
        ("a playlist hangs", code(0, MEDIA, playlist(Some(Timeout))), Outcome::Timeout),
        ("a playlist is dead at once", code(0, NO_MEDIA, playlist(None)), Outcome::PlaylistError),
        ("max_reload is used up", code(0, MEDIA, stale), Outcome::StalePlaylist),
        ("no media, no reason", code(0, NO_MEDIA, SILENT), Outcome::NoInput),
        ("the origin went away", code(0, MEDIA, playlist(Some(Connect))), Outcome::NetworkError),
        // The end of the playlist.
        (
            "a file is played",
            code(0, Some(Duration::from_millis(29_994)), vod(30)),
            Outcome::Completed,
        ),
        ("a live playlist ends", code(0, MEDIA, SILENT), Outcome::Completed),
        (
            "a segment of a file failed, the rest was read",
            code(
                0,
                Some(Duration::from_secs(30)),
                Evidence { duration: Some(Duration::from_secs(30)), ..failed(Status(404)) },
            ),
            Outcome::Completed,
        ),
        (
            "the last segments of a file failed",
            code(
                0,
                MEDIA,
                Evidence { duration: Some(Duration::from_secs(30)), ..failed(Status(404)) },
            ),
            Outcome::HttpError,
        ),
        ("the last segment of a programme failed", code(0, MEDIA, gone), Outcome::HttpError),
        ("a file ends early without a reason", code(0, MEDIA, vod(30)), Outcome::Error),
        ("a file all of whose segments failed", code(0, NO_MEDIA, vod(30)), Outcome::NoInput),
        // Nothing but the exit code.
        ("progress was not read", code(0, NOT_SILENT, SILENT), Outcome::Completed),
        ("progress was not read, 1", code(1, NOT_SILENT, SILENT), Outcome::Error),
        (
            "progress was not read, a reason",
            code(0, NOT_SILENT, playlist(None)),
            Outcome::PlaylistError,
        ),
        // Other codes: 1, and 8 of 9.x, which tells more.
        (
            "the master is 404",
            code(8, NO_MEDIA, playlist(Some(Status(404)))),
            Outcome::PlaylistError,
        ),
        ("the master is no playlist", code(1, NO_MEDIA, playlist(None)), Outcome::PlaylistError),
        ("the first segments are 404", code(1, NO_MEDIA, failed(Status(404))), Outcome::HttpError),
        ("the name is unknown", code(1, NO_MEDIA, playlist(Some(Dns))), Outcome::NetworkError),
        (
            "the certificate is not trusted",
            code(1, NO_MEDIA, playlist(Some(Tls))),
            Outcome::NetworkError,
        ),
        ("a segment breaks off", code(1, MEDIA, failed(Truncated)), Outcome::NetworkError),
        ("a segment hangs", code(1, MEDIA, failed(Timeout)), Outcome::Timeout),
        ("an option is unknown", code(1, NO_MEDIA, SILENT), Outcome::NoInput),
        ("anything else", code(1, MEDIA, SILENT), Outcome::Error),
        (
            "all was played and something else failed",
            code(1, Some(Duration::from_secs(30)), vod(30)),
            Outcome::Error,
        ),
        // What we did, and others.
        ("we stopped it", told(code(255, MEDIA, SILENT)), Outcome::Stopped),
        (
            "we stopped it, 9.x exits 0",
            told(code(0, NO_MEDIA, failed(Status(404)))),
            Outcome::Stopped,
        ),
        ("we killed it", told(signal(9, true)), Outcome::Stopped),
        ("we ended it for a stall", stalled(code(255, MEDIA, SILENT)), Outcome::Stalled),
        ("the stop came into that", told(stalled(signal(9, false))), Outcome::Stalled),
        (
            "somebody else sent SIGTERM",
            code(255, MEDIA, Evidence { signalled: true, ..SILENT }),
            Outcome::Crashed,
        ),
        ("it crashed", signal(11, true), Outcome::Crashed),
        ("somebody else killed it", signal(9, false), Outcome::Crashed),
        ("the kernel killed it", signal(9, true), Outcome::OomKilled),
    ]
}

#[test]
fn every_ending_has_its_name() {
    let table = table();
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
