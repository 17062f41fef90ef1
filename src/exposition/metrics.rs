//! The families of a scrape, filled from a scene.
//!
//! Nothing is shown that was not measured: a family without a value is left out.
//! Built afresh at each scrape, without a registry, so that a scrape and the
//! summary draw from the same snapshot.

pub(crate) mod collector;
mod origin_side;
pub mod per_client;
mod streaming;

use prometheus::proto::MetricFamily;

use crate::ffmpeg::outcome::Outcome;
use crate::measures::Scene;
use crate::measures::families;
use crate::stats::{EntryKind, ProcessUse, State, Totals};
use crate::units::process::SpawnFailureReason;
use collector::Collector;

/// Exit codes that are shown from the start: clean, error, SIGKILL, SIGTERM, and
/// FFmpeg's own after a signal.
const KNOWN_EXIT_CODES: [usize; 5] = [0, 1, 137, 143, 255];

/// The families of `scene` that have a value, in the order of [`families::ALL`].
#[must_use]
pub fn collect(scene: &Scene<'_>) -> Vec<MetricFamily> {
    let mut out = Collector { families: Vec::with_capacity(families::ALL.len()) };
    clients(&mut out, scene);
    starts_and_exits(&mut out, scene);
    streaming::requests(&mut out, scene);
    streaming::playback(&mut out, scene);
    streaming::tcp(&mut out, scene);
    origin_side::collect(&mut out, scene);
    per_client::collect(&mut out, scene);
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
    if scene.measured.log {
        out.single(families::CLIENTS_PLAYED, f64::from(snapshot.totals.reception.played()));
    }
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
        // More were started than are wanted now, if the target was lowered.
        out.single(families::RAMP_PROGRESS, share.min(1.0));
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
    let outcomes = Outcome::ALL.iter().zip(totals.outcomes);
    out.labelled(
        families::CLIENT_EXITS,
        outcomes.map(|(outcome, count)| (vec![outcome.name()], count as f64)),
    );
}

fn generator(out: &mut Collector, scene: &Scene<'_>) {
    let (totals, health) = (scene.snapshot.totals, scene.health);
    out.labelled(families::LOG_LINES, [(vec!["stderr"], totals.stderr_lines as f64)]);
    out.labelled(families::LOG_LINES_CUT, [(vec!["stderr"], totals.stderr_lines_cut as f64)]);
    let refused = totals.refused();
    out.labelled(
        families::VALUES_REFUSED,
        refused.by_claim().map(|(claim, count)| (vec![claim.name()], count as f64)),
    );
    out.labelled(families::LOG_LINES_DROPPED, [(vec!["journal"], health.journal_dropped as f64)]);
    out.histogram(families::REACTOR_TURN, &health.turns);
    out.single(families::STANDSTILLS, health.standstills.count as f64);
    out.single(families::STANDSTILL_SECONDS, health.standstills.total.as_secs_f64());
    out.single(families::REACTOR_EVENTS, health.events as f64);
    let entries = EntryKind::ALL.iter().zip(health.entries);
    out.labelled(
        families::REACTOR_ENTRIES,
        entries.map(|(kind, count)| (vec![kind.name()], f64::from(count))),
    );
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
pub(crate) fn process(out: &mut Collector, process: &ProcessUse) {
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

#[cfg(test)]
mod tests {
    use prometheus::proto::LabelPair;

    use super::*;
    use crate::exposition::format::Format;
    use crate::http::Fetched;
    use crate::measures::Measured;
    use crate::measures::families::Kind;
    use crate::measures::fixture::{Numbers, busy_run};
    use crate::stats::Health;
    use crate::units::Tick;

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

    #[test]
    fn each_source_has_its_families() {
        let numbers = busy_run();
        let snapshot = numbers.snapshot();
        let with = |log, tcp| {
            let scene = Scene { measured: Measured { log, tcp }, ..numbers.scene(&snapshot) };
            collect(&scene).iter().map(|family| family.name().to_owned()).collect::<Vec<_>>()
        };
        let tcp = [families::TCP_RTT.name, families::TCP_RETRANSMITS.name];
        let bytes = [families::BYTES_DOWNLOADED.name, families::CLIENT_BYTES.name];
        let (all, no_tcp, no_log, none) =
            (with(true, true), with(true, false), with(false, true), with(false, false));
        assert_eq!(all.len(), families::ALL.len());
        for name in &all {
            let of_tcp = tcp.contains(&name.as_str());
            let of_bytes = bytes.contains(&name.as_str());
            assert_eq!(no_tcp.contains(name), !of_tcp, "{name}");
            assert_eq!(no_log.contains(name), none.contains(name) || of_tcp || of_bytes, "{name}");
        }
        assert!(none.contains(&families::CLIENT_EXITS.name.to_owned()));
        let none = none.iter().filter(|name| !name.starts_with("hlsswarm_origin_"));
        assert_eq!(none.filter(|n| n.contains("stall") || n.contains("request")).count(), 0);
    }

    #[test]
    fn the_origins_side_is_there_while_it_is_asked_and_answers() {
        let mut numbers = busy_run();
        let of_origin = |numbers: &Numbers, asked: bool| {
            let snapshot = numbers.snapshot();
            let mut scene = numbers.scene(&snapshot);
            scene.origin_side = scene.origin_side.filter(|_| asked);
            let all = collect(&scene);
            all.iter().filter(|family| family.name().starts_with("hlsswarm_origin_")).count()
        };
        assert_eq!(of_origin(&numbers, false), 0);
        assert_eq!(of_origin(&numbers, true), 19);
        for (failures, shown) in [(2, 19), (1, 13), (0, 13)] {
            for _ in 0..failures {
                numbers.origin_side.fetched(Tick::from_millis(59_000), 1, Fetched::Failed("x"));
            }
            assert_eq!(of_origin(&numbers, true), shown);
        }
    }

    #[test]
    fn what_may_never_come_is_absent_until_it_comes() {
        let mut numbers = busy_run();
        numbers.totals = Totals::default();
        let snapshot = numbers.snapshot();
        let got = collect(&numbers.scene(&snapshot));
        let absent: Vec<_> = families::ALL.iter().map(|family| family.name).collect();
        let absent: Vec<_> = absent.iter().filter(|name| !names(&got).contains(name)).collect();
        assert_eq!(absent, [&families::TCP_CONNECT.name, &families::PLAYLIST_EDGE_AGE.name]);
    }

    #[test]
    fn known_label_values_start_at_0() {
        let mut numbers = busy_run();
        numbers.totals = Totals::default();
        let snapshot = numbers.snapshot();
        let got = collect(&numbers.scene(&snapshot));
        let cases = [
            (families::REQUESTS, 5),
            (families::REQUEST_ERRORS, 40),
            (families::HTTP_ERRORS, 2),
            (families::CONNECTIONS, 2),
            (families::CLIENT_EXITS, Outcome::ALL.len()),
        ];
        for (family, series) in cases {
            let found = got.iter().find(|found| found.name() == family.name).unwrap();
            assert_eq!(found.get_metric().len(), series, "{}", family.name);
            assert!(found.get_metric().iter().all(|m| m.get_counter().get_value() == 0.0));
        }
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
