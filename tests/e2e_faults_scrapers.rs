//! End to end with the fake FFmpeg: many, slow and malicious scrapers during a load.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::net::SocketAddr;

use support::fake::Fake;
use support::http::{Connection, Scrape};
use support::program::{Program, Setup};

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
const STARTED: &str = "hlsswarm_clients_started_total";

/// Less than they send.
const RESIDENT_MAX: u64 = 48 << 20;

/// Clients that exit and restart continuously.
fn flapping(fake: &Fake) -> (Program, SocketAddr) {
    let setup = Setup::faking(fake, "err-20/sleep-50/exit-1")
        .args(&["-clients", "10", "-ramp-rate", "200", "-ramp-jitter", "0"])
        .args(&["-backoff-initial", "20ms", "-backoff-max", "50ms"]);
    let mut program = setup.start();
    let address = program.metrics();
    program.event("ramp_complete");
    (program, address)
}

/// Checks that the load continues and memory is bounded.
fn goes_on(mut program: Program) {
    let started = program.scrape().get(STARTED);
    program.scraped("clients start on", |scrape| scrape.get(STARTED) >= started + 20.0);
    let peak = program.process.peak_resident_bytes();
    assert!(peak < RESIDENT_MAX, "{peak} bytes were resident");
    let ended = program.stopped();
    assert!(ended.events("spawn_failed").is_empty());
}

#[test]
fn serves_two_hundred_simultaneous_scrapers() {
    let fake = Fake::named("ffmpeg");
    let (program, address) = flapping(&fake);
    let mut scrapers: Vec<_> = (0..200).map(|_| Connection::to(address)).collect();
    let mut before = 0.0;
    for _ in 0..3 {
        for scraper in &mut scrapers {
            scraper.send(GET);
        }
        let replies = scrapers.iter_mut().map(|scraper| scraper.reply(false).unwrap());
        let started = replies.map(|reply| Scrape::from_reply(reply).get(STARTED));
        let least = started.fold(f64::INFINITY, f64::min);
        assert!(least >= before, "a counter fell from {before} to {least}");
        before = least;
    }
    goes_on(program);
}

#[test]
fn refuses_endless_heads() {
    let fake = Fake::named("ffmpeg");
    let (program, address) = flapping(&fake);
    let endless = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1 << 17));
    let target = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
    let lines = "\r\n".repeat(1 << 19);
    for head in [&endless, &many, &target, &lines] {
        let mut connections: Vec<_> = (0..20).map(|_| Connection::to(address)).collect();
        for connection in &mut connections {
            connection.send(head);
        }
        assert_eq!(Scrape::of(address).get("hlsswarm_clients_target"), 10.0);
        // Unread bytes may turn the refusal into a reset, but no request is served.
        for connection in &mut connections {
            let reply = connection.reply(false);
            assert!(reply.is_none_or(|reply| (400..500).contains(&reply.status)));
        }
    }
    goes_on(program);
}

#[test]
fn refuses_garbage_after_responding_to_requests() {
    let fake = Fake::named("ffmpeg");
    let (program, address) = flapping(&fake);
    let mut state = 1_u32;
    let mut noise = vec![0_u8; 64];
    for number in 0..100 {
        let mut connection = Connection::to(address);
        for byte in &mut noise {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            *byte = (state >> 16) as u8;
        }
        // No token of RFC 9110 starts with this byte.
        noise[0] = 0xff;
        connection.send([GET.repeat(number % 3).as_bytes(), &noise, b"\r\n\r\n"].concat());
        for _ in 0..number % 3 {
            assert_eq!(connection.reply(false).unwrap().status, 200);
        }
        assert_eq!(connection.reply(false).unwrap().status, 400);
    }
    goes_on(program);
}
