//! Captures of real clients (`tests/captures`), read by a swarm that stands still in
//! the middle: the standstill is in no time, and no count lacks anything. Needs neither
//! FFmpeg nor a network.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ffmpeg_hls_swarm::stats::{Histogram, Totals};
use ffmpeg_hls_swarm::swarm::{Backoff, Exit, Input, Settings, Swarm};
use ffmpeg_hls_swarm::units::process::{ExitStatus, Pipe};
use ffmpeg_hls_swarm::units::shard::Shard;
use ffmpeg_hls_swarm::units::{ClientId, Tick, Wall};

const CLIENT: ClientId = ClientId::new(0);

/// Longer than any time in a capture of a healthy client.
const PAUSE_MS: u64 = 15_000;

/// Queued output is read this long after the standstill, since many clients wait for
/// their turn.
const READ_AFTER_MS: u64 = 20;

/// The wall clock at the start of every capture, in seconds since the Unix epoch: some
/// minutes before their programme dates, so that every latency is reported.
const WALL_SECS: u64 = 1_795_500_000;

/// What stands still.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Frozen {
    /// Only this program: the client continues to write to its pipes.
    Program,
    /// The client as well.
    Host,
}

/// The output of a client at one time, in milliseconds since its start.
#[derive(Clone)]
struct Write {
    at_ms: u64,
    pipe: Pipe,
    bytes: Vec<u8>,
}

/// The whole output of a client, in order.
fn capture(name: &str) -> Vec<Write> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let path = |what: &str| folder.join(format!("{name}.{what}"));
    let mut writes = Vec::new();
    for (pipe, what, when) in
        [(Pipe::Stderr, "stderr", "times"), (Pipe::Stdout, "progress", "progress_times")]
    {
        let bytes = fs::read(path(what)).unwrap();
        let times = fs::read_to_string(path(when)).unwrap();
        let times: Vec<(usize, u64)> = times
            .lines()
            .map(|row| {
                let (start, secs) = row.split_once('\t').unwrap();
                let at_ms = (secs.parse::<f64>().unwrap() * 1e3).round();
                (start.parse().unwrap(), at_ms as u64)
            })
            .collect();
        let ends = times.iter().skip(1).map(|&(start, _)| start).chain([bytes.len()]);
        for (&(start, at_ms), end) in times.iter().zip(ends) {
            writes.push(Write { at_ms, pipe, bytes: bytes[start..end].to_vec() });
        }
    }
    writes.sort_by_key(|write| write.at_ms);
    writes
}

/// FFmpeg's own stamps, `2026-11-23 01:51:19.937`, moved by this much.
fn stamped_later(bytes: &[u8], ms: u64) -> Vec<u8> {
    let line = |line: &[u8]| {
        let later = line.get(..23).filter(|stamp| stamp[10] == b' ' && stamp[13] == b':');
        let Some(stamp) = later.and_then(|stamp| std::str::from_utf8(stamp).ok()) else {
            return line.to_vec();
        };
        let part = |from: usize, to: usize| stamp[from..to].parse::<u64>().unwrap();
        let of_day = ((part(11, 13) * 60 + part(14, 16)) * 60 + part(17, 19)) * 1_000;
        let of_day = of_day + part(20, 23) + ms;
        let (secs, ms) = (of_day / 1_000, of_day % 1_000);
        let time = format!("{:02}:{:02}:{:02}.{ms:03}", secs / 3600, secs / 60 % 60, secs % 60);
        [&line[..11], time.as_bytes(), &line[23..]].concat()
    };
    bytes.split(|&byte| byte == b'\n').map(line).collect::<Vec<_>>().join(&b'\n')
}

struct Run {
    swarm: Swarm,
    now_ms: u64,
}

impl Run {
    fn begun() -> Self {
        let mut run = Self { swarm: Swarm::new(settings()), now_ms: 0 };
        run.give(Input::Started);
        run.give(Input::DeadlineReached);
        run.give(Input::Spawned { client: CLIENT, pid: 1 });
        run
    }

    fn give(&mut self, input: Input<'_>) {
        self.swarm.handle(Tick::from_millis(self.now_ms), input, &mut Vec::new());
    }

    /// Reads at a time that is `later_ms` earlier for the dates in playlists.
    fn read(&mut self, pipe: Pipe, bytes: &[u8], later_ms: u64) {
        if !bytes.is_empty() {
            let since_start = Duration::from_millis(self.now_ms - later_ms);
            let wall = Duration::from_secs(WALL_SECS) + since_start;
            let wall = Wall::from_unix_nanos(wall.as_nanos() as u64);
            self.give(Input::Output { client: CLIENT, pipe, bytes, wall });
        }
    }

