//! What one FFmpeg costs this host: how it is measured, and what that means for
//! a client.
//!
//! FFmpeg is started once, fed the first bytes of an MPEG-TS segment on stdin,
//! and looked at when it has come to rest, so no network is needed. `reactor`
//! runs it; this file says with which arguments and corrects what was seen.

use std::time::Duration;

/// Bytes of an MPEG-TS segment that are written to FFmpeg's stdin: what an empty
/// pipe takes in one write (pipe(7)). The pipe is then left open.
pub const MEASURE_INPUT_BYTES: usize = 60_000;

/// How long the measurement may take; FFmpeg is at rest after 0.1 to 0.3 s.
pub const MEASURE_TIME_LIMIT: Duration = Duration::from_secs(1);

/// The arguments for the measurement. The probe size is below the input's, so
/// that FFmpeg gets past it and starts the threads a client has.
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

/// A client's memory in percent of what is measured: it also holds HTTP, TLS and
/// playlist state. Seen: 12.0 MB for 11.5 (5.1.9), 8.9 MB for 8.1 (9.0.2).
const MEMORY_PERCENT: u64 = 110;

/// A client's start-up CPU in percent of what is measured: it also opens the
/// playlist and probes more. Seen on a busy machine: 94 ms for 76 (5.1.9), 27 ms
/// for 22 (9.0.2). A binary that is not yet in the page cache takes twice as long,
/// so measure after it was asked for its options.
const START_CPU_PERCENT: u32 = 125;

/// What a client costs, of one variant. Each further variant that it reads adds
/// about 2 MB, in 5.1.9 as in 9.0.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Memory that the client shares with no other, in bytes.
    pub private_bytes: u64,
    /// CPU time from its start until it reads media.
    pub start_cpu: Duration,
    /// Its threads.
    pub threads: u32,
}

impl Measured {
    /// The cost of a client, from what was seen of the process measured:
    /// `Private_Dirty` of `/proc/PID/smaps_rollup` in bytes, its threads, and its
    /// CPU time by rusage.
    ///
    /// Clean pages are those of the binary and its libraries, which the first
    /// process has to itself and the others share.
    #[must_use]
    pub fn new(private_dirty_bytes: u64, threads: u32, cpu: Duration) -> Self {
        Self {
            private_bytes: private_dirty_bytes.saturating_mul(MEMORY_PERCENT) / 100,
            start_cpu: cpu.saturating_mul(START_CPU_PERCENT) / 100,
            threads,
        }
    }
}
