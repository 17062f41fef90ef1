//! The exit summary as JSON, for programs: the same numbers as
//! [`crate::summary::text`] tells to people.
//!
//! `docs/SUMMARY.md` says what each field means and when it is absent; a test
//! holds the two together. What was not measured is absent, never 0.

mod histogram;
mod origin_side;
mod series;

use std::collections::BTreeMap;

use crate::exchange::{ERROR_STATUSES, ErrorReason, RequestKind};
use crate::ffmpeg::outcome::Outcome;
use crate::measures::never_played;
use crate::stats::{Requests, Snapshot};
use crate::summary::document::{
    Asked, Bytes, Clients, Counts, Distribution, Document, Host, Log, Pattern, Playback, Processes,
    Run, SCHEMA_VERSION, Share, Tcp,
};
use crate::summary::text::streaming::{self, SHOWN_PATTERNS};
use crate::summary::text::{self, Ending, SummaryInput};
use crate::units::process::SpawnFailureReason;
use crate::units::text::visible_json;

/// The summary as one line of JSON.
///
/// # Errors
/// None that is known: every field is a number, a text or a list of these.
pub fn render(input: &SummaryInput<'_>) -> Result<String, serde_json::Error> {
    let mut text = visible_json(&serde_json::to_string(&Document::of(input))?).into_owned();
    text.push('\n');
    Ok(text)
}

impl Document {
    /// The summary of a run, as [`render`] writes it.
    #[must_use]
    pub fn of(input: &SummaryInput<'_>) -> Self {
        let snapshot = input.snapshot;
        let (measured, own) = (input.measured, text::own_cpu(input));
        Self {
            schema_version: SCHEMA_VERSION,
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            ffmpeg_version: Some(input.ffmpeg_version.to_owned()),
            run: run(input),
            shard: share(input),
            clients: clients(input),
            processes: processes(snapshot),
            bytes: measured.bytes().then(|| bytes(snapshot)),
            requests: measured.log.then(|| asked(snapshot)),
            playback: measured.log.then(|| playback(input)),
            tcp: measured.tcp.then(|| tcp(&snapshot.totals.requests)),
            origin_side: input.origin_side.map(origin_side::told),
            log: log(snapshot),
            host: host(input),
            series: input.series.map(|all| series::columns(all, measured, own.is_some())),
        }
    }
}

fn run(input: &SummaryInput<'_>) -> Run {
    let (ended, signal) = match input.ending {
        Ending::DurationReached => ("duration", None),
        Ending::Signal(signal) => ("signal", Some(signal)),
        Ending::Forced(signal) => ("forced", Some(signal)),
        Ending::RestartsUsedUp => ("restarts_used_up", None),
        Ending::NothingStarted { stopped_by } => ("nothing_started", stopped_by),
    };
    let started = input.health.process.start_unix_secs;
    Run {
        ended: Some(ended.to_owned()),
        signal: signal.map(str::to_owned),
        duration_seconds: input.snapshot.elapsed.as_secs_f64(),
        started_unix_seconds: (started > 0.0).then_some(started),
        late_seconds: input.late.map(|late| late.as_secs_f64()),
        url: Some(input.url.to_owned()),
        seed: input.seed,
        command: input.repeat_command.to_owned(),
        dangerous: input.dangerous,
        metrics_address: input.metrics.map(|address| address.to_string()),
    }
}

fn share(input: &SummaryInput<'_>) -> Option<Share> {
    let shard = Some(input.shard).filter(|shard| !shard.is_whole())?;
    Some(Share { index: shard.index(), count: shard.count(), clients: input.clients })
}

fn clients(input: &SummaryInput<'_>) -> Clients {
    let snapshot = input.snapshot;
    let kept = snapshot.totals.reception.kept().into_iter();
    let kept = kept.map(|(outcome, clients, _)| (outcome.name().to_owned(), u64::from(clients)));
    Clients {
        target: snapshot.target,
        ever_started: snapshot.ever_started,
        peak_active: Some(snapshot.peak_active),
        peak_active_at_most: None,
        median_active: Some(snapshot.median_active()),
        active_seconds: streaming::client_secs(snapshot).unwrap_or(0.0),
        target_reached: Some(snapshot.target_reached()),
        never_played: input.measured.log.then(|| snapshot.never_played()),
        kept_by: kept.collect(),
        kept_example: never_played::example(snapshot),
    }
}

fn processes(snapshot: &Snapshot<'_>) -> Processes {
    let totals = snapshot.totals;
    let failures = SpawnFailureReason::ALL.iter().zip(totals.spawn_failures);
    let exits = (0_u8..=255).zip(totals.exits.iter().copied()).filter(|&(_, count)| count > 0);
    let outcomes = Outcome::ALL.iter().zip(totals.outcomes);
    Processes {
        started: totals.started,
        restarted: totals.restarted,
        max_restarts_reached: totals.max_restarts_reached,
        spawn_failures: failures.map(|(reason, n)| (reason.name().to_owned(), n)).collect(),
        exits: exits.map(|(code, n)| (code.to_string(), n)).collect(),
        outcomes: outcomes.map(|(outcome, n)| (outcome.name().to_owned(), n)).collect(),
        uptime: Distribution::spans(&totals.uptime),
        uptime_judgement: text::judgement(snapshot).map(str::to_owned),
        start_lateness: Distribution::spans(&totals.lateness),
        late_starts: totals.late_starts,
    }
}

