//! End to end with the fake FFmpeg: a wall clock that is set during the run, and a
//! program that is stopped and continued.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::time::Duration;

use rustix::process::Signal;
use support::fake::{Fake, Faults};
use support::http::Scrape;
use support::processes::Process;
use support::program::{Program, Setup};

const DAY_SECS: i64 = 24 * 3600;

/// Clients that play indefinitely, with a line of progress every 100 ms, and are
/// restarted if they stall for 2 s.
fn playing(fake: &Fake) -> Setup {
    Setup::faking(fake, "live-0")
        .args(&["-clients", "2", "-ramp-rate", "200", "-ramp-jitter", "0"])
        .args(&["-target-duration", "1s", "-restart-on-stall", "-prom-client-metrics"])
}

fn media_secs(scrape: &Scrape) -> f64 {
    scrape.sum("hlsswarm_client_media_seconds_total")
}

/// Waits until this much more media is played, at the pace of the clients' clocks.
fn plays_on(program: &mut Program, secs: f64) -> Scrape {
    let before = media_secs(&program.scrape());
    program.scraped("the clients play on", |scrape| media_secs(scrape) >= before + secs)
}

/// Checks that no client stalled or was restarted.
fn undisturbed(scrape: &Scrape) {
    for (sample, value) in [
        ("hlsswarm_stalls_total", 0.0),
        ("hlsswarm_clients_stalled", 0.0),
        ("hlsswarm_stall_seconds_total", 0.0),
        ("hlsswarm_clients_started_total", 2.0),
        ("hlsswarm_clients_active", 2.0),
    ] {
        assert_eq!(scrape.get(sample), value, "{sample} in\n{}", scrape.text);
    }
}

#[test]
fn setting_the_wall_clock_has_no_effect() {
    let (fake, faults) = (Fake::named("ffmpeg"), Faults::none());
    let summary = fake.path().with_file_name("summary.json");
    let setup = playing(&fake).suffering(&faults).args(&["-duration", "6s", "-log-level", "info"]);
    let mut program = setup.args(&["-summary-json", summary.to_str().unwrap()]).start();
    let start = program.scrape().get("process_start_time_seconds");
    for days in [1, -1, 0] {
        faults.set_wall_ahead_secs(days * DAY_SECS);
        let scrape = plays_on(&mut program, 2.0);
        undisturbed(&scrape);
        assert_eq!(scrape.get("process_start_time_seconds"), start);
        assert!(scrape.get("hlsswarm_drift_seconds_sum") < 60.0, "{}", scrape.text);
    }
    faults.set_wall_ahead_secs(DAY_SECS);
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    // The log's time stamps follow the clock, which proves that it was set.
    let times = ended.log.iter().filter_map(|line| line.get(7..17));
    let days: std::collections::BTreeSet<_> = times.collect();
    assert!(days.len() >= 2, "the clock was not set: {ended:#?}");
    let summary = std::fs::read_to_string(summary).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    for span in [&summary["run"]["duration_seconds"], &summary["processes"]["uptime"]["sum"]] {
        let secs = span.as_f64().unwrap();
        assert!((5.0..60.0).contains(&secs), "{secs} in {summary:#}");
    }
    let began = summary["run"]["started_unix_seconds"].as_f64().unwrap();
    assert!((began - start).abs() < 60.0, "{began} and {start}");
}

/// How long the program is stopped: most of a speed window.
const STOPPED: Duration = Duration::from_secs(4);

/// Stops the program, and its clients if the host is to be frozen, and continues them.
fn stand_still(program: &mut Program, clients: &[Process], host: bool) {
    let all: Vec<&Process> = clients.iter().filter(|_| host).collect();
    program.signal(Signal::STOP);
    all.iter().for_each(|client| client.signal(Signal::STOP));
    assert!(!clients[0].ends_within(STOPPED), "a client that nobody reads ended");
    all.iter().for_each(|client| client.signal(Signal::CONT));
    program.signal(Signal::CONT);
    assert!(program.event("stood_still")["for_sec"].as_f64().unwrap() > 2.0);
}

/// Checks that all speed windows are those of playing clients, without drift.
fn timed_as_played(scrape: &Scrape) {
    let windows = scrape.get("hlsswarm_playback_speed_count");
    let speeds =
        |bound: &str| scrape.get(&format!("hlsswarm_playback_speed_bucket{{le=\"{bound}\"}}"));
    assert_eq!((speeds("0.5"), speeds("1.25")), (0.0, windows), "{}", scrape.text);
    assert_eq!(scrape.get("hlsswarm_drift_seconds_bucket{le=\"2\"}"), windows, "{}", scrape.text);
}

#[test]
fn stopping_the_program_does_not_count_against_clients() {
    let fakes = [false, true].map(|host| (host, Fake::named("ffmpeg")));
    let mut runs: Vec<_> = fakes
        .iter()
        .map(|(host, fake)| {
            let mut program = playing(fake).start();
            let clients = program.children(2);
            (*host, program, clients)
        })
        .collect();
    for (host, program, clients) in &mut runs {
        plays_on(program, 6.0);
        stand_still(program, clients, *host);
    }
    for (_, program, clients) in &mut runs {
        let before = program.scrape().get("hlsswarm_playback_speed_count");
        let scrape = program.scraped("a window of each client", |scrape| {
            scrape.get("hlsswarm_playback_speed_count") >= before + 2.0
        });
        undisturbed(&scrape);
        timed_as_played(&scrape);
        // A later stall is detected.
        clients[0].signal(Signal::STOP);
        program.event("client_stalled");
        clients[0].signal(Signal::CONT);
    }
    runs.into_iter().for_each(|(_, program, _)| drop(program.stopped()));
}

#[test]
fn overdue_work_is_done_once_after_a_stop() {
    let fake = Fake::named("ffmpeg");
    let slow = ["-backoff-initial", "60s", "-backoff-max", "60s"];
    let setup = Setup::faking(&fake, "sleep-1000/exit-3").args(&["-clients", "20"]).args(&slow);
    let mut program = setup.args(&["-ramp-rate", "500", "-ramp-jitter", "0"]).start();
    let address = program.metrics();
    program.event("ramp_complete");
    let clients: Vec<Process> = program.children(20);
    program.signal(Signal::STOP);
    assert!(clients.iter().all(|client| client.ends_within(support::LIMIT)));
    program.signal(Signal::CONT);
    program.events("client_restart_scheduled", 20);
    let scrape = Scrape::of(address);
    for (sample, value) in [
        ("hlsswarm_clients_started_total", 20.0),
        ("hlsswarm_process_exits_total{code=\"3\"}", 20.0),
        ("hlsswarm_clients{state=\"backoff\"}", 20.0),
        ("hlsswarm_reactor_entries{kind=\"output\"}", 0.0),
        ("hlsswarm_reactor_entries{kind=\"exit\"}", 0.0),
    ] {
        assert_eq!(scrape.get(sample), value, "{sample} in\n{}", scrape.text);
    }
    let ended = program.stopped();
    assert_eq!(ended.events("client_restart_scheduled").len(), 20);
}
