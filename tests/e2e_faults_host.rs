//! End to end with the fake FFmpeg: a host that runs out of descriptors, processes or
//! memory, and an FFmpeg that is replaced during the run.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::disallowed_methods, reason = "asks whether another user may run the program")]

mod support;

use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::geteuid;
use support::fake::{Fake, Faults};
use support::http::{Connection, Scrape};
use support::origin::Origin;
use support::program::{PROGRAM, Program, Setup};
use support::tools::tool;

/// A user without processes, so that its limit applies to ours only.
const STRANGER: &str = "54871";

/// Quick restarts, so that a test sees several.
const QUICK: [&str; 4] = ["-backoff-initial", "20ms", "-backoff-max", "50ms"];

fn flapping(fake: &Fake, clients: &str) -> Setup {
    Setup::faking(fake, "sleep-100/exit-1")
        .args(&["-clients", clients, "-ramp-rate", "200", "-ramp-jitter", "0"])
        .args(&QUICK)
}

/// Checks that starts fail for this reason while scrapes get responses.
fn survives(program: &mut Program, reason: &str) {
    let failures = program.events("spawn_failed", 3);
    assert!(failures.iter().all(|event| event["reason"] == reason), "{failures:#?}");
    let sample = format!("hlsswarm_spawn_failures_total{{reason=\"{reason}\"}}");
    let scrape = program.scraped("nothing is left to fail", |scrape| {
        scrape.get("hlsswarm_clients_active") == 0.0 && scrape.get(&sample) >= 3.0
    });
    assert!(scrape.get("process_resident_memory_bytes") > 0.0, "{}", scrape.text);
}

/// Checks that starts resume once the resource is available, without losses.
fn recovers(mut program: Program) {
    let started = program.scrape().get("hlsswarm_clients_started_total");
    program.scraped("clients start again", |scrape| {
        scrape.get("hlsswarm_clients_started_total") >= started + 4.0
    });
    program.stopped();
}

