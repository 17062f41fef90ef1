//! The real FFmpeg reads the built-in origin's media: the right streams, every picture
//! and frame, and no warning.
//!
//! Uses the binaries in `FFMPEG` and `FFPROBE`, or those in `PATH`; without any the
//! test is skipped with a line that says so. The origin's output is written to files
//! first, so no socket is needed.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that starts the real binaries, which the environment names"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ffmpeg_hls_swarm::hls::Document;
use ffmpeg_hls_swarm::http::{Body, Method, Request, Status};
use ffmpeg_hls_swarm::origin::form::{Container, Form, Timing};
use ffmpeg_hls_swarm::origin::media::Variant;
use ffmpeg_hls_swarm::origin::playlist::VOD_SEGMENTS;
use ffmpeg_hls_swarm::origin::{Origin, StreamSettings};
use ffmpeg_hls_swarm::units::{Moment, Wall};
use tempfile::TempDir;

/// 2026-11-23 07:00 UTC in segments of two seconds.
const TODAY: u64 = 897_708_600;

/// The segment of two seconds in which timestamps wrap: 2^33 ticks of 90 kHz are
/// 95,443.7 s.
const WRAP: u64 = 47_721;

/// The binary named by a variable, or by its own name, if it runs.
fn binary(variable: &str, name: &str) -> Option<String> {
    let binary = std::env::var(variable).unwrap_or_else(|_| name.to_owned());
    let runs = Command::new(&binary).arg("-version").output().is_ok_and(|o| o.status.success());
    if !runs {
        eprintln!("skipped: {binary} does not run; install FFmpeg or set {variable}");
    }
    runs.then_some(binary)
}

/// The output of a run that must succeed, and its stderr.
fn run(binary: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new(binary).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{binary} {arguments:?}: {said}");
    (String::from_utf8_lossy(&output.stdout).into_owned(), said)
}

/// Decodes every stream of a file or playlist; any warning of FFmpeg fails. Returns the
/// number of pictures of the first video stream.
fn decode(ffmpeg: &str, input: &Path) -> u64 {
    let input = input.to_str().unwrap();
    let quiet = ["-hide_banner", "-nostdin", "-nostats", "-v", "warning", "-progress", "pipe:1"];
    // From files FFmpeg refuses a key because its name has no extension.
    let any: &[&str] = if input.ends_with(".m3u8") { &["-allowed_extensions", "ALL"] } else { &[] };
    let what = ["-xerror", "-i", input, "-map", "0", "-f", "null", "-"];
    let (progress, said) = run(ffmpeg, &[&quiet[..], any, &what].concat());
    assert_eq!(said, "", "decoding {input}");
    for count in ["dup_frames=", "drop_frames="] {
        let all = progress.lines().filter_map(|line| line.strip_prefix(count));
        assert!(all.into_iter().all(|n| n == "0"), "{count} in {progress}");
    }
    let frames = progress.lines().rev().find_map(|line| line.strip_prefix("frame="));
    frames.expect("a count of frames").trim().parse().unwrap()
}

