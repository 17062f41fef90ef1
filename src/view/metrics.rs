//! The families of a scrape, filled from a scene.
//!
//! Nothing is shown that was not measured: a family without a value is left out.
//! Built afresh at each scrape, without a registry, so that a scrape and the
//! summary draw from the same snapshot.

use prometheus::proto;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::Scene;
use super::families::{self, Family, Kind};
use crate::stats::totals::SpawnFailureReason;
use crate::stats::{Histogram, ProcessUse, State, Totals};

/// Exit codes that are shown from the start: clean, error, SIGKILL, SIGTERM, and
/// FFmpeg's own after a signal.
const KNOWN_EXIT_CODES: [usize; 5] = [0, 1, 137, 143, 255];

/// The families of `scene` that have a value, in the order of [`families::ALL`].
#[must_use]
pub fn collect(scene: &Scene<'_>) -> Vec<MetricFamily> {
    let mut out = Collector { families: Vec::with_capacity(families::ALL.len()) };
    clients(&mut out, scene);
    starts_and_exits(&mut out, scene);
    generator(&mut out, scene);
    children(&mut out, scene);
    process(&mut out, &scene.health.process);
    out.families
}

fn clients(out: &mut Collector, scene: &Scene<'_>) {
    let snapshot = scene.snapshot;
    let version = env!("CARGO_PKG_VERSION");
    out.labelled(families::BUILD_INFO, [(vec![version, scene.ffmpeg_version], 1.0)]);
    out.single(families::CLIENTS_TARGET, f64::from(snapshot.target));
    out.single(families::CLIENTS_ACTIVE, f64::from(snapshot.active()));
    let by_state = State::ALL.map(|s| (vec![s.name()], f64::from(snapshot.in_state(s))));
    out.labelled(families::CLIENTS, by_state);
}

fn starts_and_exits(out: &mut Collector, scene: &Scene<'_>) {
    let totals = scene.snapshot.totals;
    out.single(families::CLIENTS_STARTED, totals.started as f64);
    out.single(families::CLIENTS_RESTARTED, totals.restarted as f64);
    out.single(families::MAX_RESTARTS_REACHED, totals.max_restarts_reached as f64);
    let failures = SpawnFailureReason::ALL.iter().zip(totals.spawn_failures);
    out.labelled(
        families::SPAWN_FAILURES,
        failures.map(|(reason, count)| (vec![reason.name()], count as f64)),
    );
    exits(out, totals);
    out.histogram(families::CLIENT_UPTIME, &totals.uptime);
    if scene.snapshot.target > 0 {
        let share = f64::from(scene.snapshot.ever_started) / f64::from(scene.snapshot.target);
        out.single(families::RAMP_PROGRESS, share);
    }
    out.histogram(families::START_LATENESS, &totals.lateness);
}

fn exits(out: &mut Collector, totals: &Totals) {
    let shown: Vec<_> = (totals.exits.iter().enumerate())
        .filter(|&(code, &count)| count > 0 || KNOWN_EXIT_CODES.contains(&code))
        .map(|(code, &count)| (code.to_string(), count as f64))
        .collect();
    let samples = shown.iter().map(|(code, count)| (vec![code.as_str()], *count));
    out.labelled(families::PROCESS_EXITS, samples);
}

fn generator(out: &mut Collector, scene: &Scene<'_>) {
    let (totals, health) = (scene.snapshot.totals, scene.health);
    out.labelled(families::LOG_LINES, [(vec!["stderr"], totals.stderr_lines as f64)]);
    out.labelled(families::LOG_LINES_CUT, [(vec!["stderr"], totals.stderr_lines_cut as f64)]);
    out.labelled(families::LOG_LINES_DROPPED, [(vec!["journal"], health.journal_dropped as f64)]);
    out.histogram(families::REACTOR_TURN, &health.turns);
    out.single(families::REACTOR_EVENTS, health.events as f64);
    if let Some(scrape) = health.last_scrape {
        out.single(families::SCRAPE_DURATION, scrape.as_secs_f64());
    }
}

fn children(out: &mut Collector, scene: &Scene<'_>) {
    out.single(families::CHILDREN_CPU, scene.snapshot.children_cpu.as_secs_f64());
    if let Some(bytes) = scene.snapshot.children_resident_bytes {
        out.single(families::CHILDREN_RESIDENT, bytes as f64);
    }
}

/// The standard process metrics; none of them before the first reading, which is
/// told by the start time.
fn process(out: &mut Collector, process: &ProcessUse) {
    if process.start_unix_secs <= 0.0 {
        return;
    }
    out.single(families::PROCESS_CPU, process.cpu.as_secs_f64());
    out.single(families::PROCESS_RESIDENT, process.resident_bytes as f64);
    out.single(families::PROCESS_VIRTUAL, process.virtual_bytes as f64);
    out.single(families::PROCESS_OPEN_FDS, process.open_fds as f64);
    out.single(families::PROCESS_MAX_FDS, process.max_fds as f64);
    out.single(families::PROCESS_START, process.start_unix_secs);
}

