//! The whole object as it is written, and held to docs/SUMMARY.md.

use crate::exchange::RequestKind;
use crate::exchange::record::{CacheStatus, ExchangeResult, Record, TcpCounters, Times};
use crate::units::Tick;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::measures::fixture::{Numbers, busy_run};
use crate::measures::{Ending, Measured};
use crate::stats::{Health, Totals};
use crate::summary::fixture::{Ended, full};

const DOC: &str = include_str!("../../../docs/SUMMARY.md");

/// Objects whose names depend on the run, and what the docs call the name.
const NAMED: [(&str, &str); 16] = [
    ("series.gauges", "<gauge>"),
    ("series.counters", "<counter>"),
    ("series.times", "<time>"),
    ("clients.kept_by", "<outcome>"),
    ("processes.spawn_failures", "<reason>"),
    ("processes.exits", "<code>"),
    ("processes.outcomes", "<outcome>"),
    ("requests.by_kind", "<kind>"),
    ("requests.errors", "<kind>"),
    ("requests.errors.<kind>", "<reason>"),
    ("requests.http_errors", "<status>"),
    ("exchanges.results", "<kind>"),
    ("exchanges.results.<kind>", "<result>"),
    ("exchanges.cached", "<kind>"),
    ("exchanges.cached.<kind>", "<cache>"),
    ("log.values_refused", "<value>"),
];

fn value(of: &Ended<'_>) -> Value {
    serde_json::from_str(&of.json()).unwrap()
}

/// Adds the path and type of every leaf, histograms counting as leaves unless
/// `value` is one itself.
fn leaves(path: &str, value: &Value, found: &mut BTreeSet<(String, &'static str)>) {
    let kind = match value {
        Value::Object(fields) if path.is_empty() || !fields.contains_key("recorded") => {
            let named = NAMED.iter().find(|(object, _)| *object == path);
            for (name, value) in fields {
                let name = named.map_or(name.as_str(), |&(_, stand_in)| stand_in);
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                leaves(&path, value, found);
            }
            return;
        }
        Value::Array(items) => {
            items.iter().for_each(|item| leaves(&format!("{path}[]"), item, found));
            return;
        }
        Value::Object(_) => "histogram",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        // A column has no gaps, so what is absent from it is null.
        Value::Null if path.ends_with("[]") => return,
        Value::Null => "null",
    };
    found.insert((path.to_owned(), kind));
}

/// Field and type of each row of the table after a heading.
fn documented(heading: &str) -> BTreeSet<(String, &'static str)> {
    let section = DOC.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    cells.map(|cells| (cells[0].trim_end_matches('`').to_owned(), cells[1])).collect()
}

/// The summary of a run with the tap, which carried an exchange of every part.
fn with_exchanges() -> Value {
    let mut numbers = busy_run();
    let span = Duration::from_millis(20);
    numbers.totals.exchanges.record(&Record {
        url: "http://h/a.ts",
        kind: RequestKind::Segment,
        result: ExchangeResult::Ok,
        status: Some(200),
        reused: false,
        began: Tick::ZERO,
        ended: Tick::from_millis(50),
        times: Times { dns: Some(span), tls: Some(span), ..Times::default() },
        head_bytes: 100,
        body_bytes: 1000,
        cache: CacheStatus::Hit,
        age_secs: None,
        edge: None,
        media: None,
        date: None,
        is_refresh: false,
        tcp: TcpCounters::default(),
        tap_delay: Duration::ZERO,
    });
    let snapshot = numbers.snapshot();
    let mut run = full(&snapshot, &numbers.health);
    run.scene.measured = Measured { log: true, tcp: false, tap: true };
    value(&run)
}

#[test]
fn the_docs_have_every_field_with_its_type_and_no_other() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let mut whole = full(&snapshot, &numbers.health);
    whole.scene.exporters = Some(&numbers.exporters);
    let whole = value(&whole);
    let mut fields = BTreeSet::new();
    leaves("", &whole, &mut fields);
    leaves("", &with_exchanges(), &mut fields);
    assert_eq!(documented("Fields"), fields);
    let mut fields = BTreeSet::new();
    leaves("", &whole["requests"]["segment_download"], &mut fields);
    assert_eq!(documented("Histograms"), fields);
}

