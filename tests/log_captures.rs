//! Reads every capture of FFmpeg's log in `tests/captures` and compares the counts with
//! those of the server: requests by kind, connections, errors by status, bytes,
//! segments. Also checks that the chunking of the bytes has no effect.
//!
//! Permitted differences are stated at each number, with the reason. Needs neither
//! FFmpeg nor a network.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ffmpeg_hls_swarm::exchange::{ErrorReason, RequestKind};
use ffmpeg_hls_swarm::ffmpeg::evidence::Evidence;
use ffmpeg_hls_swarm::ffmpeg::lines::LineSplitter;
use ffmpeg_hls_swarm::ffmpeg::log::{self, Failure};
use ffmpeg_hls_swarm::ffmpeg::outcome::{Ending, Outcome, classify};
use ffmpeg_hls_swarm::stats::{ClientRequests, LogContext, Requests};
use ffmpeg_hls_swarm::units::process::ExitStatus;
use ffmpeg_hls_swarm::units::{Moment, Tick, Wall};
use proptest::prelude::*;

/// The settings by which `make.py` runs FFmpeg and its origin makes segments: a network
/// timeout of 3 s, of which the log lines around it may show slightly less, and a
/// target duration of 1 s, of which FFmpeg's waits are coarse to a tenth of a second.
const CONTEXT: LogContext = LogContext {
    network_timeout: Duration::from_millis(2_900),
    reload_wait_max: Duration::from_millis(1_200),
    asks_ahead: false,
    began: Tick::ZERO,
    seen_since: None,
    looks_up_name: false,
};

/// One capture: the log, when its bytes arrived, and the truth.
struct Capture {
    name: String,
    scenario: String,
    log: Vec<u8>,
    times: Vec<(usize, u64)>,
    seen: Vec<Seen>,
    signals: usize,
    /// When the first signal was sent, in milliseconds.
    told_ms: Option<u64>,
    exit: i32,
}

/// One request as the server saw it.
struct Seen {
    path: String,
    kind: RequestKind,
    status: Option<u16>,
    bytes: u64,
    connection: String,
    whole: bool,
}

impl Seen {
    /// `began method path status bytes connection end ended`; a failed TLS handshake
    /// has no method.
    fn of(row: &str) -> Option<Self> {
        let fields: Vec<&str> = row.split('\t').collect();
        let path = fields[2];
        let kind = match path.rsplit('.').next().unwrap() {
            "m3u8" => RequestKind::Playlist,
            "bin" => RequestKind::Key,
            "mp4" => RequestKind::Init,
            _ => RequestKind::Segment,
        };
        (fields[1] != "-").then(|| Self {
            path: path.to_owned(),
            kind,
            status: fields[3].parse().ok(),
            bytes: fields[4].parse().unwrap(),
            connection: fields[5].to_owned(),
            whole: matches!(fields[6], "complete" | "close" | "drop"),
        })
    }

    fn is_error(&self) -> bool {
        self.status.is_some_and(|status| status >= 400)
    }
}

impl Capture {
    fn read(path: &Path) -> Self {
        let text = |kind: &str| fs::read_to_string(path.with_extension(kind)).unwrap();
        let version = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let time = |row: &str| {
            let (at, secs) = row.split_once('\t').unwrap();
            let millis = secs.parse::<f64>().unwrap() * 1e3;
            (at.parse().unwrap(), millis.round() as u64)
        };
        Self {
            name: format!("{version}/{stem}"),
            scenario: stem.split('.').next().unwrap().to_owned(),
            log: fs::read(path).unwrap(),
            times: text("times").lines().map(time).collect(),
            seen: text("requests").lines().filter_map(Seen::of).collect(),
            signals: text("run").lines().filter(|line| line.starts_with("signal\t")).count(),
            told_ms: field(&text("run"), "signal\tSIGTERM@").map(|secs| (secs * 1e3) as u64),
            exit: field(&text("run"), "exit\t").unwrap() as i32,
        }
    }

    fn count(&self, which: impl Fn(&Seen) -> bool) -> u64 {
        self.seen.iter().filter(|seen| which(seen)).count() as u64
    }

