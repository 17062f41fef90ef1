//! What does a connection add to the parsing of a request?
//!
//! The floor is httparse on the same bytes, with capacity for the same number of
//! fields. `connection` is the whole path of a request on a kept-alive connection: the
//! end of its head is found, it is parsed and validated, the service is called, the
//! head of the response is written, and the peer takes all of it. The service has its
//! body ready and shares it, so its cost is negligible.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

#[path = "support/cpu_time.rs"]
mod cpu_time;
#[path = "support/request.rs"]
mod request;

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ffmpeg_hls_swarm::http::request::MAX_FIELDS;
use ffmpeg_hls_swarm::http::{Connection, Limits};
use ffmpeg_hls_swarm::units::Tick;

fn http(criterion: &mut Criterion<CpuTime>) {
    for (name, head) in request::HEADS {
        let head = head.as_bytes();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(head.len() as u64));
        group.bench_function("floor", |bench| {
            bench.iter(|| {
                let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
                let mut parsed = httparse::Request::new(&mut fields);
                assert!(parsed.parse(black_box(head)).unwrap().is_complete());
                parsed.headers.len()
            });
        });
        let mut connection = Connection::new(Tick::ZERO, Rc::new(Limits::default()));
        let mut service = request::service();
        group.bench_function("connection", |bench| {
            bench.iter(|| request::exchange(&mut connection, black_box(head), &mut service));
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = cpu_time::criterion(Duration::from_secs(2));
    targets = http
}
criterion_main!(benches);
