//! The fixtures of the end-to-end tests, tested without the program: a wrong fixture
//! would make every test wrong.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts the fake")]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use support::fake::Fake;
use support::http::{Connection, get};
use support::media::{SEGMENTS, presentation};
use support::nginx::Nginx;
use support::processes::{MARK, Process, marked};
use support::tools::real_ffmpegs;

fn play(fake: &Fake, steps: &str) -> Command {
    let mut command = Command::new(fake.path());
    command.args(["-user_agent", "test/client-7", "-i", &format!("http://h/{steps}")]);
    command
}

#[test]
fn the_fake_plays_its_steps() {
    let fake = Fake::named("ffmpeg");
    for (steps, code, signal, said) in [
        ("err-2/exit-3", Some(3), None, "line 2 of 2"),
        ("kill-9", None, Some(9), ""),
        ("only-7/exit-4", Some(4), None, ""),
        ("report/exit-1", Some(1), None, "report stdin /dev/null"),
        ("nonsense", Some(99), None, "unknown step"),
        ("endless-3/noise-3/flood-1/close/exit-0", Some(0), None, "503"),
    ] {
        let output = play(&fake, steps).stdin(Stdio::null()).output().unwrap();
        assert_eq!((output.status.code(), output.status.signal()), (code, signal), "{steps}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{steps}");
    }
}

#[test]
fn fake_responds_by_its_name() {
    let fake = Fake::named("ffmpeg").beside("ffmpeg-old").beside("ffprobe");
    let response = |name: &str, args: &[&str]| {
        let output = Command::new(fake.path().with_file_name(name)).args(args).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert!(response("ffmpeg", &["-version"]).1.starts_with("ffmpeg version 9.0-fake"));
    assert!(response("ffmpeg", &["-h", "full"]).1.contains("-seg_max_retry"));
    assert!(!response("ffmpeg-old", &["-h", "full"]).1.contains("-seg_max_retry"));
    assert!(!response("ffmpeg-old", &["-seg_max_retry", "3"]).0);
    assert!(response("ffprobe", &["http://h/"]).1.contains("variant_bitrate"));
}

#[test]
fn finds_a_grandchild_by_its_mark() {
    let fake = Fake::named("ffmpeg");
    let mark = format!("harness-{}", std::process::id());
    let mut child = play(&fake, "daemon-60/exit-0").env(MARK, &mark).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    let left = marked(&mark);
    assert_eq!(left.len(), 1);
    assert!(!left[0].ends_within(Duration::ZERO));
    left[0].signal(Signal::KILL);
    assert!(left[0].ends_within(support::LIMIT));
    assert_eq!(marked(&mark).len(), 0);
    assert!(Process::open(u32::MAX).is_none());
}

#[test]
fn nginx_serves_and_logs() {
    let folder = support::folder();
    std::fs::write(folder.path().join("a.m3u8"), "hello").unwrap();
    let Some(mut nginx) = Nginx::serving(folder.path()) else { return };
    assert_eq!(get(nginx.address(), "/a.m3u8").body, "hello");
    let mut connection = Connection::to(nginx.address());
    connection.send("HEAD /a.m3u8 HTTP/1.1\r\nHost: x.test\r\nUser-Agent: u/client-3\r\n\r\n");
    connection.send("GET /none HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n");
    assert_eq!(connection.reply(true).unwrap().status, 200);
    assert_eq!(connection.reply(false).unwrap().status, 404);
    assert!(connection.is_closed());
    drop(connection);
    let seen = nginx.requests(1, |r| (r["host"] == "x.test").then(|| r.clone())).remove(0);
    assert_eq!(
        (seen["method"].as_str(), seen["agent"].as_str()),
        (Some("HEAD"), Some("u/client-3"))
    );
    assert_eq!(nginx.ended().len(), 3);
}

#[test]
fn every_ffmpeg_plays_the_presentation() {
    let Some(mut nginx) = presentation().and_then(Nginx::serving) else { return };
    for ffmpeg in real_ffmpegs() {
        let arguments =
            ["-v", "error", "-i", &nginx.url("high/vod.m3u8"), "-c", "copy", "-f", "null", "-"];
        let output = Command::new(&ffmpeg).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{ffmpeg:?}: {}", String::from_utf8_lossy(&output.stderr));
        let last = format!("/high/seg{}.ts", SEGMENTS - 1);
        nginx.requests(1, |r| (r["path"] == last.as_str()).then_some(()));
    }
}