    /// Its outcome, if no media came and the swarm sent the signal.
    fn outcome(&self) -> Outcome {
        let (client, _) = self.follow();
        classify(&Ending {
            status: match u8::try_from(self.exit) {
                Ok(code) => ExitStatus::Code(code),
                Err(_) => ExitStatus::Signal(self.exit.unsigned_abs() as u8),
            },
            asked: self.told_ms.is_some(),
            stalled_by_us: false,
            over_memory: false,
            oom: false,
            media: Some(Duration::ZERO),
            evidence: client.evidence(),
        })
    }

    /// Processes the log with its original timing.
    fn follow(&self) -> (ClientRequests, Requests) {
        let (mut client, mut totals) = (ClientRequests::default(), Requests::default());
        let mut splitter = LineSplitter::new();
        let ends = self.times.iter().skip(1).map(|&(at, _)| at).chain([self.log.len()]);
        for (&(start, millis), end) in self.times.iter().zip(ends) {
            if let Some(told_ms) = self.told_ms.filter(|&told_ms| told_ms <= millis) {
                client.end(Tick::from_millis(told_ms), Duration::from_millis(told_ms), &CONTEXT);
            }
            let now = Moment { tick: Tick::from_millis(millis), wall: Wall::default() };
            splitter.feed(&self.log[start..end], |line, _| {
                client.note(now, &log::parse(line), &CONTEXT, &mut totals);
            });
        }
        client.finish(&mut totals);
        (client, totals)
    }
}

/// The number after this text, in a list of fields.
fn field(run: &str, start: &str) -> Option<f64> {
    run.lines().find_map(|line| line.strip_prefix(start)?.parse().ok())
}

fn captures() -> Vec<Capture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut found = Vec::new();
    for version in ["4.1", "5.1", "9.0"] {
        for entry in fs::read_dir(folder.join(version)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "stderr") {
                found.push(Capture::read(&path));
            }
        }
    }
    assert!(found.len() > 100, "only {} captures", found.len());
    found
}

/// Requests in the log that the server may not have seen: one that FFmpeg started when
/// it was asked to end, and in `segment_stall` one sent on a connection whose server
/// was still busy with the previous request.
fn unseen_max(capture: &Capture) -> u64 {
    u64::from(capture.signals > 0) + u64::from(capture.scenario == "segment_stall")
}

#[test]
fn requests_by_kind_and_connection_equal_what_the_server_saw() {
    for capture in captures() {
        let (_, totals) = capture.follow();
        let mut unseen = 0;
        for kind in RequestKind::ALL {
            let (counted, seen) = (totals.by_kind[kind.index()], capture.count(|s| s.kind == kind));
            let name = &capture.name;
            assert!(counted >= seen, "{name}: {counted} of kind {} for {seen}", kind.name());
            unseen += counted - seen;
        }
        assert!(unseen <= unseen_max(&capture), "{}: {unseen} too many", capture.name);
        let new: HashSet<&str> = capture.seen.iter().map(|s| s.connection.as_str()).collect();
        assert_eq!(totals.connections_new, new.len() as u64, "{}", capture.name);
        let reused = capture.seen.len() as u64 - totals.connections_new;
        assert_eq!(totals.connections_reused, reused + unseen, "{}", capture.name);
    }
}

#[test]
fn few_captures_have_unseen_requests() {
    let all = captures();
    let exact = all.iter().filter(|capture| {
        let made: u64 = capture.follow().1.by_kind.iter().sum();
        made == capture.seen.len() as u64
    });
    assert!(exact.count() * 10 >= all.len() * 9);
}

#[test]
fn errors_by_status_equal_those_sent() {
    for capture in captures() {
        let (_, totals) = capture.follow();
        let mut sent: BTreeMap<u16, u64> = BTreeMap::new();
        for status in capture.seen.iter().filter(|s| s.is_error()).filter_map(|s| s.status) {
            *sent.entry(status).or_default() += 1;
        }
        let counted = totals.http_errors.iter().enumerate().filter(|(_, count)| **count > 0);
        let counted: BTreeMap<u16, u64> = counted.map(|(at, &n)| (at as u16 + 400, n)).collect();
        assert_eq!(counted, sent, "{}", capture.name);
        let reason = |reason: ErrorReason| -> u64 {
            totals.errors.iter().map(|row| row[reason.index()]).sum()
        };
        let by_status: u64 = sent.values().sum();
        let by_reason = reason(ErrorReason::Http4xx) + reason(ErrorReason::Http5xx);
        assert_eq!(by_reason, by_status, "{}", capture.name);
    }
}

