//! The run over time, as the summary holds it: one column a measure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measures::distribution::quantile;
use crate::measures::{self, Kind, Measure};
use crate::stats;

/// The run over time, one column a name; all columns are equally long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) interval_seconds: f64,
    pub(crate) duration_seconds: f64,
    pub(crate) gauges: BTreeMap<String, Vec<u64>>,
    pub(crate) counters: BTreeMap<String, Vec<u64>>,
    pub(crate) times: BTreeMap<String, Times>,
}

/// The times of each interval: percentiles, and what they follow from. Two are joined
/// by adding the counts of equal values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) unit: String,
    pub(crate) p50: Vec<Option<f64>>,
    pub(crate) p95: Vec<Option<f64>>,
    pub(crate) p99: Vec<Option<f64>>,
    pub(crate) values: Vec<Vec<[u64; 2]>>,
}

impl Times {
    /// The percentiles of these values, in microseconds and ascending.
    pub(crate) fn new(values: Vec<Vec<[u64; 2]>>) -> Self {
        let all = |share| values.iter().map(|of| quantile(of, share)).collect();
        let (p50, p95, p99) = (all(0.5), all(0.95), all(0.99));
        Self { unit: "seconds".to_owned(), p50, p95, p99, values }
    }
}

impl Series {
    /// The columns of the measures that are known.
    pub(super) fn of(series: &stats::Series, known: impl Fn(&Measure) -> bool) -> Self {
        let mut columns = Self {
            interval_seconds: series.interval().as_secs_f64(),
            duration_seconds: series.covered().as_secs_f64(),
            gauges: BTreeMap::new(),
            counters: BTreeMap::new(),
            times: BTreeMap::new(),
        };
        let [mut gauges, mut counters, mut timings] = [0; 3];
        for (measure, name) in measures::columns() {
            let place = match (measure.kind, measure.grows) {
                (Kind::Times, _) => &mut timings,
                (_, true) => &mut counters,
                (_, false) => &mut gauges,
            };
            let at = *place;
            *place += 1;
            if known(measure) {
                columns.add(series.points(), measure, name.to_owned(), at);
            }
        }
        columns
    }

    fn add(&mut self, points: &[stats::series::Point], measure: &Measure, name: String, at: usize) {
        match (measure.kind, measure.grows) {
            (Kind::Times, _) => {
                let column = points.iter().map(|point| {
                    let values = point.timings.get(at).into_iter().flatten();
                    values.map(|&(us, count)| [us, count]).collect()
                });
                self.times.insert(name, Times::new(column.collect()));
            }
            (_, true) => {
                let column = points.iter().map(|point| point.counters.get(at).copied());
                self.counters.insert(name, column.map(Option::unwrap_or_default).collect());
            }
            (_, false) => {
                let column = points.iter().map(|point| point.gauges.get(at).copied());
                self.gauges.insert(name, column.map(Option::unwrap_or_default).collect());
            }
        }
    }
}
