//! What became of the FFmpeg processes.

use std::time::Duration;

use super::declare::measures;
use super::measure::{Kind, Measure};
use super::value::{Counts, Held, Value, Values, total};
use crate::ffmpeg::outcome::Outcome;
use crate::units::process::SpawnFailureReason;

/// Exit codes that are shown from the start: clean, error, SIGKILL, SIGTERM, and
/// FFmpeg's own after a signal.
const KNOWN_EXIT_CODES: &[u16] = &[0, 1, 137, 143, 255];

/// A process that fails as often as this has hardly begun to play.
const FLAPPING_BELOW: Duration = Duration::from_secs(5);

/// A process that fails no more often than this counts as healthy: its restarts
/// begin with the shortest delay each time.
const STEADY_FROM: Duration = Duration::from_secs(30);

measures! {
    STARTED = Measure::counter("clients_started", "Starts")
        .family("hlsswarm_clients_started_total", "FFmpeg processes started.")
        .field("processes.started").column("starts")
        .read(|scene| Value::Whole(scene.snapshot.totals.started));
    RESTARTED = Measure::counter("clients_restarted", "Restarts")
        .family("hlsswarm_clients_restarted_total",
            "FFmpeg processes started after the first of their client.")
        .field("processes.restarted").column("restarts")
        .read(|scene| Value::Whole(scene.snapshot.totals.restarted));
    MAX_RESTARTS_REACHED = Measure::counter("clients_max_restarts_reached", "Used up restarts")
        .family("hlsswarm_clients_max_restarts_reached_total",
            "Clients that used up their restarts and stay down.")
        .field("processes.max_restarts_reached")
        .read(|scene| Value::Whole(scene.snapshot.totals.max_restarts_reached));
    SPAWN_FAILURES = Measure::counts("spawn_failures", "Spawn failures")
        .family("hlsswarm_spawn_failures_total",
            "Starts that failed in fork or exec, by the resource that this host lacks.")
        .labels(&["reason"])
        .field("processes.spawn_failures").column("spawn_failures")
        .read(|scene| Counts::kept(
            |place| SpawnFailureReason::ALL.get(place).map_or("", |reason| reason.name()),
            &scene.snapshot.totals.spawn_failures,
        ));
    EXITS = Measure::counts("process_exits", "Exits")
        .family("hlsswarm_process_exits_total",
            "FFmpeg processes that ended, by exit code; 128+n for signal n.")
        .labels(&["code"]).zeros_of(KNOWN_EXIT_CODES)
        .field("processes.exits").sparse()
        .read(|scene| Counts::by_number(0, &*scene.snapshot.totals.exits));
    OUTCOMES = Measure::counts("client_exits", "Outcomes")
        .family("hlsswarm_client_exits_total",
            "Attempts that ended, by outcome as exit code, log and media time show it.")
        .labels(&["outcome"])
        .field("processes.outcomes")
        .read(|scene| Counts::kept(
            |place| Outcome::ALL.get(place).map_or("", |outcome| outcome.name()),
            &scene.snapshot.totals.outcomes,
        ));
    UPTIME = Measure::times("client_uptime", "Uptime of processes")
        .family("hlsswarm_client_uptime_seconds",
            "Time from spawn to exit of the FFmpeg processes that ended.")
        .field("processes.uptime")
        .read(|scene| Value::Times(&scene.snapshot.totals.uptime));
    UPTIME_JUDGEMENT = Measure::note("uptime_judgement", Kind::Text)
        .field("processes.uptime_judgement").optional()
        .derived(judgement);
    RAMP_PROGRESS = Measure::gauge("ramp_progress", "Ramp progress")
        .family("hlsswarm_ramp_progress",
            "Share of the clients that were started at least once, 0 to 1.")
        .read(|scene| {
            let (started, target) = (scene.snapshot.ever_started, scene.snapshot.target);
            if target == 0 {
                return Value::Absent;
            }
            // More were started than are wanted now, if the target was lowered.
            Value::Number((f64::from(started) / f64::from(target)).min(1.0))
        });
    START_LATENESS = Measure::times("start_lateness", "Lateness of starts")
        .family("hlsswarm_start_lateness_seconds",
            "Time by which starts and restarts came later than planned.")
        .field("processes.start_lateness")
        .read(|scene| Value::Times(&scene.snapshot.totals.lateness));
    LATE_STARTS = Measure::counter("late_starts", "Late starts")
        .field("processes.late_starts").column("late_starts")
        .read(|scene| Value::Whole(scene.snapshot.totals.late_starts));
}

/// The JSON fields in their order.
pub(super) static FIELDS: &[&Measure] = ALL;

/// One word for how long the processes lived; `None` before the first exit.
fn judgement(values: &Values) -> Option<Held> {
    let uptime = values.times(&UPTIME).filter(|uptime| uptime.count > 0)?;
    let word = judge(failed(values), uptime.sum);
    Some(Held::Text(word.to_owned()))
}

/// Attempts that failed; an outcome of another version counts as a failure.
fn failed(values: &Values) -> u64 {
    attempts(values, |outcome| outcome.is_none_or(Outcome::is_failure))
}

/// Attempts with such outcomes; `None` is one of another version.
pub(super) fn attempts(values: &Values, such: impl Fn(Option<Outcome>) -> bool) -> u64 {
    let outcomes = values.counts(&OUTCOMES);
    total(outcomes.iter().filter(|(name, _)| such(Outcome::named(name))).map(|&(_, n)| n))
}

/// One word for the time that all attempts lived and for those of them that failed. An
/// attempt that we ended, or that played to the end, does not show how long it would
/// have lived: it adds its time and no failure, so that the quotient is the time from
/// one failure to the next.
pub(crate) fn judge(failed: u64, lived_secs: f64) -> &'static str {
    match lived_secs / failed as f64 {
        _ if failed == 0 => "stable",
        between if between < FLAPPING_BELOW.as_secs_f64() => "flapping",
        between if between < STEADY_FROM.as_secs_f64() => "unstable",
        _ => "fair",
    }
}
