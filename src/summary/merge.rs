//! The summaries of several shards, merged into that of the run.
//!
//! Reads what [`crate::summary::json`] writes. What can be added is added, what cannot is
//! left out, and never guessed; `merged.remarks` says why. Knows no file; names are
//! handed in.

mod active;
mod distribution;
mod rules;
mod series;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use crate::summary::document::SCHEMA_VERSION;
use crate::units::shard::Shard;

pub use text::render;

/// A summary, and the name of the file that it came from.
#[derive(Debug, Clone)]
pub struct Part {
    /// The name, as errors show it.
    pub name: String,
    /// The whole text of the file.
    pub text: String,
}

/// Why summaries cannot be merged: one line with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeError(String);

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A summary that was read.
#[derive(Debug)]
struct Read<'a> {
    name: &'a str,
    shard: Shard,
    clients: u64,
    value: Value,
}

/// Merges the summaries of shards of one run into one, in the same schema with
/// `merged` beside it.
///
/// # Errors
/// What is no summary, is not of the same run, or is there twice.
pub fn merge(parts: &[Part]) -> Result<Value, MergeError> {
    let mut read = parts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    read.sort_by_key(|part| part.shard.index());
    let Some((first, others)) = read.split_first() else {
        return Err(MergeError("nothing to merge; give the summaries of the shards".to_owned()));
    };
    for other in others {
        same_run(first, other)?;
    }
    for (one, two) in read.iter().zip(read.iter().skip(1)) {
        if one.shard == two.shard {
            return Err(MergeError(format!(
                "{} and {} are both of shard {}; give each shard once",
                one.name, two.name, one.shard
            )));
        }
    }
    let values: Vec<&Value> = read.iter().map(|part| &part.value).collect();
    let mut merged = rules::apply(&values).map_err(|why| {
        let names: Vec<_> = read.iter().map(|part| part.name).collect();
        MergeError(format!("{}: {why}", names.join(", ")))
    })?;
    let remarks = rules::conclude(&mut merged, &read_shards(&read));
    merged.insert("merged".to_owned(), origin_of(&read, &remarks));
    Ok(Value::Object(merged))
}

fn read_shards<'a>(read: &'a [Read<'_>]) -> Vec<(Shard, &'a Value)> {
    read.iter().map(|part| (part.shard, &part.value)).collect()
}

fn read(part: &Part) -> Result<Read<'_>, MergeError> {
    let name = part.name.as_str();
    let refuse = |why: &str| MergeError(format!("{name}: {why}"));
    let value: Value = serde_json::from_str(&part.text)
        .map_err(|error| refuse(&format!("no JSON ({error}); give what -summary-json wrote")))?;
    let schema = value.get("schema_version").and_then(Value::as_u64);
    let Some(schema) = schema.filter(|_| value.get("run").is_some_and(Value::is_object)) else {
        return Err(refuse("no summary; give what -summary-json wrote"));
    };
    if schema != u64::from(SCHEMA_VERSION) {
        return Err(refuse(&format!(
            "schema {schema}, and this program reads {SCHEMA_VERSION}; merge with the version \
             that wrote it"
        )));
    }
    if value.get("merged").is_some() {
        return Err(refuse("merged already; give the summaries of the single shards"));
    }
    let target = number(&value, &["clients", "target"]);
    let number = |name| value.get("shard").map(|shard| number(shard, &[name]));
    let small = |name| number(name).flatten().and_then(|n| u32::try_from(n).ok());
    let shard = match value.get("shard") {
        None => Some(Shard::WHOLE),
        Some(_) => small("index").zip(small("count")).and_then(|(i, n)| Shard::new(i, n)),
    };
    let clients = number("clients").unwrap_or(target);
    match (shard, clients) {
        (Some(shard), Some(clients)) => Ok(Read { name, shard, clients, value }),
        _ => Err(refuse("no shard that can be; give what -summary-json wrote")),
    }
}

/// Holds two summaries to be of one run.
fn same_run(one: &Read<'_>, two: &Read<'_>) -> Result<(), MergeError> {
    let of = |part: &Read<'_>, field: &str| {
        let value = part.value.get("run").and_then(|run| run.get(field));
        value.map_or_else(|| "none".to_owned(), Value::to_string)
    };
    let facts = [
        ("seed", of(one, "seed"), of(two, "seed")),
        ("URL", of(one, "url"), of(two, "url")),
        ("number of shards", one.shard.count().to_string(), two.shard.count().to_string()),
        ("number of clients", one.clients.to_string(), two.clients.to_string()),
    ];
    for (what, first, second) in facts {
        if first != second {
            return Err(MergeError(format!(
                "{} and {} are of different runs: {what} {first} and {second}; give the shards \
                 of one run",
                one.name, two.name
            )));
        }
    }
    Ok(())
}

/// What the merged summary was made of.
fn origin_of(read: &[Read<'_>], remarks: &[String]) -> Value {
    let count = read.first().map_or(1, |part| part.shard.count());
    let present: BTreeMap<u32, &Read<'_>> =
        read.iter().map(|part| (part.shard.index(), part)).collect();
    let missing: Vec<u32> = (0..count).filter(|index| !present.contains_key(index)).collect();
    let shards = present.values().map(|part| {
        json!({
            "index": part.shard.index(),
            "file": part.name,
            "clients": number(&part.value, &["clients", "target"]).unwrap_or(0),
            "started": number(&part.value, &["processes", "started"]).unwrap_or(0),
        })
    });
    json!({
        "count": count,
        "clients": read.first().map_or(0, |part| part.clients),
        "shards": shards.collect::<Vec<_>>(),
        "missing": missing,
        "remarks": remarks,
    })
}

/// The value at a path.
fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// The whole number at a path.
fn number(value: &Value, path: &[&str]) -> Option<u64> {
    at(value, path)?.as_u64()
}

/// The number at a path.
fn float(value: &Value, path: &[&str]) -> Option<f64> {
    at(value, path)?.as_f64()
}

/// Puts a field into an object that is there.
fn put(merged: &mut Map<String, Value>, section: &str, field: &str, value: Value) {
    if let Some(Value::Object(fields)) = merged.get_mut(section) {
        fields.insert(field.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
