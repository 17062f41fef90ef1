//! One word for how long the processes lived.

use std::time::Duration;

use crate::ffmpeg::outcome::Outcome;
use crate::stats::Snapshot;

/// A process that fails as often as this has hardly begun to play.
const FLAPPING_BELOW: Duration = Duration::from_secs(5);

/// A process that fails no more often than this counts as healthy: its restarts
/// begin with the shortest delay each time.
const STEADY_FROM: Duration = Duration::from_secs(30);

/// One word for how long the processes lived; `None` before the first exit.
pub(crate) fn judgement(snapshot: &Snapshot<'_>) -> Option<&'static str> {
    let totals = snapshot.totals;
    let lived_secs = totals.uptime.sum_secs();
    (totals.uptime.count() > 0).then(|| judge(totals.attempts(Outcome::is_failure), lived_secs))
}

/// The same by the attempts that failed and the time that all attempts lived. An
/// attempt that we ended, or that played to the end, says nothing of how long it
/// would have lived: it adds its time and no failure, so that the quotient is the
/// time from one failure to the next.
pub(crate) fn judge(failed: u64, lived_secs: f64) -> &'static str {
    match lived_secs / failed as f64 {
        _ if failed == 0 => "stable",
        between if between < FLAPPING_BELOW.as_secs_f64() => "flapping",
        between if between < STEADY_FROM.as_secs_f64() => "unstable",
        _ => "fair",
    }
}
