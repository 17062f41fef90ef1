//! A small HLS presentation on disk, made once by the installed FFmpeg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::tools::tool;

/// The segments of each rendition, of 2 s each.
pub(crate) const SEGMENTS: usize = 4;

/// The folder of the presentation; `None` without an FFmpeg.
///
/// `low/` and `high/` contain `vod.m3u8` (with ENDLIST), `live.m3u8` (without, never
/// updated) and `seg0.ts` to `seg3.ts`; `master.m3u8` refers to both `vod.m3u8`, the
/// master `live.m3u8` to both `live.m3u8`.
pub(crate) fn presentation() -> Option<&'static Path> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(|| Some(make(&tool("ffmpeg")?))).as_deref()
}

fn make(ffmpeg: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let done = root.join("presentation-1");
    if !done.exists() {
        let part = root.join(format!("presentation-{}.part", std::process::id()));
        for (name, bit_rate) in [("low", "100k"), ("high", "400k")] {
            let folder = part.join(name);
            fs::create_dir_all(&folder).unwrap();
            encode(ffmpeg, &folder, bit_rate);
            let vod = fs::read_to_string(folder.join("vod.m3u8")).unwrap();
            fs::write(folder.join("live.m3u8"), vod.replace("#EXT-X-ENDLIST\n", "")).unwrap();
        }
        for (master, media) in [("master.m3u8", "vod.m3u8"), ("live.m3u8", "live.m3u8")] {
            fs::write(part.join(master), master_of(media)).unwrap();
        }
        fs::rename(part, &done).unwrap();
    }
    done
}

fn encode(ffmpeg: &Path, folder: &Path, bit_rate: &str) {
    let seconds = 2 * SEGMENTS;
    let mut command = Command::new(ffmpeg);
    command.current_dir(folder).args(["-v", "error", "-nostdin"]);
    for source in ["testsrc2=size=160x120:rate=10", "sine=frequency=440"] {
        command.args(["-f", "lavfi", "-i", source]);
    }
    command.args(["-t", &seconds.to_string(), "-c:v", "mpeg2video", "-g", "10", "-c:a", "mp2"]);
    command.args(["-b:v", bit_rate, "-f", "hls", "-hls_time", "2", "-hls_list_size", "0"]);
    command.args(["-hls_segment_filename", "seg%d.ts", "vod.m3u8"]);
    assert!(command.status().unwrap().success(), "the presentation could not be made");
}

fn master_of(media: &str) -> String {
    let rendition = |name: &str, bandwidth: u32| {
        format!("#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION=160x120\n{name}/{media}\n")
    };
    format!("#EXTM3U\n{}{}", rendition("low", 400_000), rendition("high", 900_000))
}
