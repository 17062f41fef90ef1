//! Parses FFmpeg's `-progress` output: `key=value` lines, one block a second.
//!
//! Reads only the media time, and allocates nothing. With `-f null` a block has no byte
//! count, and its `speed` is an average over the life of the process. Knows no process
//! and no clock.

use std::time::Duration;

/// The media time in a line; `None` for other lines and before the first media, when
/// FFmpeg prints `N/A` or a value of 0 or below (`fftools/ffmpeg.c`, `print_report`).
#[must_use]
pub fn media_time(line: &[u8]) -> Option<Duration> {
    let value = line.strip_prefix(b"out_time_us=")?;
    let micros: u64 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros))
}

/// The contents of a block of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Media time of the output; `None` before the first media.
    pub media: Option<Duration>,
    /// Whether it is the last block of the process.
    pub last: bool,
}

/// Joins the lines of a process into blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    media: Option<Duration>,
}

impl Progress {
    /// Takes the next line, given without its end, and returns the block that it
    /// completes.
    pub fn line(&mut self, line: &[u8]) -> Option<Block> {
        if let Some(media) = media_time(line) {
            self.media = Some(media);
            return None;
        }
        // The word after it is `continue` or `end`.
        let word = line.strip_prefix(b"progress=")?.trim_ascii_end();
        Some(Block { media: self.media.take(), last: word == b"end" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ffmpeg::lines::LineSplitter;

    /// As printed by different versions: the build of 2018 and 5.1.9 print both times
    /// in microseconds; 9.0 pads the speed.
    const BEFORE_MEDIA: &str = "frame=0\nfps=0.00\nstream_0_0_q=-1.0\nbitrate=N/A\n\
        total_size=N/A\nout_time_us=N/A\nout_time_ms=N/A\nout_time=N/A\ndup_frames=0\n\
        drop_frames=0\nspeed=N/A\nprogress=continue\n";
    const NEGATIVE: &str = "frame=1\nout_time_us=-21333\nout_time_ms=-21333\n\
        out_time=-00:00:00.021333\nspeed=N/A\nprogress=continue\n";
    const PLAYING: &str = "frame=98\nfps=48.99\nstream_0_0_q=-1.0\nbitrate=N/A\n\
        total_size=N/A\nout_time_us=4000000\nout_time_ms=4000000\n\
        out_time=00:00:04.000000\ndup_frames=0\ndrop_frames=0\nspeed=   2x\n\
        progress=continue\n";
    const END: &str = "frame=750\nout_time_us=30016000\nspeed= 172x    \nprogress=end\r\n";

    fn blocks(chunks: &[&[u8]]) -> Vec<Block> {
        let (mut splitter, mut progress) = (LineSplitter::new(), Progress::default());
        let mut blocks = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |line, _| blocks.extend(progress.line(line)));
        }
        splitter.finish(|line, _| blocks.extend(progress.line(line)));
        blocks
    }

    const fn block(media_us: Option<u64>, last: bool) -> Block {
        let media = match media_us {
            Some(us) => Some(Duration::from_micros(us)),
            None => None,
        };
        Block { media, last }
    }

    #[test]
    fn accepts_positive_media_times_only() {
        let some = Some(Duration::from_micros(1_500_000));
        for (line, want) in [
            ("out_time_us=1500000", some),
            ("out_time_us=1500000 ", some),
            ("out_time_us=0", None),
            ("out_time_us=-21333", None),
            ("out_time_us=N/A", None),
            ("out_time_ms=1500000", None),
            ("progress=continue", None),
            ("out_time_us=99999999999999999999", None),
        ] {
            assert_eq!(media_time(line.as_bytes()), want, "{line}");
        }
    }

    #[test]
    fn block_ends_with_its_last_line() {
        let cases = [
            (BEFORE_MEDIA, block(None, false)),
            (NEGATIVE, block(None, false)),
            (PLAYING, block(Some(4_000_000), false)),
            (END, block(Some(30_016_000), true)),
        ];
        for (text, want) in cases {
            assert_eq!(blocks(&[text.as_bytes()]), [want]);
        }
        let all: String = cases.iter().map(|case| case.0).collect();
        assert_eq!(blocks(&[all.as_bytes()]), cases.map(|case| case.1));
    }

    #[test]
    fn block_without_media_time_does_not_repeat_the_last_one() {
        let text = [PLAYING, "progress=continue\n"].concat();
        assert_eq!(blocks(&[text.as_bytes()])[1], block(None, false));
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_blocks(sizes in prop::collection::vec(1..200_usize, 1..40)) {
            let all = [BEFORE_MEDIA, NEGATIVE, PLAYING, PLAYING, END].concat();
            let mut rest = all.as_bytes();
            let mut chunks = Vec::new();
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, after) = rest.split_at(rest.len().min(*size));
                chunks.push(chunk);
                rest = after;
            }
            prop_assert_eq!(blocks(&chunks), blocks(&[all.as_bytes()]));
        }

        #[test]
        fn accepts_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let ends = bytes.windows(9).filter(|part| *part == b"progress=").count();
            prop_assert!(blocks(&[&bytes]).len() <= ends);
        }
    }
}
