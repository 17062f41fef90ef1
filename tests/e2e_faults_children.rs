//! End to end with the fake FFmpeg: children that flood, are stopped, die all at once,
//! or leave orphans.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::disallowed_methods, reason = "asks whether a namespace can be had")]

mod support;

use std::process::{Command, Stdio};

use rustix::process::Signal;
use support::LIMIT;
use support::fake::Fake;
use support::http::{Connection, Scrape};
use support::program::{Program, Setup};
use support::tools::tool;

const EXITS: &str = "hlsswarm_process_exits_total";

/// More than the program needs without a load, and less than it receives.
const RESIDENT_MAX: u64 = 24 << 20;

fn setup(fake: &Fake, steps: &str, clients: &str) -> Setup {
    Setup::faking(fake, steps)
        .args(&["-clients", clients, "-ramp-rate", "500", "-ramp-jitter", "0"])
        .args(&["-backoff-initial", "20ms", "-backoff-max", "50ms"])
}

fn lines(scrape: &Scrape) -> f64 {
    scrape.sum("hlsswarm_log_lines_total")
}

/// Checks that the output of a client during a scrape costs bounded memory.
fn bounded(program: &Program) {
    let peak = program.process.peak_resident_bytes();
    assert!(peak < RESIDENT_MAX, "{peak} bytes were resident");
}

#[test]
fn firehose_neither_starves_others_nor_costs_memory() {
    let fake = Fake::named("ffmpeg");
    let watching = ["-target-duration", "1s", "-prom-client-metrics"];
    let mut program = setup(&fake, "first-1/hose-0", "4").args(&watching).start();
    // The three others play a second of media per second.
    let scrape = program.scraped("the others play on", |scrape| {
        scrape.sum("hlsswarm_client_media_seconds_total") >= 12.0
    });
    // The firehose reports no media, so it is the only client that may stall.
    assert!(scrape.get("hlsswarm_stalls_total") <= 1.0, "{}", scrape.text);
    assert_eq!(scrape.get("hlsswarm_clients_started_total"), 4.0, "{}", scrape.text);
    assert!(lines(&scrape) > 100_000.0, "no firehose: {}", lines(&scrape));
    bounded(&program);
    program.stopped();
}

#[test]
fn endless_lines_and_noise_cost_no_memory() {
    let fake = Fake::named("ffmpeg");
    for steps in ["endless-60000", "noise-30000", "noise-out-30000"] {
        let mut program = setup(&fake, &format!("{steps}/exit-6"), "2").start();
        for exited in program.events("client_exited", 2) {
            assert_eq!(exited["exit_code"], 6, "{steps}");
        }
        bounded(&program);
        program.stopped();
    }
}

#[test]
fn restarts_a_client_that_stopped_itself_if_requested() {
    let fake = Fake::named("ffmpeg");
    let stalling = ["-target-duration", "1s", "-restart-on-stall"];
    let setup = setup(&fake, "live-300/stop/wait", "2").args(&stalling);
    let mut program = setup.start();
    for exited in program.events("client_exited", 2) {
        assert_eq!(exited["outcome"], "stalled", "{exited}");
    }
    program.stopped();
}

#[test]
fn scrape_does_not_wait_for_pending_exits() {
    const CLIENTS: usize = 400;
    let fake = Fake::named("ffmpeg");
    let setup = setup(&fake, "wait", "400").args(&["-backoff-initial", "60s"]);
    let mut program = setup.args(&["-backoff-max", "60s"]).start();
    let address = program.metrics();
    program.event("ramp_complete");
    let clients = program.children(CLIENTS);
    let mut scraper = Connection::to(address);
    scraper.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(scraper.reply(false).unwrap().status, 200);
    program.signal(Signal::STOP);
    for client in &clients {
        client.signal(Signal::KILL);
    }
    assert!(clients.iter().all(|client| client.ends_within(LIMIT)));
    scraper.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    program.signal(Signal::CONT);
    let scrape = Scrape::from_reply(scraper.reply(false).unwrap());
    let exits = scrape.sum(EXITS);
    assert!(exits < 200.0, "{exits} deaths came before the scrape");
    program.scraped("all exits are counted", |scrape| scrape.sum(EXITS) == 400.0);
    let ended = program.stopped();
    assert_eq!(ended.events("client_exited").len(), CLIENTS);
}

#[test]
fn reaps_orphans_as_process_1() {
    let Some(unshare) = tool("unshare") else { return };
    let namespace = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut tried = Command::new(&unshare);
    tried.args(namespace).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    if !tried.status().unwrap().success() {
        println!("skipped: no namespace of processes can be had");
        return;
    }
    let fake = Fake::named("ffmpeg");
    let setup = setup(&fake, "close/daemon-1/exit-3", "3").started_by(&unshare, &namespace);
    let mut program = setup.start();
    program.event("ramp_complete");
    let unshared = program.process.children();
    assert_eq!(unshared.len(), 1, "{unshared:?}");
    let first = support::processes::Process::open(unshared[0]).unwrap();
    program.events("client_exited", 30);
    // Daemons live for a second; no zombie may remain.
    support::until("orphans are reaped", || {
        let starts = program.scrape().get("hlsswarm_clients_started_total");
        starts > 100.0 && (first.children().len() as f64) < starts * 0.8
    });
    first.signal(Signal::TERM);
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}
