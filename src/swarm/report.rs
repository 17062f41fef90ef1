//! The events that are written to the log.

use std::time::Duration;

use crate::ffmpeg::outcome::Outcome;
use crate::units::ClientId;
use crate::units::process::{ExitStatus, Pipe, SpawnFailure};
use crate::units::shard::Shard;

/// The origin's numbers in a line of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginProgress {
    /// Clients stalled now.
    pub stalled: u32,
    /// Requests so far.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Bytes received so far.
    pub bytes: u64,
}

/// An event worth a line in the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The ramp begins.
    StartingRamp {
        /// Clients to start here.
        clients: u32,
        /// Which share of the run they are.
        shard: Shard,
        /// Starts a second, of the whole run.
        rate: f64,
        /// Seed of every random choice.
        seed: u64,
    },
    /// A process runs.
    ClientStarted {
        /// Whose process.
        client: ClientId,
        /// Its process id.
        pid: u32,
        /// 1 for the first process of a client.
        attempt: u64,
        /// Of the first: how long after the beginning of the ramp it was planned.
        scheduled: Option<Duration>,
    },
    /// A process ended and its pipes are drained.
    ClientExited {
        /// Whose process.
        client: ClientId,
        /// Its process id.
        pid: u32,
        /// How it ended.
        status: ExitStatus,
        /// What its end means.
        outcome: Outcome,
        /// Spawn to exit.
        uptime: Duration,
        /// The last lines of stderr; empty unless the attempt failed.
        last_lines: Vec<String>,
    },
    /// A client is stalled.
    ClientStalled {
        /// Which client.
        client: ClientId,
        /// Time since its media time last moved.
        still_for: Duration,
    },
    /// A client's process has much memory.
    MemoryHigh {
        /// Whose process.
        client: ClientId,
        /// Its process id.
        pid: u32,
        /// Its resident memory in bytes.
        resident_bytes: u64,
    },
    /// A client's process exceeded the limit of memory and is ended.
    MemoryLimit {
        /// Whose process.
        client: ClientId,
        /// Its process id.
        pid: u32,
        /// Its resident memory in bytes.
        resident_bytes: u64,
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// A client starts again after a delay.
    RestartScheduled {
        /// Which client.
        client: ClientId,
        /// After this delay.
        backoff: Duration,
    },
    /// A client used up its restarts and stays down.
    MaxRestartsReached {
        /// Which client.
        client: ClientId,
    },
    /// A process could not be started; the client tries again later.
    SpawnFailed {
        /// Which client.
        client: ClientId,
        /// Why.
        failure: SpawnFailure,
        /// Tries again after this delay.
        backoff: Duration,
    },
    /// Every client was started at least once.
    RampComplete {
        /// Clients whose process runs.
        active: u32,
        /// Since the ramp began.
        elapsed: Duration,
    },
    /// The state of the run, at intervals while something happens.
    Progress {
        /// Clients whose process runs.
        active: u32,
        /// The target.
        target: u32,
        /// Process starts so far.
        started: u64,
        /// Restarts so far.
        restarted: u64,
        /// The origin's numbers; `None` if the log is not read.
        origin: Option<OriginProgress>,
        /// Since the ramp began.
        elapsed: Duration,
    },
    /// The pending first starts are held.
    RampHeld,
    /// They resume.
    RampResumed,
    /// The target was changed while it runs.
    TargetChanged {
        /// The new target.
        target: u32,
    },
    /// A line of a client's stderr (verbose).
    Line {
        /// Whose line.
        client: ClientId,
        /// Which pipe.
        pipe: Pipe,
        /// The line, without its end, as far as it is kept.
        line: String,
    },
    /// A reminder that TLS is not verified and the host is replaced.
    Dangerous,
    /// The run is stopping.
    Stopping {
        /// Processes still alive.
        live: u32,
    },
}
