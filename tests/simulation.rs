//! The referee: a swarm in a world of seeded children under a virtual clock.
//!
//! The children run for a while and exit with any code or signal, hang, ignore
//! SIGTERM, flood their pipes, leave them to a grandchild, cannot be started or start
//! late. They print progress, freeze with the origin and continue; all die at once; the
//! stop comes at any time. After every step the numbers of the swarm are compared with
//! its inputs.
//!
//! `SIMULATION_SEEDS=n` plays n seeds; `SIMULATION_SEED=n` plays seed n alone.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test, which reads how many seeds to play from the environment"
)]

#[path = "simulation/books.rs"]
mod books;
#[path = "simulation/plan.rs"]
mod plan;
#[path = "simulation/referee.rs"]
mod referee;
#[path = "simulation/viewing.rs"]
mod viewing;
#[path = "simulation/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ffmpeg_hls_swarm::stats::State;
use ffmpeg_hls_swarm::swarm::client::{Desired, Event, next};

use world::World;

/// Seeds played unless the environment says otherwise.
const SEEDS: u64 = 2_000;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable}={value} is no number")))
}

/// The transitions that were made, and those that were offered and dropped.
type Played = [BTreeSet<(State, Event)>; 2];

/// Plays one seed.
fn play(seed: u64) -> Played {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed);
        [world.play(), world.strays()]
    }));
    played.unwrap_or_else(|failure| {
        eprintln!("seed {seed} failed; SIMULATION_SEED={seed} cargo test --test simulation");
        resume_unwind(failure)
    })
}

fn join([mut made, mut strays]: Played, [more_made, more_strays]: Played) -> Played {
    made.extend(more_made);
    strays.extend(more_strays);
    [made, strays]
}

/// Plays all seeds, an equal share on each core.
fn play_all(seeds: u64) -> Played {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share =
        |first: usize| (first as u64..seeds).step_by(cores).map(play).fold(Played::default(), join);
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..cores).map(|first| scope.spawn(move || share(first))).collect();
        let played = shares
            .into_iter()
            .map(|share| share.join().unwrap_or_else(|failure| resume_unwind(failure)));
        played.fold(Played::default(), join)
    })
}

#[test]
fn every_invariant_holds_in_every_world() {
    if let Some(seed) = number("SIMULATION_SEED") {
        play(seed);
        return;
    }
    let seeds = number("SIMULATION_SEEDS").unwrap_or(SEEDS);
    let [made, strays] = play_all(seeds);
    if seeds < SEEDS {
        return;
    }
    for state in State::ALL {
        for event in Event::ALL {
            let admitted =
                [Desired::Up, Desired::Down].iter().any(|&d| next(state, event, d).is_some());
            let reached = made.contains(&(state, event));
            assert_eq!(admitted, reached, "{state:?} and {event:?} in {seeds} seeds");
            // Events from outside occur in every state. Events that the swarm makes
            // itself cannot occur where the table has no row.
            let outside = matches!(event, Event::Spawned | Event::SpawnFailed | Event::Exited);
            let offered = admitted || strays.contains(&(state, event));
            assert!(offered || !outside, "{state:?} never got {event:?} in {seeds} seeds");
        }
    }
}

#[test]
fn a_seed_plays_the_same_again() {
    for seed in 0..20 {
        let digest = || {
            let mut world = World::new(seed);
            world.play();
            world.digest()
        };
        assert_eq!(digest(), digest(), "seed {seed}");
    }
}
