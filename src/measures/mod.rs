//! Every number that a run reports, declared once, and the words that people read of
//! them.
//!
//! A subject has a file. Its measures stand in the order of a scrape; `FIELDS` lists
//! those of the JSON summary in their order there. `/metrics`, the JSON, merging, the
//! text, the report and the series over time are made from these declarations.

pub mod clients;
pub mod distribution;
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

/// The measures of a run by subject, in the order of a scrape.
static SUBJECTS: [&[&Measure]; 11] = [
    run::ALL,
    clients::ALL,
    processes::ALL,
    requests::ALL,
    playback::ALL,
    tcp::ALL,
    exporters::ALL,
    per_client::ALL,
    log::ALL,
    generator::ALL,
    host::ALL,
];

/// The fields of the JSON summary by subject, in their order there.
static FIELDS: [&[&Measure]; 10] = [
    run::FIELDS,
    clients::FIELDS,
    processes::FIELDS,
    requests::FIELDS,
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
