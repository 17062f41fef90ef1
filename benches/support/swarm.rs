//! A swarm whose clients all run, and the output of real FFmpegs: shared by the
//! benches. Starts no process; the swarm gets the events of running ones.

#![allow(dead_code, reason = "each bench uses a part of this")]

use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ffmpeg_hls_swarm::swarm::{Action, Backoff, Input, Settings, Swarm};
use ffmpeg_hls_swarm::units::process::Pipe;
use ffmpeg_hls_swarm::units::shard::Shard;
use ffmpeg_hls_swarm::units::{ClientId, Tick, Wall};

/// FFmpeg's output, such as `9.0/live.verbose.stderr`.
pub(crate) fn capture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    fs::read(folder.join(name)).unwrap()
}

fn settings(clients: u32) -> Settings {
    Settings {
        clients: NonZeroU32::new(clients).unwrap(),
        shard: Shard::WHOLE,
        ramp_rate: 1e6,
        ramp_jitter: Duration::ZERO,
        duration: None,
        seed: 1,
        max_restarts: None,
        backoff: Backoff {
            initial: Duration::from_millis(250),
            max: Duration::from_secs(5),
            multiplier: 1.7,
        },
        verbose: false,
        dangerous: false,
        target_duration: Duration::from_secs(6),
        restart_on_stall: false,
        ffmpeg_memory_max: None,
        stats: true,
        network_timeout: Duration::from_secs(15),
        asks_ahead: false,
        looks_up_name: false,
        tap: false,
    }
}

/// A swarm of this many running clients, a second after the start of the run.
pub(crate) fn running(clients: u32) -> (Swarm, Tick) {
    let mut swarm = Swarm::new(settings(clients));
    let (mut now, mut actions, mut decided) = (Tick::ZERO, Vec::new(), Vec::new());
    swarm.handle(now, Input::Started, &mut actions);
    let mut started = 0;
    while started < clients {
        now = swarm.next_deadline().unwrap().max(now);
        swarm.handle(now, Input::DeadlineReached, &mut actions);
        for action in actions.drain(..) {
            if let Action::Spawn { client } = action {
                started += 1;
                let pid = client.number() + 1;
                swarm.handle(now, Input::Spawned { client, pid }, &mut decided);
            }
        }
    }
    (swarm, Tick::from_millis(1_000).max(now))
}

/// Passes bytes of a client's stderr to the swarm.
pub(crate) fn stderr(
    swarm: &mut Swarm,
    now: Tick,
    client: u32,
    bytes: &[u8],
    actions: &mut Vec<Action>,
) {
    let (client, pipe, wall) = (ClientId::new(client), Pipe::Stderr, Wall::default());
    swarm.handle(now, Input::Output { client, pipe, bytes, wall }, actions);
}
