//! All that is shown of a single client.

use std::time::Duration;

use super::Client;
use crate::ffmpeg::outcome::Outcome;
use crate::stats::{ClientFigures, State};
use crate::units::Tick;

/// All that is shown of a single client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientDetail {
    /// The numbers that are shown of every client.
    pub figures: ClientFigures,
    /// Its processes so far.
    pub attempts: u64,
    /// The id of its process, while it has one.
    pub pid: Option<u32>,
    /// How long its process has been running.
    pub uptime: Option<Duration>,
    /// Until its next start, while it waits for one.
    pub starts_in: Option<Duration>,
    /// The outcome of its last attempt.
    pub last_outcome: Option<Outcome>,
    /// The last lines of stderr of its newest attempt, oldest first. Not masked.
    pub last_lines: Vec<String>,
}

impl Client {
    pub(in crate::swarm) fn detail(&self, now: Tick) -> ClientDetail {
        let alive = matches!(self.state, State::Running | State::Stopping);
        let waits = matches!(self.state, State::Idle | State::Backoff);
        ClientDetail {
            figures: self.figures(),
            attempts: u64::from(self.attempts),
            pid: alive.then_some(self.attempt.pid),
            uptime: alive.then(|| now.since(self.attempt.spawned_at)),
            starts_in: waits.then(|| self.due.since(now)),
            last_outcome: self.last_outcome,
            last_lines: self.attempt.last_lines.texts(),
        }
    }
}
