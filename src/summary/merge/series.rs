//! The shards of a run over time, merged: what happened at the same time is added
//! once the intervals are equally long.

use std::collections::BTreeMap;

use crate::stats::series::POINTS_MAX;
pub(super) use crate::summary::series::Series;
use crate::summary::series::Times;

/// Most intervals of one series that is read: more than any program of ours writes.
const READ_POINTS_MAX: usize = 10_000;

/// A series, and where it begins.
struct Placed {
    series: Series,
    /// Intervals of its own from the start of the first ramp to the start of its own.
    lead: f64,
}

impl Placed {
    /// Places a series that began so long after the first one.
    fn new(series: Series, after_seconds: f64) -> Option<Self> {
        let lead = (after_seconds / series.interval_seconds).round();
        (lead.is_finite() && lead >= 0.0).then_some(Self { series, lead })
    }

    /// How many intervals of this length reach to its end, from the start of the first ramp.
    fn reach(&self, interval: f64) -> f64 {
        let own = self.lead + points(&self.series) as f64;
        (own * self.series.interval_seconds / interval).ceil()
    }

    /// How many of its own intervals make one of this length, a power of two.
    fn whole(&self, interval: f64) -> Option<usize> {
        let factor = interval / self.series.interval_seconds;
        let possible = factor.is_finite() && factor >= 1.0 && factor.fract() == 0.0;
        possible.then_some(factor as usize)
    }

    fn end_seconds(&self) -> f64 {
        self.lead.mul_add(self.series.interval_seconds, self.series.duration_seconds)
    }
}

/// The series of the whole, on the time from the start of the first shard's ramp on: a
/// shard that began so many seconds late begins that much later. `None` if one of the summaries has no
/// series, since the others are then not the whole.
pub(super) fn merge<'a>(parts: impl Iterator<Item = (Option<&'a Series>, f64)>) -> Option<Series> {
    let read = |(series, late): (Option<&Series>, f64)| Some((series?.clone(), late));
    let all: Vec<(Series, f64)> = parts.map(read).collect::<Option<_>>()?;
    let first = all.iter().map(|&(_, late)| late).reduce(f64::min)?;
    let placed = all.into_iter().map(|(series, late)| Placed::new(series, late - first));
    let all: Vec<Placed> = placed.collect::<Option<_>>()?;
    let interval = interval(&all)?;
    let points = all.iter().map(|one| one.reach(interval)).fold(0.0, f64::max) as usize;
    let wholes: Vec<usize> = all.iter().map(|one| one.whole(interval)).collect::<Option<_>>()?;
    let placed = || all.iter().zip(wholes.iter().copied());
    let values = |series: &'_ Series| -> BTreeMap<String, Vec<Vec<[u64; 2]>>> {
        series.times.iter().map(|(name, times)| (name.clone(), times.values.clone())).collect()
    };
    let times = columns(placed(), values, points, add_values, add_values).into_iter();
    Some(Series {
        interval_seconds: interval,
        duration_seconds: all.iter().map(Placed::end_seconds).fold(0.0, f64::max),
        gauges: columns(placed(), |series| series.gauges.clone(), points, replace, add),
        counters: columns(placed(), |series| series.counters.clone(), points, add, add),
        times: times.map(|(name, values)| (name, Times::new(values))).collect(),
    })
}

/// The longest interval of any, doubled until no more than [`POINTS_MAX`] are needed.
fn interval(all: &[Placed]) -> Option<f64> {
    let mut interval = all.iter().map(|one| one.series.interval_seconds).fold(0.0, f64::max);
    let fits = |interval: f64| all.iter().all(|one| one.reach(interval) <= POINTS_MAX as f64);
    // Each step halves the number of intervals, and no finite one is above 2^1024.
    for _ in 0..f64::MAX_EXP {
        if fits(interval) {
            return Some(interval).filter(|length| length.is_finite());
        }
        interval *= 2.0;
    }
    None
}

fn points(series: &Series) -> usize {
    series.gauges.values().map(Vec::len).max().unwrap_or(0).min(READ_POINTS_MAX)
}

