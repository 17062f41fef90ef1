//! A histogram as JSON, in a form that can be merged with others.

use serde::Serialize;

use crate::stats::Histogram;

/// A distribution. Merge two by adding what has the same name, the same `le` and
/// the same value of `recorded`; the percentiles follow from `recorded`.
#[derive(Debug, Serialize)]
pub(super) struct Distribution {
    unit: &'static str,
    count: u64,
    sum: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentiles: Option<Percentiles>,
    buckets: Vec<Bucket>,
    recorded: Vec<[u64; 2]>,
}

#[derive(Debug, Serialize)]
struct Percentiles {
    p1: f64,
    p5: f64,
    p50: f64,
    p95: f64,
    p99: f64,
}

#[derive(Debug, Serialize)]
struct Bucket {
    le: f64,
    count: u64,
}

impl Distribution {
    /// Spans, in seconds.
    pub(super) fn spans(of: &Histogram) -> Self {
        Self::new(of, "seconds")
    }

    /// Ratios: 1.0 was recorded as one second.
    pub(super) fn ratios(of: &Histogram) -> Self {
        Self::new(of, "ratio")
    }

    /// Spans that may never be told; `None` if none was.
    pub(super) fn if_any(of: &Histogram) -> Option<Self> {
        (of.count() > 0).then(|| Self::spans(of))
    }

    fn new(of: &Histogram, unit: &'static str) -> Self {
        Self {
            unit,
            count: of.count(),
            sum: of.sum_secs(),
            percentiles: percentiles(of),
            buckets: of.cumulative().map(|(le, count)| Bucket { le, count }).collect(),
            recorded: of.recorded().map(|(micros, count)| [micros, count]).collect(),
        }
    }
}

fn percentiles(of: &Histogram) -> Option<Percentiles> {
    let at = |quantile| of.quantile(quantile).map(|value| value.as_secs_f64());
    Some(Percentiles {
        p1: at(0.01)?,
        p5: at(0.05)?,
        p50: at(0.5)?,
        p95: at(0.95)?,
        p99: at(0.99)?,
    })
}