struct Collector {
    families: Vec<MetricFamily>,
}

impl Collector {
    fn push(&mut self, family: Family, metrics: Vec<Metric>) {
        if metrics.is_empty() {
            return;
        }
        let mut filled = MetricFamily::default();
        filled.set_name(family.name.to_owned());
        filled.set_help(family.help.to_owned());
        filled.set_field_type(match family.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        filled.set_metric(metrics);
        self.families.push(filled);
    }

    fn single(&mut self, family: Family, value: f64) {
        self.push(family, vec![sample(family.kind, value)]);
    }

    /// One sample for each list of label values, in the order of the family's
    /// label names.
    fn labelled<'v>(
        &mut self,
        family: Family,
        samples: impl IntoIterator<Item = (Vec<&'v str>, f64)>,
    ) {
        let labelled = samples.into_iter().map(|(values, value)| {
            let mut metric = sample(family.kind, value);
            let pairs = family.labels.iter().zip(values);
            metric.set_label(pairs.map(|(name, value)| label(name, value)).collect());
            metric
        });
        let metrics = labelled.collect();
        self.push(family, metrics);
    }

    fn histogram(&mut self, family: Family, counts: &Histogram) {
        let mut filled = proto::Histogram::default();
        filled.set_sample_count(counts.count());
        filled.set_sample_sum(counts.sum_secs());
        let buckets = counts.cumulative().map(|(bound, count)| {
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(count);
            bucket
        });
        filled.set_bucket(buckets.collect());
        let mut metric = Metric::default();
        metric.set_histogram(filled);
        self.push(family, vec![metric]);
    }
}

fn sample(kind: Kind, value: f64) -> Metric {
    let mut metric = Metric::default();
    match kind {
        Kind::Counter => {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        }
        Kind::Gauge | Kind::Histogram => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
    }
    metric
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Health;
    use crate::view::exposition::Format;
    use crate::view::fixture::{Numbers, busy_run};

    fn names(families: &[MetricFamily]) -> Vec<&str> {
        families.iter().map(MetricFamily::name).collect()
    }

    #[test]
    fn a_full_scene_fills_every_family_as_it_is_defined() {
        let numbers = busy_run();
        let snapshot = numbers.snapshot();
        let got = collect(&numbers.scene(&snapshot));
        let want: Vec<_> = families::ALL.iter().map(|family| family.name).collect();
        assert_eq!(names(&got), want);
        for (got, want) in got.iter().zip(families::ALL) {
            assert_eq!(got.help(), want.help);
            for metric in got.get_metric() {
                let labels: Vec<_> = metric.get_label().iter().map(LabelPair::name).collect();
                assert_eq!(labels, want.labels, "{}", want.name);
            }
        }
    }

    #[test]
    fn what_was_not_measured_is_left_out() {
        let numbers = Numbers { health: Health::default(), ..busy_run() };
        let mut snapshot = numbers.snapshot();
        snapshot.children_resident_bytes = None;
        snapshot.target = 0;
        let got = collect(&numbers.scene(&snapshot));
        let absent: Vec<_> = families::ALL
            .iter()
            .map(|family| family.name)
            .filter(|name| !names(&got).contains(name))
            .collect();
        let want = [
            "hlsswarm_ramp_progress",
            "hlsswarm_scrape_duration_seconds",
            "hlsswarm_children_resident_memory_bytes",
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_open_fds",
            "process_max_fds",
            "process_start_time_seconds",
        ];
        assert_eq!(absent, want);
    }

    /// The two files are also what `tests/exposition.rs` gives to promtool.
    #[test]
    fn a_scrape_is_as_it_was_agreed() {
        let numbers = busy_run();
        let snapshot = numbers.snapshot();
        let families = collect(&numbers.scene(&snapshot));
        let text = Format::Text.encode(&families).unwrap();
        assert_eq!(text, agreed(include_str!("../../tests/data/scrape.txt")));
        let open = Format::OpenMetrics.encode(&families).unwrap();
        assert_eq!(open, agreed(include_str!("../../tests/data/scrape.openmetrics")));
    }

    fn agreed(file: &str) -> String {
        file.replace("VERSION", env!("CARGO_PKG_VERSION"))
    }

    #[test]
    fn help_is_one_sentence_of_its_own() {
        for family in families::ALL {
            assert!(family.help.ends_with('.') && !family.help.contains('\n'), "{}", family.name);
            let counts = family.name.ends_with("_total");
            assert_eq!(counts, family.kind == Kind::Counter, "{}", family.name);
            let same = families::ALL.iter().filter(|other| other.help == family.help).count();
            assert_eq!(same, 1, "{}", family.name);
        }
    }
}
