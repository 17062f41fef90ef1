//! Runs whose clients never receive media, with every real FFmpeg of this machine and
//! with the fake: the exit code, the logged reason, and the outcomes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "a test serves by threads")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use rustix::process::Signal;
use serde_json::Value;
use support::fake::Fake;
use support::origin::Origin;
use support::program::{Ended, Program, Setup};
use support::tools::{real_ffmpegs, tool};

const CLIENTS: u64 = 2;

/// Longer than a client may be without media before a cause is named.
const LONG: [&str; 2] = ["-duration", "8s"];

fn load(ffmpeg: &Path, url: &str, summary: &Path) -> Setup {
    Setup::load(ffmpeg, url)
        .args(&["-clients", &CLIENTS.to_string(), "-ramp-rate", "50", "-ramp-jitter", "0"])
        .args(&["-backoff-initial", "50ms", "--skip-preflight"])
        .args(&["-summary-json", summary.to_str().unwrap()])
}

/// A running load, the name of its summary, and the expected result.
struct Run {
    what: String,
    program: Program,
    summary: PathBuf,
    outcome: &'static str,
    said: &'static str,
}

impl Run {
    /// Waits for its end, which must be that of a run without media, and checks that
    /// every output says so.
    fn conclude(self) {
        let Self { what, program, summary, outcome, said } = self;
        let ended = program.ended();
        assert_eq!(ended.code, Some(1), "{what}: {ended:#?}");
        let why = why(&ended);
        let all = format!("{CLIENTS} of {CLIENTS} clients");
        assert!(why.contains(&format!("{all} never played: {outcome}")), "{what}: {why}");
        assert!(why.contains(said), "{what}: {why}");
        let row = format!("\n Never played       {all}: {outcome}");
        assert!(ended.stdout.contains(&row), "{what}: {}", ended.stdout);
        let summary = read(&summary);
        let (clients, processes) = (&summary["clients"], &summary["processes"]);
        assert_eq!(clients["never_played"], CLIENTS, "{what}: {clients}");
        assert_eq!(clients["kept_by"][outcome], CLIENTS, "{what}: {clients}");
        assert!(clients["kept_example"].as_str().unwrap().starts_with(outcome), "{clients}");
        assert_eq!(processes["outcomes"]["stopped"], 0, "{what}: {processes}");
    }
}

/// The reason in the last line of the log.
fn why(ended: &Ended) -> String {
    let events = ended.events("nothing_played");
    assert_eq!(events.len(), 1, "{ended:#?}");
    assert_eq!(events[0]["level"], "error");
    events[0]["why"].as_str().unwrap().to_owned()
}

fn read(summary: &Path) -> Value {
    serde_json::from_slice(&fs::read(summary).unwrap()).unwrap()
}

/// Serves a live playlist whose segments are pages of HTML.
fn serve_no_media() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || respond(stream));
        }
    });
    address
}

fn respond(mut stream: TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let playlist = lines.next()?.contains(".m3u8");
    lines.find(String::is_empty)?;
    let body = if playlist {
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:7\n\
         #EXTINF:1,\n7.ts\n#EXTINF:1,\n8.ts\n#EXTINF:1,\n9.ts\n"
    } else {
        "<html>not found</html>"
    };
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()
}

#[test]
fn names_why_clients_never_played() {
    let folder = support::folder();
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let no_media = format!("http://{}/live.m3u8", serve_no_media());
    let origins = ["403:segments", "hang:segments", "drip:segments:1B/s", "reset:segments"]
        .map(|fault| Origin::with(&["-variants", "200k", "-fault", fault]));
    let [forbidding, hanging, dripping, resetting] =
        origins.each_ref().map(|origin| origin.url("stream.m3u8"));
    let refusing = format!("http://{refusing}/live.m3u8");
    let option = ["-max-restarts", "1", "-ffmpeg-arg=-nosuch", "-ffmpeg-arg=1"];
    let refused = "Connection refused";
    let cases: [(&str, &str, &[&str], &'static str, &'static str); 7] = [
        ("403", &forbidding, &LONG, "http_error", "no client ever received media"),
        ("hang", &hanging, &LONG, "timeout", "did not come in time"),
        ("drip", &dripping, &LONG, "timeout", "did not come in time"),
        ("reset", &resetting, &LONG, "network_error", ""),
        ("refused", &refusing, &LONG, "network_error", refused),
        ("no media", &no_media, &LONG, "media_error", "no media that FFmpeg can read"),
        ("option", &forbidding, &option, "error", "Unrecognized option 'nosuch'"),
    ];
    let mut runs = Vec::new();
    for ffmpeg in real_ffmpegs() {
        for (what, url, args, outcome, said) in &cases {
            let what = format!("{what} with {}", ffmpeg.display());
            let summary = folder.path().join(format!("{}.json", runs.len()));
            let mut program = load(&ffmpeg, url, &summary).args(args).start();
            // Programs that all start at once would delay one another.
            program.event("client_started");
            runs.push(Run { what, program, summary, outcome, said });
        }
    }
    runs.into_iter().for_each(Run::conclude);
    origins.into_iter().for_each(|origin| drop(origin.program.stopped()));
}

