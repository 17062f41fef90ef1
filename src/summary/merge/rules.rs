//! How each field of the summary is merged. A field without a rule is left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{active, at, distribution, float, number, put, series};
use crate::ffmpeg::outcome::Outcome;
use crate::summary::document::total;
use crate::summary::text;
use crate::units::shard::Shard;

/// Error patterns that are kept, as many as a summary shows.
const SHOWN_PATTERNS: usize = text::streaming::SHOWN_PATTERNS;

/// What becomes of the values of one field. It is absent if it is in any of the
/// summaries, unless the rule says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The value, if all agree.
    Common,
    /// The sum.
    Sum,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Whether any is true.
    Any,
    /// Whether all are true.
    All,
    /// Counts by name, added; a name or the whole that is absent counts as 0.
    Counts,
    /// One histogram of all.
    Histogram,
    /// The same; one that is absent has nothing recorded.
    HistogramIfAny,
    /// Made anew in [`conclude`], or told by `merged`.
    Anew,
    /// Says nothing of the whole.
    LeftOut,
}

use Rule::{All, Anew, Any, Common, Counts, Histogram, HistogramIfAny, LeftOut, Max, Min, Sum};

/// The sections and fields of docs/SUMMARY.md; `""` is the top.
pub(super) const RULES: &[(&str, &[(&str, Rule)])] = &[
    ("", &[("schema_version", Common), ("version", Common), ("ffmpeg_version", Common)]),
    (
        "run",
        &[
            ("ended", Common),
            ("signal", Common),
            ("duration_seconds", Max),
            ("started_unix_seconds", Min),
            ("late_seconds", Max),
            ("url", Common),
            ("seed", Common),
            ("command", Anew),
            ("dangerous", Any),
            ("metrics_address", LeftOut),
        ],
    ),
    ("shard", &[("index", LeftOut), ("count", LeftOut), ("clients", LeftOut)]),
    (
        "clients",
        &[
            ("target", Sum),
            ("ever_started", Sum),
            ("peak_active", Anew),
            ("median_active", Anew),
            ("active_seconds", Sum),
            ("target_reached", All),
            ("never_played", Sum),
            ("kept_by", Counts),
            ("kept_example", Anew),
        ],
    ),
    (
        "processes",
        &[
            ("started", Sum),
            ("restarted", Sum),
            ("max_restarts_reached", Sum),
            ("spawn_failures", Counts),
            ("exits", Counts),
            ("outcomes", Counts),
            ("uptime", Histogram),
            ("uptime_judgement", Anew),
            ("start_lateness", Histogram),
            ("late_starts", Sum),
        ],
    ),
    ("bytes", &[("downloaded", Sum), ("bits_per_second_per_client", Anew)]),
    (
        "requests",
        &[
            ("by_kind", Counts),
            ("segments_downloaded", Sum),
            ("playlist_refreshes", Sum),
            ("segments_per_minute_per_client", Anew),
            ("playlist_refreshes_per_minute_per_client", Anew),
            ("connections_new", Sum),
            ("connections_reused", Sum),
            ("errors", Counts),
            ("http_errors", Counts),
            ("timeouts", Sum),
            ("reconnections", Sum),
            ("segments_skipped", Sum),
            ("sequence_jumps", Sum),
            ("playlist_reload_failures", Sum),
            ("tcp_connect", HistogramIfAny),
            ("segment_download", Histogram),
            ("playlist_download", Histogram),
        ],
    ),
    (
        "playback",
        &[
            ("startup", Histogram),
            ("stalls", Sum),
            ("stall_seconds", Sum),
            ("stall_threshold_seconds", Common),
            ("target_duration_seconds", Common),
            ("target_duration_source", Common),
            ("stalled_at_end", Sum),
            ("below_realtime_at_end", Sum),
            ("above_realtime_at_end", Sum),
            ("speed", Histogram),
            ("drift", Histogram),
            ("playlist_edge_age", HistogramIfAny),
        ],
    ),
    ("tcp", &[("rtt", Histogram), ("retransmits", Sum)]),
    // Of one origin that all shards looked at the numbers cannot be added.
    ("origin_side", &[("host", LeftOut), ("nginx", LeftOut)]),
    (
        "log",
        &[
            ("lines", Sum),
            ("lines_cut", Sum),
            ("error_lines", Sum),
            ("values_refused", Counts),
            ("error_patterns", Anew),
        ],
    ),
    (
        "host",
        &[
            ("cores", Sum),
            ("own_cpu_seconds", Sum),
            ("own_resident_bytes", Sum),
            ("own_peak_resident_bytes", Max),
            ("ffmpeg_cpu_seconds", Sum),
            ("ffmpeg_resident_bytes", Sum),
            ("ffmpeg_peak_resident_bytes", Max),
            ("turns", Histogram),
            ("events", Sum),
            ("journal_lines_dropped", Sum),
            ("standstills", Sum),
            ("standstill_seconds", Sum),
            ("standstill_first_at_seconds", LeftOut),
            ("standstill_longest_seconds", Max),
            ("standstill_longest_at_seconds", LeftOut),
            ("shortfalls", Anew),
        ],
    ),
    (
        "series",
        &[
            ("interval_seconds", Anew),
            ("duration_seconds", Anew),
            ("gauges", Anew),
            ("counters", Anew),
            ("times", Anew),
        ],
    ),
];

