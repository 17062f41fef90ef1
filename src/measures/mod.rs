//! Every number that a run reports, declared once, and the words that people read of
//! them.
//!
//! A subject has a file. Its measures stand in the order of a scrape; `FIELDS` lists
//! those of the JSON summary in their order there. `/metrics`, the JSON, merging, the
//! text, the report and the series over time are made from these declarations.

pub mod clients;
mod declare;
pub mod distribution;
pub mod exchanges;
pub mod exporters;
pub mod facts;
pub mod generator;
pub mod host;
pub(crate) mod limits;
pub mod log;
pub mod measure;
pub mod never_played;
pub mod origin;
pub mod over_time;
pub mod per_client;
pub mod playback;
pub mod processes;
pub mod requests;
pub mod run;
pub mod scene;
pub mod shortfalls;
pub mod tcp;
pub mod unit;
pub mod value;
pub mod values;
pub(crate) mod words;

pub use distribution::Distribution;
pub use facts::{Ending, RunFacts};
pub use measure::{Better, Family, Kind, Measure, Merge, Source, Zeros};
pub use scene::{Measured, Needs, OriginScene, Scene};
pub use unit::Unit;
pub use value::{Held, Value, Values};

/// Path of a scrape, by the convention of Prometheus.
pub const METRICS_PATH: &str = "/metrics";

/// The measures of a run by subject, in the order of a scrape.
static SUBJECTS: [&[&Measure]; 12] = [
    run::ALL,
    clients::ALL,
    processes::ALL,
    requests::ALL,
    exchanges::ALL,
    playback::ALL,
    tcp::ALL,
    exporters::ALL,
    per_client::ALL,
    log::ALL,
    generator::ALL,
    host::ALL,
];

/// The fields of the JSON summary by subject, in their order there.
static FIELDS: [&[&Measure]; 11] = [
    run::FIELDS,
    clients::FIELDS,
    processes::FIELDS,
    requests::FIELDS,
    exchanges::FIELDS,
    playback::FIELDS,
    tcp::FIELDS,
    exporters::FIELDS,
    log::FIELDS,
    host::FIELDS,
    shortfalls::FIELDS,
];

/// Every measure of a run, in the order of a scrape.
pub fn all() -> impl Iterator<Item = &'static Measure> {
    SUBJECTS.iter().copied().flatten().copied().chain(shortfalls::ALL.iter().copied())
}

/// Every measure that is in the JSON summary, in the order of its fields.
pub fn fields() -> impl Iterator<Item = &'static Measure> {
    FIELDS.iter().copied().flatten().copied().filter(|measure| measure.field.is_some())
}

/// Every measure that is in the series over time.
pub fn columns() -> impl Iterator<Item = (&'static Measure, &'static str)> {
    all().filter_map(|measure| Some((measure, measure.column?)))
}

/// The measures of the built-in origin and of its process, in the order of a scrape.
pub fn of_origin() -> impl Iterator<Item = &'static Measure> {
    origin::ALL.iter().copied().chain(host::PROCESS.iter().copied())
}

/// Each family of these measures once, in their order.
pub fn families(measures: impl Iterator<Item = &'static Measure>) -> impl Iterator<Item = Family> {
    let mut last = "";
    measures.filter_map(move |measure| {
        let family = measure.family.filter(|family| family.name != last)?;
        last = family.name;
        Some(family)
    })
}

#[cfg(test)]
pub(crate) mod fixture;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prometheus::proto::MetricType;

    use super::*;

    #[test]
    fn every_id_and_every_field_is_declared_once() {
        let ids: BTreeSet<_> = all().chain(origin::ALL.iter().copied()).map(|of| of.id).collect();
        assert_eq!(ids.len(), all().count() + origin::ALL.len());
        let places: BTreeSet<_> = all().filter_map(|measure| measure.field).collect();
        let listed: Vec<_> = fields().filter_map(|measure| measure.field).collect();
        assert_eq!(listed.len(), places.len());
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), places);
    }

    #[test]
    fn every_measure_is_shown_somewhere() {
        for measure in all() {
            let shown = measure.family.is_some() || measure.field.is_some();
            let for_the_text_alone = matches!(measure.kind, Kind::Text | Kind::Texts);
            assert!(shown || for_the_text_alone, "{}", measure.id);
            let sourced = !matches!(measure.source, Source::Merged);
            assert!(sourced || measure.merge == Merge::Again, "{}", measure.id);
        }
    }

    #[test]
    fn a_family_has_one_declaration_and_the_type_that_its_name_says() {
        for list in [families(all()).collect::<Vec<_>>(), families(of_origin()).collect()] {
            let names: BTreeSet<_> = list.iter().map(|family| family.name).collect();
            assert_eq!(names.len(), list.len(), "the measures of a family stand together");
            for family in list {
                let counts = family.name.ends_with("_total");
                assert_eq!(counts, family.kind == MetricType::COUNTER, "{}", family.name);
                // OpenMetrics forbids two families of which one has the other's name
                // without `_total`.
                let base = family.name.strip_suffix("_total");
                assert!(base.is_none_or(|base| !names.contains(base)), "{}", family.name);
            }
        }
    }

    #[test]
    fn an_id_is_the_name_of_its_family_without_prefix_and_unit() {
        for measure in all() {
            let Some(family) = measure.family.filter(|family| family.fixed.is_empty()) else {
                continue;
            };
            let name = family.name.strip_prefix("hlsswarm_").unwrap_or(family.name);
            assert!(name.starts_with(measure.id), "{} and {}", measure.id, family.name);
        }
    }
}
