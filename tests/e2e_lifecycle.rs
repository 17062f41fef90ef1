//! End to end with the fake FFmpeg: starts, restarts, failed starts, and the end of
//! `-duration`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use support::fake::Fake;
use support::processes::Process;
use support::program::{Program, Setup};

/// Quick restarts, so that a test sees several.
const QUICK: [&str; 4] = ["-backoff-initial", "20ms", "-backoff-max", "50ms"];

fn start(fake: &Fake, steps: &str, clients: &str, args: &[&str]) -> Program {
    Setup::faking(fake, steps)
        .args(&["-clients", clients, "-ramp-rate", "200", "-ramp-jitter", "0"])
        .args(args)
        .start()
}

#[test]
fn run_with_a_duration_starts_all_clients_and_exits_0() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "wait", "5", &["-duration", "2s", "-seed", "7"]);
    program.event("ramp_complete");
    let scrape = program.scrape();
    for (sample, value) in [
        ("hlsswarm_clients_target", 5.0),
        ("hlsswarm_clients_active", 5.0),
        ("hlsswarm_clients{state=\"running\"}", 5.0),
        ("hlsswarm_clients{state=\"backoff\"}", 0.0),
        ("hlsswarm_clients_started_total", 5.0),
        ("hlsswarm_clients_restarted_total", 0.0),
        ("hlsswarm_ramp_progress", 1.0),
        ("hlsswarm_start_lateness_seconds_count", 5.0),
        ("hlsswarm_spawn_failures_total{reason=\"not_found\"}", 0.0),
        ("hlsswarm_build_info{version=\"0.1.0\",ffmpeg_version=\"9.0-fake\"}", 1.0),
    ] {
        assert_eq!(scrape.get(sample), value, "{sample} in\n{}", scrape.text);
    }
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.events("client_started").len(), 5);
    assert_eq!(ended.events("client_exited").len(), 5);
    assert_eq!(ended.events("shutdown_complete").len(), 1);
}

#[test]
fn summary_has_starts_exit_codes_and_the_repeat_command() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "wait", "3", &["-seed", "7"]);
    program.event("ramp_complete");
    let ended = program.stopped();
    for said in ["255 (ffmpeg stopped)", "-seed 7", "-clients 3"] {
        assert!(ended.stdout.contains(said), "no {said:?} in\n{}", ended.stdout);
    }
}

#[test]
fn unreachable_target_is_warned_of_and_in_every_summary() {
    let fake = Fake::named("ffmpeg");
    let folder = support::folder();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, page) = (at("run.json"), at("run.html"));
    let args = ["-clients", "100", "-ramp-rate", "1", "-ramp-jitter", "0", "-duration", "1500ms"];
    let files = ["-summary-json", &json, "-report", &page];
    let ended = Setup::faking(&fake, "live-0").args(&args).args(&files).run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let warned = ended.events("target_out_of_reach");
    let why = warned[0]["why"].as_str().unwrap();
    assert!(why.starts_with("2 of 100 clients start before -duration 1.5s is over"), "{why}");
    let below = "2 of 100 clients ran at once at most";
    assert!(ended.stdout.contains(&format!("not reached: {below}")), "{}", ended.stdout);
    let page = fs::read_to_string(&page).unwrap();
    assert!(page.contains(&format!("FAILED: the target was not reached; {below}")), "{page}");
    let summary: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(summary["clients"]["target_reached"], false, "{}", summary["clients"]);
}

#[test]
fn restarts_an_exited_client_after_a_backoff() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "exit-3", "2", &QUICK);
    let scheduled = program.events("client_restart_scheduled", 8);
    for event in &scheduled {
        let backoff_ms = event["backoff_ms"].as_u64().unwrap();
        assert!((16..=60).contains(&backoff_ms), "not within 20 % of 20 to 50 ms: {event}");
    }
    program.events("client_started", 10);
    let scrape = program.scrape();
    assert!(scrape.get("hlsswarm_clients_restarted_total") >= 8.0, "{}", scrape.text);
    assert!(scrape.get("hlsswarm_process_exits_total{code=\"3\"}") >= 8.0, "{}", scrape.text);
    program.stopped();
}

#[test]
fn immediate_exit_0_is_a_failure_with_growing_backoff() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "exit-0", "1", &["-backoff-initial", "20ms"]);
    let scheduled = program.events("client_restart_scheduled", 5);
    let delays: Vec<u64> = scheduled.iter().map(|e| e["backoff_ms"].as_u64().unwrap()).collect();
    assert!(delays[4] > 2 * delays[0], "{delays:?}");
    program.stopped();
}

#[test]
fn client_without_restarts_left_stays_down() {
    let fake = Fake::named("ffmpeg");
    let mut program =
        start(&fake, "only-1/exit-1", "2", &[&QUICK[..], &["-max-restarts", "2"]].concat());
    let given_up = program.event("max_restarts_reached");
    assert_eq!(given_up["client_id"], 1);
    let scrape = program.scrape();
    assert_eq!(scrape.get("hlsswarm_clients_max_restarts_reached_total"), 1.0);
    assert_eq!(scrape.get("hlsswarm_clients_started_total"), 4.0);
    assert_eq!(scrape.get("hlsswarm_clients{state=\"stopped\"}"), 1.0);
    assert_eq!(scrape.get("hlsswarm_clients_active"), 1.0);
    program.stopped();
}

