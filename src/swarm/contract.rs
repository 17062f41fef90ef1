//! What goes into the swarm and what comes out of it: inputs, actions.

use std::time::Duration;

use super::Report;
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
    /// The kernel's count of processes that it killed for want of memory rose
    /// just before, and a SIGKILL that was not ours ended this one.
    pub oom_suspected: bool,
}

/// What a live process was seen to use.
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
    /// Segments that the client's side sent again. What the server repeated is
    /// not known at this end.
    pub retransmits: u64,
    /// The smoothed round-trip time as of now, if one was measured.
    pub rtt: Option<Duration>,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The reactor runs; the ramp begins now.
    Started,
    /// The same, but by its schedule the ramp began so long ago: what is due by now
    /// is due at once, and the rest, and the end, when the schedule says.
    StartedLate {
        /// How long ago.
        behind: Duration,
    },
    /// The loop stood still up to now: it was stopped, frozen or starved. Output
    /// written meanwhile has not been read yet, and its times are not known.
    StoodStill {
        /// For how long at least.
        span: Duration,
    },
    /// The process asked for is running.
    Spawned {
        /// Whose process.
        client: ClientId,
        /// Its process id.
        pid: u32,
    },
    /// The process asked for could not be started.
    SpawnFailed {
        /// Whose process.
        client: ClientId,
        /// Why.
        failure: SpawnFailure,
    },
    /// Bytes of a client's pipe, in order.
    Output {
        /// Whose pipe.
        client: ClientId,
        /// Which pipe.
        pipe: Pipe,
        /// What was read.
        bytes: &'a [u8],
        /// The wall clock when it was read, for what is told against dates.
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
    /// The memory of a client's live process was looked at.
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
    /// The earliest deadline has come.
    DeadlineReached,
    /// Stop in good order (first SIGINT, SIGTERM or SIGHUP).
    StopAsked,
    /// Stop now (second SIGINT or SIGTERM): SIGKILL to all.
    KillAsked,
    /// Hold the first starts that are still to come, or go on with them. Restarts
    /// are not held.
    RampHeld(bool),
    /// Keep up so many clients from now on: at least one, and no more than there
    /// is room for.
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

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start this client's process. Answered by `Spawned` or `SpawnFailed`.
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
    /// Close what is left of this client's pipes; no more input comes of them.
    ClosePipes {
        /// Whose pipes.
        client: ClientId,
    },
    /// A connection of this client's process stands: its sockets can be sampled.
    /// Answered by `Traffic`, as often as there is any.
    SampleSockets {
        /// Whose sockets.
        client: ClientId,
    },
    /// Tell people.
    Report(Report),
    /// Everything is over: leave the loop.
    Finish,
}
