//! The forms of the built-in origin's stream under real FFmpegs: what the program
//! counts of playlists, initialization sections, keys and segments against what a
//! real nginx before the origin saw.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::nginx::Nginx;
use support::program::Setup;
use support::tools::real_ffmpegs;

const CLIENTS: u64 = 3;

/// What a path is, as the program names it.
fn kind(path: &str) -> &'static str {
    match path.rsplit(['.', '/']).next().unwrap() {
        "m3u8" => "playlist",
        "ts" | "m4s" => "segment",
        "mp4" => "init",
        "key" => "key",
        _ => "other",
    }
}

/// Plays a programme on demand to its end with every client, and compares.
fn plays_to_its_end(ffmpeg: &Path, form: &str) {
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    let args = ["origin", "-listen", "127.0.0.1:0", "-variants", "1500k,200k"];
    let mut origin = Setup::with(&args).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    let address = url.split('/').nth(2).and_then(|address| address.parse().ok());
    let Some(nginx) = Nginx::before(address.unwrap(), None) else { return };
    let clients = CLIENTS.to_string();
    Setup::load(ffmpeg, &nginx.url(&format!("{form}stream.m3u8")))
        .args(&["-clients", &clients, "-ramp-rate", "20", "-ramp-jitter", "0"])
        .args(&["-variant", "first", "-max-restarts", "1"])
        .args(&["-summary-json", file.to_str().unwrap()])
        .start()
        .ended();
    origin.stopped();
    let seen: Vec<Value> = nginx.ended();
    let summary: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let name = format!("{} {form}", ffmpeg.display());
    assert_eq!(summary["processes"]["outcomes"]["completed"], 2 * CLIENTS, "{name}");
    let of_clients = |request: &&Value| request["agent"].as_str().unwrap().contains("/client-");
    let seen: Vec<&Value> = seen.iter().filter(of_clients).collect();
    for of_kind in ["playlist", "segment", "init", "key"] {
        let saw = seen.iter().filter(|r| kind(r["path"].as_str().unwrap()) == of_kind).count();
        let told = summary["requests"]["by_kind"][of_kind].as_u64().unwrap();
        assert_eq!(told, saw as u64, "{of_kind} of {name}");
    }
    let bodies: u64 = seen.iter().map(|request| request["bytes"].as_u64().unwrap()).sum();
    let bytes = summary["bytes"]["downloaded"].as_u64().unwrap();
    // FFmpeg 9 leaves the variants that it does not play in the middle of a segment.
    assert!((bodies - bodies / 100..=bodies).contains(&bytes), "{bytes} of {bodies} in {name}");
}

#[test]
fn forms_are_played_to_their_end_and_told_exactly() {
    for ffmpeg in &real_ffmpegs() {
        for form in ["vod/fmp4/", "vod/aes/", "vod/aes/fmp4/"] {
            plays_to_its_end(ffmpeg, form);
        }
    }
}
