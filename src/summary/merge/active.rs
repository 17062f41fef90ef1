//! How many clients of all shards were active at once: peak and median of the sum
//! over time.
//!
//! Knows the shards' series, added up on a common time, and so their values at the
//! ends of intervals alone.

use serde_json::{Map, Value, json};

use super::{float, number, put};
use crate::summary::document::Series;
use crate::units::shard::Shard;

/// Fewest intervals of which a median is given: the last one holds the end of the
/// run and should not weigh.
const MEDIAN_INTERVALS_MIN: usize = 10;

/// Adds `clients.peak_active`, `clients.median_active` and what bounds the peak.
/// Returns why they are not there, if they are not.
pub(super) fn conclude(
    merged: &mut Map<String, Value>,
    parts: &[(Shard, &Value)],
    series: Option<&Series>,
) -> Option<String> {
    let peaks: Option<Vec<u64>> =
        parts.iter().map(|(_, value)| number(value, &["clients", "peak_active"])).collect();
    if let [(_, alone)] = parts {
        for field in ["peak_active", "median_active"] {
            if let Some(clients) = number(alone, &["clients", field]) {
                put(merged, "clients", field, json!(clients));
            }
        }
        return None;
    }
    // The shards' peaks need not have come at the same time.
    let bound = peaks
        .as_ref()
        .map(|peaks| peaks.iter().fold(0, |sum: u64, peak| sum.saturating_add(*peak)));
    if let Some(bound) = bound {
        put(merged, "clients", "peak_active_at_most", json!(bound));
    }
    let active = match column(parts, series) {
        Ok(active) => active,
        Err(why) => return Some(why),
    };
    // Between two ends of intervals there may have been more, and at least as many as
    // in any one shard.
    let seen = active.iter().chain(peaks.iter().flatten()).copied().max();
    if let Some(peak) = seen {
        put(merged, "clients", "peak_active", json!(peak.min(bound.unwrap_or(peak))));
    }
    match series.and_then(|series| median(active, series)) {
        Some(median) => {
            put(merged, "clients", "median_active", json!(median));
            None
        }
        None => Some(format!(
            "no median of active clients: the run has fewer than {MEDIAN_INTERVALS_MIN} intervals"
        )),
    }
}

/// The active clients at the end of each interval, or why they are not known.
fn column<'a>(parts: &[(Shard, &Value)], series: Option<&'a Series>) -> Result<&'a [u64], String> {
    let left_out = |why: &str| Err(format!("no peak nor median of active clients: {why}"));
    let lacks = |path: [&str; 2]| {
        parts.iter().find(|(_, value)| float(value, &path).is_none()).map(|(shard, _)| shard)
    };
    if let Some(shard) = lacks(["series", "interval_seconds"]) {
        return left_out(&format!("shard {shard} has no series"));
    }
    if let Some(shard) = lacks(["run", "late_seconds"]) {
        return left_out(&format!("shard {shard} was started without -start-at"));
    }
    match series.and_then(|series| series.gauges.get("active_clients")) {
        Some(active) => Ok(active),
        None => left_out("the shards' series do not fit together"),
    }
}

/// The least number that was not exceeded half of the time.
fn median(active: &[u64], series: &Series) -> Option<u64> {
    let (_, others) = active.split_last().filter(|_| active.len() >= MEDIAN_INTERVALS_MIN)?;
    let last = series.duration_seconds - series.interval_seconds * others.len() as f64;
    let lengths = others.iter().map(|_| series.interval_seconds).chain([last.max(0.0)]);
    let mut levels: Vec<(u64, f64)> = active.iter().copied().zip(lengths).collect();
    levels.sort_by_key(|&(clients, _)| clients);
    let half = levels.iter().map(|&(_, secs)| secs).sum::<f64>() / 2.0;
    let mut below = 0.0;
    levels.into_iter().find_map(|(clients, secs)| {
        below += secs;
        (below >= half).then_some(clients)
    })
}
