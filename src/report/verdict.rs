//! Did the origin cope, or was the host that made the load the bottleneck?
//!
//! Judges from the summary alone, in the summary's words.

use super::scale::span;
use crate::measures::{clients, playback, processes, requests, shortfalls, words};
use crate::summary::Document;
use crate::summary::text::BOTTLENECK;

/// Outcomes that are no fault of anybody.
const HARMLESS: [&str; 2] = ["completed", "stopped"];

/// What a run says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// A class of the style sheet: `good`, `warn` or `bad`.
    pub(super) class: &'static str,
    /// It in one sentence, without its full stop.
    pub(super) headline: String,
    /// Why, one a line.
    pub(super) reasons: Vec<String>,
}

/// Judges a run.
pub(super) fn of(document: &Document) -> Verdict {
    let values = &document.values;
    let below = document.below_target();
    let below = below.map(|below| format!("the target was not reached; {below}"));
    let troubles = troubles(document);
    let shortfalls = values.texts(&shortfalls::SHORTFALLS);
    let verdict =
        |class, headline: &str, reasons| Verdict { class, headline: headline.to_owned(), reasons };
    if values.whole(&processes::STARTED) == Some(0) {
        return verdict("bad", "FAILED: no client could be started", shortfalls.to_vec());
    }
    let never = values.whole(&clients::NEVER_PLAYED);
    let started = values.whole(&clients::EVER_STARTED).unwrap_or(0);
    let nobody = started > 0 && never.is_some_and(|never| never >= started);
    if nobody && shortfalls.is_empty() {
        return verdict("bad", "FAILED: no client received media", troubles);
    }
    if !shortfalls.is_empty() {
        let mut reasons = shortfalls.to_vec();
        if !troubles.is_empty() {
            reasons.push(format!("this may be the cause of: {}", troubles.join("; ")));
        }
        reasons.extend(below);
        return verdict("warn", &format!("FAILED: {BOTTLENECK}"), reasons);
    }
    let stood = shortfalls::standstills(values).map(|stood| {
        format!("this program stood still {stood}; what clients did meanwhile was not timed")
    });
    if !troubles.is_empty() {
        let headline = "FAILED: not every client was served well. This host was not the bottleneck";
        return verdict("bad", headline, troubles.into_iter().chain(below).chain(stood).collect());
    }
    let measured = document.has(&requests::BY_KIND);
    let why = if measured {
        "no request failed, and no client stalled or restarted"
    } else {
        "requests, times and stalls were not measured (-stats=false)"
    };
    let reasons = [why.to_owned()].into_iter().chain(stood).collect();
    if let Some(below) = below {
        return verdict("warn", &format!("FAILED: {below}"), reasons);
    }
    if !measured {
        return verdict("warn", "PASSED: no process failed. Nothing else was measured", reasons);
    }
    verdict(
        "good",
        "PASSED: every client was served well. This host was not the bottleneck",
        reasons,
    )
}

/// What clients experienced that a viewer should not.
fn troubles(document: &Document) -> Vec<String> {
    let values = &document.values;
    let came = |measure| values.whole(measure).filter(|&count| count > 0);
    let mut found = Vec::new();
    let failed = failed(document);
    if failed > 0 {
        let all = values.total(&requests::BY_KIND).unwrap_or(0);
        found.push(words::part_of(failed, all, "request", "failed"));
    }
    if let Some(skipped) = came(&requests::SEGMENTS_SKIPPED) {
        found.push(format!("{} skipped", words::plural(skipped, "segment")));
    }
    if let Some(jumps) = came(&requests::SEQUENCE_JUMPS) {
        let times = words::plural(jumps, "time");
        found.push(format!("the media sequence of a playlist jumped {times}"));
    }
    if let Some(reloads) = came(&requests::RELOAD_FAILURES) {
        found.push(format!("{} of a playlist failed", words::plural(reloads, "reload")));
    }
    if let Some(stalls) = came(&playback::STALLS) {
        let lasted = words::span(span(values.number(&playback::STALL_TIME).unwrap_or(0.0)));
        found.push(format!("{}, {lasted} in all", words::plural(stalls, "stall")));
    }
    found.extend(came(&clients::NEVER_PLAYED).map(|never| never_played(document, never)));
    let bad = values.counts(&processes::OUTCOMES).iter();
    let mut bad: Vec<_> = bad
        .filter(|(name, count)| *count > 0 && !HARMLESS.contains(&name.as_str()))
        .map(|(name, count)| format!("{name} {}", words::count(*count)))
        .collect();
    bad.sort();
    if !bad.is_empty() {
        found.push(format!("attempts that failed: {}", bad.join(", ")));
    }
    found
}

/// How many clients never received media, and an example of what kept them from it.
fn never_played(document: &Document, never: u64) -> String {
    let values = &document.values;
    let of = words::plural(values.whole(&clients::EVER_STARTED).unwrap_or(0), "client");
    let example = values.text(&clients::KEPT_EXAMPLE);
    let example = example.map_or_else(String::new, |example| format!(", for example {example}"));
    format!("{} of {of} never received media{example}", words::count(never))
}

/// Failed requests of every kind.
pub(super) fn failed(document: &Document) -> u64 {
    document.values.total(&requests::ERRORS).unwrap_or(0)
}
