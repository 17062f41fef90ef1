//! FFmpeg's log: its chunking has no effect, and the counts are consistent.
//!
//! The first byte of an input is the seed of the chunking, the rest is the log.

use std::num::NonZeroU32;
use std::time::Duration;

use ffmpeg_hls_swarm::exchange::{ErrorReason, RequestKind};
use ffmpeg_hls_swarm::ffmpeg::lines::{LINE_LIMIT_BYTES, LineSplitter};
use ffmpeg_hls_swarm::ffmpeg::log::{Line, Note, parse};
use ffmpeg_hls_swarm::stats::refused::{SEGMENTS_SKIPPED_MAX, bytes_max};
use ffmpeg_hls_swarm::stats::{ClientRequests, LogContext, Requests};
use ffmpeg_hls_swarm::swarm::{Action, Backoff, Exit, Input, Report, Settings, Swarm};
use ffmpeg_hls_swarm::units::process::{ExitStatus, Pipe};
use ffmpeg_hls_swarm::units::shard::Shard;
use ffmpeg_hls_swarm::units::{ClientId, Moment, Tick, Wall};

use super::chunkings;

/// Interval of lines: so slow that downloads are timed and time out.
const LINE_EVERY: Duration = Duration::from_millis(700);

/// A client's process.
const CLIENT: ClientId = ClientId::new(0);

type Lines = Vec<(Vec<u8>, bool)>;

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let Some((&seed, bytes)) = input.split_first() else { return };
    let lines = expected(bytes);
    let chunkings = chunkings(seed, bytes);
    for pieces in &chunkings {
        assert_eq!(split(pieces), lines, "the chunking changes the lines");
    }
    follow(&lines);
    let [bounds, others @ ..] = chunkings.map(|pieces| attempt(&pieces));
    for other in others {
        assert_eq!(bounds, other, "the chunking changes the swarm's actions");
    }
}

/// The lines by the standard library, from the whole log at once.
fn expected(bytes: &[u8]) -> Lines {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    let kept = |line: &[u8]| line[..line.len().min(LINE_LIMIT_BYTES)].to_vec();
    lines.map(|line| (kept(line), line.len() > LINE_LIMIT_BYTES)).collect()
}

fn split(pieces: &[&[u8]]) -> Lines {
    let (mut splitter, mut lines) = (LineSplitter::new(), Lines::new());
    for piece in pieces {
        splitter.feed(piece, |line, cut| lines.push((line.to_vec(), cut)));
    }
    splitter.finish(|line, cut| lines.push((line.to_vec(), cut)));
    lines
}

/// Processes the requests of the log, line by line.
fn follow(lines: &Lines) {
    let context = LogContext {
        network_timeout: Duration::from_secs(3),
        reload_wait_max: Duration::from_secs(2),
        asks_ahead: false,
        began: Tick::ZERO,
        seen_since: None,
        looks_up_name: false,
    };
    let (mut requests, mut totals) = (ClientRequests::default(), Requests::default());
    let mut bounds = Bounds::default();
    let mut now = Moment { tick: Tick::ZERO, wall: Wall::from_unix_nanos(1 << 60) };
    for (line, _) in lines {
        now.tick = now.tick.after(LINE_EVERY);
        let read = parse(line);
        bounds.line(line, &read);
        let before = figures(&totals);
        requests.note(now, &read, &context, &mut totals);
        agree(&bounds, &before, &totals);
        let most = bytes_max(now.tick.since(Tick::ZERO));
        assert!(requests.bytes() <= most, "more bytes than there can be");
    }
    let before = figures(&totals);
    requests.finish(&mut totals);
    agree(&bounds, &before, &totals);
}

/// Upper bounds from the lines so far.
#[derive(Default)]
struct Bounds {
    lines: u64,
    connected: u64,
    statuses: u64,
}

impl Bounds {
    fn line(&mut self, line: &[u8], read: &Line<'_>) {
        self.lines += 1;
        match read.note {
            Some(Note::Opening { url, .. } | Note::HlsRequest { url, .. }) => {
                let (line, url) = (line.as_ptr_range(), url.as_ptr_range());
                assert!(line.start <= url.start && url.end <= line.end, "a URL of another line");
            }
            Some(Note::Connected) => self.connected += 1,
            Some(Note::HttpStatus(status)) => {
                self.statuses += u64::from((400..=599).contains(&status));
            }
            _ => {}
        }
    }
}

