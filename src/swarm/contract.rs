//! The interface of the swarm: inputs and actions.

use std::time::Duration;

use super::Report;
use crate::exchange::record::Record;
use crate::units::process::{ExitStatus, Pipe, SpawnFailure};
use crate::units::{ClientId, Wall};

/// A reaped process: its end and what the kernel counted (getrusage(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How it ended.
    pub status: ExitStatus,
    /// CPU time, user and system together.
    pub cpu: Duration,
    /// Peak resident memory in bytes.
    pub peak_resident_bytes: u64,
    /// The kernel's count of out-of-memory kills rose just before, and a SIGKILL that
    /// was not ours ended this process.
    pub oom_suspected: bool,
}

/// Resources that a live process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// CPU time since its start, user and system together.
    pub cpu: Duration,
    /// Resident memory in bytes, shared pages included.
    pub resident_bytes: u64,
}

/// What one socket of a client did since its last sample (tcp(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpDelta {
    /// Bytes received in order; HTTP heads and TLS records are among them.
    pub bytes_received: u64,
    /// Segments that the client's side retransmitted. Those that the server
    /// retransmitted are not known here.
    pub retransmits: u64,
    /// The smoothed round-trip time as of now, if one was measured.
    pub rtt: Option<Duration>,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The reactor runs: the ramp starts now.
    Started,
    /// The same, but the ramp was scheduled to start earlier. What is overdue is due at
    /// once; all else keeps the schedule.
    StartedLate {
        /// How much earlier.
        behind: Duration,
    },
    /// The loop stood still up to now: it was stopped, frozen or starved. Output
    /// written meanwhile has not been read yet, and its times are not known.
    StoodStill {
        /// Its length at least.
        span: Duration,
    },
    /// The requested process runs.
    Spawned {
        /// Whose process.
        client: ClientId,
        /// Its process id.
        pid: u32,
    },
    /// The requested process could not be started.
    SpawnFailed {
        /// Whose process.
        client: ClientId,
        /// Why.
        failure: SpawnFailure,
    },
    /// An exchange of a client has ended, as the tap saw it.
    Exchange {
        /// Whose exchange.
        client: ClientId,
        /// What it was.
        record: &'a Record<'a>,
        /// The wall clock at its end.
        wall: Wall,
    },
    /// Bytes of a client's pipe, in order.
    Output {
        /// Whose pipe.
        client: ClientId,
        /// Which pipe.
        pipe: Pipe,
        /// What was read.
        bytes: &'a [u8],
        /// The wall clock at the read, to compare with dates in the output.
        wall: Wall,
    },
    /// A client's pipe came to its end.
    PipeEnded {
        /// Whose pipe.
        client: ClientId,
        /// Which pipe.
        pipe: Pipe,
    },
    /// A client's process was reaped.
    Exited {
        /// Whose process.
        client: ClientId,
        /// How it ended.
        exit: Exit,
    },
    /// A client's live process was sampled.
    Sampled {
        /// Whose process.
        client: ClientId,
        /// What it uses.
        sample: Sample,
    },
    /// The memory of a client's live process was read.
    MemorySeen {
        /// Whose process.
        client: ClientId,
        /// Resident memory in bytes, shared pages included.
        resident_bytes: u64,
    },
    /// A socket of a client's process was sampled.
    Traffic {
        /// Whose process.
        client: ClientId,
        /// What it did since its last sample.
        delta: TcpDelta,
    },
    /// The earliest deadline is reached.
    DeadlineReached,
    /// Stop gracefully (first SIGINT, SIGTERM or SIGHUP).
    StopAsked,
    /// Stop now (second SIGINT or SIGTERM): SIGKILL to all.
    KillAsked,
    /// Hold the pending first starts (true) or resume them (false). Restarts are not
    /// held.
    RampHeld(bool),
    /// Change the target, to at least one client and at most
    /// [`Swarm::room`](super::Swarm::room).
    TargetAsked {
        /// The new target.
        clients: u32,
    },
}

/// A signal that the swarm sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGKILL`.
    Kill,
}

/// What the reactor shall do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start this client's process. The result is `Spawned` or `SpawnFailed`.
    Spawn {
        /// Whose process.
        client: ClientId,
    },
    /// Send a signal to the process group of this client.
    Signal {
        /// Whose group.
        client: ClientId,
        /// Which signal.
        signal: Signal,
    },
    /// Close the open pipes of this client. No more input comes from them.
    ClosePipes {
        /// Whose pipes.
        client: ClientId,
    },
    /// Sample the sockets of this client's process, which has connected. Each result
    /// is a `Traffic`.
    SampleSockets {
        /// Whose sockets.
        client: ClientId,
    },
    /// Write an event to the log.
    Report(Report),
    /// The run is over: leave the loop.
    Finish,
}
