//! Families as the two text formats that Prometheus reads, and the choice
//! between them.
//!
//! - text 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>
//! - OpenMetrics 1.0.0: <https://prometheus.io/docs/specs/om/open_metrics_spec/>
//!
//! Knows nothing of what the families mean.

use std::fmt::Write;

use prometheus::TextEncoder;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

/// A format of a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The format that the `Accept` fields of a request prefer (RFC 9110 §12.5.1).
    ///
    /// OpenMetrics must be named, by itself or by excluding the other; text is
    /// the default, also for a client that accepts neither.
    #[must_use]
    pub fn accepted<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut text = Weight::default();
        let mut open = Weight::default();
        for range in fields.flat_map(|field| field.split(|&byte| byte == b',')) {
            let Some(range) = Range::parse(range) else { continue };
            text.consider(&range, ("text", "plain"), "0.0.4");
            open.consider(&range, ("application", "openmetrics-text"), "1.0.0");
        }
        let named = open.precision >= EXACT;
        let preferred = open.share > text.share || (named && open.share >= text.share);
        if open.share > 0.0 && preferred { Self::OpenMetrics } else { Self::Text }
    }

    /// The media type of a response in this format.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The families in this format.
    ///
    /// # Errors
    /// A family without a name or without a sample, which is a fault of whoever
    /// made it.
    pub fn encode(self, families: &[MetricFamily]) -> Result<String, prometheus::Error> {
        let mut out = String::with_capacity(ROOM_BYTES);
        match self {
            Self::Text => TextEncoder::new().encode_utf8(families, &mut out)?,
            Self::OpenMetrics => open_metrics(families, &mut out),
        }
        Ok(out)
    }
}

/// Room for a usual scrape in bytes, so that it is built in one allocation.
const ROOM_BYTES: usize = 16 * 1024;

/// Precision of a media range that names type and subtype.
const EXACT: u8 = 3;

/// What the ranges seen so far give to one media type.
#[derive(Debug, Default)]
struct Weight {
    share: f32,
    /// Of the range that gave it: 0 none, 1 `*/*`, 2 `type/*`, 3 exact, 4 with version.
    precision: u8,
}

impl Weight {
    /// The most precise range that matches decides.
    fn consider(&mut self, range: &Range<'_>, (kind, subtype): (&str, &str), version: &str) {
        let same = |pattern: &str, name: &str| pattern.eq_ignore_ascii_case(name);
        let precision = match (range.kind, range.subtype, range.version) {
            ("*", "*", None) => 1,
            (k, "*", None) if same(k, kind) => 2,
            (k, s, None) if same(k, kind) && same(s, subtype) => EXACT,
            (k, s, Some(v)) if same(k, kind) && same(s, subtype) && v == version => EXACT + 1,
            _ => return,
        };
        if precision > self.precision || (precision == self.precision && range.share > self.share) {
            *self = Self { share: range.share, precision };
        }
    }
}

/// One media range of an `Accept` field.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    version: Option<&'a str>,
    share: f32,
}

impl<'a> Range<'a> {
    /// `None` for what is no media range, which is then as if it were not there.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut parts = str::from_utf8(bytes).ok()?.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut range = Self { kind, subtype, version: None, share: 1.0 };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if name.eq_ignore_ascii_case("q") {
                range.share = value.parse().ok().filter(|q| (0.0..=1.0).contains(q))?;
            } else if name.eq_ignore_ascii_case("version") {
                range.version = Some(value.trim_matches('"'));
            }
        }
        Some(range)
    }
}

fn open_metrics(families: &[MetricFamily], out: &mut String) {
    for family in families {
        let (name, kind) = (open_name(family), family.get_field_type());
        let _ = writeln!(out, "# TYPE {name} {}", type_name(kind));
        if let Some(unit) = unit(name) {
            let _ = writeln!(out, "# UNIT {name} {unit}");
        }
        let _ = writeln!(out, "# HELP {name} {}", Escaped(family.help()));
        for metric in family.get_metric() {
            samples(out, name, kind, metric);
        }
    }
    out.push_str("# EOF\n");
}

/// The name of a family in OpenMetrics: that of a counter family lacks the suffix
/// that its sample has. No other family has the name without it (a test of `families`
/// holds it), since the specification forbids two families of one name.
fn open_name(family: &MetricFamily) -> &str {
    let name = family.name();
    match family.get_field_type() {
        MetricType::COUNTER => name.strip_suffix("_total").unwrap_or(name),
        _ => name,
    }
}

const fn type_name(kind: MetricType) -> &'static str {
    match kind {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY => "summary",
        MetricType::UNTYPED => "unknown",
    }
}

fn unit(name: &str) -> Option<&str> {
    name.rsplit('_').next().filter(|last| matches!(*last, "seconds" | "bytes"))
}

