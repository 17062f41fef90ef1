//! End to end with the fake FFmpeg: the report of a run, made at its end or later, of
//! one run or two, and errors of files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts the program")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::fake::Fake;
use support::program::Setup;

/// The program with these arguments, run to its end.
fn report(args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ffmpeg-hls-swarm"));
    program.arg("report").args(args).stdin(Stdio::null());
    program.output().unwrap()
}

/// Checks pages against the rules of axe-core, if it is installed.
fn accessible(pages: &[&Path]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/accessibility.sh");
    let held = Command::new(script).args(pages).output().unwrap();
    let said = String::from_utf8_lossy(&held.stderr);
    print!("{}", String::from_utf8_lossy(&held.stdout));
    assert!(held.status.success(), "{said}");
}

/// A run of two seconds that writes both files.
fn ran(json: &Path, page: &Path) {
    let fake = Fake::named("ffmpeg");
    let files = ["-summary-json", json.to_str().unwrap(), "-report", page.to_str().unwrap()];
    let steps = "err-20/sleep-300/exit-3";
    let own = ["-clients", "3", "-duration", "2s", "-ramp-rate", "100"];
    let ended = Setup::faking(&fake, steps).args(&own).args(&files).run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}

#[test]
fn report_of_a_run_equals_the_report_of_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (json, page) = (at("run.json"), at("run.html"));
    ran(&json, &page);
    let written = fs::read_to_string(&page).unwrap();
    assert!(written.starts_with("<!DOCTYPE html>"));
    assert!(written.contains("<h3>Clients</h3>"));
    let json = json.to_str().unwrap();
    let later = report(&[json]);
    assert!(later.status.success() && later.stderr.is_empty());
    assert!(later.stdout == written.as_bytes(), "the two pages differ");

    let both = at("both.html");
    let made = report(&[json, json, "-o", both.to_str().unwrap()]);
    assert!(made.status.success() && made.stdout.is_empty());
    assert!(fs::read_to_string(&both).unwrap().contains("Comparison of two load runs"));
    accessible(&[&page, &both]);
}

#[test]
fn file_errors_are_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("no.json"), "{\"schema_version\":2}").unwrap();
    fs::write(at("earlier.json"), "{\"schema_version\":1}").unwrap();
    fs::write(at("later.json"), "{\"schema_version\":999}").unwrap();
    fs::write(at("bytes.json"), [0xff, 0xfe, 0x00]).unwrap();
    for (file, want) in [
        (at("missing.json"), "give a file written by -summary-json"),
        (at("bytes.json"), "give a file written by -summary-json"),
        (at("no.json"), "not a summary of -summary-json"),
        (at("earlier.json"), "schema version 1, and this program reads 2"),
        (at("later.json"), "schema version 999"),
    ] {
        let made = report(&[&file]);
        let said = String::from_utf8(made.stderr).unwrap();
        assert_eq!(made.status.code(), Some(1), "{file}");
        assert!(said.contains(want) && said.lines().count() == 1, "{said}");
        assert!(made.stdout.is_empty());
    }
}

#[test]
fn unwritable_report_is_refused_before_and_warned_of_after() {
    let fake = Fake::named("ffmpeg");
    let own = ["-clients", "1", "-duration", "1s", "-report"];
    let setup = || Setup::faking(&fake, "wait").args(&own);
    let refused = setup().args(&["/no/such/place/run.html"]).run();
    refused.refuses(1, "-report /no/such/place/run.html");
    let late = setup().args(&["/dev/full"]).run();
    assert_eq!(late.code, Some(0), "{late:#?}");
    assert_eq!(late.events("report_not_written").len(), 1, "{late:#?}");
}