/// Merges field by field. A section that one of the summaries lacks was not
/// measured there, so it is not known of the whole.
///
/// # Errors
/// A field that is not what its rule takes.
pub(super) fn apply(values: &[&Value]) -> Result<Map<String, Value>, String> {
    let mut merged = Map::new();
    for (section, fields) in RULES {
        let path: &[&str] = if section.is_empty() { &[] } else { &[section] };
        let parts: Vec<&Value> = values.iter().filter_map(|value| at(value, path)).collect();
        if parts.len() < values.len() {
            continue;
        }
        let mut out = Map::new();
        for (field, rule) in *fields {
            let found: Vec<&Value> = parts.iter().filter_map(|part| part.get(field)).collect();
            let complete = found.len() == parts.len();
            let value = one(*rule, &found, complete).map_err(|why| {
                format!("{section}.{field}: {why}").trim_start_matches('.').to_owned()
            })?;
            out.extend(value.map(|value| ((*field).to_owned(), value)));
        }
        if section.is_empty() {
            merged.append(&mut out);
        } else if !out.is_empty() {
            merged.insert((*section).to_owned(), Value::Object(out));
        }
    }
    Ok(merged)
}

/// The merged value of a field; `None` if it has none.
fn one(rule: Rule, found: &[&Value], complete: bool) -> Result<Option<Value>, String> {
    match rule {
        Anew | LeftOut => return Ok(None),
        HistogramIfAny | Counts if found.is_empty() => return Ok(None),
        HistogramIfAny | Counts => {}
        _ if !complete => return Ok(None),
        _ => {}
    }
    let floats = || -> Result<Vec<f64>, String> {
        found.iter().map(|value| value.as_f64().ok_or_else(|| "no number".to_owned())).collect()
    };
    Ok(match rule {
        Common => {
            let agreed = found.windows(2).all(|pair| pair.first() == pair.get(1));
            found.first().filter(|_| agreed).map(|&value| value.clone())
        }
        Sum => Some(sum(found)?),
        Max | Min => {
            floats()?;
            let key = |value: &&&Value| value.as_f64().unwrap_or(0.0);
            let order = |a: &&&Value, b: &&&Value| key(a).total_cmp(&key(b));
            let best =
                if rule == Max { found.iter().max_by(order) } else { found.iter().min_by(order) };
            best.map(|&value| value.clone())
        }
        All => Some(Value::Bool(found.iter().all(|value| value.as_bool() == Some(true)))),
        Any => Some(Value::Bool(found.iter().any(|value| value.as_bool() == Some(true)))),
        Counts => {
            let mut all = Map::new();
            for value in found {
                add_counts(&mut all, value)?;
            }
            Some(Value::Object(all))
        }
        Histogram | HistogramIfAny => Some(distribution::merge(found)?),
        Anew | LeftOut => None,
    })
}

/// Whole numbers stay whole.
fn sum(found: &[&Value]) -> Result<Value, String> {
    let whole: Option<Vec<u64>> = found.iter().map(|value| value.as_u64()).collect();
    if let Some(whole) = whole {
        return Ok(json!(whole.iter().fold(0_u64, |sum, &n| sum.saturating_add(n))));
    }
    let floats: Option<Vec<f64>> = found.iter().map(|value| value.as_f64()).collect();
    floats.map(|all| json!(all.iter().sum::<f64>())).ok_or_else(|| "no number".to_owned())
}

/// Adds counts by name, and counts by name by name.
fn add_counts(all: &mut Map<String, Value>, more: &Value) -> Result<(), String> {
    let Some(more) = more.as_object() else { return Err("no counts by name".to_owned()) };
    for (name, value) in more {
        if value.is_object() {
            let inner = all.entry(name).or_insert_with(|| json!({}));
            let Some(inner) = inner.as_object_mut() else {
                return Err(format!("{name} is a count here and a list there"));
            };
            add_counts(inner, value)?;
        } else {
            let before = all.get(name).cloned().unwrap_or(json!(0));
            all.insert(name.clone(), sum(&[&before, value])?);
        }
    }
    Ok(())
}

