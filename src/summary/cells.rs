//! How measures are shown in the rows of the summary's text.

use std::cmp::Reverse;

use super::document::Document;
use crate::measures::value::total;
use crate::measures::{
    Distribution, Kind, Measure, Unit, clients, host, playback, processes, run, words,
};
use crate::stats::totals::LATE_START_MS;

/// Most exit codes, kinds of failure and error statuses that are named.
pub(super) const NAMES_MAX: usize = 8;

/// A ramp that began so long after its moment is worth a row, in seconds.
const LATE_RAMP_SECS: f64 = 1.0;

/// A measure as it is shown where nothing else is said.
pub(super) fn own(of: &Document, measure: &Measure) -> Vec<String> {
    let values = &of.values;
    vec![match measure.kind {
        Kind::Whole => match values.whole(measure) {
            None => n_a(),
            Some(value) if measure.unit == Unit::Bytes => words::bytes(value),
            Some(0) if measure.grows => "none".to_owned(),
            Some(value) => words::count(value),
        },
        Kind::Number => values.number(measure).map_or_else(n_a, |value| match measure.unit {
            Unit::Seconds => words::span(words::duration(value)),
            Unit::BitsPerSecond => words::bit_rate(value),
            Unit::Ratio => words::share(value, 1.0),
            _ => format!("{value:.1}"),
        }),
        Kind::Times if measure.unit == Unit::Ratio => {
            speeds(values.times(measure)).unwrap_or_else(n_a)
        }
        Kind::Times => percentiles(values.times(measure)).unwrap_or_else(n_a),
        Kind::Counts | Kind::Groups if values.has(measure) => joined(most(came(of, measure))),
        Kind::Flag => {
            values.flag(measure).map_or_else(n_a, |flag| if flag { "yes" } else { "no" }.to_owned())
        }
        Kind::Text => values.text(measure).map_or_else(n_a, str::to_owned),
        Kind::Counts | Kind::Groups | Kind::Texts | Kind::Patterns => n_a(),
    }]
}

pub(super) fn n_a() -> String {
    "n/a".to_owned()
}

pub(super) fn whole(of: &Document, measure: &Measure) -> Option<u64> {
    of.values.whole(measure)
}

pub(super) fn counted(of: &Document, measure: &Measure) -> String {
    whole(of, measure).map_or_else(n_a, words::count)
}

/// The counts by name that came, the most frequent first, equal ones in the order of
/// their list.
pub(super) fn came(of: &Document, measure: &Measure) -> Vec<(String, u64)> {
    let pairs = of.values.groups(measure).iter().map(|(names, n)| (names.join(" "), *n));
    let mut all: Vec<_> = of.values.counts(measure).iter().cloned().chain(pairs).collect();
    all.retain(|&(_, count)| count > 0);
    all.sort_by_key(|&(_, count)| Reverse(count));
    all
}

/// The first of some counts, and the rest of them as one.
pub(super) fn most(all: Vec<(String, u64)>) -> Vec<String> {
    let rest = total(all.iter().skip(NAMES_MAX).map(|&(_, count)| count));
    let rest = (rest > 0).then(|| ("others".to_owned(), rest));
    let shown = all.into_iter().take(NAMES_MAX).chain(rest);
    shown.map(|(name, count)| format!("{name}: {}", words::count(count))).collect()
}

/// Names with their counts and shares, so many of them, and the rest as one.
pub(super) fn shares(all: Vec<(String, u64)>, others: &str, shown: usize) -> Vec<String> {
    let sum = total(all.iter().map(|&(_, count)| count));
    let rest = total(all.iter().skip(shown).map(|&(_, count)| count));
    let rest = (rest > 0).then(|| (others.to_owned(), rest));
    let rows = all.into_iter().take(shown).chain(rest).map(|(name, count)| {
        let share = words::share(count as f64, sum as f64);
        format!("{name:<22}{:>10}{share:>10}", words::count(count))
    });
    or_none(rows.collect())
}

