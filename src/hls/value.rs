//! Values in playlists (RFC 8216 §4.2): numbers, durations, ranges, dates.
//!
//! Numbers are parsed as in C, since FFmpeg does so: text after the number is ignored.
//! A value that is not a number is `None`.

use std::time::Duration;

use jiff::Timestamp;

use super::lines::split_once;

/// Longest duration that is accepted, in seconds. Segments last seconds, and none is
/// longer than a day: a larger number is a mistake.
const DURATION_SECS_MAX: f64 = 86_400.0;

/// A part of a resource (§4.3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Its length in bytes.
    pub length: u64,
    /// The number of bytes before it.
    pub offset: u64,
}

impl ByteRange {
    /// The offset of the first byte after the range.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value.trim_ascii()).ok()
}

/// A whole number from 0 to 64 bits.
pub(super) fn whole(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii_start();
    let digits = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    text(value.get(..digits)?)?.parse().ok()
}

/// A number that is not negative, such as a frame rate.
pub(super) fn decimal(value: &[u8]) -> Option<f64> {
    let value = value.trim_ascii_start();
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let end = value.iter().position(|byte| !is_part(byte)).unwrap_or(value.len());
    text(value.get(..end)?)?.parse().ok().filter(|found: &f64| found.is_finite())
}

/// Seconds, from 0 to a day.
pub(super) fn duration(value: &[u8]) -> Option<Duration> {
    let secs = decimal(value).filter(|&secs| secs <= DURATION_SECS_MAX)?;
    Duration::try_from_secs_f64(secs).ok()
}

/// `length[@offset]`; without an offset the range starts at `next`.
pub(super) fn byte_range(value: &[u8], next: u64) -> Option<ByteRange> {
    let (length, offset) = match split_once(value, b'@') {
        Some((length, offset)) => (length, whole(offset)?),
        None => (value, next),
    };
    Some(ByteRange { length: whole(length)?, offset })
}

/// `WIDTHxHEIGHT` in pixels.
pub(super) fn resolution(value: &[u8]) -> Option<(u32, u32)> {
    let (width, height) = split_once(value, b'x').or_else(|| split_once(value, b'X'))?;
    Some((whole(width)?.try_into().ok()?, whole(height)?.try_into().ok()?))
}

/// `0x` and up to 32 hexadecimal digits in either case.
pub(super) fn hexadecimal(value: &[u8]) -> Option<u128> {
    let value = text(value)?;
    let digits = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X"))?;
    // `from_str_radix` also accepts a sign.
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex { u128::from_str_radix(digits, 16).ok() } else { None }
}

/// A point in time with its zone (ISO 8601); `None` without a zone.
pub(super) fn date(value: &[u8]) -> Option<Timestamp> {
    text(value)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_numbers_as_c_does() {
        for (value, want) in [
            ("0", Some(0)),
            (" 12 ", Some(12)),
            ("6.5", Some(6)),
            ("7abc", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("+1", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(whole(value.as_bytes()), want, "{value}");
        }
    }

    #[test]
    fn durations_are_bounded() {
        for (value, want_ms) in [
            ("6", Some(6_000)),
            ("6.", Some(6_000)),
            (".5", Some(500)),
            ("6.006000", Some(6_006)),
            (" 2.0 ,title", Some(2_000)),
            ("0", Some(0)),
            ("86400", Some(86_400_000)),
            ("86401", None),
            ("-2", None),
            ("1.2.3", None),
            ("nan", None),
            ("inf", None),
            (",", None),
            ("", None),
        ] {
            assert_eq!(duration(value.as_bytes()), want_ms.map(Duration::from_millis), "{value}");
        }
        assert_eq!(duration(&[b'9'; 400]), None);
    }

    #[test]
    fn parses_ranges_and_sizes() {
        let range = |length, offset| Some(ByteRange { length, offset });
        assert_eq!(byte_range(b"10@20", 5), range(10, 20));
        assert_eq!(byte_range(b"10", 5), range(10, 5));
        assert_eq!(byte_range(b"10@x", 5), None);
        assert_eq!(byte_range(b"@1", 5), None);
        let last = range(u64::MAX, 1).unwrap();
        assert_eq!(last.end(), u64::MAX);
        assert_eq!(resolution(b"1920x1080"), Some((1_920, 1_080)));
        assert_eq!(resolution(b"640X360"), Some((640, 360)));
        assert_eq!(resolution(b"640"), None);
        assert_eq!(resolution(b"4294967296x1"), None);
    }

    #[test]
    fn accepts_hexadecimal_digits_in_either_case() {
        assert_eq!(hexadecimal(b"0xAbC"), Some(0xABC));
        assert_eq!(hexadecimal(b"0X0f"), Some(15));
        assert_eq!(hexadecimal(&[b"0x", &[b'f'; 32][..]].concat()), Some(u128::MAX));
        for value in ["", "0x", "ff", "0x+f", "0xg", "0x100000000000000000000000000000000"] {
            assert_eq!(hexadecimal(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn dates_need_a_zone() {
        let noon = "2026-11-23T12:00:00.5Z".parse().ok();
        assert!(noon.is_some());
        for value in [
            "2026-11-23T12:00:00.500Z",
            " 2026-11-23T13:00:00.5+01:00",
            "2026-11-23T13:00:00.500+0100",
            "2026-11-23t12:00:00.5z",
        ] {
            assert_eq!(date(value.as_bytes()), noon, "{value}");
        }
        for value in ["2026-11-23T12:00:00", "2026-11-23", "", "12:00:00Z", "2026-13-01T00:00:00Z"]
        {
            assert_eq!(date(value.as_bytes()), None, "{value}");
        }
    }
}
