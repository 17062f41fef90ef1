//! Faults of the built-in origin over https, as the swarm reports them: its numbers
//! against the lines of the origin's access log, with every real FFmpeg.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::program::Setup;
use support::tools::real_ffmpegs;

/// Attempts of the one client.
const ATTEMPTS: u64 = 2;

/// The summary of a load of one client and two attempts against an origin with this
/// fault, and the lines of the origin's access log.
fn played(ffmpeg: &Path, fault: &str, path: &str) -> (Value, Vec<Value>) {
    let folder = support::folder();
    let [ca, access, summary] = ["ca.pem", "access.log", "run.json"].map(|n| folder.path().join(n));
    let [ca, log, file] = [&ca, &access, &summary].map(|path| path.to_str().unwrap());
    let mut origin = Setup::with(&["origin", "-listen", "127.0.0.1:0", "-seed", "7"])
        .args(&["-variants", "200k", "-segment-duration", "1s", "-tls-ca", ca])
        .args(&["-access-log", log, "-fault", fault])
        .start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    assert!(url.starts_with("https://"), "{url}");
    Setup::load(ffmpeg, &url.replace("stream.m3u8", path))
        .args(&["-clients", "1", "-ramp-jitter", "0", "-max-restarts", "1"])
        .args(&["-variant", "first", "-backoff-initial", "10ms", "-backoff-max", "10ms"])
        .args(&["-timeout", "1s", "-reconnect=false", "-target-duration", "1s"])
        .args(&["-summary-json", file])
        .env("SSL_CERT_FILE", ca)
        .run();
    origin.stopped();
    let lines = fs::read_to_string(&access).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (serde_json::from_slice(&fs::read(&summary).unwrap()).unwrap(), lines)
}

/// A fault and the expected report.
struct Case {
    fault: &'static str,
    path: &'static str,
    /// Minimum number of faulty requests.
    least: u64,
    /// The swarm's name of the error.
    error: (&'static str, &'static str),
    /// Possible outcomes of the attempts.
    outcomes: &'static [&'static str],
}

const CASES: [Case; 5] = [
    Case {
        fault: "503:segments:30%",
        path: "vod/stream.m3u8",
        least: ATTEMPTS,
        error: ("segment", "http_5xx"),
        outcomes: &["completed", "http_error"],
    },
    Case {
        fault: "truncate:segments:40%",
        path: "vod/stream.m3u8",
        least: ATTEMPTS,
        error: ("segment", "truncated"),
        outcomes: &["completed", "network_error"],
    },
    Case {
        fault: "reset:segments",
        path: "vod/stream.m3u8",
        least: ATTEMPTS,
        error: ("segment", "connect"),
        outcomes: &["network_error"],
    },
    Case {
        fault: "hang:media",
        path: "stream.m3u8",
        least: ATTEMPTS,
        error: ("playlist", "timeout"),
        outcomes: &["timeout"],
    },
    Case {
        fault: "refuse:@0s-10m",
        path: "stream.m3u8",
        least: 0,
        error: ("playlist", "connect"),
        outcomes: &["network_error"],
    },
];

#[test]
fn faults_behind_tls_are_reported_as_without_it() {
    for ffmpeg in &real_ffmpegs() {
        for Case { fault, path, least, error: (kind, reason), outcomes } in CASES {
            let (summary, lines) = played(ffmpeg, fault, path);
            let faulty = lines.iter().filter(|line| line["faults"] != json!([])).count() as u64;
            assert!(faulty >= least, "{fault}: {faulty}");
            // A refused connection has no line.
            let errors = if least == 0 { ATTEMPTS } else { faulty };
            let (requests, processes) = (&summary["requests"], &summary["processes"]);
            assert_eq!(requests["errors"], json!({ kind: { reason: errors } }), "{fault}");
            let counts = outcomes.iter().filter_map(|name| processes["outcomes"][name].as_u64());
            assert_eq!(counts.sum::<u64>(), ATTEMPTS, "{fault}: {processes}");
            let statuses = if reason == "http_5xx" { json!({ "503": errors }) } else { json!({}) };
            assert_eq!(requests["http_errors"], statuses, "{fault}");
        }
    }
}
