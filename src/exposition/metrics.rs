//! The families of a scrape, filled from the measures of a scene.
//!
//! Nothing is shown that was not measured: a family without a value is left out.
//! Built at each scrape, without a registry, so that a scrape and the summary draw
//! from the same snapshot.

mod collector;

use prometheus::proto::MetricFamily;

use crate::measures::per_client::MAX_CLIENTS;
use crate::measures::{self, OriginScene, Scene, Source};
use collector::Collector;

/// The families of a run that have a value, in the order of the measures.
#[must_use]
pub fn collect(scene: &Scene<'_>) -> Vec<MetricFamily> {
    let mut out = Collector::new();
    let shown = scene.clients.get(..MAX_CLIENTS).unwrap_or(scene.clients);
    let names: Vec<_> = shown.iter().map(|figures| figures.client.to_string()).collect();
    for measure in measures::all() {
        let Some(family) = &measure.family else { continue };
        if let Source::Client(read) = measure.source {
            if scene.knows(measure.needs) {
                let values = names.iter().zip(shown);
                out.add_numbers(family, values.filter_map(|(name, of)| Some((name, read(of)?))));
            }
        } else {
            out.add(family, &measure.value(scene));
        }
    }
    out.families
}

/// The families of the built-in origin and of its process that have a value.
#[must_use]
pub fn collect_origin(scene: &OriginScene<'_>) -> Vec<MetricFamily> {
    let mut out = Collector::new();
    for measure in measures::of_origin() {
        if let Some(family) = &measure.family {
            out.add(family, &measure.of_origin_scene(scene));
        }
    }
    out.families
}

#[cfg(test)]
mod tests {
    use prometheus::proto::LabelPair;

    use super::*;
    use crate::exposition::format::Format;
    use crate::ffmpeg::outcome::Outcome;
    use crate::http::Fetched;
    use crate::measures::Measured;
    use crate::measures::fixture::{Numbers, busy_run};
    use crate::measures::per_client;
    use crate::measures::{Family, Needs, exchanges, playback, processes, requests, tcp};
    use crate::stats::Health;
    use crate::stats::{ClientFigures, State, Totals};
    use crate::units::ClientId;
    use crate::units::Tick;
    use std::time::Duration;

    /// The families of a run without the tap.
    fn families() -> Vec<Family> {
        let all = measures::all().filter(|measure| measure.needs != Needs::Exchanges);
        measures::families(all).collect()
    }

    #[test]
    fn exchanges_have_families_with_the_tap_alone() {
        let numbers = busy_run();
        let snapshot = numbers.snapshot();
        let measured = Measured { log: true, tcp: false, tap: true };
        let got = collect(&Scene { measured, ..numbers.scene(&snapshot) });
        let needs = |needs| measures::all().filter(move |measure| measure.needs == needs);
        for family in measures::families(needs(Needs::Exchanges)) {
            let may_never_come =
                [exchanges::DNS, exchanges::TLS].iter().any(|of| name(of) == family.name);
            assert_eq!(names(&got).contains(&family.name), !may_never_come, "{}", family.name);
        }
        for family in measures::families(needs(Needs::Inference)) {
            assert!(!names(&got).contains(&family.name), "{}", family.name);
        }
    }

