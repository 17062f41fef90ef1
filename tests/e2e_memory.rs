//! End to end: an FFmpeg with too much memory is reported, and killed if requested.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "an origin beside the program needs threads")]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use support::fake::Fake;
use support::program::{Program, Setup};
use support::tools::real_ffmpegs;

const LIMITED: [&str; 4] = ["-clients", "1", "-ffmpeg-memory-max", "96M"];

#[test]
fn reports_a_large_process_while_running_and_in_the_summary() {
    let fake = Fake::named("ffmpeg");
    let mut program = Setup::faking(&fake, "only-1/mem-300/watch").args(&["-clients", "2"]).start();
    let high = program.event("client_memory_high");
    assert_eq!(high["client_id"], 1, "{high}");
    assert!(high["resident_bytes"].as_u64().unwrap() >= 300 << 20, "{high}");
    let ended = program.stopped();
    assert_eq!(ended.events("client_memory_high").len(), 1, "{ended:#?}");
    assert!(ended.stdout.contains("the FFmpeg of client 1 took 30"), "{}", ended.stdout);
}

/// Checks that its process is killed because of its memory, and the client restarts.
fn is_ended(program: &mut Program) {
    let limit = program.event("client_memory_limit");
    assert_eq!(limit["limit_bytes"], 96 << 20, "{limit}");
    let exited = program.event("client_exited");
    assert_eq!((&exited["outcome"], &exited["exit_code"]), (&"memory_limit".into(), &137.into()));
    program.events("client_started", 2);
}

#[test]
fn kills_a_silent_process_above_the_limit() {
    let fake = Fake::named("ffmpeg");
    let mut program = Setup::faking(&fake, "mem-128/wait").args(&LIMITED).start();
    is_ended(&mut program);
    program.stopped();
}

/// An endless master playlist.
fn endless_playlist() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for peer in listener.incoming() {
            let peer = peer.unwrap();
            thread::spawn(move || serve_without_end(peer));
        }
    });
    address
}

fn serve_without_end(mut peer: TcpStream) {
    let _ = peer.read(&mut [0; 4096]);
    let _ = peer.write_all(b"HTTP/1.1 200 OK\r\n\r\n#EXTM3U\n#EXT-X-TARGETDURATION:2\n");
    let lines = "#EXTINF:2,\nsegment.ts\n".repeat(1_000);
    while peer.write_all(lines.as_bytes()).is_ok() {}
}

#[test]
fn memory_limit_ends_an_endless_playlist() {
    let address = endless_playlist();
    for ffmpeg in real_ffmpegs() {
        let url = format!("http://{address}/live.m3u8");
        let mut program = Setup::load(&ffmpeg, &url).args(&LIMITED).start();
        is_ended(&mut program);
        let nothing = &program.stopped_without_media().events("nothing_played")[0];
        assert!(nothing.to_string().contains("memory_limit"), "{nothing}");
    }
}
