//! A swarm with data, and the response to its scrape: shared by the benches. Starts no
//! process and opens no socket.

use std::time::Duration;

use ffmpeg_hls_swarm::exposition::endpoints;
use ffmpeg_hls_swarm::http::{Request, Response};
use ffmpeg_hls_swarm::measures::{Measured, Scene};
use ffmpeg_hls_swarm::stats::{Health, ProcessUse};
use ffmpeg_hls_swarm::swarm::{StallThreshold, Swarm, TargetDurationSource};
use ffmpeg_hls_swarm::units::Tick;

use crate::swarm::{capture, running, stderr};

/// A health value with every field.
pub(crate) fn health() -> Health {
    let process = ProcessUse { start_unix_secs: 1.7e9, ..ProcessUse::default() };
    Health { process, last_scrape: Some(Duration::from_micros(100)), ..Health::default() }
}

/// A swarm of this many running clients, each with the events of a live stream.
pub(crate) fn with_events(clients: u32) -> (Swarm, Tick) {
    let (mut swarm, now) = running(clients);
    let (log, mut actions) = (capture("9.0/live.verbose.stderr"), Vec::new());
    for client in 0..clients {
        stderr(&mut swarm, now, client, &log, &mut actions);
        actions.clear();
    }
    (swarm, now)
}

/// The response to a scrape of this swarm.
pub(crate) fn scrape_response(
    swarm: &Swarm,
    now: Tick,
    health: &Health,
    request: &Request<'_>,
) -> Response {
    let scene = Scene {
        snapshot: &swarm.snapshot(now),
        health,
        ffmpeg_version: "9.0.2",
        measured: Measured { log: true, tcp: true, tap: false },
        exporters: None,
        clients: &[],
        stall: StallThreshold::new(Duration::from_secs(6), TargetDurationSource::Stream),
        cores: None,
        own_peak_resident_bytes: None,
    };
    endpoints::respond(&scene, request)
}
