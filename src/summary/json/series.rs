//! A run over time as JSON, in columns.

use std::collections::BTreeMap;

use crate::measures::Measured;
use crate::stats::Series;
use crate::stats::series::{Counter, Gauge, Timing};
use crate::summary::document::{self, Times};

/// The series, without what could not be measured; `own` is whether our own use was.
pub(super) fn columns(series: &Series, measured: Measured, own: bool) -> document::Series {
    let points = series.points();
    let gauges = Gauge::ALL.into_iter().enumerate().map(|(place, gauge)| {
        let column = points.iter().map(|point| point.gauges.get(place).copied().unwrap_or(0));
        (gauge, column.collect())
    });
    let counters = Counter::ALL.into_iter().enumerate().map(|(place, counter)| {
        let column = points.iter().map(|point| point.counters.get(place).copied().unwrap_or(0));
        (counter, column.collect())
    });
    let timings = Timing::ALL.into_iter().enumerate().map(|(place, timing)| {
        let column = points.iter().map(|point| {
            let values = point.timings.get(place).into_iter().flatten();
            values.map(|&(us, count)| [us, count]).collect()
        });
        (timing, Times::new(column.collect()))
    });
    document::Series {
        interval_seconds: series.interval().as_secs_f64(),
        duration_seconds: series.covered().as_secs_f64(),
        gauges: gauges
            .filter(|&(gauge, _)| match gauge {
                Gauge::ActiveClients | Gauge::TargetClients => true,
                Gauge::StalledClients => measured.log,
                Gauge::OwnResidentBytes => own,
            })
            .map(|(gauge, column)| (gauge.name().to_owned(), column))
            .collect(),
        counters: counters
            .filter(|&(counter, _)| tells(counter, measured, own))
            .map(|(counter, column)| (counter.name().to_owned(), column))
            .collect(),
        times: if measured.log {
            timings.map(|(timing, times)| (timing.name().to_owned(), times)).collect()
        } else {
            BTreeMap::new()
        },
    }
}

/// Whether a counter was measured.
const fn tells(counter: Counter, measured: Measured, own: bool) -> bool {
    match counter {
        Counter::Bytes => measured.bytes(),
        Counter::Requests | Counter::Segments | Counter::Errors | Counter::Stalls => measured.log,
        Counter::Starts | Counter::Restarts | Counter::LateStarts | Counter::SpawnFailures => true,
        Counter::OwnCpuMicroseconds => own,
    }
}