pub(super) fn or_none(rows: Vec<String>) -> Vec<String> {
    if rows.is_empty() { vec!["none".to_owned()] } else { rows }
}

pub(super) fn joined(parts: Vec<String>) -> String {
    or_none(parts).join(", ")
}

/// `P50 …, P95 …, P99 …`; `None` where nothing was recorded.
pub(super) fn percentiles(of: Option<&Distribution>) -> Option<String> {
    let at = of?.percentiles?;
    let [p50, p95, p99] = [at.p50, at.p95, at.p99].map(|secs| words::span(words::duration(secs)));
    Some(format!("P50 {p50}, P95 {p95}, P99 {p99}"))
}

/// The median of the speeds and their lower end, which is the one that hurts.
pub(super) fn speeds(of: Option<&Distribution>) -> Option<String> {
    let at = of?.percentiles?;
    Some(format!("P50 {:.2}, P5 {:.2}, P1 {:.2}", at.p50, at.p5, at.p1))
}

/// What ended a run, in words.
pub(crate) fn ended(of: &Document) -> String {
    let signal = of.values.text(&run::SIGNAL);
    match of.values.text(&run::ENDED) {
        None => "not all in the same way".to_owned(),
        Some(name) => words::ended(name, signal),
    }
}

pub(super) fn duration(of: &Document) -> Vec<String> {
    let secs = of.values.number(&run::DURATION);
    let span = secs.map_or_else(n_a, |secs| words::span(words::duration(secs)));
    vec![if of.merged.is_some() { format!("{span}, that of the longest") } else { span }]
}

pub(super) fn late(of: &Document) -> Vec<String> {
    let late = of.values.number(&run::LATE).filter(|&late| late > LATE_RAMP_SECS);
    let text = |late| format!("{} after -start-at", words::span(words::duration(late)));
    late.map(text).into_iter().collect()
}

pub(super) fn shard(of: &Document) -> Vec<String> {
    let number = |measure| whole(of, measure);
    let (index, count) = (number(&run::SHARD_INDEX), number(&run::SHARD_COUNT));
    let all = number(&run::SHARD_CLIENTS);
    let (Some(index), Some(count), Some(all)) = (index, count, all) else { return Vec::new() };
    vec![format!("{index}/{count} of {all} clients")]
}

/// Peak and median of the active clients. The peak of shards is known at the ends of
/// intervals, so their own peaks bound it.
pub(crate) fn active(of: &Document) -> String {
    if of.values.number(&clients::EVER_STARTED) == Some(0.0) {
        return n_a();
    }
    let peak = whole(of, &clients::PEAK_ACTIVE);
    let bound = whole(of, &clients::PEAK_ACTIVE_AT_MOST);
    let median = counted(of, &clients::MEDIAN_ACTIVE);
    let peak = match (peak, bound.map(words::count)) {
        (Some(peak), Some(at_most)) if bound != Some(peak) => {
            format!("peak {} ({at_most} at most)", words::count(peak))
        }
        (Some(peak), _) => format!("peak {}", words::count(peak)),
        (None, Some(at_most)) => format!("peak {at_most} at most (the sum of the shards' own)"),
        (None, None) => "peak n/a".to_owned(),
    };
    format!("{peak}, median {median}")
}

pub(super) fn target(of: &Document) -> Vec<String> {
    if of.values.flag(&clients::TARGET_REACHED) != Some(false) {
        return Vec::new();
    }
    let Some(below) = of.below_target().filter(|_| of.merged.is_none()) else {
        return vec!["not reached by every shard".to_owned()];
    };
    let started = counted(of, &clients::EVER_STARTED);
    vec![format!("not reached: {below}, {started} ever started")]
}

