//! Running totals over all clients.

use std::time::Duration;

use super::refused::Refused;
use super::{Exchanges, Histogram, Patterns, Playback, Reception, Requests};
use crate::ffmpeg::outcome::Outcome;
use crate::units::ClientId;
use crate::units::process::{ExitStatus, SpawnFailureReason};

/// Upper bounds of a process's uptime, in seconds.
const UPTIME_SECS: &[f64] = &[1.0, 5.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];

/// Upper bounds of a start's lateness, in seconds.
const LATENESS_SECS: &[f64] =
    &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A start later than this counts as late, in milliseconds: ramps are not planned more
/// finely, and a busy host is late by far more.
pub const LATE_START_MS: u64 = 100;

/// Running totals over all clients and attempts; they only grow.
#[derive(Debug, Clone)]
pub struct Totals {
    /// Processes started.
    pub started: u64,
    /// Processes started after the first of their client.
    pub restarted: u64,
    /// Clients that used up their restarts.
    pub max_restarts_reached: u64,
    /// Starts that failed, in the order of [`SpawnFailureReason::ALL`].
    pub spawn_failures: [u64; SpawnFailureReason::ALL.len()],
    /// Exits by [`ExitStatus::shell_code`].
    pub exits: Box<[u64; 256]>,
    /// Spawn to exit, of those whose exit was seen when it happened.
    pub uptime: Histogram,
    /// Actual start less scheduled start, of every first start and restart.
    pub lateness: Histogram,
    /// Starts later than [`LATE_START_MS`].
    pub late_starts: u64,
    /// Complete lines read from stderr.
    pub stderr_lines: u64,
    /// Lines of stderr that were longer than the line limit and were cut there.
    pub stderr_lines_cut: u64,
    /// The error lines of stderr by pattern.
    pub error_patterns: Patterns,
    /// Largest peak resident memory of any process, in bytes.
    pub peak_resident_bytes: u64,
    /// The client whose process that was.
    pub largest_client: Option<ClientId>,
    /// Ended attempts by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Those of them that we ended, except for a stall.
    pub outcomes_by_us: [u64; Outcome::ALL.len()],
    /// Which clients received media; empty if progress is not read.
    pub reception: Reception,
    /// The requests to the origin and their results.
    pub requests: Requests,
    /// The exchanges that the tap carried.
    pub exchanges: Exchanges,
    /// What viewers would have experienced.
    pub playback: Playback,
}

impl Totals {
    /// Counts a process that was started `lateness` after it was due; `attempt` is
    /// 1 for the first process of a client.
    pub fn count_start(&mut self, attempt: u64, lateness: Duration) {
        self.started += 1;
        self.restarted += u64::from(attempt > 1);
        self.lateness.record(lateness);
        self.late_starts += u64::from(lateness > Duration::from_millis(LATE_START_MS));
    }

    /// Counts a process that could not be started.
    pub fn count_spawn_failure(&mut self, reason: SpawnFailureReason) {
        if let Some(count) = self.spawn_failures.get_mut(reason.index()) {
            *count += 1;
        }
    }

    /// Numbers of FFmpeg's output that were refused.
    #[must_use]
    pub fn refused(&self) -> Refused {
        self.requests.refused.and(self.playback.refused)
    }

    /// Counts an attempt that is over, by itself or `by_us`.
    pub fn count_outcome(&mut self, outcome: Outcome, by_us: bool) {
        if let Some(count) = self.outcomes.get_mut(outcome.index()) {
            *count += 1;
        }
        if let Some(count) = self.outcomes_by_us.get_mut(outcome.index()) {
            *count += u64::from(by_us);
        }
    }

    /// Attempts with such outcomes.
    #[must_use]
    pub fn attempts(&self, such: impl Fn(Outcome) -> bool) -> u64 {
        let outcomes = Outcome::ALL.into_iter().zip(self.outcomes);
        outcomes.filter(|&(outcome, _)| such(outcome)).map(|(_, count)| count).sum()
    }

    /// Notes how much resident memory the process of this client had.
    pub fn note_memory(&mut self, client: ClientId, resident_bytes: u64) {
        if resident_bytes > self.peak_resident_bytes {
            self.peak_resident_bytes = resident_bytes;
            self.largest_client = Some(client);
        }
    }

    /// Counts a process that was reaped.
    pub fn count_exit(&mut self, status: ExitStatus) {
        if let Some(count) = self.exits.get_mut(usize::from(status.shell_code())) {
            *count += 1;
        }
    }
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            started: 0,
            restarted: 0,
            max_restarts_reached: 0,
            spawn_failures: [0; SpawnFailureReason::ALL.len()],
            exits: Box::new([0; 256]),
            uptime: Histogram::new(UPTIME_SECS),
            lateness: Histogram::new(LATENESS_SECS),
            late_starts: 0,
            stderr_lines: 0,
            stderr_lines_cut: 0,
            error_patterns: Patterns::default(),
            peak_resident_bytes: 0,
            largest_client: None,
            outcomes: [0; Outcome::ALL.len()],
            outcomes_by_us: [0; Outcome::ALL.len()],
            reception: Reception::default(),
            requests: Requests::default(),
            exchanges: Exchanges::default(),
            playback: Playback::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn starts_restarts_and_late_starts_are_counted_apart() {
        let mut totals = Totals::default();
        for (attempt, lateness_ms) in [(1, 0), (1, LATE_START_MS), (2, LATE_START_MS + 1)] {
            totals.count_start(attempt, ms(lateness_ms));
        }
        assert_eq!((totals.started, totals.restarted, totals.late_starts), (3, 1, 1));
        assert_eq!(totals.lateness.count(), 3);
    }

    #[test]
    fn exits_are_counted_by_the_code_of_a_shell() {
        let mut totals = Totals::default();
        for status in [ExitStatus::Code(0), ExitStatus::Signal(9), ExitStatus::Code(137)] {
            totals.count_exit(status);
        }
        totals.count_exit(ExitStatus::Signal(255));
        assert_eq!([totals.exits[0], totals.exits[137], totals.exits[255]], [1, 2, 1]);
    }

    #[test]
    fn the_largest_process_and_its_client_are_kept() {
        let mut totals = Totals::default();
        for (client, resident_bytes) in [(1, 5), (2, 7), (3, 6)] {
            totals.note_memory(ClientId::new(client), resident_bytes);
        }
        let largest = (totals.peak_resident_bytes, totals.largest_client);
        assert_eq!(largest, (7, Some(ClientId::new(2))));
    }

    #[test]
    fn failures_are_counted_in_the_order_of_all_reasons() {
        let mut totals = Totals::default();
        for (place, reason) in SpawnFailureReason::ALL.into_iter().enumerate() {
            (0..=place).for_each(|_| totals.count_spawn_failure(reason));
        }
        assert_eq!(totals.spawn_failures, [1, 2, 3, 4, 5, 6]);
    }
}
