//! How fast is the output of a client parsed?
//!
//! The goal is 1 GB/s on one core, and the floor is unavoidable: finding the line ends
//! in the same bytes (`floor`, newlines counted by memchr). For the log there are, each
//! including the previous ones: splitting into lines (`split`), parsing them (`parse`),
//! following the client's requests (`follow`), and everything that the swarm does with
//! them (`swarm`). For progress: `split`, and `progress`, which joins blocks. Bytes
//! come in reads of 64 KiB, as from a full pipe.
//!
//! `cargo bench --bench parsing` measures all; the name of a capture, such as
//! `9.0/live.debug`, selects that one.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench reads files of this repository")]

#[path = "support/cpu_time.rs"]
mod cpu_time;
#[path = "support/swarm.rs"]
mod swarm;

use std::hint::black_box;
use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ffmpeg_hls_swarm::ffmpeg::lines::LineSplitter;
use ffmpeg_hls_swarm::ffmpeg::log;
use ffmpeg_hls_swarm::ffmpeg::progress::Progress;
use ffmpeg_hls_swarm::stats::{ClientRequests, LogContext, Requests};
use ffmpeg_hls_swarm::units::{Moment, Tick};
use memchr::memchr_iter;

const READ_BYTES: usize = 64 * 1024;

/// Each capture is repeated up to this size in bytes, so that a measurement is not one
/// line long.
const LOG_BYTES: usize = 1024 * 1024;

const CAPTURES: [&str; 7] = [
    "4.1/live.debug",
    "5.1/live.debug",
    "5.1/live.verbose",
    "5.1/segment_404_all.debug",
    "9.0/live.debug",
    "9.0/live.verbose",
    "9.0/live.datetime",
];

const CONTEXT: LogContext = LogContext {
    network_timeout: Duration::from_secs(15),
    reload_wait_max: Duration::from_millis(6_100),
    asks_ahead: false,
    began: Tick::ZERO,
    seen_since: None,
    looks_up_name: false,
};

fn repeated(name: &str) -> Vec<u8> {
    let text = swarm::capture(name);
    text.repeat(LOG_BYTES.div_ceil(text.len()))
}

fn lines(log: &[u8], mut each: impl FnMut(&[u8])) {
    let mut splitter = LineSplitter::new();
    for read in log.chunks(READ_BYTES) {
        splitter.feed(read, |line, _| each(line));
    }
    splitter.finish(|line, _| each(line));
}

fn parsing(criterion: &mut Criterion<CpuTime>) {
    for name in CAPTURES {
        let log = repeated(&format!("{name}.stderr"));
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(log.len() as u64));
        group.bench_function("floor", |bench| {
            bench.iter(|| memchr_iter(b'\n', black_box(&log)).count());
        });
        group.bench_function("split", |bench| {
            bench.iter(|| lines(black_box(&log), |line| _ = black_box(line)));
        });
        group.bench_function("parse", |bench| {
            bench.iter(|| lines(black_box(&log), |line| _ = black_box(log::parse(line))));
        });
        let mut totals = Requests::default();
        group.bench_function("follow", |bench| {
            bench.iter(|| {
                let mut client = ClientRequests::default();
                lines(black_box(&log), |line| {
                    client.note(Moment::default(), &log::parse(line), &CONTEXT, &mut totals);
                });
                client.finish(&mut totals);
                client.bytes()
            });
        });
        let (mut swarm, now) = swarm::running(1);
        let mut actions = Vec::new();
        group.bench_function("swarm", |bench| {
            bench.iter(|| {
                for read in black_box(&log).chunks(READ_BYTES) {
                    swarm::stderr(&mut swarm, now, 0, read, &mut actions);
                    actions.clear();
                }
            });
        });
        group.finish();
    }
}

fn progress(criterion: &mut Criterion<CpuTime>) {
    let text = repeated("9.0/live.verbose.progress");
    let mut group = criterion.benchmark_group("9.0/live.progress");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("floor", |bench| {
        bench.iter(|| memchr_iter(b'\n', black_box(&text)).count());
    });
    group.bench_function("split", |bench| {
        bench.iter(|| lines(black_box(&text), |line| _ = black_box(line)));
    });
    group.bench_function("progress", |bench| {
        bench.iter(|| {
            let mut progress = Progress::default();
            lines(black_box(&text), |line| _ = black_box(progress.line(line)));
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = cpu_time::criterion(Duration::from_secs(2));
    targets = parsing, progress
}
criterion_main!(benches);
