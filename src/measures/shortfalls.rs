//! Whether this host, and not the origin, bounded the run.

use super::declare::measures;
use super::limits::{HOST_CPU_SHARE, OWN_CPU_SHARE};
use super::measure::{Kind, Measure, Merge};
use super::value::{Held, Values};
use super::{generator, host, processes, run, words};
use crate::ffmpeg::outcome::Outcome;

/// Share of late starts above which the ramp was not the one asked for.
const LATE_SHARE: f64 = 0.05;

/// Share of the run above which a standstill counts: so much was not timed.
const STANDSTILL_SHARE: f64 = 0.05;

measures! {
    SHORTFALLS = Measure::note("shortfalls", Kind::Texts)
        .field("host.shortfalls")
        .derived(|values| Some(Held::Texts(shortfalls(values))))
        .merge(Merge::EachShard);
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = ALL;

/// How often, how long and when this program stood still, in words; `None` if it did
/// not.
#[must_use]
pub fn standstills(values: &Values) -> Option<String> {
    let secs = |measure| values.number(measure);
    let span = |secs: Option<f64>| words::duration(secs.unwrap_or_default());
    words::standstills(
        values.whole(&generator::STANDSTILLS).unwrap_or(0),
        span(secs(&generator::STANDSTILL_TIME)),
        span(secs(&generator::STANDSTILL_LONGEST)),
        secs(&generator::STANDSTILL_LONGEST_AT).map(words::duration),
    )
}

/// Why the numbers say less about the origin than they seem to.
fn shortfalls(values: &Values) -> Vec<String> {
    let number = |measure| values.number(measure).unwrap_or(0.0);
    let elapsed = number(&run::DURATION);
    let (own, late) = (number(&host::OWN_CPU), number(&processes::LATE_STARTS));
    let starts = values.times(&processes::START_LATENESS).map_or(0.0, |all| all.count as f64);
    let mut found = Vec::new();
    if late > starts * LATE_SHARE {
        let share = words::share(late, starts);
        found.push(format!("{share} of the starts came late: ask for a lower -ramp-rate"));
    }
    let failures = values.total(&processes::SPAWN_FAILURES).unwrap_or(0);
    if failures > 0 {
        let refused = words::plural(failures, "start");
        found.push(format!("{refused} failed here: see the spawn failures above"));
    }
    let stood = number(&generator::STANDSTILL_TIME);
    if let Some(how) = standstills(values).filter(|_| stood > elapsed * STANDSTILL_SHARE) {
        found.push(format!("this program stood still {how}: ask why it was stopped"));
    }
    let lacking = |outcome: Option<Outcome>| outcome.is_some_and(Outcome::is_lack_of_memory);
    let starved = processes::attempts(values, lacking);
    if starved > 0 {
        let attempts = words::plural(starved, "attempt");
        found.push(format!("{attempts} lacked memory here: ask for fewer -clients"));
    }
    if values.whole(&generator::JOURNAL_DROPPED).is_some_and(|dropped| dropped > 0) {
        found.push("log lines were dropped: whatever reads stderr is too slow".to_owned());
    }
    if elapsed > 0.0 && own > elapsed * OWN_CPU_SHARE {
        found.push(format!("this program used {} of one core", words::share(own, elapsed)));
    }
    let (all, capacity) = (own + number(&host::FFMPEG_CPU), number(&host::CORES) * elapsed);
    if capacity > 0.0 && all > capacity * HOST_CPU_SHARE {
        let share = words::share(all, capacity);
        found.push(format!("the run used {share} of this host's CPU: ask for fewer -clients"));
    }
    found
}
