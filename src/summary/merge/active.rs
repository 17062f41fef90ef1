//! How many clients of all shards were active at once: peak and median of the sum
//! over time.
//!
//! Knows the shards' series, added up on a common time, and so their values at the
//! ends of intervals alone.

use super::Read;
use super::series::Series;
use crate::measures::{Held, Values, clients, run};

/// Fewest intervals of which a median is given: the last one holds the end of the
/// run and should not weigh.
const MEDIAN_INTERVALS_MIN: usize = 10;

/// Adds the peak and the median of active clients, and what bounds the peak. Returns why
/// they are not there, if they are not.
pub(super) fn conclude(
    values: &mut Values,
    parts: &[Read<'_>],
    series: Option<&Series>,
) -> Option<String> {
    if let [alone] = parts {
        for measure in [&clients::PEAK_ACTIVE, &clients::MEDIAN_ACTIVE] {
            values.put(measure, alone.document.values.get(measure).cloned());
        }
        return None;
    }
    // The shards' peaks need not have come at the same time.
    let peaks: Option<Vec<u64>> =
        parts.iter().map(|part| part.whole(&clients::PEAK_ACTIVE)).collect();
    let sum = |peaks: &Vec<u64>| peaks.iter().fold(0, |sum: u64, peak| sum.saturating_add(*peak));
    let bound = peaks.as_ref().map(sum);
    values.put(&clients::PEAK_ACTIVE_AT_MOST, bound.map(Held::Whole));
    let active = match column(parts, series) {
        Ok(active) => active,
        Err(why) => return Some(why),
    };
    // Between two ends of intervals there may have been more, and at least as many as
    // in any one shard.
    let seen = active.iter().chain(peaks.iter().flatten()).copied().max();
    let peak = seen.map(|peak| peak.min(bound.unwrap_or(peak)));
    values.put(&clients::PEAK_ACTIVE, peak.map(Held::Whole));
    let median = series.and_then(|series| median(active, series));
    values.put(&clients::MEDIAN_ACTIVE, median.map(Held::Whole));
    median.is_none().then(|| {
        format!(
            "no median of active clients: the run has fewer than {MEDIAN_INTERVALS_MIN} intervals"
        )
    })
}

/// The active clients at the end of each interval, or why they are not known.
fn column<'a>(parts: &[Read<'_>], series: Option<&'a Series>) -> Result<&'a [u64], String> {
    let left_out = |why: &str| Err(format!("no peak nor median of active clients: {why}"));
    if let Some(part) = parts.iter().find(|part| part.document.series.is_none()) {
        return left_out(&format!("shard {} has no series", part.shard));
    }
    if let Some(part) = parts.iter().find(|part| !part.document.has(&run::LATE)) {
        return left_out(&format!("shard {} was started without -start-at", part.shard));
    }
    let column = clients::ACTIVE.column.unwrap_or_default();
    match series.and_then(|series| series.gauges.get(column)) {
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
