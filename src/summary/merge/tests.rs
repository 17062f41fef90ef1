//! Shards' summaries merged: what is added, what is bounded, what is refused.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::measures::fixture::{Numbers, busy_run};
use crate::measures::{self, Kind, Measured, Merge, Needs};
use crate::stats::{Health, Snapshot, Totals};
use crate::summary::fixture::{Ended, ended};
use crate::summary::text::render;

fn input<'a>(numbers: &'a Numbers, snapshot: &'a Snapshot<'a>) -> Ended<'a> {
    let mut of = ended(snapshot, &numbers.health);
    of.scene.exporters = Some(&numbers.exporters);
    of.run.seed = 7;
    of.run.shard = Shard::new(1, 4).unwrap();
    of.run.clients = 40;
    of.run.repeat_command = "ffmpeg-hls-swarm -seed 7 -shard 1/4 http://h/a";
    of.run.metrics = None;
    of
}

/// The merged summary as it is written.
fn written(parts: &[Part]) -> Value {
    serde_json::to_value(merge(parts).unwrap()).unwrap()
}

/// The text of a merged summary that was read back.
fn shown(merged: &Value) -> String {
    render(&Document::parse(&merged.to_string()).unwrap())
}

/// The value at a path, names joined by dots.
fn at<'a>(value: &'a Value, place: &str) -> Option<&'a Value> {
    place.split('.').try_fold(value, |value, name| value.get(name))
}

/// The summary of this shard in which `numbers` happened.
fn part_of(numbers: &Numbers, index: u32, count: u32) -> Part {
    let snapshot = numbers.snapshot();
    let shard = Shard::new(index, count).unwrap();
    let mut of = input(numbers, &snapshot);
    of.run.shard = shard;
    Part { name: format!("{index}.json"), text: of.json() }
}

fn part(index: u32, count: u32) -> Part {
    part_of(&busy_run(), index, count)
}

/// The same with one piece of its text replaced.
fn changed(part: Part, from: &str, to: &str) -> Part {
    assert!(part.text.contains(from), "{from} in {}", part.text);
    Part { text: part.text.replace(from, to), ..part }
}