/// The samples of the types that this program has.
fn samples(out: &mut String, name: &str, kind: MetricType, metric: &Metric) {
    let labels = metric.get_label();
    match kind {
        MetricType::COUNTER => {
            let value = metric.get_counter().get_value();
            sample(out, name, "_total", labels, value);
        }
        MetricType::HISTOGRAM => {
            let histogram = metric.get_histogram();
            for bucket in histogram.get_bucket() {
                let bound = canonical(bucket.upper_bound());
                bucket_sample(out, name, labels, &bound, bucket.cumulative_count());
            }
            let count = histogram.get_sample_count();
            bucket_sample(out, name, labels, "+Inf", count);
            sample(out, name, "_count", labels, count as f64);
            sample(out, name, "_sum", labels, histogram.get_sample_sum());
        }
        _ => sample(out, name, "", labels, metric.get_gauge().get_value()),
    }
}

fn sample(out: &mut String, name: &str, suffix: &str, labels: &[LabelPair], value: f64) {
    let _ = write!(out, "{name}{suffix}");
    push_labels(out, labels, None);
    let _ = writeln!(out, " {value}");
}

fn bucket_sample(out: &mut String, name: &str, labels: &[LabelPair], bound: &str, count: u64) {
    let _ = write!(out, "{name}_bucket");
    push_labels(out, labels, Some(bound));
    let _ = writeln!(out, " {count}");
}

fn push_labels(out: &mut String, labels: &[LabelPair], bound: Option<&str>) {
    let mut separator = '{';
    for label in labels {
        let _ = write!(out, "{separator}{}=\"{}\"", label.name(), Escaped(label.value()));
        separator = ',';
    }
    if let Some(bound) = bound {
        let _ = write!(out, "{separator}le=\"{bound}\"");
        separator = ',';
    }
    if separator == ',' {
        out.push('}');
    }
}

/// A bucket's bound as the specification spells it ("Considerations: Canonical
/// Numbers"): `1.0`, `0.005`, `1e-05`, `1e+06`.
fn canonical(bound: f64) -> String {
    if (1e-4..1e6).contains(&bound) {
        return format!("{bound:?}");
    }
    let text = format!("{bound:e}");
    match text.split_once('e').map(|(digits, power)| (digits, power.parse::<i32>())) {
        Some((digits, Ok(power))) => format!("{digits}e{power:+03}"),
        _ => text,
    }
}

/// Text as it stands between quotes, or in a help line.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            _ => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(field: &str) -> Format {
        Format::accepted(std::iter::once(field.as_bytes()))
    }

    #[test]
    fn open_metrics_is_sent_to_those_who_ask_for_it() {
        let asks = [
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            "application/openmetrics-text; version=1.0.0,application/openmetrics-text; \
             version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "text/plain, application/openmetrics-text",
            "text/plain;q=0.2, application/*;q=0.3",
            "application/openmetrics-text;version=\"1.0.0\"",
            "*/*, text/plain;q=0",
        ];
        for field in asks {
            assert_eq!(accepted(field), Format::OpenMetrics, "{field}");
        }
        let two = ["text/plain;q=0.1", "application/openmetrics-text"];
        assert_eq!(Format::accepted(two.iter().map(|f| f.as_bytes())), Format::OpenMetrics);
    }

    #[test]
    fn text_is_sent_to_everyone_else() {
        let asks = [
            "",
            "*/*",
            "application/*, text/*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.4,text/plain;q=0.5",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;version=2.0.0, */*;q=0.1",
            "application/openmetrics-text;q=high",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=0.1, */*",
            "image/png",
            ";;;,,/",
        ];
        for field in asks {
            assert_eq!(accepted(field), Format::Text, "{field}");
        }
        assert_eq!(Format::accepted(std::iter::empty()), Format::Text);
        assert_eq!(Format::accepted(std::iter::once(&b"\xff"[..])), Format::Text);
    }

    #[test]
    fn bounds_are_spelt_as_the_specification_does() {
        let cases = [
            (1e-5, "1e-05"),
            (2.5e-5, "2.5e-05"),
            (1e-4, "0.0001"),
            (0.005, "0.005"),
            (1.0, "1.0"),
            (7200.0, "7200.0"),
            (1e5, "100000.0"),
            (1e6, "1e+06"),
            (1e10, "1e+10"),
        ];
        for (bound, want) in cases {
            assert_eq!(canonical(bound), want);
        }
    }

    #[test]
    fn label_values_are_escaped() {
        let mut pair = LabelPair::default();
        pair.set_name("a".to_owned());
        pair.set_value("x\\y\"z\n".to_owned());
        let mut out = String::new();
        sample(&mut out, "m", "_total", &[pair], 1.5);
        assert_eq!(out, "m_total{a=\"x\\\\y\\\"z\\n\"} 1.5\n");
    }

    #[test]
    fn only_a_known_unit_is_named() {
        let cases = [
            ("a_seconds", Some("seconds")),
            ("a_bytes", Some("bytes")),
            ("a_fds", None),
            ("seconds_a", None),
        ];
        for (name, want) in cases {
            assert_eq!(unit(name), want);
        }
    }
}
