//! One line of the Prometheus text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>), and the three
//! lines of nginx's `stub_status` (`ngx_http_stub_status_module`).
//!
//! Parses only what is used of either; any other line is ignored.

/// A sample: a name, its labels as written, a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// The name of the series.
    pub name: &'a str,
    labels: &'a str,
    /// The value; finite.
    pub value: f64,
}

impl<'a> Sample<'a> {
    /// The sample of a line; `None` for a comment, for a malformed line and for
    /// a value that is not finite.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.trim_ascii();
        let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))?;
        let (name, rest) = line.split_at_checked(end)?;
        if name.is_empty() {
            return None;
        }
        let (labels, rest) = match rest.trim_ascii_start().strip_prefix('{') {
            Some(labels) => labels.split_at_checked(end_of_labels(labels)?)?,
            None => ("", rest),
        };
        // A time, and the exemplar of OpenMetrics, may follow.
        let rest = rest.strip_prefix('}').unwrap_or(rest);
        let value: f64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
        value.is_finite().then_some(Self { name, labels, value })
    }

    /// The value of a label, as written: an escape stays one.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.labels;
        loop {
            let (label, value) = rest.split_once('=')?;
            let value = value.trim_ascii_start().strip_prefix('"')?;
            let end = end_of_text(value)?;
            let (text, after) = value.split_at_checked(end)?;
            if label.trim_ascii() == name {
                return Some(text);
            }
            rest = after.strip_prefix('"')?.trim_ascii_start().strip_prefix(',')?;
        }
    }
}

/// Where a quoted text ends that begins here.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// Where the labels end that begin here; a brace in a quoted text ends nothing.
fn end_of_labels(labels: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    labels.bytes().position(|byte| {
        let ends = byte == b'}' && !quoted;
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && byte == b'\\' && !escaped;
        ends
    })
}

/// A line of `stub_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StubStatus {
    /// `Active connections: 291`
    Active(u64),
    /// ` 16630948 16630948 31070465`: accepted, handled, requests.
    Counts([u64; 3]),
    /// `Reading: 6 Writing: 179 Waiting: 106`
    States([u64; 3]),
}

impl StubStatus {
    /// The line, if it is one of them.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let parsed = match words.next()? {
            "Active" => {
                words.next().filter(|&word| word == "connections:")?;
                Self::Active(words.next()?.parse().ok()?)
            }
            "Reading:" => {
                let reading = words.next()?.parse().ok()?;
                words.next().filter(|&word| word == "Writing:")?;
                let writing = words.next()?.parse().ok()?;
                words.next().filter(|&word| word == "Waiting:")?;
                Self::States([reading, writing, words.next()?.parse().ok()?])
            }
            accepted => {
                let accepted = accepted.parse().ok()?;
                Self::Counts([accepted, words.next()?.parse().ok()?, words.next()?.parse().ok()?])
            }
        };
        words.next().is_none().then_some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_are_read() {
        let cases: [(&str, Option<(&str, f64)>); 14] = [
            ("node_load1 0.25", Some(("node_load1", 0.25))),
            ("a{} 1", Some(("a", 1.0))),
            ("a{b=\"c\"} 2.5e+09 1700000000000", Some(("a", 2.5e9))),
            ("a {b=\"}\",} 3", Some(("a", 3.0))),
            ("a{b=\"\\\"}\"} 4 # {t=\"x\"} 1", Some(("a", 4.0))),
            ("a:b\t5", Some(("a:b", 5.0))),
            ("# HELP a b", None),
            ("a NaN", None),
            ("a +Inf", None),
            ("a", None),
            ("a{b=\"c\" 1", None),
            ("a 1x", None),
            ("", None),
            ("\u{e9} 1", None),
        ];
        for (line, want) in cases {
            let got = Sample::parse(line.as_bytes()).map(|sample| (sample.name, sample.value));
            assert_eq!(got, want, "{line}");
        }
        assert_eq!(Sample::parse(b"\xff 1"), None);
    }

    #[test]
    fn labels_are_found_by_their_name() {
        let line = br#"a{cpu="0", mode="user" ,x="a\"=\\",y=",mode=",} 1"#;
        let sample = Sample::parse(line).unwrap();
        for (name, want) in [
            ("cpu", Some("0")),
            ("mode", Some("user")),
            ("x", Some(r#"a\"=\\"#)),
            ("y", Some(",mode=")),
            ("z", None),
        ] {
            assert_eq!(sample.label(name), want, "{name}");
        }
        for line in ["a{b} 1", "a{b=c} 1", "a{b=\"c\"d=\"e\"} 1", "a 1"] {
            assert_eq!(Sample::parse(line.as_bytes()).unwrap().label("d"), None, "{line}");
        }
    }

    #[test]
    fn stub_status_has_three_lines_that_count() {
        let cases = [
            ("Active connections: 291 ", Some(StubStatus::Active(291))),
            (
                " 16630948 16630948 31070465 ",
                Some(StubStatus::Counts([16630948, 16630948, 31070465])),
            ),
            ("Reading: 6 Writing: 179 Waiting: 106 ", Some(StubStatus::States([6, 179, 106]))),
            ("server accepts handled requests", None),
            ("Active connections: x", None),
            ("1 2", None),
            ("1 2 3 4", None),
            ("", None),
        ];
        for (line, want) in cases {
            assert_eq!(StubStatus::parse(line.as_bytes()), want, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_label_and_value_come_back(
            label in "[^\"\\\\\n]{0,12}", value in -1e300..1e300_f64, time in any::<bool>()
        ) {
            let time = if time { " 1700000000000" } else { "" };
            let line = format!("a{{x=\"}}\",b=\"{label}\"}} {value:e}{time}");
            let sample = Sample::parse(line.as_bytes()).unwrap();
            prop_assert_eq!(sample.label("b"), Some(label.as_str()));
            prop_assert!((sample.value - value).abs() <= value.abs() * 1e-12);
        }

        #[test]
        fn no_bytes_are_too_odd(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(sample) = Sample::parse(&line) {
                prop_assert!(sample.value.is_finite());
                let _ = sample.label("a");
            }
            let _ = StubStatus::parse(&line);
        }
    }
}
