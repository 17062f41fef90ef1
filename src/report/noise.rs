//! Whether two runs differ, or may as well be the same.
//!
//! Each row of a comparison has a test of its own, and all of them together are held to
//! [`LEVEL`]: of two runs that are alike, no row is called different with at least that
//! certainty. The values of one client resemble each other, so a run has as many
//! independent values as it has clients, and no more. Clients share an origin and a
//! network, which no test of two runs can see; the page says so.

use std::cmp::Ordering;

use super::inference::{SIZE_MAX, binomial, holm, quantile, ranks};
use crate::measures::Distribution;
use crate::measures::value::total;

/// Probability that any row of two runs that are alike is called different.
pub(super) const LEVEL: f64 = 0.05;

/// Least change that is worth telling: percentiles are off by 1 % each.
const LEAST_CHANGE: f64 = 0.05;

/// Most rows that are tested. A test that cannot reach its share of [`LEVEL`] among so
/// many, whatever the values, has too few of them and is left out.
pub(super) const ROWS_MAX: usize = 16;

/// How two runs differ in something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    /// The second is clearly larger.
    Larger,
    /// The second is clearly smaller.
    Smaller,
    /// They may be the same.
    Unclear,
    /// There are too few values or events for a judgement: so many in the run with fewer, or
    /// of events in both.
    TooFew(u64),
}

/// What one row found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    /// What is shown of the first run and of the second.
    values: [f64; 2],
    found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Found {
    /// By chance alone the runs would be as far apart with this probability; the
    /// second run has the larger values, or the smaller ones.
    Tested(f64, Ordering),
    /// Nothing came in either.
    Nothing,
    /// See [`Difference::TooFew`].
    TooFew(u64),
}

/// What is said of a row among all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judged {
    pub(super) difference: Difference,
    /// Corrected for the number of rows; `None` where nothing was tested.
    pub(super) p: Option<f64>,
}

/// Values of a run that may be taken as independent, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample(Vec<u64>);

impl Sample {
    /// So many of the recorded values, evenly spread over their ranks, as a run has
    /// clients; all of them, if each client has but one.
    pub(super) fn of(all: &Distribution, clients: u64) -> Self {
        let count = total(all.recorded.iter().map(|&[_, count]| count));
        let size = count.min(clients).min(SIZE_MAX);
        let mut values = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let mut below = 0_u64;
        for &[value, count_of] in &all.recorded {
            below = below.saturating_add(count_of);
            // The middle of the share of each value that is kept.
            let rank = |place: usize| {
                (2 * place as u128 + 1) * u128::from(count) / (2 * u128::from(size.max(1)))
            };
            while (values.len() as u64) < size && rank(values.len()) < u128::from(below) {
                values.push(value);
            }
        }
        Self(values)
    }

    /// What bounds a quantile in 19 of 20 samples like this; `None` if it is too small.
    pub(super) fn interval(&self, q: f64) -> Option<[u64; 2]> {
        let [low, high] = quantile::Ranks::new(self.0.len(), q).bounds(0.025)?;
        Some([*self.0.get(low)?, *self.0.get(high)?])
    }
}

/// The part of [`LEVEL`] that a row can count on.
fn share() -> f64 {
    LEVEL / ROWS_MAX as f64
}

/// Compares all values of two runs by their ranks; `medians` are what is shown.
pub(super) fn by_ranks([a, b]: [&Sample; 2], medians: [f64; 2]) -> Comparison {
    let (a, b) = (a.0.as_slice(), b.0.as_slice());
    let found = if ranks::least_p(a.len(), b.len()) <= share() {
        let (p, second) = ranks::test(a, b);
        Found::Tested(p, second)
    } else {
        Found::TooFew(a.len().min(b.len()) as u64)
    };
    Comparison { values: medians, found }
}

/// Compares one quantile of two runs by its bounds; `values` are what is shown.
pub(super) fn by_quantile([a, b]: [&Sample; 2], q: f64, values: [f64; 2]) -> Comparison {
    let (a, b) = (a.0.as_slice(), b.0.as_slice());
    let of = [a, b].map(|sample| quantile::Ranks::new(sample.len(), q));
    let [of_a, of_b] = &of;
    let enough = of.iter().all(|ranks| ranks.bounds(share() / 2.0).is_some());
    let found = if enough {
        let (p, second) = quantile::test((a, of_a), (b, of_b));
        Found::Tested(p, second)
    } else {
        Found::TooFew(a.len().min(b.len()) as u64)
    };
    Comparison { values, found }
}

/// Compares events out of, or in, so much: failures of requests, stalls of hours. A
/// client that has many of them counts once, so of all events no more count than both
/// runs have clients.
pub(super) fn by_events(counts: [u64; 2], of: [f64; 2], clients: [u64; 2]) -> Comparison {
    let ([a, b], [of_a, of_b], [clients_a, clients_b]) = (counts, of, clients);
    let rate = |count: u64, of: f64| if of > 0.0 { count as f64 / of } else { 0.0 };
    let values = [rate(a, of_a), rate(b, of_b)];
    let all = a.saturating_add(b);
    let counted = all.min(clients_a.saturating_add(clients_b)).min(SIZE_MAX);
    if all == 0 {
        return Comparison { values, found: Found::Nothing };
    }
    let [p_a, p_b] = [of_a / (of_a + of_b), of_b / (of_a + of_b)];
    let possible = |p: f64| p > 0.0 && p < 1.0;
    let reached = |p: f64| binomial::p_value(counted, counted, p) <= share();
    if !(possible(p_a) && possible(p_b) && reached(p_a.max(p_b))) {
        return Comparison { values, found: Found::TooFew(counted) };
    }
    let second = if values[1] > values[0] { Ordering::Greater } else { Ordering::Less };
    let (more, p) = if second == Ordering::Greater { (b, p_b) } else { (a, p_a) };
    // Rounded down, towards no difference.
    let more = u128::from(more) * u128::from(counted) / u128::from(all);
    let p = binomial::p_value(u64::try_from(more).unwrap_or(counted), counted, p);
    Comparison { values, found: Found::Tested(p, second) }
}

/// Judges all rows of a page together, in their order.
pub(super) fn judge(rows: &[Comparison]) -> Vec<Judged> {
    let tested = rows.iter().filter_map(|row| match row.found {
        Found::Tested(p, _) => Some(p),
        _ => None,
    });
    let mut adjusted = holm::adjusted(&tested.collect::<Vec<_>>()).into_iter();
    let judge = |row: &Comparison| match row.found {
        Found::TooFew(few) => Judged { difference: Difference::TooFew(few), p: None },
        Found::Nothing => Judged { difference: Difference::Unclear, p: None },
        Found::Tested(_, second) => {
            let p = adjusted.next();
            let clear = p.is_some_and(|p| p <= LEVEL);
            let difference = if clear { beyond(row.values, second) } else { Difference::Unclear };
            Judged { difference, p }
        }
    };
    rows.iter().map(judge).collect()
}

/// A difference that is not chance: what is shown must differ too, and in the same way.
fn beyond([a, b]: [f64; 2], second: Ordering) -> Difference {
    if (b - a).abs() <= LEAST_CHANGE * a.abs() || b.partial_cmp(&a) != Some(second) {
        return Difference::Unclear;
    }
    match second {
        Ordering::Greater => Difference::Larger,
        Ordering::Less => Difference::Smaller,
        Ordering::Equal => Difference::Unclear,
    }
}

#[cfg(test)]
mod tests;
