//! Observed endings and their outcomes.

use super::*;

const MEDIA: Option<Duration> = Some(Duration::from_secs(6));
const NO_MEDIA: Option<Duration> = Some(Duration::ZERO);
const NOT_READ: Option<Duration> = None;

/// No failure.
const NOTHING: Trouble = Trouble { failure: None, status: None, playlist: false, media: false };

/// A log without evidence.
const SILENT: Evidence = Evidence {
    trouble: NOTHING,
    lasting: NOTHING,
    segments: 0,
    option_refused: false,
    out_of_memory: false,
    waiting: None,
    input_opened: false,
    ended_at_start: false,
    input_ended: false,
    exiting_on_signal: false,
    vain_refreshes: 0,
};

/// A failure at the end of the log.
const fn troubled(trouble: Trouble) -> Evidence {
    Evidence { trouble, lasting: trouble, ..SILENT }
}

const fn failed(failure: Failure) -> Evidence {
    troubled(Trouble { failure: Some(failure), ..NOTHING })
}

const fn playlist(failure: Failure) -> Evidence {
    troubled(Trouble { failure: Some(failure), playlist: true, ..NOTHING })
}

const fn no_media(failure: Failure) -> Evidence {
    troubled(Trouble { failure: Some(failure), media: true, ..NOTHING })
}

/// A failure followed by a playlist, but by no segment.
const fn repaired(evidence: Evidence) -> Evidence {
    Evidence { trouble: NOTHING, ..evidence }
}

const fn after_segments(segments: u32) -> Evidence {
    Evidence { segments, ..SILENT }
}

const OUT_OF_MEMORY: Evidence = Evidence { out_of_memory: true, ..SILENT };

const fn stale(vain_refreshes: u32) -> Evidence {
    Evidence { vain_refreshes, ..SILENT }
}

const fn code(code: u8, media: Option<Duration>, evidence: Evidence) -> Ending {
    let status = ExitStatus::Code(code);
    let (asked, stalled_by_us, over_memory, oom) = (false, false, false, false);
    Ending { status, asked, stalled_by_us, over_memory, oom, media, evidence }
}

const fn signal(signal: u8, oom: bool) -> Ending {
    Ending { status: ExitStatus::Signal(signal), oom, ..code(0, MEDIA, SILENT) }
}

