//! The generated command, with the FFmpeg binaries of this machine.
//!
//! `FFMPEG` (default `ffmpeg` in `PATH`) and `FFMPEG_NEW` (default `ffmpeg9`) name two
//! versions; a missing one is skipped with a line on stderr.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test runs programs, reads its environment, says what it skips, and may panic"
)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ffmpeg_hls_swarm::ffmpeg::capabilities::{Capabilities, HELP_ARGS, VERSION_ARGS};
use ffmpeg_hls_swarm::ffmpeg::command::{Map, Template};
use ffmpeg_hls_swarm::ffmpeg::options::{LogDetail, Options};
use ffmpeg_hls_swarm::units::ClientId;

/// FFmpeg's messages about an option or a value that it does not accept.
const REFUSALS: [&str; 5] = [
    "Option not found",
    "Unrecognized option",
    "not found.",
    "Error parsing option",
    "Error setting option",
];

/// Every installed program, by name.
fn programs() -> Vec<String> {
    let named = |variable: &str, default: &str| {
        std::env::var(variable).unwrap_or_else(|_| default.to_owned())
    };
    let mut programs = vec![named("FFMPEG", "ffmpeg"), named("FFMPEG_NEW", "ffmpeg9")];
    programs.retain(|program| {
        let found = Command::new(program).arg("-version").stdout(Stdio::null()).status().is_ok();
        if !found {
            eprintln!("skipped: no {program} on this machine");
        }
        found
    });
    programs
}

fn output_of(program: &str, args: &[&str]) -> Vec<u8> {
    Command::new(program).args(args).stdin(Stdio::null()).output().unwrap().stdout
}

fn capabilities(program: &str) -> Capabilities {
    Capabilities::parse(&output_of(program, VERSION_ARGS), &output_of(program, HELP_ARGS)).unwrap()
}

/// A loopback port without a listener.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Every option.
fn options(scheme: &str, host: &str) -> Options {
    Options {
        no_cache: true,
        headers: vec!["X-Test: it's \"quoted\"".to_owned()],
        extra_args: vec!["-re".to_owned()],
        user_agent: "swarm (test) 'x'".to_owned(),
        timeout: Duration::from_secs(2),
        reconnect: true,
        reconnect_delay_secs: 1,
        segment_retries: 3,
        stats: Some(LogDetail::Verbose),
        ..Options::new(format!("{scheme}://{host}:{}/a.m3u8", closed_port()).parse().unwrap())
    }
}

/// Runs the command of client 3 through a shell, as a person would paste it.
fn stderr_of(program: &str, options: &Options, map: Map) -> String {
    let template = Template::new(options, map, &capabilities(program)).unwrap();
    let line = template.shell_line(Path::new(program), ClientId::new(3));
    let output = Command::new("bash").args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn ffmpeg_accepts_every_option() {
    for program in programs() {
        for (scheme, map) in [
            ("http", Map::All),
            ("http", Map::First),
            ("http", Map::Program(0)),
            ("https", Map::All),
        ] {
            let mut options = options(scheme, "127.0.0.1");
            // With it FFmpeg would retry for seconds; its options are tested below.
            options.reconnect = scheme == "http" && map == Map::All;
            let stderr = stderr_of(&program, &options, map);
            for refusal in REFUSALS {
                assert!(!stderr.contains(refusal), "{program} {scheme}: {stderr}");
            }
            assert!(stderr.contains("Connection refused"), "{program} {scheme}: {stderr}");
        }
    }
}

#[test]
fn resolve_is_accepted_or_rejected_beforehand() {
    for program in programs() {
        for scheme in ["http", "https"] {
            let mut options = options(scheme, "origin.invalid");
            options.reconnect = false;
            options.resolve = Some("127.0.0.1".parse().unwrap());
            let capabilities = capabilities(&program);
            if scheme == "https" && capabilities.verifies_tls() {
                assert!(Template::new(&options, Map::All, &capabilities).is_err());
                continue;
            }
            let stderr = stderr_of(&program, &options, Map::All);
            assert!(stderr.contains("Connection refused"), "{program} {scheme}: {stderr}");
        }
    }
}
