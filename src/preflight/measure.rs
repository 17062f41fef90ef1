//! The cost of one FFmpeg on this host: how it is measured, and the cost of a client
//! that follows from it.
//!
//! FFmpeg is started once, fed the first bytes of an MPEG-TS segment on stdin, and
//! examined when it is idle, so no network is needed. `reactor` runs it; this file
//! provides the arguments and corrects the result.

use std::time::Duration;

/// Bytes of an MPEG-TS segment that are written to FFmpeg's stdin: what an empty pipe
/// takes in one write (pipe(7)). The pipe then stays open.
pub const MEASURE_INPUT_BYTES: usize = 60_000;

/// Time limit of the measurement; FFmpeg is idle after 0.1 to 0.3 s.
pub const MEASURE_TIME_LIMIT: Duration = Duration::from_secs(1);

/// The arguments for the measurement. The probe size is below the size of the input, so
/// that FFmpeg finishes probing and starts the threads of a client.
#[must_use]
pub const fn measure_arguments() -> &'static [&'static str] {
    &[
        "-hide_banner",
        "-nostats",
        "-loglevel",
        "quiet",
        "-probesize",
        "32768",
        "-f",
        "mpegts",
        "-i",
        "pipe:0",
        "-map",
        "0",
        "-c",
        "copy",
        "-f",
        "null",
        "-",
    ]
}

/// Memory of a client in percent of the measured one: it also has HTTP, TLS and
/// playlist state. Observed: 12.0 MB for 11.5 (5.1.9), 8.9 MB for 8.1 (9.0.2).
const MEMORY_PERCENT: u64 = 110;

/// Start-up CPU of a client in percent of the measured one: it also opens the playlist
/// and probes more. Observed on a busy machine: 94 ms for 76 (5.1.9), 27 ms for 22
/// (9.0.2). A binary that is not in the page cache takes twice as long, so measure
/// after reading its options.
const START_CPU_PERCENT: u32 = 125;

/// The cost of a client of one variant. Each further variant that it reads adds about 2
/// MB, in 5.1.9 as in 9.0.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientCost {
    /// Memory that the client shares with no other, in bytes.
    pub private_bytes: u64,
    /// CPU time from its start until it reads media.
    pub start_cpu: Duration,
    /// Its threads.
    pub threads: u32,
}

impl ClientCost {
    /// The cost of a client, from the measured process: `Private_Dirty` of
    /// `/proc/PID/smaps_rollup` in bytes, its threads, and its CPU time by rusage.
    ///
    /// Clean pages belong to the binary and its libraries, which all clients share.
    #[must_use]
    pub fn new(private_dirty_bytes: u64, threads: u32, cpu: Duration) -> Self {
        Self {
            private_bytes: private_dirty_bytes.saturating_mul(MEMORY_PERCENT) / 100,
            start_cpu: cpu.saturating_mul(START_CPU_PERCENT) / 100,
            threads,
        }
    }
}
