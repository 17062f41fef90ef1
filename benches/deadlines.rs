//! What does it cost that a deadline can be moved and removed?
//!
//! The floor is the standard library's `BinaryHeap` with the same 100,000 entries,
//! which has no keys. It cannot move an entry: there the floor is to push the new one
//! and to pop one.
//!
//! - `fill`: inserts all of them and removes all of them, in order
//! - `churn`: removes the earliest and inserts it again, as for a client's next check
//! - `move`: gives a random client another deadline

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

#[path = "support/cpu_time.rs"]
mod cpu_time;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ffmpeg_hls_swarm::swarm::deadlines::{Deadlines, Key, Timer};
use ffmpeg_hls_swarm::units::{ClientId, Tick};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

const TIMERS: u32 = 100_000;

/// Longest delay, as of a stall with the default target duration.
const DELAY_MAX_NS: u64 = 12_000_000_000;

type Heap = BinaryHeap<Reverse<(Tick, u32)>>;

/// Random delays and clients, the same in every run.
struct Dice(Xoshiro256PlusPlus);

impl Dice {
    fn new() -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(1))
    }

    fn delay(&mut self) -> Duration {
        Duration::from_nanos(self.0.next_u64() % DELAY_MAX_NS)
    }

    fn client(&mut self) -> u32 {
        self.0.next_u32() % TIMERS
    }
}

const fn key(client: u32) -> Key {
    Key::Client(ClientId::new(client), Timer::StallCheck)
}

fn full() -> Deadlines {
    let (mut deadlines, mut dice) = (Deadlines::new(TIMERS), Dice::new());
    (0..TIMERS).for_each(|client| deadlines.set(key(client), Tick::ZERO.after(dice.delay())));
    deadlines
}

fn full_heap() -> Heap {
    let (mut heap, mut dice) = (Heap::with_capacity(TIMERS as usize), Dice::new());
    (0..TIMERS).for_each(|client| heap.push(Reverse((Tick::ZERO.after(dice.delay()), client))));
    heap
}

fn fill(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("fill");
    group.throughput(Throughput::Elements(u64::from(TIMERS))).sample_size(30);
    group.bench_function("floor", |bench| {
        bench.iter(|| {
            let mut heap = full_heap();
            while let Some(entry) = heap.pop() {
                black_box(entry);
            }
        });
    });
    group.bench_function("deadlines", |bench| {
        bench.iter(|| {
            let mut deadlines = full();
            while let Some(now) = deadlines.next() {
                black_box(deadlines.pop_due(now));
            }
        });
    });
    group.finish();
}

fn churn(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("churn");
    let (mut heap, mut dice) = (full_heap(), Dice::new());
    group.bench_function("floor", |bench| {
        bench.iter(|| {
            let Reverse((now, client)) = heap.pop().unwrap();
            heap.push(Reverse((now.after(dice.delay()), client)));
        });
    });
    let (mut deadlines, mut dice) = (full(), Dice::new());
    group.bench_function("deadlines", |bench| {
        bench.iter(|| {
            let now = deadlines.next().unwrap();
            let key = deadlines.pop_due(now).unwrap();
            deadlines.set(key, now.after(dice.delay()));
        });
    });
    group.finish();
}

fn relocate(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("move");
    let (mut heap, mut dice) = (full_heap(), Dice::new());
    group.bench_function("floor", |bench| {
        bench.iter(|| {
            let client = dice.client();
            heap.push(Reverse((Tick::ZERO.after(dice.delay()), client)));
            heap.pop().unwrap()
        });
    });
    let (mut deadlines, mut dice) = (full(), Dice::new());
    group.bench_function("deadlines", |bench| {
        bench.iter(|| {
            let client = dice.client();
            deadlines.set(key(client), Tick::ZERO.after(dice.delay()));
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = cpu_time::criterion(Duration::from_secs(3));
    targets = fill, churn, relocate
}
criterion_main!(benches);