/// The streams that ffprobe lists, sorted and without duplicates: some versions list a
/// stream of a programme twice.
fn streams(ffprobe: &str, input: &Path) -> Vec<String> {
    let entries = "stream=codec_name,profile,width,height,r_frame_rate,sample_rate,channels";
    let format = ["-v", "warning", "-of", "compact=p=0", "-show_entries", entries];
    let (shown, said) = run(ffprobe, &[&format[..], &[input.to_str().unwrap()]].concat());
    assert_eq!(said, "", "probing {}", input.display());
    let lines = shown.lines().filter_map(|line| {
        let at = line.find("codec_name=")?;
        Some(line[at..].to_owned())
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.dedup();
    lines
}

fn expected_streams(width: u32, height: u32) -> [String; 2] {
    let video = format!("width={width}|height={height}|r_frame_rate=25/1");
    [
        "codec_name=aac|profile=LC|sample_rate=48000|channels=2|r_frame_rate=0/0".to_owned(),
        format!("codec_name=h264|profile=Constrained Baseline|{video}"),
    ]
}

/// Writes consecutive segments of a variant.
fn write_segments(file: &Path, variant: Variant, first: u64, count: u64) {
    let bytes: Vec<u8> = (first..first + count).flat_map(|n| variant.segment(n)).collect();
    fs::write(file, bytes).unwrap();
}

/// Requests a path from the origin and writes the response below `root`. A playlist
/// gets an end, so that FFmpeg does not wait for more.
fn fetch(origin: &mut Origin, root: &Path, path: &str) -> String {
    let wall = Wall::from_unix_nanos(TODAY * 2_000_000_000);
    let request = Request::new(Method::Get, path, &[]);
    let response = origin.respond(Moment { wall, ..Moment::default() }, &request);
    assert_eq!(response.status, Status(200), "{path}");
    let Body::Shared(bytes, range) = response.body else { panic!("{path} is not shared") };
    let mut bytes = bytes[range].to_vec();
    let is_open = path.ends_with("index.m3u8") && !bytes.ends_with(b"#EXT-X-ENDLIST\n");
    if is_open {
        bytes.extend(b"#EXT-X-ENDLIST\n");
    }
    let file = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, &bytes).unwrap();
    String::from_utf8(bytes).unwrap_or_default()
}

/// Writes a whole form of the programme below `root`, following its playlists.
fn fetch_all(origin: &mut Origin, root: &Path, form: &str) {
    let text = |uri: &[u8]| String::from_utf8(uri.to_vec()).unwrap();
    let master = fetch(origin, root, &format!("{form}stream.m3u8"));
    let Ok(Document::Master(master)) = Document::read(master.as_bytes()) else { panic!("{form}") };
    for variant in &master.variants {
        let playlist = text(variant.uri);
        let folder = playlist.rsplit_once('/').unwrap().0;
        let media = fetch(origin, root, &format!("{form}{playlist}"));
        let Ok(Document::Media(media)) = Document::read(media.as_bytes()) else { panic!("{form}") };
        if media.segments.first().is_some_and(|first| !media.keys(first).is_empty()) {
            fetch(origin, root, &format!("{form}key"));
        }
        for segment in &media.segments {
            fetch(origin, root, &format!("{form}{folder}/{}", text(segment.uri)));
        }
        if let Some(init) = media.segments.first().and_then(|segment| segment.map) {
            fetch(origin, root, &format!("{form}{folder}/{}", text(init.uri)));
        }
    }
}

#[test]
fn ffprobe_sees_both_streams() {
    let Some(ffprobe) = binary("FFPROBE", "ffprobe") else { return };
    let folder = TempDir::new().unwrap();
    for bitrate in [150_000, 200_000, 600_000, 1_500_000, 5_000_000, 10_000_000] {
        let variant = Variant::new(bitrate, Duration::from_secs(2));
        let file = folder.path().join("one.ts");
        write_segments(&file, variant, TODAY, 1);
        let (width, height) = variant.resolution();
        assert_eq!(streams(&ffprobe, &file), expected_streams(width, height));
    }
}

#[test]
fn segments_decode_without_warnings() {
    let Some(ffmpeg) = binary("FFMPEG", "ffmpeg") else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("some.ts");
    // Bit rate, duration in ms, first segment, segments, and pictures.
    let cases = [
        (150_000, 2_000, TODAY, 1, 50),
        (200_000, 2_000, TODAY, 1, 50),
        (600_000, 2_000, TODAY, 4, 200),
        (1_500_000, 1_000, 0, 3, 75),
        (5_000_000, 2_000, TODAY, 2, 100),
        (10_000_000, 2_000, TODAY, 1, 50),
        (600_000, 1_500, TODAY, 3, 113),
        (200_000, 2_000, WRAP - 2, 5, 250),
        (200_000, 2_000, WRAP, 1, 50),
    ];
    for (bitrate, millis, first, count, pictures) in cases {
        let variant = Variant::new(bitrate, Duration::from_millis(millis));
        write_segments(&file, variant, first, count);
        assert_eq!(decode(&ffmpeg, &file), pictures, "{bitrate} bit/s from {first}");
    }
}

/// Raw output of FFmpeg for one stream of a file.
fn raw(ffmpeg: &str, input: &Path, options: &[&str]) -> Vec<u8> {
    let before = ["-nostdin", "-v", "error", "-i", input.to_str().unwrap()];
    let arguments = [&before[..], options, &["-"]].concat();
    let output = Command::new(ffmpeg).args(&arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    output.stdout
}

#[test]
fn the_last_picture_shows_the_bars_and_the_sound_is_silence() {
    let Some(ffmpeg) = binary("FFMPEG", "ffmpeg") else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("one.ts");
    // The bars rotate by one per segment: this one starts with white, yellow, cyan.
    write_segments(&file, Variant::new(600_000, Duration::from_secs(2)), TODAY, 1);

    let pictures = raw(&ffmpeg, &file, &["-map", "0:v", "-pix_fmt", "yuv420p", "-f", "rawvideo"]);
    let (width, height) = (640, 360);
    let size = width * height * 3 / 2;
    assert_eq!(pictures.len(), 50 * size);
    let (luma, chroma) = pictures[49 * size..].split_at(width * height);
    let (blue, red) = chroma.split_at(chroma.len() / 2);
    let planes = [
        (luma, width, [180, 162, 131, 112, 84, 65, 35, 16]),
        (blue, width / 2, [128, 44, 156, 72, 184, 100, 212, 128]),
        (red, width / 2, [128, 142, 44, 58, 198, 212, 114, 128]),
    ];
    for (plane, width, bars) in planes {
        let row: Vec<u8> = bars.iter().flat_map(|bar| vec![*bar; width / 8]).collect();
        assert!(plane.chunks(width).all(|shown| shown == row));
    }

    let sound = raw(&ffmpeg, &file, &["-map", "0:a", "-f", "s16le"]);
    assert!(sound.len() > 48_000 * 4 && sound.iter().all(|sample| *sample == 0));
}

#[test]
fn playlists_decode_without_warnings() {
    let Some(ffmpeg) = binary("FFMPEG", "ffmpeg") else { return };
    let folder = TempDir::new().unwrap();
    let mut origin = Origin::new(StreamSettings::default()).unwrap();
    for form in Form::all() {
        let at = folder.path().join(form.folder().trim_start_matches('/'));
        fetch_all(&mut origin, folder.path(), form.folder());
        let pictures = match form.timing {
            Timing::Live => 6 * 50,
            Timing::Vod => VOD_SEGMENTS * 50,
        };
        assert_eq!(decode(&ffmpeg, &at.join("v2/index.m3u8")), pictures, "{form:?}");
        decode(&ffmpeg, &at.join("stream.m3u8"));
    }
}

#[test]
fn ffprobe_finds_every_variant_in_the_master_playlist() {
    let Some(ffprobe) = binary("FFPROBE", "ffprobe") else { return };
    let folder = TempDir::new().unwrap();
    let mut origin = Origin::new(StreamSettings::default()).unwrap();
    for form in [Form::VOD, Form { container: Container::Fmp4, ..Form::VOD }] {
        variants_are_found(&ffprobe, &mut origin, form, folder.path());
    }
}

fn variants_are_found(ffprobe: &str, origin: &mut Origin, form: Form, root: &Path) {
    fetch_all(origin, root, form.folder());
    let file = root.join(form.folder().trim_start_matches('/')).join("stream.m3u8");
    let mut expected: Vec<String> =
        [(320, 180), (640, 360), (960, 540)].map(|(w, h)| expected_streams(w, h)).concat();
    expected.sort();
    expected.dedup();
    assert_eq!(streams(ffprobe, &file), expected);

    let tags = ["-v", "warning", "-of", "csv=p=0", "-show_entries", "program_tags=variant_bitrate"];
    let (shown, _) = run(ffprobe, &[&tags[..], &[file.to_str().unwrap()]].concat());
    for bitrate in ["200000", "600000", "1500000"] {
        assert!(shown.contains(bitrate), "{bitrate} is not in {shown}");
    }
}
