//! What the origin serves, and the valid ranges.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::media::{BITRATE_MAX, BITRATE_MIN, SEGMENT_MAX, SEGMENT_MIN};
use super::playlist::VOD_SEGMENTS;

/// Number of variants; more serve no test.
pub const VARIANTS: RangeInclusive<usize> = 1..=100;

/// Segments of a live playlist: a client needs three target durations (RFC 8216
/// §6.2.2), and more than a hundred serve no test.
pub const WINDOW: RangeInclusive<usize> = 3..=100;

/// Most bytes of segments in memory, all forms together. The live playlist of one form
/// must fit, or each request would generate its segment.
pub const MEMORY_MAX: u64 = 1 << 30;

/// Ends of a [`ladder`] in bit/s: the rate for the smallest pictures, and for 1080
/// lines.
const LADDER: (f64, f64) = (200_000.0, 6_000_000.0);

/// What the origin serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSettings {
    /// Total bit rate of each variant in bit/s, video, audio and container together.
    pub variant_bitrates: Vec<u64>,
    /// Duration of a segment.
    pub segment_duration: Duration,
    /// Segments in the live playlist.
    pub window: usize,
}

impl Default for StreamSettings {
    /// Three variants of 2.3 Mbit/s in all, since a client that maps every stream reads
    /// all of them at once; six segments of two seconds.
    fn default() -> Self {
        Self {
            variant_bitrates: vec![200_000, 600_000, 1_500_000],
            segment_duration: Duration::from_secs(2),
            window: 6,
        }
    }
}

impl StreamSettings {
    /// Whether the origin can serve this.
    ///
    /// # Errors
    ///
    /// The first value that is out of bounds.
    pub fn check(&self) -> Result<(), SettingsError> {
        let variants = self.variant_bitrates.len();
        if !VARIANTS.contains(&variants) {
            return Err(SettingsError::Variants(variants));
        }
        let bounds = BITRATE_MIN..=BITRATE_MAX;
        if let Some(bitrate) = self.variant_bitrates.iter().find(|rate| !bounds.contains(rate)) {
            return Err(SettingsError::Bitrate(*bitrate));
        }
        if !(SEGMENT_MIN..=SEGMENT_MAX).contains(&self.segment_duration) {
            return Err(SettingsError::SegmentDuration(self.segment_duration));
        }
        if !WINDOW.contains(&self.window) {
            return Err(SettingsError::Window(self.window));
        }
        let memory = self.bytes_of(self.window as u64);
        if memory > MEMORY_MAX {
            return Err(SettingsError::Memory(memory));
        }
        Ok(())
    }

    /// Most bytes of segments in memory: those of the live playlist, those that left it
    /// recently, and those on demand, in one form; at most [`MEMORY_MAX`].
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let segments = (self.window as u64).saturating_mul(2).saturating_add(1 + VOD_SEGMENTS);
        self.bytes_of(segments).min(MEMORY_MAX)
    }

    /// Bytes of this many segments of every variant. Saturates.
    fn bytes_of(&self, segments: u64) -> u64 {
        let bitrate = self.variant_bitrates.iter().fold(0, |sum: u64, r| sum.saturating_add(*r));
        let millis = u64::try_from(self.segment_duration.as_millis()).unwrap_or(u64::MAX);
        (bitrate / 8).saturating_mul(segments).saturating_mul(millis) / 1_000
    }
}

/// Bit rates of a ladder of `count` variants in bit/s, rising by equal ratios, to three
/// digits: from 200 kbit/s to 6 Mbit/s, or the first alone.
#[must_use]
pub fn ladder(count: usize) -> Vec<u64> {
    let (lowest, highest) = LADDER;
    let steps = count.saturating_sub(1).max(1) as f64;
    (0..count)
        .map(|step| {
            let rate = lowest * (highest / lowest).powf(step as f64 / steps);
            let digit = 10_f64.powf(rate.log10().floor() - 2.0);
            ((rate / digit).round() * digit).round() as u64
        })
        .collect()
}

/// A value that the origin cannot serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsError {
    /// Number of variants.
    Variants(usize),
    /// Bit rate of a variant, in bit/s.
    Bitrate(u64),
    /// Duration of a segment.
    SegmentDuration(Duration),
    /// Segments in the live playlist.
    Window(usize),
    /// Bytes of segments that would have to be in memory.
    Memory(u64),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variants(count) => {
                let (least, most) = (VARIANTS.start(), VARIANTS.end());
                write!(f, "{count} variants: give {least} to {most} bit rates")
            }
            Self::Bitrate(rate) => write!(
                f,
                "a variant of {rate} bit/s: give a bit rate of {BITRATE_MIN} to {BITRATE_MAX}"
            ),
            Self::SegmentDuration(duration) => write!(
                f,
                "segments of {duration:?}: give a duration of {SEGMENT_MIN:?} to {SEGMENT_MAX:?}"
            ),
            Self::Window(count) => {
                let (least, most) = (WINDOW.start(), WINDOW.end());
                write!(f, "a window of {count} segments: give {least} to {most}")
            }
            Self::Memory(bytes) => write!(
                f,
                "the segments would need {} MiB of memory and may have {}: give lower bit \
                 rates, shorter segments or a smaller window",
                bytes >> 20,
                MEMORY_MAX >> 20
            ),
        }
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_is_valid_and_small() {
        let settings = StreamSettings::default();
        assert_eq!(settings.check(), Ok(()));
        assert!(settings.memory_bytes() < 32 << 20);
    }

    #[test]
    fn ladder_of_any_length_rises_and_is_valid() {
        assert_eq!(ladder(1), [200_000]);
        assert_eq!(ladder(2), [200_000, 6_000_000]);
        assert_eq!(ladder(4), [200_000, 621_000, 1_930_000, 6_000_000]);
        for count in VARIANTS {
            let variant_bitrates = ladder(count);
            assert_eq!(variant_bitrates.len(), count);
            assert!(variant_bitrates.windows(2).all(|pair| pair[0] < pair[1]), "{count}");
            let settings = StreamSettings { variant_bitrates, ..StreamSettings::default() };
            assert_eq!(settings.check(), Ok(()), "{count}");
            assert!(settings.memory_bytes() <= MEMORY_MAX);
        }
    }

    #[test]
    fn errors_name_the_value_and_the_remedy() {
        let with = |change: fn(&mut StreamSettings)| {
            let mut settings = StreamSettings::default();
            change(&mut settings);
            settings.check().map_err(|error| error.to_string()).unwrap_err()
        };
        let cases: [(String, &str); 8] = [
            (with(|s| s.variant_bitrates.clear()), "0 variants: give 1 to 100 bit rates"),
            (with(|s| s.variant_bitrates = vec![200_000; 101]), "101 variants: give 1 to 100"),
            (with(|s| s.variant_bitrates.push(149_999)), "149999 bit/s: give a bit rate of 150000"),
            (with(|s| s.variant_bitrates.push(u64::MAX)), "to 50000000"),
            (
                with(|s| s.segment_duration = Duration::from_millis(999)),
                "segments of 999ms: give a duration of 1s to 10s",
            ),
            (with(|s| s.segment_duration = Duration::MAX), "to 10s"),
            (with(|s| s.window = 2), "a window of 2 segments: give 3 to 100"),
            (with(|s| s.variant_bitrates = vec![BITRATE_MAX; 16]), "of memory and may have 1024"),
        ];
        for (message, part) in cases {
            assert!(message.contains(part), "{message:?} lacks {part:?}");
        }
    }
}