pub(super) fn never_played(of: &Document) -> Vec<String> {
    let Some(never) = whole(of, &clients::NEVER_PLAYED) else { return Vec::new() };
    let why = of.values.texts(&clients::NEVER_PLAYED_WHY);
    if !why.is_empty() {
        return why.to_vec();
    }
    let of_all = counted(of, &clients::EVER_STARTED);
    let causes = most(came(of, &clients::KEPT_BY)).join(", ");
    let causes = if causes.is_empty() { causes } else { format!(": {causes}") };
    vec![format!("{} of {of_all} clients{causes}", words::count(never))]
}

pub(super) fn with_rate(total: String, rate: Option<String>) -> String {
    match rate {
        Some(rate) => format!("{total}; {rate} per client"),
        None => total,
    }
}

pub(super) fn a_minute(of: &Document, count: &Measure, rate: &Measure) -> String {
    let rate = of.values.number(rate).map(|rate| format!("{rate:.1} a minute"));
    with_rate(counted(of, count), rate)
}

pub(super) fn stalls(of: &Document) -> Vec<String> {
    let Some(stalls) = whole(of, &playback::STALLS) else { return vec![n_a()] };
    if stalls == 0 {
        return vec!["none".to_owned()];
    }
    let time = of.values.number(&playback::STALL_TIME).unwrap_or(0.0);
    let time = words::span(words::duration(time));
    let stalled = whole(of, &playback::STALLED).unwrap_or(0);
    let stalled = words::plural(stalled, "client");
    vec![format!("{}, {time} in all, {stalled} stalled at the end", words::count(stalls))]
}

/// When a client counted as stalled, and why then; `None` if that is not known.
pub(crate) fn stall_threshold(of: &Document) -> Option<String> {
    let after = words::duration(of.values.number(&playback::STALL_THRESHOLD)?);
    let target = of.values.number(&playback::TARGET_DURATION).map(words::duration);
    let source = of.values.text(&playback::TARGET_DURATION_SOURCE);
    Some(match target.zip(source) {
        Some((target, source)) => words::stall_threshold(after, target, source),
        None => words::span(after),
    })
}

/// CPU time, and its share of one core where one host had it.
pub(crate) fn of_core(of: &Document, measure: &Measure) -> String {
    let Some(secs) = of.values.number(measure) else { return n_a() };
    let cpu = words::span(words::duration(secs));
    if of.merged.is_some() {
        return format!("{cpu} in all");
    }
    let share = words::share(secs, of.values.number(&run::DURATION).unwrap_or(0.0));
    format!("{cpu} ({share} of one core)")
}

pub(super) fn own_memory(of: &Document) -> Vec<String> {
    let bytes = |measure| whole(of, measure).map(words::bytes);
    let all = of.merged.is_some();
    vec![match (bytes(&host::OWN_RESIDENT), bytes(&host::OWN_PEAK_RESIDENT)) {
        (Some(now), Some(peak)) if all => format!("{now} in all, peak of one {peak}"),
        (Some(now), Some(peak)) => format!("{now}, peak {peak}"),
        (Some(now), None) => now,
        (None, Some(peak)) => format!("peak {peak}"),
        (None, None) => n_a(),
    }]
}

pub(super) fn ffmpeg_memory(of: &Document) -> Vec<String> {
    let bytes = |measure| whole(of, measure).map(words::bytes);
    let now = bytes(&host::FFMPEG_RESIDENT).map(|now| format!("{now} now"));
    let largest = bytes(&host::FFMPEG_PEAK_RESIDENT);
    let largest = largest.map(|largest| format!("largest process {largest}"));
    let known: Vec<_> = [now, largest].into_iter().flatten().collect();
    vec![if known.is_empty() { n_a() } else { known.join(", ") }]
}

pub(super) fn late_starts(of: &Document) -> Vec<String> {
    let lateness = of.values.times(&processes::START_LATENESS);
    let Some(values) = percentiles(lateness) else { return vec![n_a()] };
    let late = counted(of, &processes::LATE_STARTS);
    let all = words::count(lateness.map_or(0, |lateness| lateness.count));
    vec![format!("{late} of {all} by over {LATE_START_MS} ms; {values}")]
}
