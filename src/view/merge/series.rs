//! The shards of a run over time, merged: they begin at one moment, so what is in
//! the same place belongs together once the intervals are equally long.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::view::document::{Series, Times};

/// Most intervals of a series that is read: more than any program of ours writes.
const POINTS_MAX: usize = 10_000;

/// The series of the whole; `None` if one of the summaries has none that can be
/// read, since the others are then not the whole.
pub(super) fn merge<'a>(values: impl Iterator<Item = &'a Value>) -> Option<Value> {
    let read = |value: &Value| serde_json::from_value(value.get("series")?.clone()).ok();
    let all: Vec<Series> = values.map(read).collect::<Option<_>>()?;
    let longest = all.iter().map(|series| series.interval_seconds).fold(0.0, f64::max);
    let alike: Vec<Series> =
        all.into_iter().map(|one| stretched(one, longest)).collect::<Option<_>>()?;
    let points = alike.iter().map(points).max()?;
    let duration = alike.iter().map(|series| series.duration_seconds).fold(0.0, f64::max);
    let values = |series: &'_ Series| -> BTreeMap<String, Vec<Vec<[u64; 2]>>> {
        series.times.iter().map(|(name, times)| (name.clone(), times.values.clone())).collect()
    };
    let times = columns(&alike, values, points, add_values).into_iter();
    Some(json!(Series {
        interval_seconds: longest,
        duration_seconds: duration,
        gauges: columns(&alike, |series| series.gauges.clone(), points, add),
        counters: columns(&alike, |series| series.counters.clone(), points, add),
        times: times.map(|(name, values)| (name, Times::new(values))).collect(),
    }))
}

fn points(series: &Series) -> usize {
    series.gauges.values().map(Vec::len).max().unwrap_or(0).min(POINTS_MAX)
}

/// Columns by name, those that all have, the values in the same place joined. A
/// shard that was over before the others adds nothing after its end.
fn columns<T: Clone + Default>(
    all: &[Series],
    of: impl Fn(&Series) -> BTreeMap<String, Vec<T>>,
    points: usize,
    join: impl Fn(&mut T, &T),
) -> BTreeMap<String, Vec<T>> {
    let mut sums: BTreeMap<String, Vec<T>> = BTreeMap::new();
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for series in all {
        for (name, column) in of(series) {
            *met.entry(name.clone()).or_default() += 1;
            let sum = sums.entry(name).or_insert_with(|| vec![T::default(); points]);
            sum.iter_mut().zip(&column).for_each(|(sum, value)| join(sum, value));
        }
    }
    sums.retain(|name, _| met.get(name) == Some(&all.len()));
    sums
}

/// The series with intervals of this length, a power of two of its own.
fn stretched(mut series: Series, interval: f64) -> Option<Series> {
    let factor = interval / series.interval_seconds;
    let whole = (factor.is_finite() && (1.0..=POINTS_MAX as f64).contains(&factor))
        .then_some(factor as usize)
        .filter(|&whole| whole as f64 == factor)?;
    let last = |of: &[u64]| of.last().copied().unwrap_or(0);
    let sum = |of: &[u64]| of.iter().fold(0, |sum: u64, &count| sum.saturating_add(count));
    for column in series.gauges.values_mut() {
        *column = column.chunks(whole).map(last).collect();
    }
    for column in series.counters.values_mut() {
        *column = column.chunks(whole).map(sum).collect();
    }
    for times in series.times.values_mut() {
        let joined = times.values.chunks(whole).map(|chunk| {
            let mut all = Vec::new();
            chunk.iter().for_each(|values| add_values(&mut all, values));
            all
        });
        times.values = joined.collect();
    }
    Some(series)
}

fn add(sum: &mut u64, value: &u64) {
    *sum = sum.saturating_add(*value);
}

/// Adds counts of equal values.
fn add_values(sum: &mut Vec<[u64; 2]>, values: &Vec<[u64; 2]>) {
    let mut all: BTreeMap<u64, u64> = sum.iter().map(|&[value, count]| (value, count)).collect();
    for &[value, count] in values {
        add(all.entry(value).or_default(), &count);
    }
    *sum = all.into_iter().map(|(value, count)| [value, count]).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(interval: f64, bytes: &[u64], values: &[&[[u64; 2]]]) -> Value {
        let times = Times::new(values.iter().map(|of| of.to_vec()).collect());
        let series = Series {
            interval_seconds: interval,
            duration_seconds: interval * bytes.len() as f64,
            gauges: BTreeMap::from([("active_clients".to_owned(), bytes.to_vec())]),
            counters: BTreeMap::from([("bytes".to_owned(), bytes.to_vec())]),
            times: BTreeMap::from([("startup".to_owned(), times)]),
        };
        json!({ "series": series })
    }

    #[test]
    fn what_is_in_the_same_place_is_added() {
        let fine = shard(1.0, &[1, 2, 3, 4, 5], &[&[[10, 1]], &[[20, 1]], &[], &[], &[[10, 2]]]);
        let coarse = shard(2.0, &[100, 200], &[&[[10, 4]], &[]]);
        let merged = merge([&fine, &coarse].into_iter()).unwrap();
        assert_eq!(merged["interval_seconds"], 2.0);
        assert_eq!(merged["duration_seconds"], 5.0);
        assert_eq!(merged["counters"]["bytes"], json!([103, 207, 5]));
        assert_eq!(merged["gauges"]["active_clients"], json!([102, 204, 5]));
        assert_eq!(
            merged["times"]["startup"]["values"],
            json!([[[10, 5], [20, 1]], [], [[10, 2]]])
        );
        assert_eq!(merged["times"]["startup"]["p99"], json!([0.000_02, null, 0.000_01]));
    }

    #[test]
    fn what_one_does_not_tell_is_not_told_of_all() {
        let whole = shard(1.0, &[1], &[&[]]);
        let mut without = whole.clone();
        without["series"]["counters"] = json!({});
        let merged = merge([&whole, &without].into_iter()).unwrap();
        assert!(merged["counters"].get("bytes").is_none());
        assert_eq!(merge([&whole, &json!({})].into_iter()), None);
        for interval in [0.0, -1.0, 3.0, 1e-9] {
            let odd = shard(interval, &[1], &[&[]]);
            assert_eq!(merge([&odd, &shard(2.0, &[1], &[&[]])].into_iter()), None, "{interval}");
        }
    }
}
