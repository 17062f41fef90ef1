//! The events of the log, one for each report of the swarm.

use std::time::Duration;

use tracing::{info, warn};

use crate::swarm::Report;

/// Writes a report of the swarm to the log.
pub fn write(report: &Report) {
    match report {
        Report::StartingRamp { clients, shard, rate, seed } => {
            let shard = (!shard.is_whole()).then(|| shard.to_string());
            info!(clients, shard, rate, seed, "starting_ramp");
        }
        Report::ClientStarted { client, pid, attempt, scheduled } => {
            let scheduled_ms = scheduled.map(millis);
            info!(client_id = client.number(), pid, attempt, scheduled_ms, "client_started");
        }
        Report::ClientExited { .. } => client_exited(report),
        Report::ClientStalled { client, still_for } => {
            warn!(client_id = client.number(), still_for_sec = secs(*still_for), "client_stalled");
        }
        Report::MemoryHigh { client, pid, resident_bytes } => {
            warn!(client_id = client.number(), pid, resident_bytes, "client_memory_high");
        }
        Report::MemoryLimit { client, pid, resident_bytes, limit_bytes } => {
            let client_id = client.number();
            warn!(client_id, pid, resident_bytes, limit_bytes, "client_memory_limit");
        }
        Report::RestartScheduled { client, backoff } => {
            info!(
                client_id = client.number(),
                backoff_ms = millis(*backoff),
                "client_restart_scheduled"
            );
        }
        Report::MaxRestartsReached { client } => {
            warn!(client_id = client.number(), "max_restarts_reached");
        }
        Report::SpawnFailed { .. } => spawn_failed(report),
        Report::RampComplete { active, elapsed } => {
            info!(active, elapsed_sec = secs(*elapsed), "ramp_complete");
        }
        Report::Progress { .. } => progress(report),
        Report::RampHeld => info!("ramp_held"),
        Report::RampResumed => info!("ramp_goes_on"),
        Report::TargetChanged { target } => info!(target, "target_changed"),
        Report::Line { client, line, .. } => {
            info!(client_id = client.number(), line, "process_stderr");
        }
        Report::Dangerous => {
            warn!(
                why = "--dangerous: the host is replaced by the -resolve address and TLS is not verified",
                "dangerous_mode"
            );
        }
        Report::Stopping { live } => info!(live, "stopping"),
    }
}

fn client_exited(report: &Report) {
    let Report::ClientExited { client, pid, status, outcome, uptime, last_lines } = report else {
        return;
    };
    let stderr = (!last_lines.is_empty()).then(|| last_lines.join("\n"));
    info!(
        client_id = client.number(),
        pid,
        exit_code = status.shell_code(),
        outcome = outcome.name(),
        uptime_sec = secs(*uptime),
        stderr,
        "client_exited"
    );
}

fn spawn_failed(report: &Report) {
    let Report::SpawnFailed { client, failure, backoff } = report else { return };
    let error = std::io::Error::from_raw_os_error(failure.errno).to_string();
    warn!(
        client_id = client.number(),
        reason = failure.reason.name(),
        error,
        backoff_ms = millis(*backoff),
        "spawn_failed"
    );
}

fn progress(report: &Report) {
    let Report::Progress { active, target, started, restarted, origin, elapsed } = report else {
        return;
    };
    info!(
        active,
        target,
        started,
        restarted,
        stalled = origin.map(|origin| origin.stalled),
        requests = origin.map(|origin| origin.requests),
        failed_requests = origin.map(|origin| origin.failed),
        bytes = origin.map(|origin| origin.bytes),
        elapsed_sec = secs(*elapsed),
        "progress"
    );
}

/// Logs that the loop stood still for so long.
pub fn stood_still(away: Duration) {
    warn!(for_sec = secs(away), "stood_still");
}

/// Logs how many connections were closed to make room, and how many are open.
pub(in crate::reactor) fn evicted(closed: u64, open: usize) {
    warn!(
        closed,
        open,
        why = "no slot or descriptor is left for a new connection: the idlest are closed; \
               raise the limit of open files (ulimit -n) if it is low",
        "connections_evicted"
    );
}

/// Logs why no connection can be accepted, and how often that happened.
pub(in crate::reactor) fn accept_failed(error: std::io::Error, times: u64) {
    warn!(%error, times, "accept_failed");
}

/// Logs the time left until the start.
pub(in crate::reactor) fn waiting(left: Duration) {
    info!(for_sec = secs(left), "waiting_for_start");
}

/// Logs that the start comes after the moment that was asked for.
pub(in crate::reactor) fn late_start(behind: Duration) {
    warn!(
        late_sec = secs(behind),
        why = "-start-at has passed: clients that should run by now start at once, the others, \
               and the end, keep to the schedule",
        "late_start"
    );
}

/// Logs that the wall clock was set while the start was waited for.
pub(in crate::reactor) fn clock_set(left: Duration) {
    warn!(for_sec = secs(left), "wall_clock_set");
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds, to the millisecond: more would only make the line longer.
fn secs(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}
