//! The built-in origin over https with real FFmpegs, and the reports about a
//! certificate that a client does not trust.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "openssl is the client")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::program::{Program, Setup};
use support::tools::{real_ffmpegs, tool};

/// An origin that serves https, and its address.
fn origin(args: &[&str]) -> (Program, String) {
    let typed = [&["origin", "-listen", "127.0.0.1:0", "-variants", "200k"], args].concat();
    let mut origin = Setup::with(&typed).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    assert!(url.starts_with("https://127.0.0.1:") && url.ends_with("/stream.m3u8"), "{url}");
    let address = url.split('/').nth(2).unwrap().to_owned();
    (origin, address)
}

/// Plays a programme on demand with two clients, twice each; returns the summary.
fn play(ffmpeg: &Path, address: &str, trusted: &str) -> Value {
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    Setup::load(ffmpeg, &format!("https://{address}/vod/stream.m3u8"))
        .args(&["-clients", "2", "-variant", "first", "-max-restarts", "1"])
        .args(&["-summary-json", file.to_str().unwrap()])
        .env("SSL_CERT_FILE", trusted)
        .start()
        .ended();
    serde_json::from_slice(&fs::read(&file).unwrap()).unwrap()
}

#[test]
fn trusting_clients_play_and_others_report_tls_errors() {
    let folder = support::folder();
    let ca = folder.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let (origin, address) = origin(&["-tls-ca", ca]);
    for ffmpeg in &real_ffmpegs() {
        let name = ffmpeg.display();
        let summary = play(ffmpeg, &address, ca);
        assert_eq!(summary["processes"]["outcomes"]["completed"], 4, "{name} {summary}");
        assert_eq!(summary["requests"]["by_kind"]["segment"], 4 * 30, "{name} {summary}");
        assert_eq!(summary["requests"]["errors"], serde_json::json!({}), "{name}");
        // FFmpeg verifies from 9.0 on; others accept any certificate.
        let summary = play(ffmpeg, &address, "/dev/null");
        let outcomes = &summary["processes"]["outcomes"];
        let untrusted = summary["requests"]["errors"]["playlist"]["tls"].as_u64();
        match outcomes["completed"].as_u64().unwrap() {
            0 => {
                assert!(untrusted >= Some(4), "{name} {summary}");
                assert_eq!(outcomes["network_error"], 4, "{name} {summary}");
            }
            completed => assert_eq!((completed, untrusted), (4, None), "{name} {summary}"),
        }
    }
    origin.stopped();
}

/// What `openssl s_client` received for these bytes, and its messages.
fn asked(openssl: &Path, address: &str, args: &[&str], bytes: &[u8]) -> (String, String) {
    let mut client = Command::new(openssl)
        .args(["s_client", "-connect", address, "-servername", "localhost", "-ign_eof"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    client.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = client.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn certificate_is_trusted_in_both_tls_versions() {
    let Some(openssl) = tool("openssl") else { return };
    let folder = support::folder();
    let ca = folder.path().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let (origin, address) = origin(&["-tls-ca", ca]);
    for version in ["-tls1_2", "-tls1_3"] {
        let args = [version, "-CAfile", ca, "-verify_return_error"];
        // Two requests on one connection, which the second one closes.
        let bytes = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n\
                      GET /v0/index.m3u8 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        let (got, said) = asked(&openssl, &address, &args, bytes);
        assert!(got.contains("Verify return code: 0 (ok)"), "{version}: {got}{said}");
        assert_eq!(got.matches("HTTP/1.1 200 OK").count(), 2, "{version}: {got}");
        assert!(got.contains("#EXT-X-MEDIA-SEQUENCE"), "{version}: {got}");
    }
    origin.stopped();
}

#[test]
fn closes_plain_connections_without_a_response() {
    let (origin, address) = origin(&["-tls"]);
    let mut plain = TcpStream::connect(&address).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut got = Vec::new();
    // A TLS alert and the end; a reset is an end as well.
    let _ = plain.read_to_end(&mut got);
    assert!(!got.starts_with(b"HTTP"), "{got:?}");
    assert!(got.len() < 100, "{got:?}");
    origin.stopped();
}

#[test]
fn reports_an_unwritable_certificate_before_the_start() {
    let program = Setup::with(&["origin", "-listen", "127.0.0.1:0", "-tls-ca", "/nowhere/ca.pem"]);
    let ended = program.run();
    ended.refuses(1, "-tls-ca /nowhere/ca.pem");
    ended.refuses(1, "give a file that can be written");
}