#[test]
fn what_can_be_added_is_added() {
    let one: Value = serde_json::from_str(&part(0, 3).text).unwrap();
    let whole = written(&[part(2, 3), part(0, 3), part(1, 3)]);
    for measure in measures::fields().filter(|of| of.needs != Needs::Exchanges) {
        let place = measure.field.unwrap();
        let (one, all) = (at(&one, place), at(&whole, place));
        let times = |value: Option<&Value>| value.and_then(Value::as_f64).map(|n| n * 3.0);
        match (measure.merge, measure.kind) {
            (Merge::Sum, Kind::Times) => {
                let (one, all) = (one.unwrap(), all.unwrap());
                assert_eq!(all["count"].as_u64(), one["count"].as_u64().map(|n| n * 3));
                assert_eq!(all["percentiles"], one["percentiles"], "{place}");
            }
            (Merge::Sum, _) => assert_eq!(all.and_then(Value::as_f64), times(one), "{place}"),
            (Merge::Common | Merge::Max | Merge::Min, _) => assert_eq!(all, one, "{place}"),
            _ => {}
        }
    }
    assert!(Document::parse(&whole.to_string()).is_ok());
    assert!(one["origin_side"].is_object() && whole.get("origin_side").is_none());
    assert_eq!(whole["processes"]["exits"]["1"], 9);
    assert_eq!(whole["requests"]["errors"]["segment"]["http_4xx"], 6);
    assert_eq!(whole["processes"]["uptime_judgement"], one["processes"]["uptime_judgement"]);
    let rate = "segments_per_minute_per_client";
    let rates = [&one, &whole].map(|value| value["requests"][rate].as_f64().unwrap());
    assert!((rates[0] - rates[1]).abs() < 1e-9, "{rates:?}");
    assert_eq!(whole["run"]["command"], "ffmpeg-hls-swarm -seed 7 http://h/a");
    assert_eq!(whole["clients"]["peak_active_at_most"], 30);
    assert!(whole["clients"].get("peak_active").is_none());
    let patterns = whole["log"]["error_patterns"].as_array().unwrap();
    assert_eq!(
        (patterns[0]["count"].as_u64(), patterns[0]["undercount"].as_u64()),
        (Some(6), Some(0))
    );
    assert!(whole["host"]["shortfalls"][0].as_str().unwrap().starts_with("shard 0/3: "));
    assert_eq!(whole["merged"]["missing"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_shard_that_is_missing_is_named() {
    let merged = written(&[part(3, 4), part(0, 4)]);
    assert_eq!(merged["merged"]["missing"], serde_json::json!([1, 2]));
    assert_eq!(merged["merged"]["shards"][1]["file"], "3.json");
    let text = shown(&merged);
    assert!(text.contains("summary of 2 of 4 shards\n"), "{text}");
    assert!(text.contains(" - shard 1/4\n - shard 2/4\n"), "{text}");
    let clients = "target 20, active: peak 20 at most (the sum of the shards' own), median n/a\n";
    assert!(text.contains(clients), "{text}");
    assert!(text.contains("shard 0/4 has no series"), "{text}");
    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
}

/// A shard that had so many active clients at the end of each second, and its peak.
fn active(index: u32, late_secs: f64, peak: u64, active: &[u64]) -> Part {
    let mut part: Value = serde_json::from_str(&part(index, 2).text).unwrap();
    part["run"]["late_seconds"] = late_secs.into();
    part["clients"]["peak_active"] = peak.into();
    part["series"] = json!({
        "interval_seconds": 1.0, "duration_seconds": active.len() as f64,
        "gauges": {"active_clients": active}, "counters": {}, "times": {},
    });
    Part { name: format!("{index}.json"), text: part.to_string() }
}

#[test]
fn active_clients_of_all_shards_have_a_peak_and_a_median() {
    // The shards are at their peaks at different times; the second began 2 s late.
    let one = active(0, 0.0, 12, &[5, 10, 12, 8, 6, 6, 6, 6, 6, 6, 6, 0]);
    let two = active(1, 2.0, 9, &[2, 4, 4, 4, 4, 4, 4, 4, 9, 0]);
    let merged = written(&[one.clone(), two]);
    let clients = &merged["clients"];
    let sums = json!([5, 10, 14, 12, 10, 10, 10, 10, 10, 10, 15, 0]);
    assert_eq!(merged["series"]["gauges"]["active_clients"], sums);
    assert_eq!((&clients["peak_active"], &clients["median_active"]), (&json!(15), &json!(10)));
    assert_eq!(clients["peak_active_at_most"], 21);
    assert_eq!(merged["merged"]["remarks"], json!([]));
    let text = shown(&merged);
    assert!(text.contains("active: peak 15 (21 at most), median 10\n"), "{text}");
    // A peak between two ends of intervals is in the shard's own alone.
    let spike = written(&[one.clone(), active(1, 0.0, 40, &[1; 12])]);
    assert_eq!(spike["clients"]["peak_active"], 40);

    let short = written(&[active(0, 0.0, 3, &[3, 0]), active(1, 0.0, 2, &[2, 0])]);
    assert_eq!(short["clients"]["peak_active"], 5);
    assert!(short["clients"].get("median_active").is_none());
    assert!(shown(&short).contains("fewer than 10 intervals"));
    // Without a common start nothing is known of what came at one time.
    let mut alone: Value = serde_json::from_str(&active(1, 0.0, 9, &[9; 12]).text).unwrap();
    alone["run"].as_object_mut().unwrap().remove("late_seconds");
    let alone = Part { name: "1.json".to_owned(), text: alone.to_string() };
    let merged = written(&[one, alone]);
    assert!(merged["clients"].get("peak_active").is_none());
    assert_eq!(
        merged["merged"]["remarks"],
        json!(["no peak nor median of active clients: shard 1/2 was started without -start-at"])
    );
}

#[test]
fn a_target_that_one_shard_did_not_reach_is_not_reached_by_all() {
    let whole = written(&[part(0, 2), part(1, 2)]);
    assert_eq!(whole["clients"]["target_reached"], true);
    let short = changed(part(1, 2), "\"target_reached\":true", "\"target_reached\":false");
    let merged = written(&[part(0, 2), short]);
    assert_eq!(merged["clients"]["target_reached"], false);
    assert!(shown(&merged).contains(" Target             not reached by every shard\n"));
}

#[test]
fn a_single_part_keeps_its_peak_and_a_whole_run_is_its_only_part() {
    let alone = written(&[part(0, 1)]);
    let own: Value = serde_json::from_str(&part(0, 1).text).unwrap();
    for field in ["peak_active", "median_active"] {
        assert_eq!(alone["clients"][field], own["clients"][field], "{field}");
    }
    assert!(alone["clients"].get("peak_active_at_most").is_none());
    assert_eq!(alone["merged"]["count"], 1);
    let text = shown(&alone);
    assert!(text.contains("of 1 of 1 shard\n") && !text.contains("not all of the run"), "{text}");
}

#[test]
fn what_one_shard_did_not_measure_is_not_told_of_all() {
    let numbers = busy_run();
    let snapshot = numbers.snapshot();
    let mut of = input(&numbers, &snapshot);
    of.scene.measured = Measured { log: false, tcp: true, tap: false };
    of.run.shard = Shard::new(1, 2).unwrap();
    let without = Part { name: "1.json".to_owned(), text: of.json() };
    let merged = written(&[part(0, 2), without]);
    assert!(merged.get("requests").is_none() && merged.get("playback").is_none());
    assert_eq!(merged["bytes"]["downloaded"], 39_600_000);
    assert!(shown(&merged).contains("not measured by every shard"));
}

#[test]
fn a_pattern_that_a_shard_may_have_left_out_says_so() {
    let with = |index, patterns: &[(&str, u64)]| {
        let mut part: Value = serde_json::from_str(&part(index, 2).text).unwrap();
        let list = patterns.iter().map(|(pattern, count)| {
            serde_json::json!({ "pattern": pattern, "count": count, "overcount": 0 })
        });
        part["log"]["error_patterns"] = list.collect();
        Part { name: format!("{index}.json"), text: part.to_string() }
    };
    let five = [("a", 50), ("b", 40), ("c", 30), ("d", 20), ("e", 10)];
    let merged = written(&[with(0, &five), with(1, &[("f", 45), ("a", 1)])]);
    let found = merged["log"]["error_patterns"].as_array().unwrap();
    let shown_patterns: Vec<_> = found
        .iter()
        .map(|p| (p["pattern"].as_str().unwrap(), p["count"].as_u64(), p["undercount"].as_u64()))
        .collect();
    // The first shard may have seen `f` as often as its last; the second lists all.
    let want = [("a", 51, 0), ("f", 45, 10), ("b", 40, 0), ("c", 30, 0), ("d", 20, 0)];
    assert_eq!(shown_patterns, want.map(|(pattern, n, under)| (pattern, Some(n), Some(under))));
}

#[test]
fn what_does_not_fit_is_refused_in_one_line() {
    let odd = |from, to| [part(0, 2), changed(part(1, 2), from, to)];
    let damaged = |from, to| [changed(part(0, 2), from, to), part(1, 2)];
    let cases: [(&[Part], &str); 12] = [
        (&[], "nothing to merge"),
        (&[part(0, 2), part(0, 2)], "0.json and 0.json are both of shard 0/2"),
        (&[part(0, 2), part(1, 3)], "number of shards 2 and 3"),
        (&odd("\"seed\":7", "\"seed\":8"), "seed 7 and 8; give the shards of one run"),
        (&odd("http://h/a\",\"seed", "http://h/b\",\"seed"), "different runs: URL"),
        (&odd("\"clients\":40", "\"clients\":41"), "number of clients 40 and 41"),
        (&odd("\"schema_version\":2", "\"schema_version\":1"), "1.json: schema 1, and this"),
        (&odd("\"index\":1", "\"index\":7"), "1.json: no shard that can be"),
        (&damaged("{\"schema", "[{\"schema"), "0.json: no JSON"),
        (&damaged("\"started\":14", "\"started\":\"x\""), "processes.started: no number"),
        (&damaged("\"le\":30.0", "\"le\":31.0"), "the buckets differ"),
        (&damaged("\"schema_version\":2,", ""), "0.json: no summary"),
    ];
    for (parts, why) in cases {
        let error = merge(parts).unwrap_err().to_string();
        assert!(error.contains(why) && error.lines().count() == 1, "{why}: {error}");
    }
    let merged = written(&[part(0, 2)]).to_string();
    let again = [Part { name: "m.json".to_owned(), text: merged }];
    assert!(merge(&again).unwrap_err().to_string().contains("m.json: merged already"));
}

#[test]
fn no_number_of_a_stranger_is_too_much() {
    let huge = |part| changed(part, "\"started\":14", "\"started\":18446744073709551615");
    let merged = written(&[huge(part(0, 2)), huge(part(1, 2))]);
    assert_eq!(merged["processes"]["started"], u64::MAX);
    let endless = |part| changed(part, "\"duration_seconds\":60.0", "\"duration_seconds\":1e300");
    let text = shown(&written(&[endless(part(0, 2))]));
    assert!(text.contains(" Duration "), "{text}");
}

proptest! {
    #[test]
    fn the_histograms_of_shards_are_those_of_the_whole(
        spans in prop::collection::vec((0..3_usize, 0..90_000_u64), 1..60),
    ) {
        let mut totals: [Totals; 4] = std::array::from_fn(|_| Totals::default());
        for &(shard, ms) in &spans {
            totals[shard].uptime.record(Duration::from_millis(ms));
            totals[3].uptime.record(Duration::from_millis(ms));
        }
        let numbers = totals.map(|totals| Numbers::new(totals, Health::default()));
        let parts: Vec<_> = (0..3).map(|i| part_of(&numbers[i as usize], i, 3)).collect();
        let whole: Value = serde_json::from_str(&part_of(&numbers[3], 0, 1).text).unwrap();
        let merged = written(&parts);
        let [got, want] = [&merged, &whole].map(|value| &value["processes"]["uptime"]);
        for field in ["count", "percentiles", "buckets", "recorded", "unit"] {
            prop_assert_eq!(&got[field], &want[field]);
        }
        let [got, want] = [got, want].map(|uptime| uptime["sum"].as_f64().unwrap());
        prop_assert!((got - want).abs() < 1e-6);
    }
}