#[test]
fn bytes_equal_the_bodies_that_were_sent() {
    for capture in captures() {
        let (client, _) = capture.follow();
        let bodies = capture.seen.iter().filter(|s| !s.is_error());
        let sent: u64 = bodies.map(|s| s.bytes).sum();
        let short = sent.checked_sub(client.bytes()).unwrap_or_else(|| panic!("{}", capture.name));
        let allowed = if capture.scenario == "aes" {
            // Padding, at most a block of 16 bytes a segment, is gone.
            16 * capture.count(|s| s.kind == RequestKind::Segment)
        } else if capture.name.starts_with("4.1/") && capture.signals > 1 {
            // On the second signal 4.1 exits without its closing lines.
            sent
        } else {
            0
        };
        assert!(short <= allowed, "{}: {short} of {sent} bytes missing", capture.name);
    }
}

#[test]
fn counts_received_segments_and_refreshes() {
    for capture in captures() {
        // A redirect is a request of its own, so one segment counts twice; and during a
        // body FFmpeg logs neither silence nor a reset, and 4.1 no early end.
        if matches!(capture.scenario.as_str(), "redirect" | "segment_stall" | "segment_reset") {
            continue;
        }
        // A segment that cannot be parsed without its initialization section does not
        // count.
        if capture.scenario == "init_empty" {
            continue;
        }
        if capture.scenario.ends_with("_truncated") && capture.name.starts_with("4.1/") {
            continue;
        }
        let (_, totals) = capture.follow();
        let came = capture.count(|s| s.kind == RequestKind::Segment && s.whole && !s.is_error());
        let counted = totals.segments_downloaded;
        // A failure of a request under way at the end is not logged.
        assert!(
            counted == came || (capture.signals > 0 && counted == came + 1),
            "{}: {counted} for {came}",
            capture.name
        );
        assert!(totals.segment_download.count() <= counted, "{}", capture.name);
    }
}

#[test]
fn download_times_are_plausible_against_the_server() {
    // The longest time that the server needed for a request in a capture of a healthy
    // stream, and as much again for FFmpeg's own work and a busy machine.
    let most = Duration::from_millis(200);
    for capture in captures() {
        if !matches!(capture.scenario.as_str(), "live" | "vod" | "fmp4" | "aes" | "stale") {
            continue;
        }
        let (_, totals) = capture.follow();
        for times in [&totals.segment_download, &totals.playlist_download] {
            assert!(times.count() > 0, "{}", capture.name);
            let longest = times.quantile(1.0).unwrap();
            assert!(longest <= most, "{}: {longest:?}", capture.name);
        }
        assert_eq!(totals.connect.count(), totals.connections_new, "{}", capture.name);
    }
}

/// A scenario, its errors by kind and reason, and the evidence.
type Telling = (&'static str, &'static [(RequestKind, ErrorReason, u64)], fn(&Evidence) -> bool);

#[test]
fn failures_have_reasons_and_evidence() {
    use ErrorReason::{Connect, Dns, Http4xx, Timeout, Tls, Truncated};
    use RequestKind::{Playlist, Segment};
    let table: [Telling; 13] = [
        ("5.1/dns", &[(Playlist, Dns, 4)], |e| e.trouble.failure == Some(Failure::Dns)),
        ("9.0/refused", &[(Playlist, Connect, 4)], |e| e.trouble.failure == Some(Failure::Connect)),
        ("9.0/tls_untrusted", &[(Playlist, Tls, 4)], |e| e.trouble.failure == Some(Failure::Tls)),
        ("4.1/master_404", &[(Playlist, Http4xx, 1)], |e| e.trouble.status == Some(404)),
        ("5.1/master_hang", &[(Playlist, Timeout, 4)], |e| {
            e.trouble.failure == Some(Failure::Timeout)
        }),
        ("5.1/master_garbage", &[], |e| e.trouble.failure == Some(Failure::Invalid)),
        ("9.0/playlist_404", &[(Playlist, Http4xx, 3)], |e| e.trouble.playlist && e.input_ended),
        ("5.1/playlist_hang", &[(Playlist, Timeout, 3)], |e| e.trouble.playlist && e.input_ended),
        ("9.0/segment_truncated", &[(Segment, Truncated, 1)], |e| e.exiting_on_signal),
        ("9.0/outage", &[(Playlist, Connect, 2)], |e| e.trouble.failure == Some(Failure::Connect)),
        ("5.1/stale", &[], |e| e.vain_refreshes >= 10),
        ("5.1/vod", &[], |e| e.ended_at_start && e.input_ended && e.trouble.failure.is_none()),
        ("9.0/live_ended", &[], |e| {
            e.input_ended && e.trouble.failure.is_none() && !e.ended_at_start
        }),
    ];
    let all = captures();
    for (name, errors, evidence) in table {
        let capture = all.iter().find(|c| c.name == format!("{name}.verbose")).unwrap();
        let (client, totals) = capture.follow();
        let mut want = Requests::default().errors;
        for &(kind, reason, count) in errors {
            want[kind.index()][reason.index()] = count;
        }
        assert_eq!(totals.errors, want, "{name}");
        assert!(evidence(&client.evidence()), "{name}: {:?}", client.evidence());
    }
}