type Row = (&'static str, Ending, Outcome);

/// FFmpeg exits 0 on failures as well as at the end of the playlist.
fn exits_with_0() -> Vec<Row> {
    use Failure::{Connect, Other, Status, Timeout, Truncated};
    use Outcome::{
        Completed, Error, HttpError, MediaError, NetworkError, NoInput, PlaylistError,
        StalePlaylist,
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
        ("segments that hold no media", zero(NO_MEDIA, after_segments(3)), MediaError),
        ("only playlists came", zero(NO_MEDIA, repaired(failed(Status))), HttpError),
        ("no segment came, no reason", zero(NO_MEDIA, repaired(failed(Other))), NetworkError),
        ("nothing but the code is known", zero(NOT_READ, SILENT), Completed),
        ("progress was not read", zero(NOT_READ, playlist(Status)), PlaylistError),
    ]
}

/// 9.x has other codes than 1 for some failures.
fn exits_with_more() -> Vec<Row> {
    use Failure::{Connect, Dns, Invalid, Lost, Status, Timeout, Tls};
    use Outcome::{
        Dns as NoAddress, Error, HostMemory, HttpError, MediaError, NetworkError, NoInput,
        PlaylistError,
    };
    let refused = Evidence { option_refused: true, ..playlist(Failure::Other) };
    let starved = Evidence { out_of_memory: true, ..playlist(Failure::Other) };
    vec![
        ("the master is 404", code(8, NO_MEDIA, playlist(Status)), PlaylistError),
        ("the master is no playlist", code(183, NO_MEDIA, playlist(Invalid)), PlaylistError),
        ("the master hangs", code(146, NO_MEDIA, playlist(Timeout)), Outcome::Timeout),
        ("nothing listens", code(145, NO_MEDIA, playlist(Connect)), NetworkError),
        ("the name is unknown", code(251, NO_MEDIA, playlist(Dns)), NoAddress),
        ("the certificate is not trusted", code(251, NO_MEDIA, failed(Tls)), NetworkError),
        ("the first segments are 404", code(1, NO_MEDIA, failed(Status)), HttpError),
        ("a segment is reset", code(1, MEDIA, failed(Lost)), NetworkError),
        ("every segment is 403", code(183, NO_MEDIA, no_media(Status)), HttpError),
        ("no segment is media", code(183, NO_MEDIA, no_media(Invalid)), MediaError),
        ("a segment is garbage", code(1, MEDIA, no_media(Invalid)), MediaError),
        ("it says nothing", code(1, NO_MEDIA, SILENT), NoInput),
        ("an option is unknown", code(1, NO_MEDIA, refused), Error),
        ("memory is refused", code(244, NO_MEDIA, starved), HostMemory),
        ("memory is refused while it plays", code(1, MEDIA, OUT_OF_MEMORY), HostMemory),
        ("an error after stale refreshes", code(1, MEDIA, stale(STALE_REFRESHES)), Error),
        ("anything else", code(1, MEDIA, SILENT), Error),
        ("nothing but the code is known", code(1, NOT_READ, SILENT), Error),
    ]
}

/// Endings caused by us, and by others.
fn ended_by_someone() -> Vec<Row> {
    use Outcome::{Crashed, HostMemory, MemoryLimit, OomKilled, Stalled, Stopped};
    let asked = |ending| Ending { asked: true, ..ending };
    let starved = Ending { evidence: OUT_OF_MEMORY, ..signal(11, false) };
    let stalled = |ending| Ending { stalled_by_us: true, ..ending };
    let large = |ending| Ending { over_memory: true, ..ending };
    let signalled = Evidence { exiting_on_signal: true, ..failed(Failure::Interrupted) };
    vec![
        ("we stopped it", asked(code(255, MEDIA, signalled)), Stopped),
        (
            "we stopped it while segments failed",
            asked(code(255, MEDIA, failed(Failure::Status))),
            Stopped,
        ),
        ("we stopped an attempt without statistics", asked(code(255, NOT_READ, SILENT)), Stopped),
        ("we killed it", asked(signal(SIGKILL, true)), Stopped),
        ("we ended it for a stall", stalled(code(255, MEDIA, signalled)), Stalled),
        ("the stop came during that", asked(stalled(signal(SIGKILL, false))), Stalled),
        ("we killed it for its memory", large(signal(SIGKILL, true)), MemoryLimit),
        ("it was stalled as well", large(stalled(signal(SIGKILL, false))), MemoryLimit),
        ("another process sent SIGTERM", code(255, MEDIA, signalled), Crashed),
        ("it crashed", signal(11, true), Crashed),
        ("it crashed for lack of memory", starved, HostMemory),
        ("another process killed it", signal(SIGKILL, false), Crashed),
        ("the kernel killed it", signal(SIGKILL, true), OomKilled),
    ]
}

/// Why an attempt did not play until we ended it, whatever its exit code.
fn ended_before_media() -> Vec<Row> {
    use Failure::{Connect, Dns, Invalid, Other, Status, Timeout};
    use Outcome::{
        Dns as NoAddress, HostMemory, HttpError, MediaError, NetworkError, NoInput, PlaylistError,
        Stopped,
    };
    let ended = |evidence| Ending { asked: true, ..code(1, NO_MEDIA, evidence) };
    let waited = |waiting| ended(Evidence { waiting: Some(waiting), ..SILENT });
    vec![
        ("it was young", ended(SILENT), Stopped),
        ("every segment was 403", ended(repaired(failed(Status))), HttpError),
        ("every segment hung", ended(repaired(failed(Timeout))), Outcome::Timeout),
        ("every segment was reset", ended(repaired(failed(Other))), NetworkError),
        ("nothing listened", ended(playlist(Connect)), NetworkError),
        ("the name was unknown", ended(playlist(Dns)), NoAddress),
        ("the master was 404", ended(playlist(Status)), PlaylistError),
        ("a segment was no media", ended(no_media(Invalid)), MediaError),
        ("memory was refused", ended(OUT_OF_MEMORY), HostMemory),
        ("no name server responded", waited(Waiting::Address), NoAddress),
        ("the origin sent a byte a second", waited(Waiting::Response), Outcome::Timeout),
        ("segments held no media", waited(Waiting::Media), MediaError),
        ("nothing is known", waited(Waiting::Unknown), NoInput),
    ]
}

#[test]
fn classifies_every_ending() {
    let table =
        [exits_with_0(), exits_with_more(), ended_by_someone(), ended_before_media()].concat();
    for (what, ending, outcome) in &table {
        assert_eq!(classify(ending), *outcome, "{what}");
    }
    for outcome in Outcome::ALL {
        assert!(table.iter().any(|row| row.2 == outcome), "no {} in the table", outcome.name());
    }
}

#[test]
fn indices_follow_the_list_of_all() {
    for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
        assert_eq!(outcome.index(), place, "{}", outcome.name());
    }
}

#[test]
fn only_completed_and_stopped_are_no_failures() {
    let good: Vec<_> = Outcome::ALL.into_iter().filter(|outcome| !outcome.is_failure()).collect();
    assert_eq!(good, [Outcome::Completed, Outcome::Stopped]);
}

#[test]
fn names_identify_outcomes() {
    for outcome in Outcome::ALL {
        assert_eq!(Outcome::named(outcome.name()), Some(outcome));
    }
    assert_eq!(Outcome::named("other"), None);
}