/// Columns by name, those that all have. `within` joins the intervals of one shard
/// that become one, `across` those of several shards. A shard that was over before
/// the others adds nothing after its end.
fn columns<'a, T: Clone + Default + 'a>(
    all: impl ExactSizeIterator<Item = (&'a Placed, usize)>,
    of: impl Fn(&Series) -> BTreeMap<String, Vec<T>>,
    points: usize,
    within: impl Fn(&mut T, &T),
    across: impl Fn(&mut T, &T),
) -> BTreeMap<String, Vec<T>> {
    let shards = all.len();
    let mut sums: BTreeMap<String, (usize, Vec<T>)> = BTreeMap::new();
    for (one, whole) in all {
        for (name, column) in of(&one.series) {
            let mut own = vec![T::default(); points];
            for (place, value) in (one.lead as usize..).zip(&column) {
                if let Some(joined) = place.checked_div(whole).and_then(|at| own.get_mut(at)) {
                    within(joined, value);
                }
            }
            let (met, sum) = sums.entry(name).or_insert_with(|| (0, vec![T::default(); points]));
            *met += 1;
            sum.iter_mut().zip(&own).for_each(|(sum, value)| across(sum, value));
        }
    }
    let of_all = sums.into_iter().filter(|(_, (met, _))| *met == shards);
    of_all.map(|(name, (_, sum))| (name, sum)).collect()
}

/// A gauge is that of the end of an interval.
const fn replace(before: &mut u64, value: &u64) {
    *before = *value;
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
    use serde_json::json;

    use super::*;

    fn shard(interval: f64, bytes: &[u64], values: &[&[[u64; 2]]]) -> Series {
        let times = Times::new(values.iter().map(|of| of.to_vec()).collect());
        Series {
            interval_seconds: interval,
            duration_seconds: interval * bytes.len() as f64,
            gauges: BTreeMap::from([("active_clients".to_owned(), bytes.to_vec())]),
            counters: BTreeMap::from([("bytes".to_owned(), bytes.to_vec())]),
            times: BTreeMap::from([("startup".to_owned(), times)]),
        }
    }

    #[test]
    fn what_is_in_the_same_place_is_added() {
        let fine = shard(1.0, &[1, 2, 3, 4, 5], &[&[[10, 1]], &[[20, 1]], &[], &[], &[[10, 2]]]);
        let coarse = shard(2.0, &[100, 200], &[&[[10, 4]], &[]]);
        let merged = merge([(Some(&fine), 0.0), (Some(&coarse), 0.0)].into_iter()).unwrap();
        let merged = json!(merged);
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
    fn a_shard_that_began_late_is_placed_later() {
        let of = |shards: &[(f64, f64, &[u64])]| {
            let shards: Vec<_> = shards
                .iter()
                .map(|&(late, interval, bytes)| (shard(interval, bytes, &[]), late))
                .collect();
            merge(shards.iter().map(|(series, late)| (Some(series), *late))).unwrap()
        };
        let merged = of(&[(0.0, 1.0, &[1, 2, 3]), (1.9, 1.0, &[10, 20])]);
        assert_eq!(merged.counters["bytes"], [1, 2, 13, 20]);
        assert_eq!((merged.interval_seconds, merged.duration_seconds), (1.0, 4.0));
        // All began late alike.
        let merged = of(&[(26.01, 1.0, &[1, 2]), (26.0, 1.0, &[10, 20])]);
        assert_eq!(merged.counters["bytes"], [11, 22]);
        // The late one begins in the middle of an interval of the other.
        let merged = of(&[(0.0, 2.0, &[1, 2, 3]), (3.0, 1.0, &[10, 20, 30])]);
        assert_eq!(merged.counters["bytes"], [1, 12, 53]);
        assert_eq!(merged.gauges["active_clients"], [1, 12, 33]);
        let merged = of(&[(27.0, 2.0, &[1, 2]), (27.0, 1.0, &[10, 20])]);
        assert_eq!(merged.counters["bytes"], [31, 2]);
        let merged = of(&[(0.0, 1.0, &[1; 600]), (3_600.0, 1.0, &[1; 600])]);
        assert_eq!((merged.interval_seconds, merged.counters["bytes"].len()), (8.0, 525));
        assert_eq!(merged.counters["bytes"].iter().sum::<u64>(), 1_200);
    }

    #[test]
    fn what_one_does_not_tell_is_not_told_of_all() {
        let both = |a: &Series, b: Option<&Series>| merge([(Some(a), 0.0), (b, 0.0)].into_iter());
        let whole = shard(1.0, &[1], &[&[]]);
        let mut without = whole.clone();
        without.counters.clear();
        let merged = both(&whole, Some(&without)).unwrap();
        assert!(!merged.counters.contains_key("bytes"));
        assert!(both(&whole, None).is_none());
        for interval in [0.0, -1.0, 3.0, 1e-9] {
            let odd = shard(interval, &[1], &[&[]]);
            assert!(both(&odd, Some(&shard(2.0, &[1], &[&[]]))).is_none(), "{interval}");
        }
    }
}