#[test]
fn starts_leave_descriptors_for_scrapes() {
    let fake = Fake::named("ffmpeg");
    let setup = Setup::faking(&fake, "wait").args(&["-clients", "30", "-ramp-rate", "500"]);
    let mut program = setup.args(&["-ramp-jitter", "0"]).born_after("ulimit -n 60").start();
    let address = program.metrics();
    program.events("spawn_failed", 1);
    let mut scrapers: Vec<_> = (0..10).map(|_| Connection::to(address)).collect();
    for scraper in &mut scrapers {
        scraper.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    for scraper in &mut scrapers {
        let reply = scraper.reply(false).unwrap();
        assert_eq!(reply.status, 200);
        assert!(!reply.body.contains("\nprocess_resident_memory_bytes 0\n"), "{}", reply.body);
    }
    drop(scrapers);
    let scrape = Scrape::of(address);
    assert!(scrape.get("hlsswarm_clients_active") >= 5.0, "{}", scrape.text);
    program.stopped();
}

#[test]
fn survives_a_falling_limit_of_descriptors() {
    let fake = Fake::named("ffmpeg");
    let mut program = flapping(&fake, "4").start();
    program.event("ramp_complete");
    let before = program.process.limit_descriptors(Some(20));
    survives(&mut program, "descriptors");
    program.process.limit_descriptors(before);
    recovers(program);
}

/// Idle connections: some never send a request, some do not read.
fn strangers(origin: &Origin, count: usize) -> Vec<Connection> {
    let connect = |number| {
        let mut stranger = Connection::to(origin.address);
        if number % 2 == 0 {
            stranger.send("GET /vod/v0/1.ts HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        stranger
    };
    (0..count).map(connect).collect()
}

#[test]
fn origin_with_few_descriptors_serves_active_clients() {
    let setup = Setup::with(&["origin", "-listen", "127.0.0.1:0"]);
    let origin = Origin::started(setup.born_after("ulimit -n 40"));
    let mut kept = Connection::to(origin.address);
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(strangers(&origin, 5));
        // A connection in use is never the idlest.
        kept.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(kept.reply(false).unwrap().status, 200);
    }
    let scrape = origin.scrape();
    assert!(scrape.get("hlsswarm_origin_connections_evicted_total") >= 60.0, "{}", scrape.text);
    // A scrape needs a descriptor to read `/proc`.
    assert!(scrape.get("process_open_fds") > 10.0, "{}", scrape.text);
    let ended = origin.program.stopped();
    assert_eq!(ended.events("connections_evicted").len(), 1, "said once a minute");
}

#[test]
fn origin_survives_a_falling_limit_of_descriptors() {
    let origin = Origin::with(&[]);
    let process = &origin.program.process;
    process.limit_descriptors(Some(20));
    let _strangers = strangers(&origin, 30);
    for _ in 0..3 {
        assert_eq!(origin.get("/health").status, 200);
    }
    let mut last = Vec::new();
    support::until("nobody goes before somebody else comes", || {
        let mut one = Connection::to(origin.address);
        one.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(one.reply(false).unwrap().status, 200);
        last.push(one);
        let open = process.descriptors();
        (0..20).all(|number| open.contains(&number))
    });
    let ended = origin.program.stopped();
    assert_eq!(ended.events("connections_evicted").len(), 1);
}

/// Root has no limit of processes, so as root this runs as another user.
#[test]
fn survives_a_falling_limit_of_processes() {
    let Some(prlimit) = tool("prlimit") else { return };
    let fake = Fake::named("ffmpeg");
    fake.share();
    let mut setup = flapping(&fake, "4");
    let mut limit = Command::new(&prlimit);
    if geteuid().is_root() {
        let Some(setpriv) = tool("setpriv") else { return };
        let other = ["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"];
        let mut asks = Command::new(&setpriv);
        asks.args(other).arg(PROGRAM).arg("-version").stdout(Stdio::null()).stderr(Stdio::null());
        if !asks.status().unwrap().success() {
            println!("skipped: another user may not run {PROGRAM}");
            return;
        }
        setup = setup.started_by(&setpriv, &other);
        limit = Command::new(&setpriv);
        limit.args(other).arg(&prlimit);
    }
    let mut program = setup.start();
    program.event("ramp_complete");
    limit.arg("--pid").arg(program.process.pid.to_string());
    let (before, _) = program.process.limits("Max processes");
    assert!(limit.arg("--nproc=1:").status().unwrap().success());
    survives(&mut program, "processes");
    let before = before.map_or("unlimited".to_owned(), |before| before.to_string());
    // The last one counts.
    assert!(limit.arg(format!("--nproc={before}:")).status().unwrap().success());
    recovers(program);
}

/// The kernel refuses memory for a process only if the machine or its cgroup has none
/// left, so a shim refuses it before clone(2).
#[test]
fn survives_refused_memory() {
    let (fake, faults) = (Fake::named("ffmpeg"), Faults::none());
    let mut program = flapping(&fake, "4").suffering(&faults).start();
    program.event("ramp_complete");
    faults.fail_clone(Errno::NOMEM.raw_os_error().into());
    survives(&mut program, "memory");
    faults.fail_clone(0);
    recovers(program);
}

#[test]
fn survives_a_replaced_ffmpeg() {
    let fake = Fake::named("ffmpeg");
    let mut program = flapping(&fake, "2").start();
    program.event("ramp_complete");
    let faults: [(&str, &dyn Fn()); 4] = [
        ("not_found", &|| fake.vanish()),
        ("permission", &|| fake.replace_by(b"no program", 0o644)),
        ("other", &|| fake.replace_by(b"\x7fELF and no more", 0o755)),
        ("not_found", &|| fake.replace_by(b"#!/nonexistent/interpreter\n", 0o755)),
    ];
    for (reason, fault) in faults {
        let sample = format!("hlsswarm_spawn_failures_total{{reason=\"{reason}\"}}");
        let before = program.scrape().get(&sample);
        fault();
        program.scraped(reason, |scrape| {
            scrape.get(&sample) >= before + 2.0 && scrape.get("hlsswarm_clients_active") == 0.0
        });
        let started = program.scrape().get("hlsswarm_clients_started_total");
        let _ = std::fs::remove_file(fake.path());
        fake.reappear();
        program.scraped("clients start again", |scrape| {
            scrape.get("hlsswarm_clients_started_total") >= started + 2.0
        });
    }
    program.stopped();
}