fn bytes(snapshot: &Snapshot<'_>) -> Bytes {
    let downloaded = snapshot.totals.requests.bytes;
    let rate = |secs| downloaded as f64 * 8.0 / secs;
    Bytes { downloaded, bits_per_second_per_client: streaming::client_secs(snapshot).map(rate) }
}

fn asked(snapshot: &Snapshot<'_>) -> Asked {
    let requests = &snapshot.totals.requests;
    let secs = streaming::client_secs(snapshot);
    let per_minute = |count: u64| secs.map(|secs| count as f64 * 60.0 / secs);
    let by_kind = RequestKind::ALL.iter().zip(requests.by_kind);
    let statuses = ERROR_STATUSES.zip(requests.http_errors.iter().copied());
    let statuses = statuses.filter(|&(_, count)| count > 0);
    Asked {
        by_kind: by_kind.map(|(kind, n)| (kind.name().to_owned(), n)).collect(),
        segments_downloaded: requests.segments_downloaded,
        playlist_refreshes: requests.playlist_refreshes,
        segments_per_minute_per_client: per_minute(requests.segments_downloaded),
        playlist_refreshes_per_minute_per_client: per_minute(requests.playlist_refreshes),
        connections_new: requests.connections_new,
        connections_reused: requests.connections_reused,
        errors: errors(requests),
        http_errors: statuses.map(|(status, n)| (status.to_string(), n)).collect(),
        timeouts: requests.timeouts,
        reconnections: requests.reconnections,
        segments_skipped: requests.segments_skipped,
        sequence_jumps: requests.sequence_jumps,
        playlist_reload_failures: requests.reload_failures,
        tcp_connect: Distribution::if_any(&requests.connect),
        segment_download: Distribution::spans(&requests.segment_download),
        playlist_download: Distribution::spans(&requests.playlist_download),
    }
}

/// The failures that came, by kind and reason.
fn errors(requests: &Requests) -> BTreeMap<String, Counts> {
    let row = |row: &[u64]| -> Counts {
        let reasons = ErrorReason::ALL.iter().zip(row).filter(|&(_, &count)| count > 0);
        reasons.map(|(reason, &count)| (reason.name().to_owned(), count)).collect()
    };
    let kinds = RequestKind::ALL.iter().zip(&requests.errors);
    let rows = kinds.map(|(kind, counts)| (kind.name().to_owned(), row(counts)));
    rows.filter(|(_, counts)| !counts.is_empty()).collect()
}

fn playback(input: &SummaryInput<'_>) -> Playback {
    let (snapshot, stall) = (input.snapshot, input.stall);
    let playback = &snapshot.totals.playback;
    Playback {
        startup: Distribution::spans(&playback.startup),
        stalls: playback.stalls,
        stall_seconds: snapshot.stall_time.as_secs_f64(),
        stall_threshold_seconds: Some(stall.after.as_secs_f64()),
        target_duration_seconds: Some(stall.target_duration.as_secs_f64()),
        target_duration_source: Some(stall.source.name().to_owned()),
        stalled_at_end: snapshot.stalled,
        below_realtime_at_end: snapshot.below_realtime,
        above_realtime_at_end: snapshot.above_realtime,
        speed: Distribution::ratios(&playback.speed),
        drift: Distribution::spans(&playback.drift),
        playlist_edge_age: Distribution::if_any(&playback.playlist_edge_age),
    }
}

fn tcp(requests: &Requests) -> Tcp {
    Tcp { rtt: Distribution::spans(&requests.tcp_rtt), retransmits: requests.tcp_retransmits }
}

fn log(snapshot: &Snapshot<'_>) -> Log {
    let totals = snapshot.totals;
    let top = totals.error_patterns.top(SHOWN_PATTERNS);
    let patterns = top.iter().map(|frequent| Pattern {
        pattern: streaming::shown(frequent),
        count: frequent.count,
        overcount: frequent.overcount,
        undercount: None,
    });
    Log {
        lines: totals.stderr_lines,
        lines_cut: totals.stderr_lines_cut,
        error_lines: totals.error_patterns.lines(),
        values_refused: text::values_refused(totals)
            .map(|(claim, count)| (claim.to_owned(), count))
            .collect(),
        error_patterns: patterns.collect(),
    }
}

fn host(input: &SummaryInput<'_>) -> Host {
    let (snapshot, health) = (input.snapshot, input.health);
    let own_cpu = text::own_cpu(input);
    let largest = snapshot.totals.peak_resident_bytes;
    let stood = health.standstills;
    let since = |at| snapshot.since_start(at).as_secs_f64();
    Host {
        cores: input.cores,
        own_cpu_seconds: own_cpu.map(|cpu| cpu.as_secs_f64()),
        own_resident_bytes: own_cpu.map(|_| health.process.resident_bytes),
        own_peak_resident_bytes: input.own_peak_resident_bytes,
        ffmpeg_cpu_seconds: snapshot.children_cpu.as_secs_f64(),
        ffmpeg_resident_bytes: snapshot.children_resident_bytes,
        ffmpeg_peak_resident_bytes: (largest > 0).then_some(largest),
        turns: Distribution::spans(&health.turns),
        events: health.events,
        journal_lines_dropped: health.journal_dropped,
        standstills: Some(stood.count),
        standstill_seconds: Some(stood.total.as_secs_f64()),
        standstill_first_at_seconds: (stood.count > 0).then(|| since(stood.first_at)),
        standstill_longest_seconds: Some(stood.longest.as_secs_f64()),
        standstill_longest_at_seconds: (stood.count > 0).then(|| since(stood.longest_at)),
        shortfalls: text::shortfalls(input),
    }
}

#[cfg(test)]
mod tests;