#[test]
fn names_why_an_attempt_has_no_media_in_every_version() {
    use Outcome::{Crashed, Dns, HttpError, MediaError, NetworkError, PlaylistError, Timeout};
    let all = captures();
    for (scenario, want) in [
        ("segment_html", MediaError),
        ("init_empty", MediaError),
        ("segment_404_all", HttpError),
        ("master_404", PlaylistError),
        ("master_garbage", PlaylistError),
        ("master_hang", Timeout),
        ("refused", NetworkError),
        ("dns", Dns),
    ] {
        let of = |capture: &&Capture| capture.scenario == scenario;
        let versions: HashSet<_> = all.iter().filter(of).map(|c| &c.name[..3]).collect();
        assert_eq!(versions.len(), 3, "{scenario}");
        for capture in all.iter().filter(of) {
            // The static build crashes in its resolver.
            let crashed = capture.name.starts_with("4.1/dns");
            assert_eq!(capture.outcome(), if crashed { Crashed } else { want }, "{}", capture.name);
        }
    }
}

#[test]
fn skipped_segments_are_those_never_received() {
    let scenarios = ["segment_404", "segment_404_all", "segment_503"];
    for capture in captures().iter().filter(|c| scenarios.contains(&c.scenario.as_str())) {
        let segments = || capture.seen.iter().filter(|s| s.kind == RequestKind::Segment);
        let came: HashSet<&str> =
            segments().filter(|s| !s.is_error()).map(|s| s.path.as_str()).collect();
        let refused: HashSet<&str> = segments().map(|s| s.path.as_str()).collect();
        let never = refused.difference(&came).count() as u64;
        let skipped = capture.follow().1.segments_skipped;
        // The last one may still have been under way.
        let name = &capture.name;
        assert!(skipped == never || skipped + 1 == never, "{name}: {skipped} for {never}");
    }
}

/// The counts of a log that is read in pieces of these lengths, repeated.
fn cut(log: &[u8], lengths: &[usize]) -> ([u64; 5], u64, u64) {
    let (mut client, mut totals) = (ClientRequests::default(), Requests::default());
    let mut splitter = LineSplitter::new();
    let mut notes = 0;
    let mut take = |line: &[u8], _| {
        let line = log::parse(line);
        notes += u64::from(line.note.is_some());
        client.note(Moment::default(), &line, &CONTEXT, &mut totals);
    };
    let mut rest = log;
    for &length in lengths.iter().cycle() {
        let (piece, after) = rest.split_at(length.min(rest.len()));
        splitter.feed(piece, &mut take);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    splitter.finish(&mut take);
    client.finish(&mut totals);
    (totals.by_kind, client.bytes(), notes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_chunking_counts_the_same(
        lengths in prop::collection::vec(1usize..400, 1..20),
        which in any::<prop::sample::Index>(),
    ) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
        let name = which.get(&["4.1/live.verbose", "5.1/outage.debug", "9.0/live_all.datetime"]);
        let log = fs::read(folder.join(format!("{name}.stderr"))).unwrap();
        prop_assert_eq!(cut(&log, &lengths), cut(&log, &[log.len()]));
    }

    /// Any output of a program on its stderr is accepted.
    #[test]
    fn survives_any_bytes(
        log in prop::collection::vec(any::<u8>(), 0..4000),
        lengths in prop::collection::vec(1usize..400, 1..5),
    ) {
        cut(&log, &lengths);
    }
}
