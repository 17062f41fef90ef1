//! What a measure is: its declaration, from which every view is made.

use prometheus::proto::MetricType;

use super::facts::RunFacts;
use super::scene::{Needs, OriginScene, Scene};
use super::unit::Unit;
use super::value::{Held, Value, Values};
use crate::stats::{ClientFigures, ProcessUse};

/// A number that a run reports, declared once.
///
/// `/metrics`, the JSON summary, merging, the text, the report and the series over
/// time are made from this declaration; none of them names a number of its own.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Its name among the measures.
    pub id: &'static str,
    /// How people call it, in a row or a table.
    pub title: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Whether it counts up from 0 or stands at a value.
    pub grows: bool,
    /// What one of it is.
    pub unit: Unit,
    /// What a run must read to know it.
    pub needs: Needs,
    /// Its family in a scrape; `None` if it is in none.
    pub family: Option<Family>,
    /// Its place in the JSON summary, names joined by dots; `None` if it is not in it.
    pub field: Option<&'static str>,
    /// Whether the field may be missing where its section is there.
    pub optional: bool,
    /// Whether counts of 0 are left out of the summary.
    pub sparse: bool,
    /// What becomes of it when summaries are merged.
    pub merge: Merge,
    /// Which way is better, where two runs are compared.
    pub better: Better,
    /// The percentiles of it that are compared, 0.5 for the median.
    pub compared: &'static [f64],
    /// Its name in the series over time; `None` if it is in none.
    pub column: Option<&'static str>,
    /// Where its value comes from.
    pub source: Source,
    /// Where the value of a summary comes from, if that is another.
    pub at_end: Option<Read>,
}

/// Reads a value from the scene of a run.
pub type Read = for<'s> fn(&'s Scene<'s>) -> Value<'s>;

/// What the values of a measure are, and so how they are written and read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// A word or a sentence.
    Text,
    /// Sentences.
    Texts,
    /// Counts by name.
    Counts,
    /// Counts by two names.
    Groups,
    /// A distribution.
    Times,
    /// The most frequent error lines.
    Patterns,
}

/// A family of `/metrics`, or the part of one that is a measure of its own.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name, with `_total` if it is a counter.
    pub name: &'static str,
    /// Its type.
    pub kind: MetricType,
    /// What it means, in one line.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Values of the first labels that are the same in every sample of this measure.
    pub fixed: &'static [&'static str],
    /// How counts of 0 are shown.
    pub zeros: Zeros,
}

impl Family {
    /// Its type as both text formats name it.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self.kind {
            MetricType::COUNTER => "counter",
            MetricType::HISTOGRAM => "histogram",
            _ => "gauge",
        }
    }
}

/// Which counts of 0 are shown in a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zeros {
    /// All: the names are known beforehand.
    Shown,
    /// Those of these numbers alone.
    ShownOf(&'static [u16]),
}

/// What becomes of a measure when summaries are merged. It is absent of the whole if
/// it is absent of any, unless the rule says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// The value, if all agree.
    Common,
    /// The sum; of counts by name the sum of each; of distributions the one of all.
    Sum,
    /// The same; what is absent of one adds nothing.
    SumIfAny,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Whether all are true.
    All,
    /// Whether any is true.
    Any,
    /// The first that there is.
    First,
    /// All sentences, each with its shard.
    EachShard,
    /// The most frequent of all, with how far the counts may be off.
    Patterns,
    /// Computed again from the merged values, or from the series.
    Again,
    /// Says nothing of the whole.
    LeftOut,
}

/// Which way of a measure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The less of it, the better.
    Less,
    /// The more of it, the better.
    More,
    /// Neither: it describes the run.
    Neither,
}

/// Where the value of a measure comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// The scene of a run.
    Scene(Read),
    /// What is known of the run beside its numbers.
    Run(fn(&RunFacts<'_>) -> Value<'static>),
    /// What a process uses.
    Process(fn(&ProcessUse) -> Value<'static>),
    /// Other measures of the same summary.
    Derived(fn(&Values) -> Option<Held>),
    /// One client.
    Client(fn(&ClientFigures) -> Option<f64>),
    /// The built-in origin.
    Origin(for<'s> fn(&'s OriginScene<'s>) -> Value<'s>),
    /// A merge of summaries alone.
    Merged,
}

impl Measure {
    /// Its value in a scene; absent where it was not measured.
    #[must_use]
    pub fn value<'s>(&self, scene: &'s Scene<'s>) -> Value<'s> {
        if !scene.knows(self.needs) {
            return Value::Absent;
        }
        match self.source {
            Source::Scene(read) => read(scene),
            Source::Process(read) => read(&scene.health.process),
            Source::Run(_)
            | Source::Derived(_)
            | Source::Client(_)
            | Source::Origin(_)
            | Source::Merged => Value::Absent,
        }
    }

    /// Its value at the built-in origin.
    #[must_use]
    pub fn of_origin_scene<'s>(&self, scene: &'s OriginScene<'s>) -> Value<'s> {
        match self.source {
            Source::Origin(read) => read(scene),
            Source::Process(read) if scene.health.process.is_known() => read(&scene.health.process),
            _ => Value::Absent,
        }
    }

    /// Whether a summary holds it: in its JSON, or for its text alone.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.field.is_some() || self.family.is_none()
    }

    /// The section of the JSON summary that it is in; `""` is the top.
    #[must_use]
    pub fn section(&self) -> Option<&'static str> {
        self.field.map(|field| field.split_once('.').map_or("", |(section, _)| section))
    }
}
