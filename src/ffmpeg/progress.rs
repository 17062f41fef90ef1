//! FFmpeg's `-progress` output: `key=value` lines, a block a second.
//!
//! Reads the media time alone; knows no process and no clock.

use std::time::Duration;

/// The media time that a line tells, if it is one of media time and any media
/// came: `N/A` and values of 0 and below stand before the first
/// (`fftools/ffmpeg.c`, `print_report`).
#[must_use]
pub fn media_time(line: &[u8]) -> Option<Duration> {
    let value = line.strip_prefix(b"out_time_us=")?;
    let micros: u64 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_positive_media_time_counts() {
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
}
