//! End to end: shards on separate hosts equal the whole run, and start at the given
//! wall-clock time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use support::fake::{Fake, Faults};
use support::http::get;
use support::namespaces::Hosts;
use support::program::{Ended, Program, Setup};
use support::tools::tool;

const SHARDS: usize = 4;

/// Clients of the whole run; not a multiple of the shards.
const CLIENTS: usize = 10;

/// Processes of each client: a start and its restarts.
const ATTEMPTS: usize = 3;

/// The time this many seconds from now.
fn from_now(secs: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(secs)).to_string()
}

/// The events of a run in its log: starts with their planned times, and the delays
/// before each client's restarts.
#[derive(Debug, PartialEq, Eq, Default)]
struct Lived {
    starts: BTreeSet<(u64, u64, Option<u64>)>,
    delays_ms: BTreeMap<u64, Vec<u64>>,
}

impl Lived {
    fn add(&mut self, ended: &Ended) {
        let of = |event: &Value, field: &str| event[field].as_u64();
        for event in ended.events("client_started") {
            let (client, attempt) = (of(&event, "client_id"), of(&event, "attempt"));
            let start = (client.unwrap(), attempt.unwrap(), of(&event, "scheduled_ms"));
            assert!(self.starts.insert(start), "twice: {start:?}");
        }
        for event in ended.events("client_restart_scheduled") {
            let delays = self.delays_ms.entry(of(&event, "client_id").unwrap()).or_default();
            delays.push(of(&event, "backoff_ms").unwrap());
        }
    }
}

/// A run or a shard of it that fails and restarts until no restart is left.
fn failing(url: &str, summary: &Path, start_at: &str) -> Setup {
    Setup::load(&tool("ffmpeg").unwrap(), url)
        .args(&["-clients", &CLIENTS.to_string(), "-ramp-rate", "8", "-ramp-jitter", "400ms"])
        .args(&["-max-restarts", &(ATTEMPTS - 1).to_string(), "-seed", "42"])
        .args(&["-backoff-initial", "100ms", "-backoff-max", "400ms"])
        .args(&["-start-at", start_at, "-summary-json", summary.to_str().unwrap()])
        .args(&["--skip-preflight", "-log-level", "info", "-target-duration", "2s"])
}

