//! How fast is a client's log read?
//!
//! The goal is 700 MB/s on one core for the captures at level debug, and the
//! floor is what nobody can avoid: finding the ends of the lines in the same
//! bytes (`floor`, newlines counted by memchr). Above it stand, each with all
//! before: cutting into lines (`split`), reading them (`parse`), and following
//! the client (`follow`). Bytes come in reads of 64 KiB, as from a full pipe.
//!
//! `cargo bench --bench parsing` measures all; a capture's name, such as
//! `9.0/live.debug`, only that one.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench reads files of this repository")]

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ffmpeg_hls_swarm::ffmpeg::lines::LineSplitter;
use ffmpeg_hls_swarm::ffmpeg::log;
use ffmpeg_hls_swarm::stats::{ClientRequests, Reading, Requests};
use ffmpeg_hls_swarm::units::Moment;
use memchr::memchr_iter;

const READ_BYTES: usize = 64 * 1024;

/// Each capture is repeated up to this size, so that a measure is not one line long.
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

const READING: Reading = Reading {
    network_timeout: Duration::from_secs(15),
    reload_wait_max: Duration::from_millis(6_100),
    asks_ahead: false,
};

fn capture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let log = fs::read(folder.join(format!("{name}.stderr"))).unwrap();
    log.repeat(LOG_BYTES.div_ceil(log.len()))
}

fn lines(log: &[u8], mut each: impl FnMut(&[u8])) {
    let mut splitter = LineSplitter::new();
    for read in log.chunks(READ_BYTES) {
        splitter.feed(read, |line, _| each(line));
    }
    splitter.finish(|line, _| each(line));
}

fn parsing(criterion: &mut Criterion) {
    for name in CAPTURES {
        let log = capture(name);
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
                    client.note(Moment::default(), &log::parse(line), &READING, &mut totals);
                });
                client.finish(&mut totals);
                client.bytes()
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    targets = parsing
}
criterion_main!(benches);
