//! Responses of an exporter: their chunking has no effect, and derived values are in
//! bounds.
//!
//! The first byte of an input is the seed of the chunking. The rest is the result of
//! polls two seconds apart, separated by lines of `%%`: the bytes of a response, and
//! then the end of the connection. Each is read as that of a host and as that of an
//! nginx.

use std::time::Duration;

use ffmpeg_hls_swarm::exporters::{Exporters, Sampled, Target};
use ffmpeg_hls_swarm::http::{Fetched, ResponseReader};
use ffmpeg_hls_swarm::units::Tick;

use super::chunkings;

/// Longest body in bytes; small, so that inputs exceed it.
const BODY_BYTES_MAX: u64 = 50_000;

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let Some((&seed, bytes)) = input.split_first() else { return };
    let mut seen = Vec::new();
    for cut in 0..3 {
        let mut side = Exporters::new(
            vec![(Target::Host, "h".to_owned()), (Target::Nginx, "n".to_owned())],
            Duration::from_secs(30),
        );
        let mut now = Tick::from_millis(1);
        for poll in polls(bytes) {
            now = now.after(Duration::from_secs(2));
            for place in [0, 1] {
                ask(&mut side, now, place, &chunkings(seed, poll)[cut]);
            }
            consistent(&side, now);
        }
        seen.push(format!("{side:?}"));
    }
    assert!(seen.iter().all(|other| *other == seen[0]), "the chunking changes the values");
}

fn polls(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut polls, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(4).position(|window| window == b"\n%%\n") {
        // The line end before the separator belongs to the response.
        polls.push(&rest[..at + 1]);
        rest = &rest[at + 4..];
    }
    polls.push(rest);
    polls
}

/// One poll as the reactor sees it.
fn ask(side: &mut Exporters, now: Tick, place: usize, pieces: &[&[u8]]) {
    let mut reader = ResponseReader::new(BODY_BYTES_MAX);
    let mut body = 0;
    for piece in pieces {
        let fed = reader.feed(piece, &mut |bytes| {
            body += bytes.len() as u64;
            side.fetched(now, place, Fetched::Body(bytes));
        });
        assert!(body <= BODY_BYTES_MAX);
        if let Err(why) = fed {
            side.fetched(now, place, Fetched::Failed(&why.to_string()));
            return;
        }
    }
    match reader.closed() {
        Ok(()) => {
            assert!(reader.is_done() && !reader.keeps_alive());
            side.fetched(now, place, Fetched::Whole)
        }
        Err(why) => side.fetched(now, place, Fetched::Failed(&why.to_string())),
    };
}

fn consistent(side: &Exporters, now: Tick) {
    for polled in side.polled() {
        assert!(polled.failures() <= polled.polls());
        assert_eq!(polled.failures() > 0, polled.last_error().is_some());
        assert!(polled.is_fresh() || !polled.is_up());
    }
    let (host, nginx) = (side.host(), side.nginx());
    for share in host.by_mode().into_iter().flatten() {
        assert!((0.0..=1.0 + 1e-9).contains(share), "{share}");
    }
    assert!(host.cpu.last().is_none_or(|share| share <= 1.0));
    let all =
        [&host.cpu, &host.memory_used, &host.received, &host.sent, &nginx.active, &nginx.requests];
    for measure in all {
        in_order(measure, now);
    }
    for count in nginx.counted().into_iter().flatten() {
        assert!(count >= 0.0, "{count}");
    }
}

fn in_order(measure: &Sampled, now: Tick) {
    assert!(measure.last().is_none_or(|value| value >= 0.0 && value.is_finite()));
    for of in [measure.recent(now), measure.over_all()].into_iter().flatten() {
        assert!(0.0 <= of.p50 && of.p50 <= of.p95 && of.p95 <= of.max, "{of:?}");
    }
}