/// Names of this host only are known, and queries to the name server are dropped.
const MUTE_NAME_SERVER: &str = "ip link set lo up && ip link add mute type veth && \
    ip address add 10.203.254.1/24 dev mute && ip link set mute up && \
    ip link set veth0 up && \
    ip neighbour add 10.203.254.9 lladdr 02:00:00:00:00:09 dev mute nud permanent && \
    mount --bind \"$RESOLV\" /etc/resolv.conf && exec \"$@\"";

#[test]
fn names_an_unresponsive_name_server() {
    let Some(unshare) = tool("unshare") else { return };
    let folder = support::folder();
    let resolv = folder.path().join("resolv.conf");
    fs::write(&resolv, "nameserver 10.203.254.9\n").unwrap();
    let namespaces = ["--mount", "--net", "sh", "-c", MUTE_NAME_SERVER, "sh"];
    let mut trial = Command::new(&unshare);
    let possible = trial.args(namespaces).arg("true").env("RESOLV", &resolv).status();
    if !possible.is_ok_and(|status| status.success()) {
        println!("skipped: no namespace can be made here");
        return;
    }
    let mut runs = Vec::new();
    for ffmpeg in real_ffmpegs() {
        let what = format!("mute name server with {}", ffmpeg.display());
        let summary = folder.path().join(format!("{}.json", runs.len()));
        let setup = load(&ffmpeg, "http://origin.example.com/live.m3u8", &summary).args(&LONG);
        let setup = setup.env("RESOLV", resolv.to_str().unwrap());
        let program = setup.started_by(&unshare, &namespaces).start();
        let said = "no client ever received media";
        runs.push(Run { what, program, summary, outcome: "dns", said });
    }
    runs.into_iter().for_each(Run::conclude);
}

#[test]
fn refused_memory_is_not_blamed_on_the_stream() {
    let Some(ffmpeg) = tool("ffmpeg") else { return };
    let folder = support::folder();
    let (starved, summary) = (folder.path().join("ffmpeg"), folder.path().join("summary.json"));
    // Too little for its libraries, and only when it is to play.
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *-progress*) ulimit -v 100000 ;; esac\nexec {} \"$@\"\n",
        ffmpeg.display()
    );
    fs::write(&starved, script).unwrap();
    fs::set_permissions(&starved, PermissionsExt::from_mode(0o755)).unwrap();
    let setup = load(&starved, "http://127.0.0.1:9/live.m3u8", &summary);
    let program = setup.args(&["-max-restarts", "1"]).start();
    let file = summary.clone();
    let (what, said) = ("ulimit -v".to_owned(), "every client used up its restarts");
    Run { what, program, summary: file, outcome: "host_memory", said }.conclude();
    let host = &read(&summary)["host"];
    let shortfall = host["shortfalls"].as_array().unwrap().iter().find_map(|shortfall| {
        shortfall.as_str().filter(|shortfall| shortfall.contains("4 attempts lacked memory"))
    });
    assert!(shortfall.is_some(), "{host}");
}

/// A run of two fake clients, and its summary.
fn fake_run(steps: &str, args: &[&str], end: impl FnOnce(Program) -> Ended) -> (Ended, Value) {
    let (fake, folder) = (Fake::named("ffmpeg"), support::folder());
    let summary = folder.path().join("summary.json");
    let setup = load(&fake.path(), &format!("http://127.0.0.1:9/{steps}"), &summary);
    let mut program = setup.args(args).start();
    program.events("client_started", CLIENTS as usize);
    let ended = end(program);
    (ended, read(&summary))
}

#[test]
fn reports_a_stop_before_any_media() {
    let stop = |program: Program| {
        program.signal(Signal::TERM);
        program.ended()
    };
    let (ended, _) = fake_run("mute/wait", &[], stop);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let why = why(&ended);
    assert!(why.starts_with("stopped by SIGTERM before any client received media: "), "{why}");
    assert!(why.contains("2 of 2 clients never played: stopped; they were ended"), "{why}");
}

#[test]
fn one_playing_client_suffices_for_exit_code_0() {
    let (ended, summary) = fake_run("first-1/exit-3", &["-max-restarts", "1"], Program::stopped);
    assert!(ended.events("nothing_played").is_empty(), "{ended:#?}");
    assert_eq!(summary["clients"]["never_played"], 1);
    assert!(ended.stdout.contains("\n Never played       1 of 2 clients: no_input\n"));
}

#[test]
fn healthy_short_run_is_neither_flapping_nor_without_media() {
    let (ended, summary) = fake_run("live-0", &[], |mut program| {
        program.scraped("all play", |scrape| scrape.get("hlsswarm_clients_played") == 2.0);
        program.stopped()
    });
    assert!(ended.stdout.contains("\n Never played       0 of 2 clients\n"), "{}", ended.stdout);
    assert_eq!(summary["clients"]["never_played"], 0);
    assert_eq!(summary["processes"]["uptime_judgement"], "stable");
    assert_eq!(summary["clients"].get("kept_example"), None);
}

#[test]
fn run_without_progress_does_not_fail() {
    let (ended, summary) = fake_run("mute/wait", &["-stats=false"], Program::stopped);
    assert!(!ended.stdout.contains("Never played"), "{}", ended.stdout);
    assert_eq!(summary["clients"].get("never_played"), None);
}
