//! How measures are declared.

use prometheus::proto::MetricType;

use super::facts::RunFacts;
use super::measure::{Better, Family, Kind, Measure, Merge, Read, Source, Zeros};
use super::scene::{Needs, OriginScene};
use super::unit::Unit;
use super::value::{Held, Value, Values};
use crate::stats::{ClientFigures, ProcessUse};

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