#[test]
fn the_object_is_as_it_was_agreed() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let agreed = include_str!("../../../tests/data/summary.json");
    let agreed = agreed.replace("VERSION", env!("CARGO_PKG_VERSION"));
    let agreed: Value = serde_json::from_str(&agreed).unwrap();
    let mut whole = full(&snapshot, &numbers.health);
    whole.scene.exporters = Some(&numbers.exporters);
    let got = value(&whole);
    assert_eq!(format!("{got:#}"), format!("{agreed:#}"));
    let text = whole.json();
    assert!(text.ends_with("}\n") && text.lines().count() == 1);
}

#[test]
fn what_was_not_measured_is_absent() {
    let numbers = Numbers::new(Totals::default(), Health::default());
    let mut snapshot = numbers.snapshot();
    snapshot.children_resident_bytes = None;
    let mut nothing = full(&snapshot, &numbers.health);
    nothing.scene.own_peak_resident_bytes = None;
    nothing.scene.cores = None;
    nothing.scene.measured = Measured { log: false, tcp: false, tap: false };
    nothing.run.metrics = None;
    nothing.run.ending = Ending::DurationReached;
    let text = nothing.json();
    let value = value(&nothing);
    for name in ["bytes", "requests", "playback", "tcp"] {
        assert_eq!(value.get(name), None, "{name}");
    }
    let absent = [
        "signal",
        "started_unix_seconds",
        "metrics_address",
        "uptime_judgement",
        "never_played",
        "kept_by",
        "kept_example",
        "percentiles",
        "cores",
        "own_cpu_seconds",
        "own_resident_bytes",
        "own_peak_resident_bytes",
        "ffmpeg_resident_bytes",
        "ffmpeg_peak_resident_bytes",
        "null",
        "stalled_clients",
        "errors",
        "segment_download",
    ];
    for name in absent {
        assert!(!text.contains(name), "{name}: {text}");
    }
}

#[test]
fn each_source_has_its_part() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    for (log, tcp) in [(true, false), (false, true)] {
        let measured = Measured { log, tcp, tap: false };
        let mut of = full(&snapshot, &numbers.health);
        of.scene.measured = measured;
        let value = value(&of);
        let has = |name: &str| value.get(name).is_some();
        assert!(has("bytes"));
        assert_eq!([has("requests"), has("playback"), has("tcp")], [log, log, tcp]);
    }
}

#[test]
fn the_two_summaries_tell_the_same() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let of = full(&snapshot, &numbers.health);
    let (text, value) = (of.text(), value(&of));
    let judgement = value["processes"]["uptime_judgement"].as_str().unwrap();
    assert!(text.contains(&format!(": {judgement}\n")));
    for shortfall in value["host"]["shortfalls"].as_array().unwrap() {
        assert!(text.contains(shortfall.as_str().unwrap()), "{shortfall}");
    }
    for pattern in value["log"]["error_patterns"].as_array().unwrap() {
        assert!(text.contains(pattern["pattern"].as_str().unwrap()), "{pattern}");
    }
    let rate = value["bytes"]["bits_per_second_per_client"].as_f64().unwrap();
    assert!(text.contains(&format!("; {:.0} kbit/s per client\n", rate / 1e3)));
    assert_eq!(value["run"]["seed"].as_u64(), Some(of.run.seed));
}

#[test]
fn what_was_written_is_read_again() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let text = full(&snapshot, &numbers.health).json();
    let read = Document::parse(&text).unwrap();
    assert!(serde_json::to_string(&read).unwrap() + "\n" == text);
    let earlier = text.replacen(":2,", ":1,", 1);
    assert!(matches!(Document::parse(&earlier), Err(Unreadable::Version(1))));
    let newer = text.replacen("{", "{\"new\":[1],", 1);
    assert!(Document::parse(&newer).is_ok());
    assert!(matches!(Document::parse("{}"), Err(Unreadable::Malformed(_))));
}
