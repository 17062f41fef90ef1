//! The forms of the built-in origin's stream with real FFmpegs: the program's counts of
//! playlists, initialization sections, keys and segments against those of a real nginx
//! before the origin.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::path::Path;
use std::thread;

use serde_json::Value;
use support::nginx::Nginx;
use support::program::{Program, Setup};
use support::tools::real_ffmpegs;

const CLIENTS: u64 = 3;

/// The kind of a path, as named by the program.
fn kind(path: &str) -> &'static str {
    match path.rsplit(['.', '/']).next().unwrap() {
        "m3u8" => "playlist",
        "ts" | "m4s" => "segment",
        "mp4" => "init",
        "key" => "key",
        _ => "other",
    }
}

/// The built-in origin behind nginx; `None` without nginx.
fn servers() -> Option<(Program, Nginx)> {
    let args = ["origin", "-listen", "127.0.0.1:0", "-variants", "1500k,200k"];
    let mut origin = Setup::with(&args).start();
    let url = origin.stdout(|line| Some(line.to_owned()));
    let address = url.split('/').nth(2).and_then(|address| address.parse().ok());
    let nginx = Nginx::before(address.unwrap(), None)?;
    Some((origin, nginx))
}

fn load(ffmpeg: &Path, url: &str, summary: &Path, args: &[&str]) -> Program {
    Setup::load(ffmpeg, url)
        .args(&["-clients", &CLIENTS.to_string(), "-ramp-rate", "20", "-ramp-jitter", "0"])
        .args(&["-variant", "first", "-summary-json", summary.to_str().unwrap()])
        .args(args)
        .start()
}

/// Compares the program's requests and bytes with those that nginx saw in this many
/// attempts, up to this many requests under way.
fn counts_match(name: &str, summary: &Value, seen: &[Value], attempts: u64, under_way: u64) {
    let of_clients = |request: &&Value| request["agent"].as_str().unwrap().contains("/client-");
    let seen: Vec<&Value> = seen.iter().filter(of_clients).collect();
    for of_kind in ["playlist", "segment", "init", "key", "other"] {
        let saw = seen.iter().filter(|r| kind(r["path"].as_str().unwrap()) == of_kind).count();
        let counted = summary["requests"]["by_kind"][of_kind].as_u64().unwrap();
        assert!(
            counted.abs_diff(saw as u64) <= under_way,
            "{counted} of {saw} {of_kind} in {name}"
        );
    }
    let bytes_of = |field: &str| seen.iter().map(|r| r[field].as_u64().unwrap()).sum::<u64>();
    let (bodies, sent) = (bytes_of("bytes"), bytes_of("sent"));
    let longest = seen.iter().map(|r| r["bytes"].as_u64().unwrap()).max().unwrap();
    let counted = summary["bytes"]["downloaded"].as_u64().unwrap();
    // FFmpeg 9 abandons the variants that it does not play in the middle of a segment,
    // once per attempt; on a busy machine this can precede the first sample.
    let least = (bodies - bodies / 100).saturating_sub(attempts * longest);
    assert!((least..=sent).contains(&counted), "{counted} bytes of {bodies} to {sent} in {name}");
}

fn read(summary: &Path) -> Value {
    serde_json::from_slice(&fs::read(summary).unwrap()).unwrap()
}

/// Plays a programme on demand to its end with every client, twice, and compares.
fn plays_to_its_end(ffmpeg: &Path, form: &str) {
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    let Some((origin, nginx)) = servers() else { return };
    let url = nginx.url(&format!("{form}stream.m3u8"));
    load(ffmpeg, &url, &file, &["-max-restarts", "1"]).ended();
    origin.stopped();
    let (seen, summary) = (nginx.ended(), read(&file));
    let name = format!("{} {form}", ffmpeg.display());
    assert_eq!(summary["processes"]["outcomes"]["completed"], 2 * CLIENTS, "{name}");
    counts_match(&name, &summary, &seen, 2 * CLIENTS, 0);
}

/// Plays a live programme until every client has read this many segments.
fn plays_live(ffmpeg: &Path, form: &str, segments: usize) {
    let folder = support::folder();
    let file = folder.path().join("summary.json");
    let Some((origin, mut nginx)) = servers() else { return };
    let program = load(ffmpeg, &nginx.url(&format!("{form}stream.m3u8")), &file, &[]);
    for count in 1..=segments {
        for number in 0..CLIENTS {
            let agent = format!("/client-{number}");
            nginx.requests(count, |request| {
                let mine = request["agent"].as_str()?.ends_with(&agent);
                (mine && kind(request["path"].as_str()?) == "segment").then_some(())
            });
        }
    }
    program.stopped();
    origin.signal(rustix::process::Signal::TERM);
    let (seen, summary) = (nginx.ended(), read(&file));
    origin.stopped();
    let name = format!("{} {form}", ffmpeg.display());
    assert_eq!(summary["processes"]["outcomes"]["stopped"], CLIENTS, "{name}");
    counts_match(&name, &summary, &seen, CLIENTS, CLIENTS);
    assert!(seen.iter().all(|request| request["status"].as_u64().unwrap() < 400), "{name}");
    let age = &summary["playback"]["playlist_edge_age"]["count"];
    assert!(age.as_u64().unwrap() > 0, "no playlist edge age in {name}");
}

#[test]
fn plays_every_form_to_its_end_and_counts_exactly() {
    for ffmpeg in &real_ffmpegs() {
        for form in ["vod/fmp4/", "vod/aes/", "vod/aes/fmp4/"] {
            plays_to_its_end(ffmpeg, form);
        }
    }
}

#[test]
fn counts_live_forms_as_nginx_does() {
    for ffmpeg in &real_ffmpegs() {
        // In parallel, since a live programme takes its time.
        thread::scope(|scope| {
            for form in ["fmp4/", "aes/", "aes/fmp4/"] {
                scope.spawn(move || plays_live(ffmpeg, form, 7));
            }
        });
    }
}