#[test]
fn missing_binary_costs_starts_but_not_the_run() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "only-0/sleep-100/exit-1", "2", &QUICK);
    program.event("ramp_complete");
    fake.vanish();
    let failed = program.events("spawn_failed", 3);
    assert_eq!(failed[2]["reason"], "not_found");
    assert_eq!(failed[2]["client_id"], 0);
    let scrape = program.scrape();
    assert!(scrape.get("hlsswarm_spawn_failures_total{reason=\"not_found\"}") >= 3.0);
    assert!(scrape.get("hlsswarm_clients_active") >= 1.0);
    let restarts = program.seen("client_started").len();
    fake.reappear();
    program.events("client_started", restarts + 2);
    program.stopped();
}

#[test]
fn logs_the_last_stderr_lines_of_a_failed_client() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "err-500/exit-1", "1", &[]);
    let exited = program.event("client_exited");
    assert_eq!(exited["exit_code"], 1);
    let stderr = exited["stderr"].as_str().unwrap();
    assert!(stderr.ends_with("line 500 of 500"), "{exited}");
    assert!(!stderr.contains("line 1 of 500"), "not bounded: {exited}");
    program.stopped();
}

#[test]
fn reports_a_crash_by_its_signal() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "kill-11", "1", &[]);
    let exited = program.event("client_exited");
    assert_eq!((&exited["exit_code"], &exited["outcome"]), (&139.into(), &"crashed".into()));
    program.stopped();
}

#[test]
fn child_inherits_no_state() {
    let fake = Fake::named("ffmpeg");
    // The program raises its own limit of descriptors; the child gets the old one.
    // Signals that the program inherited as ignored (nohup) do not affect the child.
    let mut program = Setup::faking(&fake, "report/exit-1")
        .args(&["-clients", "2", "-ramp-rate", "200"])
        .born_after("ulimit -Sn 300; trap '' HUP USR1 PIPE")
        .start();
    for exited in program.events("client_exited", 4) {
        let stderr = exited["stderr"].as_str().unwrap();
        for born in
            ["fds 0 1 2", "stdin /dev/null", "blocked", "ignored", "group own", "nofile 300"]
        {
            let found = stderr.lines().any(|line| line == format!("report {born}"));
            assert!(found, "not {born:?}: {stderr}");
        }
    }
    assert!(program.scrape().get("process_max_fds") > 300.0);
    program.stopped();
}

#[test]
fn reaps_orphans_of_a_client_at_its_end() {
    let fake = Fake::named("ffmpeg");
    let restart = ["-backoff-initial", "60s", "-backoff-max", "60s"];
    let mut program = start(&fake, "only-0/daemon-60/exit-1", "2", &restart);
    program.event("client_restart_scheduled");
    let children = program.children(2);
    let of_run = program.process.children();
    assert_eq!((children.len(), of_run.len()), (1, 2), "{of_run:?}");
    let daemon = of_run.into_iter().find(|&pid| pid != children[0].pid);
    Process::open(daemon.unwrap()).unwrap().signal(Signal::KILL);
    support::until("only the client is left", || {
        program.scrape();
        program.process.children() == [children[0].pid]
    });
    program.stopped();
}

#[test]
fn closed_pipes_are_no_exit() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "err-1/close/sleep-200/exit-5", "1", &[]);
    let exited = program.event("client_exited");
    assert_eq!(exited["exit_code"], 5);
    assert!(exited["uptime_sec"].as_f64().unwrap() >= 0.2, "{exited}");
    assert!(exited["stderr"].as_str().unwrap().contains("line 1 of 1"));
    program.stopped();
}

#[test]
fn reads_any_output_to_its_end() {
    let fake = Fake::named("ffmpeg");
    for steps in ["noise-300", "endless-3000", "flood-3", "progress-2000"] {
        let mut program = start(&fake, &format!("{steps}/exit-6"), "2", &QUICK);
        for exited in program.events("client_exited", 4) {
            assert_eq!(exited["exit_code"], 6, "{steps}");
        }
        let read = program.scrape().get("hlsswarm_log_lines_total{stream=\"stderr\"}");
        assert_eq!(read > 1000.0, steps == "flood-3" || steps == "noise-300", "{steps}: {read}");
        program.stopped();
    }
}

#[test]
fn flood_from_one_client_does_not_slow_others() {
    let fake = Fake::named("ffmpeg");
    let mut program = start(&fake, "only-0/flood-0", "4", &[]);
    assert_eq!(program.event("ramp_complete")["active"], 4);
    assert_eq!(program.scrape().get("hlsswarm_clients_active"), 4.0);
    program.stopped();
}

#[test]
fn lack_of_descriptors_costs_starts_and_leaks_none() {
    let fake = Fake::named("ffmpeg");
    let setup = Setup::faking(&fake, "sleep-200/exit-1").born_after("ulimit -n 60");
    let setup = setup.args(&["-clients", "40", "-ramp-rate", "1000", "-ramp-jitter", "0"]);
    let mut program = setup.args(&["-metrics", "", "-log-format", "json"]).start();
    for event in program.events("spawn_failed", 5) {
        assert_eq!(event["reason"], "descriptors", "{event}");
    }
    let ended = program.events("client_exited", 200);
    assert!(ended.iter().all(|event| event["exit_code"] == 1));
    program.stopped();
}