/// User agents and their number of requests, in the lines from `first` on, once there
/// are `count`.
fn agents(access_log: &Path, first: usize, count: usize) -> BTreeMap<String, usize> {
    let mut lines: Vec<String> = Vec::new();
    support::until("all requests are in the access log", || {
        lines = fs::read_to_string(access_log).unwrap().lines().map(str::to_owned).collect();
        lines.len() >= first + count
    });
    let mut agents = BTreeMap::new();
    for line in &lines[first..] {
        let entry: Value = serde_json::from_str(line).unwrap();
        *agents.entry(entry["user_agent"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    agents
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn four_shards_equal_the_whole_run() {
    if tool("ffmpeg").is_none() {
        return;
    }
    let (hosts, folder) = (Hosts::new(SHARDS), support::folder());
    let access_log = folder.path().join("access.log");
    let listen = format!("{}:0", hosts.origin_address());
    let origin = Setup::with(&["origin", "-listen", &listen, "-fault", "404", "-seed", "7"])
        .args(&["-access-log", access_log.to_str().unwrap()]);
    let mut origin = hosts.at_origin(origin).start();
    let url = origin.stdout(|line| Some(line.to_owned()));

    let summary = |name: &str| folder.path().join(format!("{name}.json"));
    let files: Vec<PathBuf> = (0..SHARDS).map(|i| summary(&i.to_string())).collect();
    let start_at = from_now(2);
    let start = |(index, file): (usize, &PathBuf)| {
        let shard = format!("{index}/{SHARDS}");
        hosts.at(index, failing(&url, file, &start_at).args(&["-shard", &shard])).start()
    };
    let shards: Vec<Program> = files.iter().enumerate().map(start).collect();
    let mut together = Lived::default();
    for (index, shard) in shards.into_iter().enumerate() {
        let ended = shard.ended();
        // The origin has no playlist, so no client plays.
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert!(ended.stdout.contains(&format!("{index}/{SHARDS} of {CLIENTS} clients")));
        together.add(&ended);
    }
    let processes = CLIENTS * ATTEMPTS;
    let by_shards = agents(&access_log, 0, processes);

    let alone = summary("alone");
    let ended = hosts.at(0, failing(&url, &alone, &from_now(0))).run();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let mut whole = Lived::default();
    whole.add(&ended);
    assert_eq!(whole.starts.len(), processes);
    assert_eq!(together, whole);
    let by_one = agents(&access_log, by_shards.values().sum(), processes);
    assert_eq!(by_shards, by_one);
    assert_eq!(by_one.len(), CLIENTS);

    let merged = folder.path().join("merged.json");
    let mut merge = Setup::with(&["merge", "-summary-json", merged.to_str().unwrap()]);
    for file in files.iter().rev() {
        merge = merge.args(&[file.to_str().unwrap()]);
    }
    let ended = merge.run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("summary of 4 of 4 shards"), "{}", ended.stdout);
    counts_agree(&json(&merged), &json(&alone));
    origin.stopped();
}

/// Checks that the merged summary has the counts of the undivided run.
fn counts_agree(merged: &Value, alone: &Value) {
    for (section, field) in [
        ("clients", "target"),
        ("clients", "ever_started"),
        ("processes", "started"),
        ("processes", "restarted"),
        ("processes", "max_restarts_reached"),
        ("processes", "spawn_failures"),
        ("processes", "exits"),
        ("processes", "outcomes"),
        ("requests", "by_kind"),
        ("requests", "errors"),
        ("requests", "http_errors"),
        ("requests", "connections_new"),
        ("log", "error_lines"),
        ("run", "ended"),
        ("run", "seed"),
        ("run", "url"),
    ] {
        let [got, want] = [merged, alone].map(|summary| &summary[section][field]);
        assert_eq!(got, want, "{section}.{field}");
        assert!(!want.is_null(), "{section}.{field} is missing");
    }
    for (section, field) in [("processes", "uptime"), ("processes", "start_lateness")] {
        let [got, want] = [merged, alone].map(|summary| &summary[section][field]["count"]);
        assert_eq!(got, want, "{section}.{field}");
    }
    assert_eq!(alone["processes"]["started"], CLIENTS * ATTEMPTS);
    assert_eq!(merged["merged"]["missing"], serde_json::json!([]));
    let peak = |of: &str| merged["clients"][of].as_u64().unwrap();
    assert!((1..=peak("peak_active_at_most")).contains(&peak("peak_active")), "{merged}");
}

#[test]
fn merge_errors_exit_with_code_1() {
    let folder = support::folder();
    let file = folder.path().join("a.json");
    fs::write(&file, "{}").unwrap();
    let file = file.to_str().unwrap();
    let missing = format!("{file}.none");
    for (args, code, said) in [
        (vec!["merge", file], 1, "a.json: no summary; give"),
        (vec!["merge", &missing], 1, "No such file"),
        (vec!["merge", "-summary-json", "/none/x", file], 1, "-summary-json /none/x:"),
        (vec!["merge", file, file], 2, "is given twice"),
        (vec!["merge"], 2, "merge needs files"),
    ] {
        let ended = Setup::with(&args).run();
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        assert!(ended.log.len() == 1 && ended.log[0].contains(said), "{said}: {ended:#?}");
    }
}

fn waiting(fake: &Fake, start_at: &str) -> Setup {
    Setup::faking(fake, "wait")
        .args(&["-clients", "3", "-ramp-rate", "100", "-ramp-jitter", "0"])
        .args(&["-start-at", start_at, "-log-level", "info"])
}

#[test]
fn is_ready_and_can_be_stopped_while_waiting() {
    let fake = Fake::named("ffmpeg");
    let mut program = waiting(&fake, &from_now(3600)).start();
    let wait_secs = program.event("waiting_for_start")["for_sec"].as_f64().unwrap();
    assert!((3000.0..=3600.0).contains(&wait_secs), "{wait_secs}");
    let ready = get(program.metrics(), "/-/ready");
    assert_eq!((ready.status, ready.body.as_str()), (200, "waiting for -start-at\n"));
    let scrape = program.scrape();
    assert_eq!(scrape.get("hlsswarm_clients{state=\"idle\"}"), 3.0);
    let ended = program.stopped();
    assert_eq!(ended.events("client_started").len(), 0);
    assert!(ended.stdout.contains("stopped by SIGTERM"), "{}", ended.stdout);
}

#[test]
fn setting_the_wall_clock_moves_the_start() {
    let (fake, faults) = (Fake::named("ffmpeg"), Faults::none());
    let mut program = waiting(&fake, &from_now(3600)).suffering(&faults).start();
    program.event("waiting_for_start");
    faults.set_wall_ahead_secs(-7200);
    let left = program.event("wall_clock_set")["for_sec"].as_f64().unwrap();
    assert!((10_000.0..=10_800.0).contains(&left), "{left}");
    faults.set_wall_ahead_secs(3600 + 60);
    let late = program.event("late_start")["late_sec"].as_f64().unwrap();
    assert!((50.0..=120.0).contains(&late), "{late}");
    program.events("client_started", 3);
    program.stopped();
}

#[test]
fn late_start_keeps_the_schedule() {
    let fake = Fake::named("ffmpeg");
    // Five of a hundred are due at once.
    let slow = ["-ramp-rate", "1", "-clients", "100"];
    let start_at = (Timestamp::now() - SignedDuration::from_millis(4_500)).to_string();
    let mut program = waiting(&fake, &start_at).args(&slow).start();
    assert!(program.event("late_start")["late_sec"].as_f64().unwrap() >= 4.5);
    let started = program.events("client_started", 5);
    let plans: BTreeSet<_> = started.iter().map(|e| e["scheduled_ms"].as_u64().unwrap()).collect();
    assert_eq!(plans, BTreeSet::from([0, 1_000, 2_000, 3_000, 4_000]));
    let ended = program.stopped();
    assert!(ended.stdout.contains(" after -start-at\n"), "{}", ended.stdout);

    let over = waiting(&fake, &from_now(-60)).args(&["-duration", "30s"]).run();
    assert_eq!(over.code, Some(1), "{over:#?}");
    assert!(over.log.iter().any(|line| line.contains("give a later time")), "{over:#?}");
}

#[test]
fn starts_at_the_given_time() {
    let fake = Fake::named("ffmpeg");
    let start_at = from_now(2);
    let mut program = waiting(&fake, &start_at).start();
    let started = program.events("client_started", 3).remove(0);
    let began: Timestamp = started["ts"].as_str().unwrap().parse().unwrap();
    let due: Timestamp = start_at.parse().unwrap();
    assert!(began >= due, "{began} is before {due}");
    assert!(program.seen("late_start").is_empty() || began.duration_since(due).as_secs() >= 1);
    program.stopped();
}
