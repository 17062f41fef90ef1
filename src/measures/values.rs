//! The values of all measures at the end of a run, by measure.

use super::all;
use super::distribution::Distribution;
use super::facts::RunFacts;
use super::measure::{Kind, Measure, Merge, Source};
use super::scene::Scene;
use super::value::{Counts, Held, Names, Pattern, Value, Values, total};

impl Values {
    /// The values at the end of a run.
    #[must_use]
    pub fn of(scene: &Scene<'_>, run: &RunFacts<'_>) -> Self {
        let mut values = Self::default();
        for measure in all().filter(|measure| measure.is_held()) {
            let value = match (measure.source, measure.at_end) {
                (Source::Run(read), _) => read(run),
                (_, Some(read)) => read(scene),
                _ => measure.value(scene),
            };
            values.put(measure, Held::of(measure, value));
        }
        values.derive(|_| true);
        values
    }

    /// Computes again what follows from other values after a merge of summaries.
    pub fn derive_again(&mut self) {
        self.derive(|measure| measure.merge == Merge::Again);
    }

    fn derive(&mut self, wanted: impl Fn(&Measure) -> bool) {
        for measure in all() {
            if let Source::Derived(derive) = measure.source
                && wanted(measure)
            {
                let held = derive(self);
                self.put(measure, held);
            }
        }
    }

    /// Sets the value of a measure; `None` takes it away.
    pub fn put(&mut self, measure: &Measure, held: Option<Held>) {
        match held {
            Some(held) => self.0.insert(measure.id, held),
            None => self.0.remove(measure.id),
        };
    }

    /// The value of a measure.
    #[must_use]
    pub fn get(&self, measure: &Measure) -> Option<&Held> {
        self.0.get(measure.id)
    }

    /// Whether a measure has a value.
    #[must_use]
    pub fn has(&self, measure: &Measure) -> bool {
        self.0.contains_key(measure.id)
    }

    /// A whole number.
    #[must_use]
    pub fn whole(&self, measure: &Measure) -> Option<u64> {
        match self.get(measure)? {
            Held::Whole(value) => Some(*value),
            _ => None,
        }
    }

    /// A number, whole or not; of counts by name their sum.
    #[must_use]
    pub fn number(&self, measure: &Measure) -> Option<f64> {
        match self.get(measure)? {
            Held::Whole(value) => Some(*value as f64),
            Held::Number(value) => Some(*value),
            Held::Counts(_) | Held::Groups(_) => self.total(measure).map(|all| all as f64),
            _ => None,
        }
    }

    /// The sum of counts by name.
    #[must_use]
    pub fn total(&self, measure: &Measure) -> Option<u64> {
        match self.get(measure)? {
            Held::Whole(value) => Some(*value),
            Held::Counts(counts) => Some(total(counts.iter().map(|&(_, count)| count))),
            Held::Groups(groups) => Some(total(groups.iter().map(|&(_, count)| count))),
            _ => None,
        }
    }

    /// Counts by name, in the order of the names' list.
    #[must_use]
    pub fn counts(&self, measure: &Measure) -> &[(String, u64)] {
        match self.get(measure) {
            Some(Held::Counts(counts)) => counts,
            _ => &[],
        }
    }

    /// Counts by two names, in the order of the names' lists.
    #[must_use]
    pub fn groups(&self, measure: &Measure) -> &[([String; 2], u64)] {
        match self.get(measure) {
            Some(Held::Groups(groups)) => groups,
            _ => &[],
        }
    }

    /// A distribution.
    #[must_use]
    pub fn times(&self, measure: &Measure) -> Option<&Distribution> {
        match self.get(measure)? {
            Held::Times(times) => Some(times),
            _ => None,
        }
    }

    /// A word or a sentence.
    #[must_use]
    pub fn text(&self, measure: &Measure) -> Option<&str> {
        match self.get(measure)? {
            Held::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Yes or no.
    #[must_use]
    pub fn flag(&self, measure: &Measure) -> Option<bool> {
        match self.get(measure)? {
            Held::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The most frequent error lines.
    #[must_use]
    pub fn patterns(&self, measure: &Measure) -> &[Pattern] {
        match self.get(measure) {
            Some(Held::Patterns(patterns)) => patterns,
            _ => &[],
        }
    }

    /// Sentences; none where there are none.
    #[must_use]
    pub fn texts(&self, measure: &Measure) -> &[String] {
        match self.get(measure) {
            Some(Held::Texts(texts)) => texts,
            _ => &[],
        }
    }
}

impl Held {
    /// What a summary holds of this value of a measure.
    fn of(measure: &Measure, value: Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Absent | Value::Samples(_) => return None,
            Value::Whole(value) => Self::Whole(value),
            Value::Number(value) => Self::Number(value),
            Value::Flag(value) => Self::Flag(value),
            Value::Text(value) => Self::Text(value),
            Value::Texts(value) => Self::Texts(value),
            Value::Times(of) => Self::Times(Distribution::of(of, measure.unit)),
            Value::Patterns(value) => Self::Patterns(value),
            Value::Counts(counts) if measure.kind == Kind::Groups => {
                Self::Groups(groups(&counts, measure.sparse))
            }
            Value::Counts(counts) => {
                let counts = named(&counts, measure.sparse);
                if counts.is_empty() && measure.optional {
                    return None;
                }
                Self::Counts(counts)
            }
        })
    }
}

fn named(counts: &Counts<'_>, sparse: bool) -> Vec<(String, u64)> {
    let name = |place: usize| match counts.names {
        Names::One(name) => name(place).to_owned(),
        Names::Two(names) => names(place).join(" "),
        Names::Numbers(first) => (usize::from(first) + place).to_string(),
    };
    came(counts, sparse).map(|(place, count)| (name(place), count)).collect()
}

fn groups(counts: &Counts<'_>, sparse: bool) -> Vec<([String; 2], u64)> {
    let Names::Two(names) = counts.names else { return Vec::new() };
    came(counts, sparse).map(|(place, n)| (names(place).map(str::to_owned), n)).collect()
}

/// The counts that a summary holds, each with its place.
fn came(counts: &Counts<'_>, sparse: bool) -> impl Iterator<Item = (usize, u64)> {
    let all = counts.counts.all().iter().copied().enumerate();
    all.filter(move |&(_, count)| count > 0 || !sparse)
}
