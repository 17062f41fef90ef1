//! End to end: the health check of a swarm that runs, stops, is stopped, or is missing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::net::{SocketAddr, TcpListener};

use rustix::process::Signal;
use support::fake::Fake;
use support::http::get;
use support::namespaces::Hosts;
use support::program::{Ended, Setup};

fn check(address: SocketAddr) -> Ended {
    Setup::with(&["healthcheck", &address.to_string()]).run()
}

#[test]
fn running_or_stopping_swarm_is_healthy() {
    let fake = Fake::named("ffmpeg");
    let args = ["-clients", "1", "-ramp-jitter", "0"];
    let mut program = Setup::faking(&fake, "ignore-term/wait").args(&args).start();
    let address = program.metrics();
    program.event("ramp_complete");
    let asked = check(address);
    assert_eq!((asked.code, asked.stdout.as_str(), asked.log.len()), (Some(0), "", 0));
    let by_variable = Setup::with(&["healthcheck"]).env("METRICS_PORT", &address.to_string());
    assert_eq!(by_variable.run().code, Some(0));
    program.signal(Signal::TERM);
    program.event("stopping");
    assert_eq!(get(address, "/-/ready").status, 503);
    assert_eq!(check(address).code, Some(0));
    assert_eq!(program.ended().code, Some(0));
    check(address).refuses(1, "refused");
}

#[test]
fn default_address_serves_ipv4_and_ipv6() {
    let hosts = Hosts::new(0);
    let fake = Fake::named("ffmpeg");
    let setup = Setup::faking(&fake, "wait").args(&["-clients", "1", "-metrics", ":9090"]);
    let only = "echo 1 >/proc/sys/net/ipv6/bindv6only";
    let Some(setup) = hosts.at_origin_after(only, setup) else { return };
    let mut program = setup.start();
    let started = program.event("metrics_server_started");
    assert_eq!(started["address"], "[::]:9090");
    assert_eq!(started["url"], "http://127.0.0.1:9090/metrics");
    program.event("ramp_complete");
    for asked in [&["127.0.0.1:9090"][..], &["[::1]:9090"], &[]] {
        let ended = hosts.at_origin(Setup::with(&["healthcheck"]).args(asked)).run();
        assert_eq!(ended.code, Some(0), "{asked:?}: {:?}", ended.log);
    }
    let ended = program.stopped();
    assert!(ended.stdout.contains(" http://127.0.0.1:9090/metrics\n"), "{}", ended.stdout);
}

#[test]
fn unresponsive_swarm_is_not_healthy() {
    // The kernel accepts connections although the process never does.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    check(listener.local_addr().unwrap()).refuses(1, "no response from 127.0.0.1:");
}

#[test]
fn swarm_without_a_scrape_address_cannot_be_checked() {
    let off = Setup::with(&["healthcheck"]).env("METRICS_PORT", "");
    off.run().refuses(1, "the scrape address is off");
}
