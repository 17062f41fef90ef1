//! The summaries of several shards, merged into that of the run.
//!
//! What can be added is added, what cannot is left out, and never guessed; remarks say
//! why. Knows no file; names are handed in.

mod active;
mod combine;
mod patterns;
mod series;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::document::{Document, SCHEMA_VERSION};
use super::merged::{Merged, MergedShard};
use crate::measures::{Held, Measure, clients, processes, run};
use crate::units::shard::Shard;

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
struct Read<'a> {
    name: &'a str,
    shard: Shard,
    clients: u64,
    document: Document,
}

impl Read<'_> {
    fn whole(&self, measure: &Measure) -> Option<u64> {
        self.document.values.whole(measure)
    }
}

/// Merges the summaries of shards of one run into one, in the same schema with
/// `merged` beside it.
///
/// # Errors
/// What is no summary, is not of the same run, or is there twice.
pub fn merge(parts: &[Part]) -> Result<Document, MergeError> {
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
    let mut values = combine::values(&read).map_err(|why| {
        let names: Vec<_> = read.iter().map(|part| part.name).collect();
        MergeError(format!("{}: {why}", names.join(", ")))
    })?;
    values.derive_again();
    let series = series::merge(read.iter().map(|part| {
        let late = part.document.values.number(&run::LATE).unwrap_or(0.0);
        (part.document.series.as_ref(), late)
    }));
    let remark = active::conclude(&mut values, &read, series.as_ref());
    if let Some(command) = first.document.values.text(&run::COMMAND) {
        values.put(&run::COMMAND, Some(Held::Text(of_whole(command))));
    }
    let merged = Some(merged_of(&read, remark.into_iter().collect()));
    Ok(Document { values, series, merged })
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
    let document = Document::from_value(&value).map_err(|error| refuse(&error.to_string()))?;
    let small = |measure| document.values.whole(measure).and_then(|n| u32::try_from(n).ok());
    let shard = match document.values.whole(&run::SHARD_INDEX) {
        None => Some(Shard::WHOLE),
        Some(_) => small(&run::SHARD_INDEX)
            .zip(small(&run::SHARD_COUNT))
            .and_then(|(index, count)| Shard::new(index, count)),
    };
    let target = document.values.whole(&clients::TARGET);
    let clients = document.values.whole(&run::SHARD_CLIENTS).or(target);
    match (shard, clients) {
        (Some(shard), Some(clients)) => Ok(Read { name, shard, clients, document }),
        _ => Err(refuse("no shard that can be; give what -summary-json wrote")),
    }
}

/// Holds two summaries to be of one run.
fn same_run(one: &Read<'_>, two: &Read<'_>) -> Result<(), MergeError> {
    let seed = |part: &Read<'_>| part.whole(&run::SEED).unwrap_or(0).to_string();
    let url = |part: &Read<'_>| {
        let url = part.document.values.text(&run::URL);
        url.map_or_else(|| "none".to_owned(), |url| format!("{url:?}"))
    };
    let facts = [
        ("seed", seed(one), seed(two)),
        ("URL", url(one), url(two)),
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
fn merged_of(read: &[Read<'_>], remarks: Vec<String>) -> Merged {
    let count = read.first().map_or(1, |part| part.shard.count());
    let present: BTreeSet<u32> = read.iter().map(|part| part.shard.index()).collect();
    let shards = read.iter().map(|part| MergedShard {
        index: part.shard.index(),
        file: part.name.to_owned(),
        clients: part.whole(&clients::TARGET).unwrap_or(0),
        started: part.whole(&processes::STARTED).unwrap_or(0),
    });
    Merged {
        count,
        clients: read.first().map_or(0, |part| part.clients),
        shards: shards.collect(),
        missing: (0..count).filter(|index| !present.contains(index)).collect(),
        remarks,
    }
}

/// The command of a shard as that of the whole run.
fn of_whole(command: &str) -> String {
    let Ok(words) = shell_words::split(command) else { return command.to_owned() };
    let mut kept = Vec::with_capacity(words.len());
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "-shard" {
            words.next();
        } else {
            kept.push(word);
        }
    }
    shell_words::join(kept)
}

#[cfg(test)]
mod tests;
