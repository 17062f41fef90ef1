//! Durations in Go's notation: `200ms`, `1.5s`, `1h30m`, `0`.
//!
//! The syntax is that of `time.ParseDuration` in Go's standard library
//! (<https://pkg.go.dev/time#ParseDuration>), without negative values. [`parse`]
//! accepts everything that [`show`] writes.

use std::time::Duration;

/// Longest duration, in nanoseconds: Go's signed 64-bit count, about 292 years.
const LONGEST_NS: u128 = i64::MAX as u128;

/// Significant decimals of a number; further ones are below a nanosecond: an hour is
/// 3.6 × 10^12 ns.
const DECIMALS: usize = 13;

/// The units and their nanoseconds; of two with a common prefix the longer is first.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses a duration.
///
/// # Errors
/// One line with the remedy if the text is not a duration, negative or longer than 292
/// years.
pub fn parse(text: &str) -> Result<Duration, String> {
    if text.starts_with('-') {
        return Err("must not be negative; give a duration such as 200ms, 1.5s or 0".to_owned());
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if unsigned == "0" {
        return Ok(Duration::ZERO);
    }
    total_ns(unsigned)
        .and_then(|ns| u64::try_from(ns).ok())
        .map(Duration::from_nanos)
        .ok_or_else(|| "give a duration such as 200ms, 1.5s, 1h30m or 0".to_owned())
}

/// A duration as typed: `200ms`, `1.5s`, `1h30m`, `0`.
#[must_use]
pub fn show(span: Duration) -> String {
    let (secs, nanos) = (span.as_secs(), u64::from(span.subsec_nanos()));
    if secs == 0 {
        return match nanos {
            0 => "0".to_owned(),
            1_000_000.. => decimal(nanos / 1_000_000, nanos % 1_000_000, 6) + "ms",
            1_000.. => decimal(nanos / 1_000, nanos % 1_000, 3) + "us",
            _ => format!("{nanos}ns"),
        };
    }
    let (hours, minutes, seconds) = (secs / 3_600, secs / 60 % 60, secs % 60);
    let mut text = String::new();
    for (count, unit) in [(hours, "h"), (minutes, "m")] {
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if seconds > 0 || nanos > 0 {
        text.push_str(&decimal(seconds, nanos, 9));
        text.push('s');
    }
    text
}

/// A number whose fraction is `part` of ten to the power of `places`.
fn decimal(whole: u64, part: u64, places: usize) -> String {
    let text = format!("{whole}.{part:0places$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The sum of `number unit` pairs; `None` if the text does not consist of them.
fn total_ns(text: &str) -> Option<u128> {
    let mut rest = text;
    let mut total: u128 = 0;
    loop {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit_ns, after) = unit(after)?;
        let whole_ns = whole_number(whole)?.checked_mul(unit_ns)?;
        total = total.checked_add(whole_ns)?.checked_add(fraction_ns(fraction, unit_ns)?)?;
        if total > LONGEST_NS {
            return None;
        }
        if after.is_empty() {
            return Some(total);
        }
        rest = after;
    }
}

/// The digits at the start of the text, and the text after them.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The unit at the start of the text in nanoseconds, and the text after it.
fn unit(text: &str) -> Option<(u128, &str)> {
    UNITS.iter().find_map(|&(name, ns)| Some((ns, text.strip_prefix(name)?)))
}

/// A run of digits as a number; an empty one is 0.
fn whole_number(digits: &str) -> Option<u128> {
    if digits.is_empty() { Some(0) } else { digits.parse().ok() }
}

/// The value of the digits after the point, rounded down to a nanosecond.
fn fraction_ns(digits: &str, unit_ns: u128) -> Option<u128> {
    let kept = digits.get(..DECIMALS).unwrap_or(digits);
    let scale = 10_u128.checked_pow(u32::try_from(kept.len()).ok()?)?;
    Some(whole_number(kept)?.checked_mul(unit_ns)? / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_what_go_accepts() {
        let cases: &[(&str, u64)] = &[
            ("0", 0),
            ("+0", 0),
            ("0s", 0),
            ("5s", 5_000_000_000),
            ("+5s", 5_000_000_000),
            ("30s", 30_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("200ms", 200_000_000),
            ("10ns", 10),
            ("11us", 11_000),
            ("12\u{b5}s", 12_000),
            ("12\u{3bc}s", 12_000),
            ("1h30m", 5_400_000_000_000),
            ("1h30m0.5s", 5_400_500_000_000),
            ("3m30m", 1_980_000_000_000),
            ("0.100000000000000000000h", 360_000_000_000),
            ("0.3333333333333333333h", 1_199_999_999_999),
            ("0.9ns", 0),
            ("9223372036854775807ns", i64::MAX as u64),
            ("2562047h47m16.854775807s", i64::MAX as u64),
        ];
        for &(text, ns) in cases {
            assert_eq!(parse(text), Ok(Duration::from_nanos(ns)), "{text}");
        }
    }

    #[test]
    fn rejects_what_go_rejects() {
        let cases = [
            "",
            "3",
            "s",
            ".",
            ".s",
            "+",
            "+.s",
            "1d",
            "1w",
            "1month",
            "1M",
            "1S",
            "1sec",
            "1 s",
            " 1s",
            "1s ",
            "1s1",
            "1..5s",
            "1,5s",
            "1e3s",
            "++1s",
            "1\u{b5}",
            "9223372036854775808ns",
            "2562048h",
            "99999999999999999999999999999999999999999999s",
            "\u{661}s",
        ];
        for text in cases {
            let error = parse(text).expect_err(text);
            assert!(error.contains("1h30m"), "{text}: {error}");
        }
    }

    #[test]
    fn rejects_negative_values() {
        for text in ["-1s", "-0", "-x"] {
            assert!(parse(text).expect_err(text).contains("negative"), "{text}");
        }
    }

    #[test]
    fn shows_durations_as_typed() {
        for text in ["0", "200ms", "1.5s", "1h30m", "1h0.5s", "1m", "90ns", "1.5us", "10s", "100h"]
        {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }

    proptest! {
        #[test]
        fn parses_what_is_shown(ns in 0..=i64::MAX as u64, shift in 0..63_u32) {
            let span = Duration::from_nanos(ns >> shift);
            prop_assert_eq!(parse(&show(span)), Ok(span));
        }

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn never_panics_on_its_own_alphabet(text in "[-+.0-9hmsnu\u{b5}]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn sums_its_parts(h in 0_u64..1000, m in 0_u64..1000, s in 0_u64..1000, ms in 0_u64..5000) {
            let want = Duration::from_millis(((h * 60 + m) * 60 + s) * 1000 + ms);
            prop_assert_eq!(parse(&format!("{h}h{m}m{s}s{ms}ms")), Ok(want));
        }
    }
}
