//! Which plots a run over time has, of one run or of two.

use super::html::Html;
use super::plot::{Line, Plot, over_time};
use super::scale::Unit;
use crate::measures::{Measure, clients, host, playback, processes, requests};
use crate::summary::Document;
use crate::summary::series::Series;

/// A run and the name and class of its lines, where there are two.
pub(super) struct Shown<'a> {
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    pub(super) document: &'a Document,
}

/// What a line shows.
#[derive(Clone, Copy)]
enum Column {
    /// A gauge, as it stood at the end of each interval.
    Gauge(&'static Measure),
    /// A counter a second, times a factor.
    Rate(&'static Measure, f64),
    /// A counter.
    Count(&'static Measure),
    /// A percentile: the name of the times, and which of the three.
    Time(&'static Measure, u8),
}

/// A plot: its id, title and unit, and name, class and column of each line. Of two
/// runs the line that says most is shown alone, see [`telling`].
type Kind = (&'static str, &'static str, Unit, &'static [Named]);

/// Name and class of a line, and what it shows.
type Named = (&'static str, &'static str, Column);

/// Every plot, in the order of the page.
const PLOTS: &[Kind] = &[
    (
        "clients",
        "Clients",
        Unit::Count,
        &[
            ("running", "s1", Column::Gauge(&clients::ACTIVE)),
            ("target", "s4", Column::Gauge(&clients::TARGET)),
            ("stalled", "s3", Column::Gauge(&playback::STALLED)),
        ],
    ),
    (
        "throughput",
        "Throughput",
        Unit::BitRate,
        &[("received", "s1", Column::Rate(&requests::BYTES, 8.0))],
    ),
    (
        "requests",
        "Requests",
        Unit::PerSecond,
        &[
            ("all", "s1", Column::Rate(&requests::BY_KIND, 1.0)),
            ("segments", "s2", Column::Rate(&requests::SEGMENTS, 1.0)),
        ],
    ),
    (
        "errors",
        "Failures",
        Unit::PerSecond,
        &[
            ("failed requests", "s3", Column::Rate(&requests::ERRORS, 1.0)),
            ("restarts", "s2", Column::Rate(&processes::RESTARTED, 1.0)),
        ],
    ),
    (
        "stalls",
        "Stalls",
        Unit::Count,
        &[
            ("clients stalled", "s3", Column::Gauge(&playback::STALLED)),
            ("stalls that began", "s2", Column::Count(&playback::STALLS)),
        ],
    ),
    ("segment", "Segment times", Unit::Seconds, &TIMES_SEGMENT),
    ("playlist", "Playlist times", Unit::Seconds, &TIMES_PLAYLIST),
    ("startup", "Start-up", Unit::Seconds, &TIMES_STARTUP),
    ("edge-age", "Playlist edge age", Unit::Seconds, &TIMES_EDGE_AGE),
    (
        "cpu",
        "CPU of this program, of one core",
        Unit::Percent,
        &[("CPU", "s1", Column::Rate(&host::OWN_CPU, 1e-4))],
    ),
];

const fn times(name: &'static Measure) -> [Named; 3] {
    [
        ("P50", "s1", Column::Time(name, 50)),
        ("P95", "s2", Column::Time(name, 95)),
        ("P99", "s3", Column::Time(name, 99)),
    ]
}

static TIMES_SEGMENT: [Named; 3] = times(&requests::SEGMENT_DOWNLOAD);
static TIMES_PLAYLIST: [Named; 3] = times(&requests::PLAYLIST_DOWNLOAD);
static TIMES_STARTUP: [Named; 3] = times(&playback::STARTUP);
static TIMES_EDGE_AGE: [Named; 3] = times(&playback::PLAYLIST_EDGE_AGE);

/// Seconds that the longest of the runs took.
pub(super) fn duration(runs: &[Shown<'_>]) -> f64 {
    let durations =
        runs.iter().filter_map(|run| Some(run.document.series.as_ref()?.duration_seconds));
    durations.fold(0.0, f64::max)
}

/// Adds every plot that has something to show.
pub(super) fn plots(html: &mut Html, runs: &[Shown<'_>]) {
    let duration = duration(runs);
    for &(id, title, unit, columns) in PLOTS {
        let mut lines = Vec::new();
        for run in runs {
            let Some(series) = &run.document.series else { continue };
            if let [_] = runs {
                let all = columns.iter();
                lines.extend(all.filter_map(|&(name, class, column)| {
                    line(series, column, name.to_owned(), class)
                }));
            } else if let Some(&(name, _, column)) = telling(columns) {
                let name = format!("{}, {name}", run.name);
                lines.extend(line(series, column, name, run.class));
            }
        }
        over_time(html, id, &Plot { title, unit, lines, duration });
    }
}

/// The 95th percentile, or what stands first.
fn telling(columns: &'static [Named]) -> Option<&'static Named> {
    let high = columns.iter().find(|(.., column)| matches!(column, Column::Time(_, 95)));
    high.or(columns.first())
}

/// A column as a line; `None` if it was not measured.
fn line(series: &Series, column: Column, name: String, class: &'static str) -> Option<Line> {
    let points = match column {
        Column::Gauge(column) => {
            let ends = series.gauges.get(column.column?)?.iter().enumerate();
            let ends = ends.map(|(place, &value)| (bounds(series, place).1, Some(value as f64)));
            std::iter::once((0.0, None)).chain(ends).collect()
        }
        Column::Rate(column, factor) => {
            let counts = series.counters.get(column.column?)?.iter().enumerate();
            let rates = counts.map(|(place, &count)| {
                let (from, to) = bounds(series, place);
                let rate = count as f64 * factor / (to - from);
                ((from + to) / 2.0, Some(rate).filter(|rate| rate.is_finite() && *rate >= 0.0))
            });
            rates.collect()
        }
        Column::Count(column) => {
            let counts = series.counters.get(column.column?)?.iter().enumerate();
            counts.map(|(place, &count)| (middle(series, place), Some(count as f64))).collect()
        }
        Column::Time(column, per_cent) => {
            let times = series.times.get(column.column?)?;
            let values = match per_cent {
                50 => &times.p50,
                95 => &times.p95,
                _ => &times.p99,
            };
            let values = values.iter().enumerate();
            values.map(|(place, &value)| (middle(series, place), value)).collect()
        }
    };
    Some(Line { name, class, points })
}

/// From when to when an interval was, in seconds.
fn bounds(series: &Series, place: usize) -> (f64, f64) {
    let points = series.gauges.values().map(Vec::len).max().unwrap_or(0);
    let from = place as f64 * series.interval_seconds;
    let to =
        if place + 1 == points { series.duration_seconds } else { from + series.interval_seconds };
    (from, to)
}

fn middle(series: &Series, place: usize) -> f64 {
    let (from, to) = bounds(series, place);
    (from + to) / 2.0
}
