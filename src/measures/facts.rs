//! What is known of a run beside its numbers.

use std::net::SocketAddr;
use std::time::Duration;

use crate::units::shard::Shard;

/// What ended the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// `-duration` was over.
    DurationReached,
    /// This signal asked for it.
    Signal(&'static str),
    /// This second signal forced it.
    Forced(&'static str),
    /// No client was left that may start again.
    RestartsUsedUp,
    /// No process was started.
    NothingStarted {
        /// This signal came before.
        stopped_by: Option<&'static str>,
    },
}

impl Ending {
    /// Its name in the JSON summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DurationReached => "duration",
            Self::Signal(_) => "signal",
            Self::Forced(_) => "forced",
            Self::RestartsUsedUp => "restarts_used_up",
            Self::NothingStarted { .. } => "nothing_started",
        }
    }

    /// The signal, if there was one.
    #[must_use]
    pub const fn signal(self) -> Option<&'static str> {
        match self {
            Self::Signal(signal) | Self::Forced(signal) => Some(signal),
            Self::NothingStarted { stopped_by } => stopped_by,
            Self::DurationReached | Self::RestartsUsedUp => None,
        }
    }
}

/// What is known of a run that has ended and is no number of it.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts<'a> {
    /// What ended it.
    pub ending: Ending,
    /// Seed of every random choice.
    pub seed: u64,
    /// The playlist, credentials masked.
    pub url: &'a str,
    /// Which share of the clients this was.
    pub shard: Shard,
    /// Clients of the whole run.
    pub clients: u32,
    /// How long after the moment asked for the ramp began; `None` if none was.
    pub late: Option<Duration>,
    /// The command that repeats the run, credentials masked.
    pub repeat_command: &'a str,
    /// Where `/metrics` was served, if it was.
    pub metrics: Option<SocketAddr>,
    /// Whether TLS was not verified and the host replaced.
    pub dangerous: bool,
}
