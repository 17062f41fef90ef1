//! FFmpeg's progress: its chunking does not change the blocks, and the viewer's
//! experience does not depend on how often it is observed.
//!
//! The first byte of an input is the seed of the chunking. The rest is FFmpeg's output,
//! with lines between that describe other events: `wait_ms=N` lets time pass,
//! `stood_ms=N` lets it pass while the loop stands still, `look` detects a stall,
//! `opened` opens the input, `stop` asks the process to end.

use std::time::Duration;

use ffmpeg_hls_swarm::ffmpeg::lines::LineSplitter;
use ffmpeg_hls_swarm::ffmpeg::progress::{Block, Progress};
use ffmpeg_hls_swarm::stats::refused::MEDIA_STEP_MAX;
use ffmpeg_hls_swarm::stats::{Pace, Playback, Viewing};
use ffmpeg_hls_swarm::units::Tick;

use super::chunkings;

/// The stall threshold.
const STALL_AFTER: Duration = Duration::from_secs(4);

/// Longest wait of one line, in milliseconds: a few hours.
const WAIT_MAX_MS: u64 = 10_000_000;

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let Some((&seed, bytes)) = input.split_first() else { return };
    let [first, others @ ..] = chunkings(seed, bytes).map(|pieces| lines(&pieces));
    for other in others {
        assert_eq!(first, other, "the chunking changes the lines");
    }
    assert_eq!(blocks(&first), expected(&first));
    let often = watch(&first, Looks::AtEveryLine);
    let now_and_then = watch(&first, Looks::WhereSaid);
    assert_eq!(often, now_and_then, "observation changes the result");
    assert_eq!(often, watch(&first, Looks::Never), "observation changes the result");
}

fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut splitter, mut lines) = (LineSplitter::new(), Vec::new());
    for piece in pieces {
        splitter.feed(piece, |line, _| lines.push(line.to_vec()));
    }
    splitter.finish(|line, _| lines.push(line.to_vec()));
    lines
}

fn blocks(lines: &[Vec<u8>]) -> Vec<Block> {
    let mut progress = Progress::default();
    lines.iter().filter_map(|line| progress.line(line)).collect()
}

/// The same, by searching backwards from each end of a block.
fn expected(lines: &[Vec<u8>]) -> Vec<Block> {
    let is_end = |line: &Vec<u8>| line.starts_with(b"progress=");
    let ends: Vec<usize> = (0..lines.len()).filter(|&at| is_end(&lines[at])).collect();
    let mut begin = 0;
    let mut blocks = Vec::new();
    for end in ends {
        let media = lines[begin..end].iter().rev().find_map(|line| micros(line));
        let last = lines[end].strip_prefix(b"progress=").unwrap().trim_ascii_end() == b"end";
        blocks.push(Block { media: media.map(Duration::from_micros), last });
        begin = end + 1;
    }
    blocks
}

/// The positive media time of a line, digit by digit.
fn micros(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line.strip_prefix(b"out_time_us=")?).ok()?.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let mut value: u64 = 0;
    for digit in digits.chars() {
        value = value.checked_mul(10)?.checked_add(u64::from(digit.to_digit(10)?))?;
    }
    (value > 0).then_some(value)
}

/// When stalls are detected.
#[derive(Clone, Copy, PartialEq)]
enum Looks {
    AtEveryLine,
    WhereSaid,
    Never,
}

/// The final result.
#[derive(Debug, PartialEq)]
struct Seen {
    media: Duration,
    stalls: u64,
    stalled: Duration,
    startup: (u64, u64),
    speed: Vec<(u64, u64)>,
    drift: Vec<(u64, u64)>,
}

/// Plays the lines to one viewer, and checks the properties at every step.
fn watch(lines: &[Vec<u8>], looks: Looks) -> Seen {
    let (mut playback, mut progress) = (Playback::default(), Progress::default());
    let mut now = Tick::from_millis(1);
    let mut viewing = Viewing::spawned(now, STALL_AFTER);
    let mut stall_time = Duration::ZERO;
    let (mut queued, mut blocks) = (false, 0);
    for line in lines {
        if let Some(ms) = line.strip_prefix(b"wait_ms=") {
            let ms = std::str::from_utf8(ms).ok().and_then(|ms| ms.parse().ok()).unwrap_or(0);
            now = now.after(Duration::from_millis(WAIT_MAX_MS.min(ms)));
        }
        if let Some(ms) = line.strip_prefix(b"stood_ms=") {
            let ms = std::str::from_utf8(ms).ok().and_then(|ms| ms.parse().ok()).unwrap_or(0);
            let span = Duration::from_millis(WAIT_MAX_MS.min(ms));
            now = now.after(span);
            viewing.stood_still(now, span, &mut playback);
            queued = true;
        }
        match line.as_slice() {
            b"opened" => viewing.opened(now),
            b"stop" => viewing.ended_by_us(now, &mut playback),
            _ => {}
        }
        let look = looks == Looks::AtEveryLine || (looks == Looks::WhereSaid && line == b"look");
        if look {
            viewing.note(now, &mut playback);
            assert!(viewing.stall_due().is_none_or(|due| due > now), "a stall was not noted");
        }
        if let Some(media) = progress.line(line).and_then(|block| block.media) {
            blocks += 1;
            if std::mem::take(&mut queued) {
                viewing.progress_undated(now, media, &mut playback);
            } else {
                viewing.progress(now, media, &mut playback);
            }
            assert!(viewing.media() <= MEDIA_STEP_MAX * blocks, "more media than there can be");
            assert!(playback.refused.all() <= u64::from(blocks));
        }
        consistent(&viewing, &playback);
        let known = playback.stall_time(now);
        assert!(known >= stall_time, "stall time goes back");
        stall_time = known;
    }
    viewing.end(now, &mut playback);
    consistent(&viewing, &playback);
    assert_eq!((playback.viewers.stalled(), viewing.pace()), (0, None), "seen after the end");
    assert_eq!(viewing.stall_due(), None);
    Seen {
        media: viewing.media(),
        stalls: playback.stalls,
        stalled: playback.stalled,
        startup: (playback.startup.count(), playback.startup.sum_secs().to_bits()),
        speed: playback.speed.recorded().collect(),
        drift: playback.drift.recorded().collect(),
    }
}

/// The gauges over all viewers equal those of this one.
fn consistent(viewing: &Viewing, playback: &Playback) {
    let viewers = &playback.viewers;
    assert_eq!(viewers.stalled(), u32::from(viewing.is_stalled()));
    assert_eq!(viewers.below_realtime(), u32::from(viewing.pace() == Some(Pace::Below)));
    assert_eq!(viewers.above_realtime(), u32::from(viewing.pace() == Some(Pace::Keeps)));
    assert_eq!(viewing.speed().is_some(), viewing.pace().is_some());
    assert!(viewing.speed().is_none_or(|speed| speed >= 0.0 && speed.is_finite()));
    assert!(playback.startup.count() <= 1);
    assert_eq!(playback.speed.count(), playback.drift.count());
}
