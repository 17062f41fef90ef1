//! Did the origin cope, or was the host that made the load the bottleneck?
//!
//! Judges by what the summary tells, with the summary's words.

use super::scale::span;
use crate::measures::words;
use crate::summary::document::{Document, Host, total};
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
    let below = document.clients.below_target();
    let below = below.map(|below| format!("The target was not reached: {below}"));
    let troubles = troubles(document);
    let verdict =
        |class, headline: &str, reasons| Verdict { class, headline: headline.to_owned(), reasons };
    if document.processes.started == 0 {
        return verdict("bad", "No client could be started", document.host.shortfalls.clone());
    }
    let (never, started) = (document.clients.never_played, document.clients.ever_started);
    let nobody = started > 0 && never.is_some_and(|never| never >= started);
    if nobody && document.host.shortfalls.is_empty() {
        return verdict("bad", "No client ever received media", troubles);
    }
    if !document.host.shortfalls.is_empty() {
        let mut headline = BOTTLENECK.to_owned();
        if let Some(first) = headline.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let mut reasons = document.host.shortfalls.clone();
        if !troubles.is_empty() {
            reasons.push(format!("what clients met may come of that: {}", troubles.join("; ")));
        }
        reasons.extend(below);
        return verdict("warn", &headline, reasons);
    }
    let stood = standstills(&document.host).map(|stood| {
        format!("this program stood still {stood}; what clients did meanwhile was not timed")
    });
    if !troubles.is_empty() {
        let headline = "The origin did not serve every client well; this host was no bottleneck";
        return verdict("bad", headline, troubles.into_iter().chain(below).chain(stood).collect());
    }
    if let (Some(below), true) = (&below, document.requests.is_some()) {
        let why = "of those that ran no request failed, none stalled or had to start again";
        return verdict("warn", below, [why.to_owned()].into_iter().chain(stood).collect());
    }
    if document.requests.is_none() {
        let why = "requests, times and stalls were not measured (-stats=false)".to_owned();
        let whys = below.into_iter().chain([why]).chain(stood).collect();
        return verdict("warn", "No process failed, and no more than that is known", whys);
    }
    let why = "no request failed, no client stalled or had to start again".to_owned();
    let reasons = [why].into_iter().chain(stood).collect();
    verdict("good", "The origin coped; this host was no bottleneck", reasons)
}

/// That the program stood still, when and how long; `None` if it did not.
pub(super) fn standstills(host: &Host) -> Option<String> {
    let of = |secs: Option<f64>| span(secs.unwrap_or_default());
    words::standstills(
        host.standstills.unwrap_or(0),
        of(host.standstill_seconds),
        of(host.standstill_longest_seconds),
        host.standstill_longest_at_seconds.map(span),
    )
}

/// What clients met that a viewer should not.
fn troubles(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(asked) = &document.requests {
        let failed = failed(document);
        let all = total(asked.by_kind.values().copied());
        if failed > 0 {
            found.push(words::part_of(failed, all, "request", "failed"));
        }
        if asked.segments_skipped > 0 {
            let skipped = words::plural(asked.segments_skipped, "segment");
            found.push(format!("{skipped} skipped"));
        }
        if asked.sequence_jumps > 0 {
            let times = words::plural(asked.sequence_jumps, "time");
            found.push(format!("the media sequence of a playlist jumped {times}"));
        }
        if asked.playlist_reload_failures > 0 {
            let reloads = words::plural(asked.playlist_reload_failures, "reload");
            found.push(format!("{reloads} of a playlist failed"));
        }
    }
    if let Some(playback) = document.playback.as_ref().filter(|playback| playback.stalls > 0) {
        let stalls = words::plural(playback.stalls, "stall");
        let lasted = words::span(span(playback.stall_seconds));
        found.push(format!("{stalls}, {lasted} in all"));
    }
    let never = document.clients.never_played.filter(|&never| never > 0);
    found.extend(never.map(|never| never_played(document, never)));
    let bad = document.processes.outcomes.iter();
    let bad: Vec<_> = bad
        .filter(|&(name, &count)| count > 0 && !HARMLESS.contains(&name.as_str()))
        .map(|(name, &count)| format!("{name} {}", words::count(count)))
        .collect();
    if !bad.is_empty() {
        found.push(format!("attempts that failed: {}", bad.join(", ")));
    }
    found
}

/// How many clients never received media, and an example of what kept them from it.
fn never_played(document: &Document, never: u32) -> String {
    let of = words::plural(u64::from(document.clients.ever_started), "client");
    let example = document.clients.kept_example.as_ref();
    let example = example.map_or_else(String::new, |example| format!(", as by {example}"));
    format!("{} of {of} never received media{example}", words::count(u64::from(never)))
}

/// Failed requests of every kind.
pub(super) fn failed(document: &Document) -> u64 {
    let kinds = document.requests.iter().flat_map(|asked| asked.errors.values());
    total(kinds.flat_map(|reasons| reasons.values().copied()))
}
