//! The value of a measure: borrowed from a scene, or held by a summary.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use crate::stats::Histogram;

/// The value of a measure at one moment.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// It was not measured.
    Absent,
    /// A whole number.
    Whole(u64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A word or a sentence.
    Text(String),
    /// Sentences.
    Texts(Vec<String>),
    /// Counts by name.
    Counts(Counts<'a>),
    /// Numbers by the values of labels, for a scrape alone.
    Samples(Vec<(Vec<Cow<'a, str>>, f64)>),
    /// A distribution.
    Times(&'a Histogram),
    /// The most frequent error lines.
    Patterns(Vec<Pattern>),
}

impl Value<'_> {
    /// A whole number, if it is known.
    #[must_use]
    pub fn whole(value: Option<u64>) -> Self {
        value.map_or(Self::Absent, Self::Whole)
    }

    /// A number, if it is known.
    #[must_use]
    pub fn number(value: Option<f64>) -> Self {
        value.map_or(Self::Absent, Self::Number)
    }

    /// As one number: of counts by name their sum; `None` of what is no number.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Whole(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            Self::Flag(value) => Some(f64::from(u8::from(*value))),
            Self::Counts(counts) => Some(counts.total() as f64),
            _ => None,
        }
    }
}

impl<'a> Value<'a> {
    /// Numbers by one name each.
    pub(super) fn by_name(all: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        Value::Samples(all.into_iter().map(|(name, n)| (vec![Cow::from(name)], n)).collect())
    }

    /// A distribution of what may never be seen; absent until it is.
    #[must_use]
    pub fn times_if_any(of: &'a Histogram) -> Self {
        if of.count() > 0 { Value::Times(of) } else { Value::Absent }
    }
}

/// Counts by name, in the order of a list.
#[derive(Debug, Clone)]
pub struct Counts<'a> {
    /// What the places in the list are called.
    pub names: Names,
    /// The counts.
    pub counts: Slice<'a>,
}

/// Counts that were kept somewhere, or made.
#[derive(Debug, Clone)]
pub enum Slice<'a> {
    /// Kept elsewhere.
    Kept(&'a [u64]),
    /// Made for this value.
    Made(Vec<u64>),
}

impl Slice<'_> {
    /// The counts in their order.
    #[must_use]
    pub fn all(&self) -> &[u64] {
        match self {
            Self::Kept(all) => all,
            Self::Made(all) => all,
        }
    }
}

/// What the places of a list of counts are called.
#[derive(Debug, Clone, Copy)]
pub enum Names {
    /// By one name.
    One(fn(usize) -> &'static str),
    /// By two names.
    Two(fn(usize) -> [&'static str; 2]),
    /// By number, from this one on.
    Numbers(u16),
}

impl<'a> Counts<'a> {
    /// Counts that are kept in the order of a list of names.
    pub(super) const fn kept(names: fn(usize) -> &'static str, counts: &'a [u64]) -> Value<'a> {
        Value::Counts(Self { names: Names::One(names), counts: Slice::Kept(counts) })
    }

    /// Counts that are made in the order of a list of names.
    pub(super) fn made<N: Into<u64>>(
        names: fn(usize) -> &'static str,
        counts: impl IntoIterator<Item = N>,
    ) -> Value<'a> {
        let counts = Slice::Made(counts.into_iter().map(Into::into).collect());
        Value::Counts(Self { names: Names::One(names), counts })
    }

    /// Counts by two names.
    pub(super) const fn pairs(
        names: fn(usize) -> [&'static str; 2],
        counts: &'a [u64],
    ) -> Value<'a> {
        Value::Counts(Self { names: Names::Two(names), counts: Slice::Kept(counts) })
    }

    /// Counts by number.
    pub(super) const fn by_number(first: u16, counts: &'a [u64]) -> Value<'a> {
        Value::Counts(Self { names: Names::Numbers(first), counts: Slice::Kept(counts) })
    }

    /// The sum of all.
    #[must_use]
    pub fn total(&self) -> u64 {
        total(self.counts.all().iter().copied())
    }
}

/// The sum of counts, which a file may claim to be any numbers.
#[must_use]
pub fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// A value that a summary holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    /// A whole number.
    Whole(u64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A word or a sentence.
    Text(String),
    /// Sentences.
    Texts(Vec<String>),
    /// Counts by name, in the order of the names' list.
    Counts(Vec<(String, u64)>),
    /// Counts by two names, in the order of the names' lists.
    Groups(Vec<([String; 2], u64)>),
    /// A distribution.
    Times(Distribution),
    /// The most frequent error lines.
    Patterns(Vec<Pattern>),
}

/// An error line that came often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// The line, numbers replaced by `#`.
    pub pattern: String,
    /// How often it came at most.
    pub count: u64,
    /// By how much that may be too high.
    pub overcount: u64,
    /// By how much that may be too low, where several summaries were merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undercount: Option<u64>,
}

/// The values of all measures at the end of a run, by the measure's id; what was not
/// measured is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values(pub(super) BTreeMap<&'static str, Held>);
