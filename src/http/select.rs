//! Which part of a resource a request selects: conditions and byte ranges (RFC 9110 §13
//! and §14).
//!
//! For resources with a strong entity tag and without a date. Knows neither the
//! resource nor the response.

use std::ops::Range;

use super::{Method, Request};

/// The kind of response to a `GET` or `HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// 200: all of it.
    Whole,
    /// 206: these bytes; the range is not empty and lies within the resource.
    Part(Range<usize>),
    /// 304: the client has the current version.
    NotModified,
    /// 416: the resource has no byte of the range.
    Unsatisfiable,
}

/// The selection from a resource of `length` bytes with the strong entity tag `etag`,
/// quotes included.
///
/// The precedence is that of RFC 9110 §13.2.2. Several ranges, or a range that cannot
/// be parsed, select the whole, as §14.2 allows.
#[must_use]
pub fn select(request: &Request<'_>, etag: &str, length: usize) -> Selection {
    if text(request, "if-none-match").is_some_and(|tags| matches_weakly(tags, etag)) {
        return Selection::NotModified;
    }
    // Range applies to GET alone (§14.2). A date in If-Range never matches here, nor
    // does a weak tag (§13.1.5).
    let fresh = request.header("if-range").is_none_or(|tag| tag == etag.as_bytes());
    if request.method != Method::Get || !fresh {
        return Selection::Whole;
    }
    text(request, "range").map_or(Selection::Whole, |range| byte_range(range, length))
}

/// The value of a field, if it is ASCII or UTF-8.
fn text<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    request.header(name).and_then(|value| std::str::from_utf8(value).ok())
}

/// Whether one of a list of entity tags is `etag` by the weak comparison (§8.8.3.2).
fn matches_weakly(tags: &str, etag: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Reads a `Range` field (§14.1.2).
fn byte_range(field: &str, length: usize) -> Selection {
    let Some((unit, set)) = field.split_once('=') else { return Selection::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Selection::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else { return Selection::Whole };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..length.min(last.saturating_add(1)),
        (Some(first), None) if last.is_empty() => first..length,
        (None, Some(suffix)) if first.is_empty() => length.saturating_sub(suffix)..length,
        _ => return Selection::Whole,
    };
    if range.is_empty() { Selection::Unsatisfiable } else { Selection::Part(range) }
}

/// A number made of digits alone; one that does not fit becomes the maximum.
fn number(digits: &str) -> Option<usize> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TAG: &str = "\"a-1\"";

    fn ask(method: Method, headers: &[(&'static str, &str)]) -> Selection {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| httparse::Header { name, value: value.as_bytes() })
            .collect();
        select(&Request::new(method, "/", &headers), TAG, 100)
    }

    #[test]
    fn parses_ranges_as_in_rfc_9110() {
        use Selection::{Part, Unsatisfiable, Whole};
        let cases = [
            ("bytes=0-", Part(0..100)),
            ("bytes=0-0", Part(0..1)),
            ("bytes=10-19", Part(10..20)),
            ("Bytes = 10-19", Part(10..20)),
            ("bytes=90-200", Part(90..100)),
            ("bytes=99-", Part(99..100)),
            ("bytes=-1", Part(99..100)),
            ("bytes=-100", Part(0..100)),
            ("bytes=-1000", Part(0..100)),
            ("bytes=0-99999999999999999999999999", Part(0..100)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=100-200", Unsatisfiable),
            ("bytes=99999999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=0-1,5-6", Whole),
            ("bytes=5-4", Whole),
            ("bytes=-", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=a-b", Whole),
            ("bytes", Whole),
            ("bytes=", Whole),
            ("lines=1-2", Whole),
            ("", Whole),
        ];
        for (field, expected) in cases {
            assert_eq!(ask(Method::Get, &[("Range", field)]), expected, "{field}");
        }
    }

    #[test]
    fn evaluates_conditions_before_ranges() {
        use Selection::{NotModified, Part, Whole};
        let range = ("Range", "bytes=0-9");
        let cases: [(&[(&'static str, &str)], Selection); 9] = [
            (&[("If-None-Match", TAG), range], NotModified),
            (&[("if-none-match", "\"x\", W/\"a-1\"")], NotModified),
            (&[("If-None-Match", "*")], NotModified),
            (&[("If-None-Match", "\"x\""), range], Part(0..10)),
            (&[("If-None-Match", "a-1")], Whole),
            (&[("If-Range", TAG), range], Part(0..10)),
            (&[("If-Range", "\"x\""), range], Whole),
            (&[("If-Range", "W/\"a-1\""), range], Whole),
            (&[("If-Range", "Mon, 23 Nov 2026 07:00:00 GMT"), range], Whole),
        ];
        for (headers, expected) in cases {
            assert_eq!(ask(Method::Get, headers), expected, "{headers:?}");
        }
        assert_eq!(ask(Method::Head, &[range]), Whole);
        assert_eq!(ask(Method::Head, &[("If-None-Match", TAG)]), NotModified);
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_never_outside(
            field in prop_oneof!["bytes=[0-9]{0,4}-[0-9]{0,4}", ".*"],
            length in 0usize..3_000,
        ) {
            if let Selection::Part(range) = byte_range(&field, length) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }
    }
}