    fn name(of: &measures::Measure) -> &'static str {
        of.family.unwrap().name
    }

    fn names(families: &[MetricFamily]) -> Vec<&str> {
        families.iter().map(MetricFamily::name).collect()
    }

    #[test]
    fn a_full_scene_fills_every_family_as_it_is_defined() {
        let numbers = busy_run();
        let snapshot = numbers.snapshot();
        let got = collect(&numbers.scene(&snapshot));
        let want: Vec<_> = families().iter().map(|family| family.name).collect();
        assert_eq!(names(&got), want);
        for (got, want) in got.iter().zip(families()) {
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
        let absent: Vec<_> = families()
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
            let scene =
                Scene { measured: Measured { log, tcp, tap: false }, ..numbers.scene(&snapshot) };
            collect(&scene).iter().map(|family| family.name().to_owned()).collect::<Vec<_>>()
        };
        let tcp = [name(&tcp::RTT), name(&tcp::RETRANSMITS)];
        let bytes = [name(&requests::BYTES), name(&per_client::BYTES)];
        let (all, no_tcp, no_log, none) =
            (with(true, true), with(true, false), with(false, true), with(false, false));
        assert_eq!(all.len(), families().len());
        for name in &all {
            let of_tcp = tcp.contains(&name.as_str());
            let of_bytes = bytes.contains(&name.as_str());
            assert_eq!(no_tcp.contains(name), !of_tcp, "{name}");
            assert_eq!(no_log.contains(name), none.contains(name) || of_tcp || of_bytes, "{name}");
        }
        assert!(none.contains(&name(&processes::OUTCOMES).to_owned()));
        let none = none.iter().filter(|name| !name.starts_with("hlsswarm_origin_"));
        assert_eq!(none.filter(|n| n.contains("stall") || n.contains("request")).count(), 0);
    }

    #[test]
    fn the_origins_side_is_present_while_its_exporters_respond() {
        let mut numbers = busy_run();
        let of_origin = |numbers: &Numbers, asked: bool| {
            let snapshot = numbers.snapshot();
            let mut scene = numbers.scene(&snapshot);
            scene.exporters = scene.exporters.filter(|_| asked);
            let all = collect(&scene);
            all.iter().filter(|family| family.name().starts_with("hlsswarm_origin_")).count()
        };
        assert_eq!(of_origin(&numbers, false), 0);
        assert_eq!(of_origin(&numbers, true), 19);
        for (failures, shown) in [(2, 19), (1, 13), (0, 13)] {
            for _ in 0..failures {
                numbers.exporters.fetched(Tick::from_millis(59_000), 1, Fetched::Failed("x"));
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
        let absent: Vec<_> = families().iter().map(|family| family.name).collect();
        let absent: Vec<_> = absent.iter().filter(|name| !names(&got).contains(name)).collect();
        assert_eq!(absent, [&name(&requests::TCP_CONNECT), &name(&playback::PLAYLIST_EDGE_AGE)]);
    }

    #[test]
    fn known_label_values_start_at_0() {
        let mut numbers = busy_run();
        numbers.totals = Totals::default();
        let snapshot = numbers.snapshot();
        let got = collect(&numbers.scene(&snapshot));
        let cases = [
            (name(&requests::BY_KIND), 5),
            (name(&requests::ERRORS), 40),
            (name(&requests::HTTP_ERRORS), 2),
            (name(&requests::CONNECTIONS_NEW), 2),
            (name(&processes::OUTCOMES), Outcome::ALL.len()),
        ];
        for (family, series) in cases {
            let found = got.iter().find(|found| found.name() == family).unwrap();
            assert_eq!(found.get_metric().len(), series, "{family}");
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
        for family in families() {
            assert!(family.help.ends_with('.') && !family.help.contains('\n'), "{}", family.name);
            let counts = family.name.ends_with("_total");
            assert_eq!(
                counts,
                family.kind == prometheus::proto::MetricType::COUNTER,
                "{}",
                family.name
            );
            let same = families().iter().filter(|other| other.help == family.help).count();
            assert_eq!(same, 1, "{}", family.name);
        }
    }

    #[test]
    fn samples_of_clients_have_a_limit() {
        let numbers = busy_run();
        let snapshot = numbers.snapshot();
        let figures: Vec<_> = (0..1_500)
            .map(|number| ClientFigures {
                client: ClientId::new(number),
                state: State::Running,
                restarts: 0,
                stalled: false,
                media: Duration::ZERO,
                speed: (number % 2 == 0).then_some(1.0),
                bytes: None,
            })
            .collect();
        let mut scene = numbers.scene(&snapshot);
        scene.clients = &figures;
        let families = collect(&scene);
        let samples = |measure| {
            let found = families.iter().find(|family| family.name() == name(measure));
            found.map(|family| family.get_metric().len())
        };
        assert_eq!(samples(&per_client::UP), Some(MAX_CLIENTS));
        assert_eq!(samples(&per_client::SPEED), Some(MAX_CLIENTS / 2));
        assert_eq!(samples(&per_client::BYTES), None);
    }
}