/// Adds what follows from several fields. Returns remarks on what had to be left out.
pub(super) fn conclude(merged: &mut Map<String, Value>, parts: &[(Shard, &Value)]) -> Vec<String> {
    rates(merged);
    judgement(merged);
    kept_example(merged, parts);
    let patterns = patterns(parts);
    put(merged, "log", "error_patterns", json!(patterns));
    let shortfalls = parts.iter().flat_map(|(shard, value)| {
        let told = at(value, &["host", "shortfalls"]).and_then(Value::as_array);
        let texts = told.into_iter().flatten().filter_map(Value::as_str);
        texts.map(move |text| format!("shard {shard}: {text}"))
    });
    put(merged, "host", "shortfalls", json!(shortfalls.collect::<Vec<_>>()));
    merged.remove("series");
    let series = series::merge(parts.iter().map(|(_, value)| *value));
    let remark = active::conclude(merged, parts, series.as_ref());
    if let Some(series) = series {
        merged.insert("series".to_owned(), json!(series));
    }
    let command = parts.first().and_then(|(_, value)| at(value, &["run", "command"])?.as_str());
    if let Some(command) = command {
        put(merged, "run", "command", json!(of_whole(command)));
    }
    remark.into_iter().collect()
}

/// The rates of a client while it ran.
fn rates(merged: &mut Map<String, Value>) {
    let whole = Value::Object(merged.clone());
    let secs = float(&whole, &["clients", "active_seconds"]).filter(|&secs| secs > 0.0);
    let Some(secs) = secs else { return };
    for (section, count, rate, times) in [
        ("bytes", "downloaded", "bits_per_second_per_client", 8.0),
        ("requests", "segments_downloaded", "segments_per_minute_per_client", 60.0),
        ("requests", "playlist_refreshes", "playlist_refreshes_per_minute_per_client", 60.0),
    ] {
        if let Some(count) = float(&whole, &[section, count]) {
            put(merged, section, rate, json!(count * times / secs));
        }
    }
}

fn judgement(merged: &mut Map<String, Value>) {
    let whole = Value::Object(merged.clone());
    let uptime = |field| float(&whole, &["processes", "uptime", field]);
    let (Some(lived), Some(1.0..)) = (uptime("sum"), uptime("count")) else { return };
    let outcomes = at(&whole, &["processes", "outcomes"]).and_then(Value::as_object);
    let failed = |name: &str| Outcome::named(name).is_none_or(Outcome::is_failure);
    let failed = outcomes.into_iter().flatten().filter(|(name, _)| failed(name));
    let failed = total(failed.filter_map(|(_, count)| count.as_u64()));
    put(merged, "processes", "uptime_judgement", json!(text::judge(failed, lived)));
}

/// What one shard showed of clients that never played.
fn kept_example(merged: &mut Map<String, Value>, parts: &[(Shard, &Value)]) {
    let mut told = parts.iter().filter_map(|(_, value)| at(value, &["clients", "kept_example"]));
    if let Some(example) = told.next() {
        put(merged, "clients", "kept_example", example.clone());
    }
}

/// The most frequent patterns of all. A shard tells only its first few, so what
/// one of them does not tell may have come there as often as the last it tells:
/// so much may the count be too low.
fn patterns(parts: &[(Shard, &Value)]) -> Vec<Value> {
    let mut all: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    let mut unseen_in_all = 0_u64;
    for (_, value) in parts {
        let told = at(value, &["log", "error_patterns"]).and_then(Value::as_array);
        let told = told.map(Vec::as_slice).unwrap_or_default();
        let counts = told.iter().filter_map(|pattern| number(pattern, &["count"]));
        let unseen = if told.len() < SHOWN_PATTERNS { 0 } else { counts.min().unwrap_or(0) };
        unseen_in_all = unseen_in_all.saturating_add(unseen);
        for pattern in told {
            let Some(name) = pattern.get("pattern").and_then(Value::as_str) else { continue };
            let [count, over, seen] = all.entry(name).or_default();
            *count = count.saturating_add(number(pattern, &["count"]).unwrap_or(0));
            *over = over.saturating_add(number(pattern, &["overcount"]).unwrap_or(0));
            *seen = seen.saturating_add(unseen);
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|&(_, [count, ..])| std::cmp::Reverse(count));
    let shown = all.into_iter().take(SHOWN_PATTERNS);
    let shown = shown.map(|(pattern, [count, overcount, seen])| {
        let undercount = unseen_in_all.saturating_sub(seen);
        json!({ "pattern": pattern, "count": count, "overcount": overcount, "undercount": undercount })
    });
    shown.collect()
}

/// The command of a shard as that of the whole run.
fn of_whole(command: &str) -> String {
    let Ok(words) = shell_words::split(command) else { return command.to_owned() };
    let mut kept = Vec::with_capacity(words.len());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "-shard" {
            words.next();
        } else {
            kept.push(word);
        }
    }
    shell_words::join(kept)
}
