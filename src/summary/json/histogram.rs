//! A histogram as JSON, in a form that can be merged with others.

use crate::stats::Histogram;
use crate::summary::document::{Bucket, Distribution, Percentiles};

impl Distribution {
    /// Spans, in seconds.
    pub(crate) fn spans(of: &Histogram) -> Self {
        Self::new(of, "seconds")
    }

    /// Ratios: 1.0 was recorded as one second.
    pub(crate) fn ratios(of: &Histogram) -> Self {
        Self::new(of, "ratio")
    }

    /// Values in this unit, recorded as seconds.
    pub(super) fn in_unit(of: &Histogram, unit: &'static str) -> Self {
        Self::new(of, unit)
    }

    /// Spans that may never be told; `None` if none was.
    pub(crate) fn if_any(of: &Histogram) -> Option<Self> {
        (of.count() > 0).then(|| Self::spans(of))
    }

    fn new(of: &Histogram, unit: &str) -> Self {
        Self {
            unit: unit.to_owned(),
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
