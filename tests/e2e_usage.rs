//! End to end: an FFmpeg that is missing, another program, or old; a host that lacks
//! what a run needs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::disallowed_methods, reason = "asks whether a file system can be mounted")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::fake::Fake;
use support::namespaces::Hosts;
use support::program::{PROGRAM, Setup};
use support::tools::tool;

const URL: &str = "http://127.0.0.1:9/wait";

#[test]
fn missing_ffmpeg_is_an_error_with_a_remedy() {
    let ended = Setup::with(&["-metrics", "127.0.0.1:0", URL]).env("PATH", "/nowhere").run();
    ended.refuses(1, "install");
}

#[test]
fn other_programs_are_an_error_with_a_remedy() {
    let folder = support::folder();
    let plain = folder.path().join("plain");
    fs::write(&plain, "no program").unwrap();
    let missing = folder.path().join("missing");
    for ffmpeg in [&plain, &missing, folder.path(), Path::new("/bin/true"), Path::new(PROGRAM)] {
        let ended = Setup::load(ffmpeg, URL).run();
        ended.refuses(1, "install");
        assert!(ended.log[0].contains(ffmpeg.to_str().unwrap()), "{ended:#?}");
    }
}

#[test]
fn lack_of_a_resource_is_an_error_with_a_remedy() {
    let fake = Fake::named("ffmpeg");
    let few = Setup::load(&fake.path(), URL).born_after("ulimit -n 16").run();
    few.refuses(1, "ulimit -n");
    assert!(!few.log[0].contains("install"), "{few:#?}");
    let Some(unshare) = tool("unshare") else { return };
    let hidden = ["--mount", "sh", "-c", "mount -t tmpfs none /dev && exec \"$0\" \"$@\""];
    let mut tried = Command::new(&unshare);
    tried.args(hidden).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    if !tried.status().unwrap().success() {
        println!("skipped: no file system can be mounted");
        return;
    }
    for setup in [Setup::load(&fake.path(), URL), Setup::with(&["--demo"])] {
        let bare = setup.started_by(&unshare, &hidden).run();
        bare.refuses(1, "mknod -m 666 /dev/null");
        assert!(!bare.log[0].contains("install"), "{bare:#?}");
    }
}

#[test]
fn gives_up_on_an_unresponsive_ffmpeg() {
    let fake = Fake::named("ffmpeg-hangs");
    let ended = Setup::load(&fake.path(), URL).start().ended_within(Duration::from_secs(8));
    ended.refuses(1, "5 s");
}

#[test]
fn old_ffmpeg_runs_without_unsupported_options() {
    let fake = Fake::named("ffmpeg-old");
    let args = ["-clients", "2", "-ramp-rate", "50", "-v"];
    let mut program = Setup::faking(&fake, "err-1/wait").args(&args).start();
    let left_out = program.event("ffmpeg_options_left_out");
    assert!(left_out.to_string().contains("-seg_max_retry"), "{left_out}");
    program.events("process_stderr", 2);
    let ended = program.stopped();
    assert_eq!(ended.events("ffmpeg_options_left_out").len(), 1);
    for exited in ended.events("client_exited") {
        assert_eq!(exited["exit_code"], 255, "{exited}");
    }
}

#[test]
fn invalid_url_is_bad_usage() {
    for url in ["", "ftp://h/a", "http://", "-", "h/a.m3u8"] {
        let ended = Setup::with(&["-metrics", "127.0.0.1:0", url]).run();
        assert_eq!(ended.code, Some(2), "{url:?}: {ended:#?}");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn uses_the_ffprobe_next_to_ffmpeg() {
    let fake = Fake::named("ffmpeg").beside("ffprobe");
    for (variant, map) in [("highest", "-map 0:p:1"), ("lowest", "-map 0:p:0")] {
        let ended = Setup::faking(&fake, "wait").args(&["-variant", variant, "--print-cmd"]).run();
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        assert!(ended.stdout.contains(map), "{ended:#?}");
        let found = ended.log.join("\n");
        assert!(found.contains("2500000") && found.contains("400000"), "{found}");
    }
}

#[test]
fn unknown_variants_are_a_warning_or_an_error() {
    let fake = Fake::named("ffmpeg").beside("ffprobe-fails");
    let ffprobe = fake.path().with_file_name("ffprobe-fails");
    let args = ["-variant", "highest", "--print-cmd", "-ffprobe", ffprobe.to_str().unwrap()];
    let ended = Setup::faking(&fake, "wait").args(&args).run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("-map '0:v:0?' -map '0:a:0?'"), "{ended:#?}");
    assert_eq!(ended.events("variants_unknown").len(), 1, "{ended:#?}");
    let fails = ["-probe-failure-policy", "fail"];
    Setup::faking(&fake, "wait").args(&args).args(&fails).run().refuses(1, "-variant");
}

#[test]
fn demo_without_loopback_names_the_remedy() {
    let hosts = Hosts::new(0);
    for lost in ["ip link set lo down", "ip address del 127.0.0.1/8 dev lo"] {
        let demo = Setup::with(&["--demo", "-metrics", "", "-duration", "1s"]);
        let Some(setup) = hosts.at_origin_after(lost, demo) else { return };
        let ended = setup.run();
        ended.refuses(1, "--demo needs 127.0.0.1");
        ended.refuses(1, "ip link set lo up");
        assert!(!ended.log[0].contains("-listen"), "{ended:#?}");
        // Restore it for the next test.
        let restored = "ip link set lo up; ip address replace 127.0.0.1/8 dev lo";
        hosts.at_origin_after(restored, Setup::with(&["-version"])).unwrap().run();
    }
}
