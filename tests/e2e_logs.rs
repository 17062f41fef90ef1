//! End to end with the fake FFmpeg: the log as JSON and as text, its secrets, and
//! readers that stall or close.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use support::fake::Fake;
use support::http::Scrape;
use support::program::Setup;

const DROPPED: &str = "hlsswarm_log_lines_dropped_total{stream=\"journal\"}";

fn setup(fake: &Fake, steps: &str, args: &[&str]) -> Setup {
    Setup::faking(fake, steps)
        .args(&["-clients", "4", "-ramp-rate", "200", "-ramp-jitter", "0"])
        .args(args)
}

#[test]
fn stalled_log_reader_drops_lines_only() {
    let fake = Fake::named("ffmpeg");
    let mut program = setup(&fake, "sleep-500/flood-0", &["-v"]).with_stalled_log().start();
    let address = program.metrics();
    program.event("ramp_complete");
    let mut read_before = 0.0;
    support::until("lines are dropped", || {
        let scrape = Scrape::of(address);
        read_before = scrape.get("hlsswarm_log_lines_total{stream=\"stderr\"}");
        scrape.get(DROPPED) > 0.0
    });
    support::until("the clients are read on", || {
        let scrape = Scrape::of(address);
        assert_eq!(scrape.get("hlsswarm_clients_active"), 4.0);
        scrape.get("hlsswarm_log_lines_total{stream=\"stderr\"}") > read_before + 10_000.0
    });
    program.signal(Signal::TERM);
    let ended = program.ended_within(Duration::from_secs(10));
    assert_eq!(ended.code, Some(0));
}

#[test]
fn closed_log_does_not_end_the_run() {
    let fake = Fake::named("ffmpeg");
    let ended = setup(&fake, "err-5/exit-1", &["-v", "-duration", "1s"]).with_closed_log().run();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.stdout.is_empty(), "no summary");
}

#[test]
fn every_log_line_is_a_json_object() {
    let fake = Fake::named("ffmpeg");
    let mut program = setup(&fake, "noise-20/endless-100/err-2/exit-1", &["-v"]).start();
    program.events("client_exited", 6);
    let ended = program.stopped();
    for line in &ended.log {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        assert!(event["ts"].is_string() && event["level"].is_string(), "{line}");
        assert!(event["msg"].is_string(), "{line}");
    }
    assert!(!ended.events("process_stderr").is_empty());
}

/// Whether a terminal interprets this character, or it is invisible.
fn is_hidden(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn no_output_has_hidden_characters() {
    let fake = Fake::named("ffmpeg-odd");
    let folder = support::folder();
    let (summary, report) = (folder.path().join("s.json"), folder.path().join("r.html"));
    for format in ["json", "text"] {
        let files = [summary.to_str().unwrap(), report.to_str().unwrap()];
        let mut program = setup(&fake, "odd/exit-1", &["-v", "-log-format", format])
            .args(&["-summary-json", files[0], "-report", files[1], "-duration", "1s"])
            .start();
        let scrape = (format == "json").then(|| program.scrape().text);
        let ended = program.ended();
        let read = |file| std::fs::read_to_string(file).unwrap();
        let outlets = [
            ("log", ended.log.join("\n")),
            ("stdout", ended.stdout),
            ("summary", read(&summary)),
            ("report", read(&report)),
            ("scrape", scrape.unwrap_or_else(|| "odd 9.0-fake".to_owned())),
        ];
        for (name, text) in &outlets {
            assert!(text.contains(if *name == "scrape" { "9.0-fake" } else { "odd" }), "{name}");
            assert_eq!(text.find(is_hidden), None, "{format}: {name}: {text:?}");
        }
        let json: Value = serde_json::from_str(&outlets[2].1).unwrap();
        let patterns = json["log"]["error_patterns"].as_array().unwrap();
        assert_eq!(patterns.len(), 1, "a line that says nothing is a pattern: {patterns:?}");
    }
}

#[test]
fn client_events_have_its_number() {
    let fake = Fake::named("ffmpeg");
    let mut program = setup(&fake, "exit-2", &[]).start();
    for name in ["client_started", "client_exited", "client_restart_scheduled"] {
        for event in program.events(name, 4) {
            assert!(event["client_id"].as_u64().is_some_and(|id| id < 4), "{event}");
        }
    }
    program.stopped();
}

#[test]
fn logs_stderr_of_clients_only_if_requested() {
    let fake = Fake::named("ffmpeg");
    let mut program = setup(&fake, "err-5/wait", &[]).start();
    program.event("ramp_complete");
    assert_eq!(program.stopped().events("process_stderr").len(), 0);
    let mut program = setup(&fake, "err-5/wait", &["-v"]).start();
    program.events("process_stderr", 20);
    program.stopped();
}

#[test]
fn text_format_is_readable() {
    let fake = Fake::named("ffmpeg");
    let ended = setup(&fake, "wait", &["-log-format", "text", "-duration", "1s"]).run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(
        ended.log.iter().any(|line| line.contains(" client_started client_id=0 ")),
        "{ended:#?}"
    );
    assert!(ended.log.iter().all(|line| !line.starts_with('{')), "{ended:#?}");
}

#[test]
fn log_level_filters_by_severity() {
    let fake = Fake::named("ffmpeg");
    for (level, logged) in [("info", true), ("warn", false), ("error", false)] {
        let ended = setup(&fake, "wait", &["-log-level", level, "-duration", "1s"]).run();
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        assert_eq!(!ended.log.is_empty(), logged, "{level}: {ended:#?}");
    }
}

#[test]
fn prints_no_secret() {
    let fake = Fake::named("ffmpeg");
    let secrets = ["-header", "Authorization: Bearer hunter2", "-header", "Cookie: sid=hunter2"];
    let url = "http://me:hunter2@127.0.0.1:9/err-3/exit-1?token=hunter2";
    let ended = Setup::load(&fake.path(), url)
        .args(&["-clients", "2", "-duration", "1s", "-v", "--skip-preflight"])
        .args(&secrets)
        .run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(!ended.events("client_exited").is_empty(), "{ended:#?}");
    assert!(!format!("{ended:?}").contains("hunter2"), "{ended:#?}");
}

#[test]
fn errors_and_verdicts_have_no_secret() {
    let missing = Setup::load(Path::new("/missing?token=hunter2"), "http://127.0.0.1:9/").run();
    missing.refuses(1, "token=***");
    let fake = Fake::named("ffmpeg");
    let checked = Setup::faking(&fake, "token=hunter2").args(&["--check", "-max-restarts", "1"]);
    let checked = checked.run();
    assert_eq!(checked.code, Some(1), "{checked:#?}");
    assert!(checked.stdout.contains("unknown step token=***"), "{checked:#?}");
    assert!(!format!("{checked:?}").contains("hunter2"), "{checked:#?}");
}
