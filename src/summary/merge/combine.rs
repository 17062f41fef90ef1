//! How the values of one measure in several summaries become that of the whole.

use super::{Read, patterns};
use crate::measures::{self, Distribution, Held, Measure, Merge, Values};

/// The values of the whole. A section that one of the summaries lacks was not measured
/// there, so it is not known of the whole.
///
/// # Errors
/// Distributions that cannot be joined.
pub(super) fn values(read: &[Read<'_>]) -> Result<Values, String> {
    let mut whole = Values::default();
    for measure in measures::fields() {
        if read.iter().any(|part| !has_section(part, measure)) {
            continue;
        }
        let found: Vec<&Held> =
            read.iter().filter_map(|part| part.document.values.get(measure)).collect();
        let complete = found.len() == read.len();
        let merged = match measure.merge {
            Merge::First => found.first().map(|&held| held.clone()),
            Merge::EachShard => Some(Held::Texts(each_shard(read, measure))),
            Merge::Patterns => Some(Held::Patterns(patterns::merge(read))),
            Merge::Again | Merge::LeftOut => None,
            Merge::SumIfAny => sum(&found).map_err(|why| at(measure, &why))?,
            _ if !complete => None,
            Merge::Common => common(&found),
            Merge::Sum => sum(&found).map_err(|why| at(measure, &why))?,
            Merge::Max => found.into_iter().max_by(|a, b| number(a).total_cmp(&number(b))).cloned(),
            Merge::Min => found.into_iter().min_by(|a, b| number(a).total_cmp(&number(b))).cloned(),
            Merge::All => Some(Held::Flag(found.iter().all(|held| **held == Held::Flag(true)))),
            Merge::Any => Some(Held::Flag(found.contains(&&Held::Flag(true)))),
        };
        whole.put(measure, merged);
    }
    Ok(whole)
}

fn at(measure: &Measure, why: &str) -> String {
    format!("{}: {why}", measure.field.unwrap_or(measure.id))
}

/// Whether a summary has the section of this measure.
fn has_section(part: &Read<'_>, measure: &Measure) -> bool {
    let mut of_section = measures::fields().filter(|of| of.section() == measure.section());
    of_section.any(|of| part.document.has(of))
}

fn common(found: &[&Held]) -> Option<Held> {
    let agreed = found.windows(2).all(|pair| pair.first() == pair.get(1));
    found.first().filter(|_| agreed).map(|&held| held.clone())
}

fn number(held: &Held) -> f64 {
    match held {
        Held::Whole(value) => *value as f64,
        Held::Number(value) => *value,
        _ => 0.0,
    }
}

/// The sum of values of one kind; `None` of nothing.
fn sum(found: &[&Held]) -> Result<Option<Held>, String> {
    let Some((first, others)) = found.split_first() else { return Ok(None) };
    if let Held::Times(_) = first {
        let all = found.iter().filter_map(|held| match held {
            Held::Times(times) => Some(times),
            _ => None,
        });
        return Ok(Distribution::joined(all)?.map(Held::Times));
    }
    let mut sum = (*first).clone();
    for other in others {
        match (&mut sum, other) {
            (Held::Whole(sum), Held::Whole(more)) => *sum = sum.saturating_add(*more),
            (Held::Number(sum), Held::Number(more)) => *sum += more,
            (Held::Counts(sum), Held::Counts(more)) => add(sum, more),
            (Held::Groups(sum), Held::Groups(more)) => add(sum, more),
            _ => return Err("values of two kinds".to_owned()),
        }
    }
    Ok(Some(sum))
}

/// Adds counts by name; a name that is new comes last.
fn add<N: Clone + PartialEq>(sum: &mut Vec<(N, u64)>, more: &[(N, u64)]) {
    for (name, count) in more {
        match sum.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum = sum.saturating_add(*count),
            None => sum.push((name.clone(), *count)),
        }
    }
}

/// The sentences of all, each with its shard.
fn each_shard(read: &[Read<'_>], measure: &Measure) -> Vec<String> {
    let all = read.iter().flat_map(|part| {
        let texts = part.document.values.texts(measure).iter();
        texts.map(|text| format!("shard {}: {text}", part.shard))
    });
    all.collect()
}
