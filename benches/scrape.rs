//! What does a scrape cost, and does it grow with the clients?
//!
//! The floor is a copy of the same text: the bytes must be written once. Above it are
//! the whole responses to `GET /metrics` in each format, for a swarm of 1 and of 5,000
//! running clients. The cost is the same for both, since the numbers are running
//! totals: `snapshot` is all that is requested from the swarm.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

#[path = "support/cpu_time.rs"]
mod cpu_time;
#[path = "support/swarm.rs"]
mod swarm;
#[path = "support/view.rs"]
mod view;

use std::hint::black_box;
use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ffmpeg_hls_swarm::http::{Method, Request};
use ffmpeg_hls_swarm::stats::Health;

const CLIENTS: [u32; 2] = [1, 5_000];

const OPEN_METRICS: &[u8] = b"application/openmetrics-text;version=1.0.0";

fn scrape(criterion: &mut Criterion<CpuTime>) {
    let health: Health = view::health();
    let open_metrics = [httparse::Header { name: "Accept", value: OPEN_METRICS }];
    let text = Request::new(Method::Get, "/metrics", &[]);
    let open = Request::new(Method::Get, "/metrics", &open_metrics);
    for clients in CLIENTS {
        let (swarm, now) = view::with_events(clients);
        let body = view::scrape_response(&swarm, now, &health, &text).body;
        let mut group = criterion.benchmark_group(format!("{clients} clients"));
        group.throughput(Throughput::Bytes(body.bytes().len() as u64));
        group.bench_function("floor", |bench| bench.iter(|| black_box(body.bytes()).to_vec()));
        group.bench_function("snapshot", |bench| {
            bench.iter(|| black_box(black_box(&swarm).snapshot(now)).active());
        });
        group.bench_function("text", |bench| {
            bench.iter(|| view::scrape_response(black_box(&swarm), now, &health, &text));
        });
        group.bench_function("openmetrics", |bench| {
            bench.iter(|| view::scrape_response(black_box(&swarm), now, &health, &open));
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = cpu_time::criterion(Duration::from_secs(3));
    targets = scrape
}
criterion_main!(benches);
