//! A swarm that has been heard, and the answer to its scrape: shared by the
//! benches. Starts no process and opens no socket.

use std::time::Duration;

use ffmpeg_hls_swarm::exposition::endpoints;
use ffmpeg_hls_swarm::http::{Request, Response};
use ffmpeg_hls_swarm::measures::{Measured, Scene};
use ffmpeg_hls_swarm::stats::{Health, ProcessUse};
use ffmpeg_hls_swarm::swarm::{StallThreshold, Swarm, TargetDurationSource};
use ffmpeg_hls_swarm::units::Tick;

use crate::swarm::{capture, running, stderr};

/// Everything that can be told is there.
pub(crate) fn health() -> Health {
    let process = ProcessUse { start_unix_secs: 1.7e9, ..ProcessUse::default() };
    Health { process, last_scrape: Some(Duration::from_micros(100)), ..Health::default() }
}

/// A swarm of so many clients that run, each of which has told of a live stream.
pub(crate) fn heard(clients: u32) -> (Swarm, Tick) {
    let (mut swarm, now) = running(clients);
    let (log, mut actions) = (capture("9.0/live.verbose.stderr"), Vec::new());
    for client in 0..clients {
        stderr(&mut swarm, now, client, &log, &mut actions);
        actions.clear();
    }
    (swarm, now)
}

/// What a scrape of this swarm is answered.
pub(crate) fn answer(swarm: &Swarm, now: Tick, health: &Health, request: &Request<'_>) -> Response {
    let scene = Scene {
        snapshot: &swarm.snapshot(now),
        health,
        ffmpeg_version: "9.0.2",
        measured: Measured { log: true, tcp: true },
        origin_side: None,
        clients: &[],
        stall: StallThreshold::new(Duration::from_secs(6), TargetDurationSource::Stream),
        cores: None,
        own_peak_resident_bytes: None,
    };
    endpoints::respond(&scene, request)
}
