//! The summary as JSON, written and read back.
//!
//! A value stands at the place that its measure declares. What was not measured is
//! absent, never 0; a field that is not known is skipped.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Error, Value};

use super::document::{Document, SCHEMA_VERSION, Unreadable};
use crate::measures::{self, Held, Kind, Measure, Values};
use crate::units::text::visible_json;

/// The sections that every summary has.
const SECTIONS: [&str; 5] = ["run", "clients", "processes", "log", "host"];

/// The summary as one line of JSON.
///
/// # Errors
/// None that is known: every field is a number, a text or a list of these.
pub fn render(document: &Document) -> Result<String, Error> {
    let mut text = visible_json(&serde_json::to_string(document)?).into_owned();
    text.push('\n');
    Ok(text)
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields: Vec<_> = measures::fields()
            .filter_map(|measure| Some((measure.field?, self.values.get(measure)?)))
            .collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema_version", &SCHEMA_VERSION)?;
        serialize_fields(&fields, &mut map)?;
        if let Some(series) = &self.series {
            map.serialize_entry("series", series)?;
        }
        if let Some(merged) = &self.merged {
            map.serialize_entry("merged", merged)?;
        }
        map.end()
    }
}

/// Values by the rest of their places; those of one section stand together.
struct Section<'a>(Vec<(&'a str, &'a Held)>);

impl Serialize for Section<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        serialize_fields(&self.0, &mut map)?;
        map.end()
    }
}

fn serialize_fields<M: serde::ser::SerializeMap>(
    mut fields: &[(&str, &Held)],
    map: &mut M,
) -> Result<(), M::Error> {
    while let Some((&(place, held), rest)) = fields.split_first() {
        let Some((section, _)) = place.split_once('.') else {
            map.serialize_entry(place, held)?;
            fields = rest;
            continue;
        };
        let inside = |place: &'_ str| place.split_once('.').is_some_and(|(of, _)| of == section);
        let length = fields.iter().take_while(|(place, _)| inside(place)).count();
        let (own, rest) = fields.split_at(length);
        let own = own.iter().filter_map(|&(place, held)| Some((place.split_once('.')?.1, held)));
        map.serialize_entry(section, &Section(own.collect()))?;
        fields = rest;
    }
    Ok(())
}

impl Serialize for Held {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(value) => value.serialize(serializer),
            Self::Number(value) => value.serialize(serializer),
            Self::Flag(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::Texts(value) => value.serialize(serializer),
            Self::Times(value) => value.serialize(serializer),
            Self::Patterns(value) => value.serialize(serializer),
            Self::Counts(counts) => {
                let sorted: BTreeMap<_, _> = counts.iter().map(|(name, n)| (name, n)).collect();
                sorted.serialize(serializer)
            }
            Self::Groups(groups) => {
                let mut sorted: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
                for ([group, name], count) in groups {
                    sorted.entry(group).or_default().insert(name, count);
                }
                sorted.serialize(serializer)
            }
        }
    }
}

impl Document {
    /// Reads what [`render`] wrote.
    ///
    /// # Errors
    /// The text is no summary, or one of another schema.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let value: Value = serde_json::from_str(text).map_err(Unreadable::Malformed)?;
        let version = value.get("schema_version").and_then(Value::as_u64);
        let version = version.ok_or_else(|| missing("schema_version"))?;
        if version != u64::from(SCHEMA_VERSION) {
            return Err(Unreadable::Version(version));
        }
        Self::from_value(&value)
    }

    /// Reads a summary of this schema.
    ///
    /// # Errors
    /// A field is missing or is not what it should be.
    pub(super) fn from_value(value: &Value) -> Result<Self, Unreadable> {
        for section in SECTIONS {
            if !value.get(section).is_some_and(Value::is_object) {
                return Err(missing(section));
            }
        }
        let mut values = Values::default();
        for measure in measures::fields() {
            let Some(place) = measure.field else { continue };
            let (section, name) = place.rsplit_once('.').unwrap_or(("", place));
            let Some(section) = at(value, section) else { continue };
            match section.get(name) {
                Some(found) => values.put(measure, Some(held(measure, place, found)?)),
                None if measure.optional => {}
                None => return Err(missing(place)),
            }
        }
        let read = |name| value.get(name).map(Deserialize::deserialize);
        Ok(Self {
            values,
            series: read("series").transpose().map_err(Unreadable::Malformed)?,
            merged: match value.get("merged") {
                Some(merged) => {
                    Some(Deserialize::deserialize(merged).map_err(Unreadable::Malformed)?)
                }
                None => None,
            },
        })
    }
}

fn missing(place: &str) -> Unreadable {
    Unreadable::Malformed(Error::custom(format_args!("missing field `{place}`")))
}

/// The value at a place, names joined by dots; `""` is the whole.
fn at<'a>(value: &'a Value, place: &str) -> Option<&'a Value> {
    let mut names = place.split('.').filter(|name| !name.is_empty());
    names.try_fold(value, |value, name| value.get(name))
}

/// What a file holds of a measure.
fn held(measure: &Measure, place: &str, value: &Value) -> Result<Held, Unreadable> {
    let wrong = |what: &str| Unreadable::Malformed(Error::custom(format_args!("{place}: {what}")));
    let read = |error: Error| wrong(&error.to_string());
    Ok(match measure.kind {
        Kind::Whole => Held::Whole(value.as_u64().ok_or_else(|| wrong("no number"))?),
        Kind::Number => Held::Number(value.as_f64().ok_or_else(|| wrong("no number"))?),
        Kind::Flag => Held::Flag(value.as_bool().ok_or_else(|| wrong("neither true nor false"))?),
        Kind::Text => Held::Text(value.as_str().ok_or_else(|| wrong("no text"))?.to_owned()),
        Kind::Texts => Held::Texts(Vec::deserialize(value).map_err(read)?),
        Kind::Times => Held::Times(Deserialize::deserialize(value).map_err(read)?),
        Kind::Patterns => Held::Patterns(Vec::deserialize(value).map_err(read)?),
        Kind::Counts => {
            let counts: BTreeMap<String, u64> = BTreeMap::deserialize(value).map_err(read)?;
            let mut counts: Vec<_> = counts.into_iter().collect();
            // Codes and statuses in the order of numbers; the sort is stable.
            counts.sort_by_key(|(name, _)| name.parse::<u32>().unwrap_or(0));
            Held::Counts(counts)
        }
        Kind::Groups => {
            let groups: BTreeMap<String, BTreeMap<String, u64>> =
                BTreeMap::deserialize(value).map_err(read)?;
            let pairs = groups.into_iter().flat_map(|(group, counts)| {
                counts.into_iter().map(move |(name, count)| ([group.clone(), name], count))
            });
            Held::Groups(pairs.collect())
        }
    })
}

#[cfg(test)]
mod tests;
