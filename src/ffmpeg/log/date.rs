//! Parses a date and time as origins write it into playlists.
//!
//! At level verbose every third line of a live client contains one, so the common form
//! is parsed by hand; every other form is left to jiff.

const NS_PER_SEC: i64 = 1_000_000_000;

/// Years that are parsed by hand: their nanoseconds fit into 64 bits.
const YEARS: std::ops::RangeInclusive<i64> = 1970..=2200;

/// Nanoseconds since the Unix epoch. RFC 8216 §4.3.2.6 requires ISO 8601; only a time
/// with an offset is a point in time.
pub(super) fn unix_ns(date: &[u8]) -> Option<i64> {
    usual(date).or_else(|| by_jiff(date))
}

fn by_jiff(date: &[u8]) -> Option<i64> {
    let date = std::str::from_utf8(date).ok()?;
    let time: jiff::Timestamp = date.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// `2026-11-23T07:49:06.000Z`, with or without a fraction, ending in `Z`, `+0000` or
/// `+00:00`.
#[rustfmt::skip]
fn usual(date: &[u8]) -> Option<i64> {
    let (head, tail) = date.split_first_chunk::<19>()?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T',
        h1, h2, b':', n1, n2, b':', s1, s2] = head
    else {
        return None;
    };
    let year = two(y1, y2, 99)? * 100 + two(y3, y4, 99)?;
    let days = days(year, two(m1, m2, 12)?, two(d1, d2, 31)?)?;
    let secs = two(h1, h2, 23)? * 3600 + two(n1, n2, 59)? * 60 + two(s1, s2, 59)?;
    let (fraction_ns, tail) = fraction(tail)?;
    Some((days * 86_400 + secs - offset(tail)?) * NS_PER_SEC + fraction_ns)
}

/// A number of two digits, at most `most`.
fn two(tens: u8, ones: u8, most: i64) -> Option<i64> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    let number = || i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    digits.then(number).filter(|&number| number <= most)
}

/// Days since the epoch, counted in years that begin in March, so that a leap day is
/// the last day of its year.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leaps),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !YEARS.contains(&year) || month < 1 || !(1..=longest).contains(&day) {
        return None;
    }
    let (year, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    // The days of the months before: 31, 30, 31, 30, 31, and so on from August.
    let days = (153 * months + 2) / 5 + day - 1;
    // 1 March of the year 0 is 719,468 days before the epoch.
    Some(365 * year + year / 4 - year / 100 + year / 400 + days - 719_468)
}

/// Removes `.123` from the front: nanoseconds, from one to nine digits.
fn fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some(mut rest) = tail.strip_prefix(b".") else { return Some((0, tail)) };
    let (mut ns, mut unit) = (0, NS_PER_SEC);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        unit /= 10;
        ns += i64::from(digit - b'0') * unit;
        rest = after;
    }
    (1..NS_PER_SEC).contains(&unit).then_some((ns, rest))
}

/// The offset of local time in seconds.
fn offset(tail: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *tail {
        [b'Z'] => return Some(0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => {
            (sign, two(h1, h2, 23)?, two(m1, m2, 59)?)
        }
        _ => return None,
    };
    let secs = hours * 3600 + minutes * 60;
    match sign {
        b'+' => Some(secs),
        b'-' => Some(-secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parses_the_common_form_by_hand() {
        let ns = |secs: i64, ns: i64| Some(secs * NS_PER_SEC + ns);
        for (date, want) in [
            ("1970-01-01T00:00:00Z", ns(0, 0)),
            ("2000-02-29T23:59:59.5+0000", ns(951_868_799, 500_000_000)),
            ("2026-11-23T07:49:06.123Z", ns(1_795_420_146, 123_000_000)),
            ("2026-11-23T07:49:06.123456789+01:30", ns(1_795_414_746, 123_456_789)),
            ("2026-11-23T07:49:06-0100", ns(1_795_423_746, 0)),
            ("2026-11-23T07:49:06", None),
            ("2026-11-23T07:49:06.Z", None),
            ("2026-11-23T07:49:06.1234567890Z", None),
            ("2026-11-23 07:49:06Z", None),
            ("2026-11-23T07:49:60Z", None),
            ("2026-02-29T07:49:06Z", None),
            ("2100-02-29T07:49:06Z", None),
            ("2026-13-01T07:49:06Z", None),
            ("2026-11-00T07:49:06Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("2026-11-23T07:49:06*0000", None),
            ("", None),
        ] {
            assert_eq!(usual(date.as_bytes()), want, "{date}");
            assert!(want.is_none() || by_jiff(date.as_bytes()) == want, "{date}");
        }
    }

    #[test]
    fn parses_other_forms() {
        let other = unix_ns(b"2026-11-23 07:49:06Z");
        assert_eq!(other, Some(1_795_420_146 * NS_PER_SEC));
        assert_eq!(unix_ns(b"1969-12-31T23:59:59Z"), Some(-NS_PER_SEC));
        assert_eq!(unix_ns(b"2026-11-23T07:49:06"), None);
    }

    proptest! {
        #[test]
        fn both_parsers_agree(
            date in "(19[67]|20[0-9]|2[12]0)[0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\
                     (|\\.[0-9]{0,10})(|Z|[+-][0-2][0-9]:?[0-6][0-9])",
        ) {
            let by_hand = usual(date.as_bytes());
            prop_assert!(by_hand.is_none() || by_hand == by_jiff(date.as_bytes()), "{}", date);
        }

        #[test]
        fn counts_days_of_any_year(days_before in 0_i64..84_000, ms in 0_i64..86_400_000) {
            let ns = days_before * 86_400 * NS_PER_SEC + ms * 1_000_000;
            let date = jiff::Timestamp::from_nanosecond(i128::from(ns)).unwrap().to_string();
            prop_assert_eq!(usual(date.as_bytes()), Some(ns), "{}", date);
        }
    }
}