    /// Reads the client's output, and stands still from `from_ms` on.
    fn with_pause(mut self, writes: &[Write], from_ms: u64, frozen: Frozen) -> Totals {
        let upto = writes.partition_point(|write| write.at_ms < from_ms);
        let (before, mut after) = writes.split_at(upto);
        self.plays(before, 0);
        self.now_ms = from_ms + PAUSE_MS;
        let span = Duration::from_millis(PAUSE_MS);
        self.give(Input::StoodStill { span });
        let later_ms = match frozen {
            Frozen::Host => PAUSE_MS,
            Frozen::Program => {
                self.now_ms += READ_AFTER_MS;
                let unread = after.partition_point(|write| write.at_ms < self.now_ms);
                let (queued, rest) = after.split_at(unread);
                for pipe in [Pipe::Stderr, Pipe::Stdout] {
                    let of = queued.iter().filter(|write| write.pipe == pipe);
                    let bytes: Vec<u8> = of.flat_map(|write| write.bytes.clone()).collect();
                    self.read(pipe, &bytes, 0);
                }
                after = rest;
                0
            }
        };
        self.plays(after, later_ms);
        self.ends()
    }

    fn plays(&mut self, writes: &[Write], later_ms: u64) {
        for write in writes {
            self.now_ms = write.at_ms + later_ms;
            self.read(write.pipe, &stamped_later(&write.bytes, later_ms), later_ms);
        }
    }

    fn ends(mut self) -> Totals {
        let status = ExitStatus::Code(0);
        let exit =
            Exit { status, cpu: Duration::ZERO, peak_resident_bytes: 0, oom_suspected: false };
        self.give(Input::Exited { client: CLIENT, exit });
        for pipe in [Pipe::Stderr, Pipe::Stdout] {
            self.give(Input::PipeEnded { client: CLIENT, pipe });
        }
        self.swarm.snapshot(Tick::from_millis(self.now_ms)).totals.clone()
    }
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
        backoff: Backoff {
            initial: Duration::from_secs(60),
            max: Duration::from_secs(60),
            multiplier: 1.0,
        },
        verbose: false,
        dangerous: false,
        target_duration: Duration::from_secs(1),
        restart_on_stall: false,
        ffmpeg_memory_max: None,
        stats: true,
        network_timeout: Duration::from_secs(3),
        asks_ahead: false,
        looks_up_name: false,
        tap: false,
    }
}

/// Every distribution of times.
fn times(totals: &Totals) -> [(&'static str, &Histogram); 6] {
    let (requests, playback) = (&totals.requests, &totals.playback);
    [
        ("connect", &requests.connect),
        ("segment_download", &requests.segment_download),
        ("playlist_download", &requests.playlist_download),
        ("startup", &playback.startup),
        ("drift", &playback.drift),
        ("edge_age", &playback.playlist_edge_age),
    ]
}

/// All counts, without times.
fn counts(totals: &Totals) -> impl PartialEq + std::fmt::Debug + use<> {
    let requests = &totals.requests;
    (
        requests.by_kind,
        requests.errors,
        [
            requests.bytes,
            requests.segments_downloaded,
            requests.playlist_refreshes,
            requests.segments_skipped,
            requests.connections_new,
            totals.stderr_lines,
            totals.playback.stalls,
        ],
    )
}

#[test]
fn standstill_affects_no_time_and_no_count() {
    let mut timed = 0;
    for name in ["live.verbose", "live_all.verbose", "live_all.datetime", "aes.verbose"] {
        for version in ["4.1", "5.1", "9.0"] {
            if name.contains("datetime") && version != "9.0" {
                continue;
            }
            let name = format!("{version}/{name}");
            let writes = capture(&name);
            let mut twin = Run::begun();
            twin.plays(&writes, 0);
            let twin = twin.ends();
            let last_ms = writes.last().unwrap().at_ms;
            for from_ms in (5..last_ms).step_by(211) {
                for frozen in [Frozen::Program, Frozen::Host] {
                    let totals = Run::begun().with_pause(&writes, from_ms, frozen);
                    let case = format!("{name}, {frozen:?} from {from_ms} ms on");
                    assert_eq!(counts(&totals), counts(&twin), "{case}");
                    timed += holds(&case, &totals, &twin);
                }
            }
        }
    }
    assert!(timed > 500, "only {timed} times are reported");
}

/// Checks that every time lies within those of the twin; returns the number of times.
fn holds(case: &str, totals: &Totals, twin: &Totals) -> u64 {
    let mut timed = 0;
    for ((what, histogram), (_, of_twin)) in times(totals).into_iter().zip(times(twin)) {
        assert!(histogram.count() <= of_twin.count(), "{case}: {what}");
        // Progress comes once a second, so drift depends on where its windows start.
        let slack = if what == "drift" { Duration::from_secs(1) } else { Duration::ZERO };
        let longest = of_twin.quantile(1.0).map(|longest| longest + slack);
        let shortest = of_twin.quantile(0.0001).map(|shortest| shortest.saturating_sub(slack));
        assert!(histogram.quantile(1.0) <= longest, "{case}: {what} {:?}", histogram.quantile(1.0));
        assert!(
            histogram.count() == 0 || histogram.quantile(0.0001) >= shortest,
            "{case}: {what} {:?}",
            histogram.quantile(0.0001)
        );
        timed += histogram.count();
    }
    timed
}