/// All counters, in one order.
fn figures(totals: &Requests) -> Vec<u64> {
    let mut figures = vec![
        totals.connections_new,
        totals.connections_reused,
        totals.segments_downloaded,
        totals.playlist_refreshes,
        totals.connect.count(),
        totals.segment_download.count(),
        totals.playlist_download.count(),
        totals.reconnections,
        totals.timeouts,
        totals.segments_skipped,
        totals.sequence_jumps,
        totals.reload_failures,
        totals.bytes,
    ];
    figures.extend(totals.refused.by_claim().map(|(_, count)| count));
    figures.extend(totals.by_kind);
    figures.extend(totals.errors.iter().flatten());
    figures.extend(totals.http_errors.iter());
    figures
}

/// The counts grow, are consistent, and do not exceed the log.
fn agree(bounds: &Bounds, before: &[u64], totals: &Requests) {
    let after = figures(totals);
    assert!(before.iter().zip(&after).all(|(before, after)| before <= after), "a count goes back");
    assert_eq!(totals.made(), totals.connections_new + totals.connections_reused);
    let made = |kind: RequestKind| totals.by_kind[kind.index()];
    assert!(totals.segments_downloaded <= made(RequestKind::Segment));
    assert!(totals.playlist_refreshes <= made(RequestKind::Playlist));
    assert!(made(RequestKind::Segment) + made(RequestKind::Init) <= bounds.lines);
    assert!(totals.segment_download.count() <= made(RequestKind::Segment));
    assert!(totals.playlist_download.count() <= made(RequestKind::Playlist));
    assert!(totals.connect.count() <= bounds.connected);
    assert_eq!(totals.http_errors.iter().sum::<u64>(), bounds.statuses);
    let timeouts: u64 = totals.errors.iter().map(|e| e[ErrorReason::Timeout.index()]).sum();
    assert_eq!(totals.timeouts, timeouts);
    assert!(totals.failed() <= bounds.lines);
    assert!(totals.refused.all() <= bounds.lines);
    assert!(totals.segments_skipped <= bounds.lines * (SEGMENTS_SKIPPED_MAX + 1));
}

/// The actions and counts of a swarm for a client with this log that does not exit: it
/// ends at the deadline of draining.
fn attempt(pieces: &[&[u8]]) -> (Vec<Action>, Vec<u64>) {
    let mut swarm = Swarm::new(settings());
    let (mut actions, mut now) = (Vec::new(), Tick::ZERO);
    swarm.handle(now, Input::Started, &mut actions);
    swarm.handle(now, Input::DeadlineReached, &mut actions);
    swarm.handle(now, Input::Spawned { client: CLIENT, pid: 1 }, &mut actions);
    for bytes in pieces {
        let wall = Wall::from_unix_nanos(1 << 60);
        let output = Input::Output { client: CLIENT, pipe: Pipe::Stderr, bytes, wall };
        swarm.handle(now, output, &mut actions);
    }
    let status = ExitStatus::Code(1);
    let exit = Exit { status, cpu: Duration::ZERO, peak_resident_bytes: 0, oom_suspected: false };
    swarm.handle(now, Input::Exited { client: CLIENT, exit }, &mut actions);
    now = now.after(Duration::from_secs(2));
    swarm.handle(now, Input::DeadlineReached, &mut actions);
    let exits = |action: &&Action| matches!(action, Action::Report(Report::ClientExited { .. }));
    assert_eq!(actions.iter().filter(exits).count(), 1, "the attempt does not end");
    let snapshot = swarm.snapshot(now);
    let mut bounds = figures(&snapshot.totals.requests);
    bounds.extend([snapshot.totals.stderr_lines, snapshot.totals.stderr_lines_cut]);
    bounds.push(snapshot.totals.playback.playlist_edge_age.count());
    for frequent in snapshot.totals.error_patterns.top(usize::MAX) {
        bounds.push(frequent.count);
    }
    (actions, bounds)
}

fn settings() -> Settings {
    Settings {
        clients: NonZeroU32::MIN,
        shard: Shard::WHOLE,
        ramp_rate: 1.0,
        ramp_jitter: Duration::ZERO,
        duration: None,
        seed: 1,
        max_restarts: None,
        backoff: Backoff { initial: Duration::ZERO, max: Duration::ZERO, multiplier: 1.0 },
        verbose: true,
        dangerous: false,
        target_duration: Duration::from_secs(2),
        restart_on_stall: false,
        ffmpeg_memory_max: None,
        stats: true,
        network_timeout: Duration::from_secs(3),
        asks_ahead: false,
        looks_up_name: false,
        tap: false,
    }
}
