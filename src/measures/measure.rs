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
    const fn new(id: &'static str, title: &'static str, kind: Kind, grows: bool) -> Self {
        Self {
            id,
            title,
            kind,
            grows,
            unit: Unit::One,
            needs: Needs::Nothing,
            family: None,
            field: None,
            optional: false,
            sparse: false,
            merge: if grows { Merge::Sum } else { Merge::LeftOut },
            better: Better::Neither,
            compared: &[],
            column: None,
            source: Source::Merged,
            at_end: None,
        }
    }

    /// A whole number that counts up from 0.
    pub(super) const fn counter(id: &'static str, title: &'static str) -> Self {
        Self::new(id, title, Kind::Whole, true)
    }

    /// A whole number that stands at a value.
    pub(super) const fn gauge(id: &'static str, title: &'static str) -> Self {
        Self::new(id, title, Kind::Whole, false)
    }

    /// Counts by name that count up from 0.
    pub(super) const fn counts(id: &'static str, title: &'static str) -> Self {
        Self { merge: Merge::SumIfAny, ..Self::new(id, title, Kind::Counts, true) }
    }

    /// It stands at a value, and does not count up.
    pub(super) const fn stands(self) -> Self {
        Self { grows: false, ..self }
    }

    /// A distribution of spans.
    pub(super) const fn times(id: &'static str, title: &'static str) -> Self {
        Self::new(id, title, Kind::Times, true).unit(Unit::Seconds)
    }

    /// Something else than a number, that is shown beside numbers.
    pub(super) const fn note(id: &'static str, kind: Kind) -> Self {
        Self::new(id, "", kind, false)
    }

    /// Its values are numbers that need not be whole.
    pub(super) const fn number(self, unit: Unit) -> Self {
        Self { kind: Kind::Number, unit, ..self }
    }

    /// Its counts are by two names.
    pub(super) const fn groups(self) -> Self {
        Self { kind: Kind::Groups, ..self }
    }

    /// What one of it is.
    pub(super) const fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// What a run must read to know it.
    pub(super) const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    /// Its family in a scrape: its name and what it means.
    pub(super) const fn family(self, name: &'static str, help: &'static str) -> Self {
        let kind = match self.kind {
            Kind::Times if self.grows => MetricType::HISTOGRAM,
            _ if self.grows => MetricType::COUNTER,
            _ => MetricType::GAUGE,
        };
        let zeros = Zeros::Shown;
        let family = Family { name, kind, help, labels: &[], fixed: &[], zeros };
        Self { family: Some(family), ..self }
    }

    /// The labels of its family.
    pub(super) const fn labels(self, labels: &'static [&'static str]) -> Self {
        match self.family {
            Some(family) => Self { family: Some(Family { labels, ..family }), ..self },
            None => self,
        }
    }

    /// Its family is shared: these are the values of its first labels.
    pub(super) const fn fixed(self, fixed: &'static [&'static str]) -> Self {
        match self.family {
            Some(family) => Self { family: Some(Family { fixed, ..family }), ..self },
            None => self,
        }
    }

    /// Of counts by number, those that are shown while they are 0.
    pub(super) const fn zeros_of(self, numbers: &'static [u16]) -> Self {
        let zeros = Zeros::ShownOf(numbers);
        match self.family {
            Some(family) => Self { family: Some(Family { zeros, ..family }), ..self },
            None => self,
        }
    }

    /// Its place in the JSON summary.
    pub(super) const fn field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// The field may be missing.
    pub(super) const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Counts of 0 are left out of the summary.
    pub(super) const fn sparse(self) -> Self {
        Self { sparse: true, ..self }
    }

    /// What becomes of it when summaries are merged.
    pub(super) const fn merge(self, merge: Merge) -> Self {
        Self { merge, ..self }
    }

    /// Which way is better, and the percentiles that are compared.
    pub(super) const fn compared(self, better: Better, compared: &'static [f64]) -> Self {
        Self { better, compared, ..self }
    }

    /// It is in the series over time, by this name.
    pub(super) const fn column(self, column: &'static str) -> Self {
        Self { column: Some(column), ..self }
    }

    /// Its value is read from the scene of a run.
    pub(super) const fn read(self, read: Read) -> Self {
        Self { source: Source::Scene(read), ..self }
    }

    /// The value of a summary is another than that of a scrape.
    pub(super) const fn at_end(self, read: Read) -> Self {
        Self { at_end: Some(read), ..self }
    }

    /// Its value is a fact of the run.
    pub(super) const fn of_run(self, read: fn(&RunFacts<'_>) -> Value<'static>) -> Self {
        Self { source: Source::Run(read), ..self }
    }

    /// Its value is read from what this process uses.
    pub(super) const fn of_process(self, read: fn(&ProcessUse) -> Value<'static>) -> Self {
        Self { source: Source::Process(read), ..self }
    }

    /// Its value follows from others of the same summary.
    pub(super) const fn derived(self, derive: fn(&Values) -> Option<Held>) -> Self {
        Self { source: Source::Derived(derive), merge: Merge::Again, ..self }
    }

    /// Its value is that of one client.
    pub(super) const fn of_client(self, read: fn(&ClientFigures) -> Option<f64>) -> Self {
        Self { source: Source::Client(read), ..self }
    }

    /// Its value is read from the built-in origin.
    pub(super) const fn of_origin(
        self,
        read: for<'s> fn(&'s OriginScene<'s>) -> Value<'s>,
    ) -> Self {
        Self { source: Source::Origin(read), ..self }
    }

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

/// Declares the measures of a subject, in the order of a scrape.
macro_rules! measures {
    ($($name:ident = $measure:expr;)+) => {
        $(
            #[doc = concat!("See the declaration of `", stringify!($name), "`.")]
            pub static $name: $crate::measures::Measure = $measure;
        )+

        /// Every measure of this subject, in the order of a scrape.
        pub(super) static ALL: &[&$crate::measures::Measure] = &[$(&$name),+];
    };
}
pub(super) use measures;
