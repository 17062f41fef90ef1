//! Histograms read back and added up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::stats::quantile_of;

/// A distribution as [`crate::summary::json`] writes it.
#[derive(Debug, Deserialize, Serialize)]
struct Distribution {
    unit: String,
    count: u64,
    sum: f64,
    #[serde(skip_serializing_if = "Option::is_none", default, skip_deserializing)]
    percentiles: Option<BTreeMap<&'static str, f64>>,
    buckets: Vec<Bucket>,
    recorded: Vec<[u64; 2]>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Bucket {
    le: f64,
    count: u64,
}

/// The percentiles that are told, by name.
const PERCENTILES: [(&str, f64); 5] =
    [("p1", 0.01), ("p5", 0.05), ("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// All that was recorded in any of them.
///
/// # Errors
/// What is no histogram, and such with other buckets or units.
pub(super) fn merge(values: &[&Value]) -> Result<Value, String> {
    let mut all: Option<Distribution> = None;
    let mut recorded: BTreeMap<u64, u64> = BTreeMap::new();
    for value in values {
        let one =
            Distribution::deserialize(*value).map_err(|error| format!("no histogram: {error}"))?;
        for [value, count] in &one.recorded {
            let sum = recorded.entry(*value).or_insert(0);
            *sum = sum.saturating_add(*count);
        }
        all = Some(match all {
            None => one,
            Some(all) => added(all, &one)?,
        });
    }
    let Some(mut all) = all else { return Err("no histogram".to_owned()) };
    all.recorded = recorded.into_iter().map(|(value, count)| [value, count]).collect();
    all.percentiles = percentiles(&all.recorded);
    serde_json::to_value(all).map_err(|error| error.to_string())
}

fn added(mut all: Distribution, one: &Distribution) -> Result<Distribution, String> {
    let bounds = |of: &Distribution| of.buckets.iter().map(|b| b.le.to_bits()).collect::<Vec<_>>();
    if all.unit != one.unit || bounds(&all) != bounds(one) {
        return Err("the buckets differ; merge what one version of the program wrote".to_owned());
    }
    all.count = all.count.saturating_add(one.count);
    all.sum += one.sum;
    for (bucket, more) in all.buckets.iter_mut().zip(&one.buckets) {
        bucket.count = bucket.count.saturating_add(more.count);
    }
    Ok(all)
}

fn percentiles(recorded: &[[u64; 2]]) -> Option<BTreeMap<&'static str, f64>> {
    let at = |quantile| {
        let pairs = recorded.iter().map(|&[value, count]| (value, count));
        quantile_of(pairs, quantile).map(|span| span.as_secs_f64())
    };
    PERCENTILES.iter().map(|&(name, quantile)| Some((name, at(quantile)?))).collect()
}
