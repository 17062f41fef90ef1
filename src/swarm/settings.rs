//! The settings of the swarm.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use crate::stats::LogContext;
use crate::units::Tick;
use crate::units::shard::Shard;

/// The delay before a restart: `initial × multiplier^n`, at most `max`, ±20 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Before the first restart.
    pub initial: Duration,
    /// At most this, before jitter.
    pub max: Duration,
    /// Growth from one attempt to the next, at least 1.
    pub multiplier: f64,
}

/// The settings of the swarm; immutable while it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Clients of the whole run.
    pub clients: NonZeroU32,
    /// Which of them this process runs.
    pub shard: Shard,
    /// Clients of the whole run started a second, above 0.
    pub ramp_rate: f64,
    /// Longest random delay of a first start.
    pub ramp_jitter: Duration,
    /// How long the run lasts; `None` is until a signal.
    pub duration: Option<Duration>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Restarts of one client; `None` is unlimited.
    pub max_restarts: Option<NonZeroU64>,
    /// Delay before a restart.
    pub backoff: Backoff,
    /// Whether every line of stderr is reported.
    pub verbose: bool,
    /// Repeats the warning of `--dangerous` every minute.
    pub dangerous: bool,
    /// Expected length of a segment (RFC 8216, `EXT-X-TARGETDURATION`).
    pub target_duration: Duration,
    /// Whether a stalled client is restarted.
    pub restart_on_stall: bool,
    /// Most resident memory of one FFmpeg in bytes; one that has more is ended. `None`
    /// is no limit.
    pub ffmpeg_memory_max: Option<NonZeroU64>,
    /// Whether progress and log are read. Without them no stall and no request is
    /// counted.
    pub stats: bool,
    /// Whether the tap carries the clients' traffic: requests are counted by their
    /// exchanges, and the log counts nothing.
    pub tap: bool,
    /// FFmpeg's network timeout. A failure without a reason after this long counts as
    /// a timeout.
    pub network_timeout: Duration,
    /// Whether FFmpeg requests segments ahead of need; downloads are not timed then.
    pub asks_ahead: bool,
    /// Whether the URL's host is a name that FFmpeg looks up, and its log says when
    /// it connects.
    pub looks_up_name: bool,
}

/// The target duration unless a flag or the stream gives another.
pub const TARGET_DURATION_DEFAULT: Duration = Duration::from_secs(6);

/// Where a target duration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetDurationSource {
    /// `-target-duration`.
    Given,
    /// The stream's own `EXT-X-TARGETDURATION`.
    Stream,
    /// [`TARGET_DURATION_DEFAULT`], since the stream's own was not read.
    Default,
}

impl TargetDurationSource {
    /// The source as the JSON summary names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Given => "flag",
            Self::Stream => "stream",
            Self::Default => "default",
        }
    }
}

/// When a client counts as stalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StallThreshold {
    /// Expected length of a segment.
    pub target_duration: Duration,
    /// Where that comes from.
    pub source: TargetDurationSource,
    /// A stall begins when media time has not moved for this long.
    pub after: Duration,
}

impl StallThreshold {
    /// The threshold of segments of this length.
    #[must_use]
    pub fn new(target_duration: Duration, source: TargetDurationSource) -> Self {
        Self { target_duration, source, after: stall_after(target_duration) }
    }
}

/// Target durations without a movement of media time after which a stall begins.
pub const STALL_TARGET_DURATIONS: u32 = 2;

/// Minimum threshold of a stall: progress comes once a second, so a shorter one would
/// report false stalls.
const STALL_AFTER_MIN: Duration = Duration::from_secs(2);

/// Between two loads of a playlist FFmpeg waits for the target duration and at most
/// 0.1 s more, since it checks ten times a second (`hls.c`). On a busy host it wakes
/// late; this part of the target duration is allowed for that.
const RELOAD_SLACK_DIVISOR: u32 = 2;

impl Settings {
    /// Clients that this process runs.
    #[must_use]
    pub const fn share(&self) -> u32 {
        self.shard.share(self.clients.get())
    }

    /// How to read the log.
    #[must_use]
    pub fn log_context(&self) -> LogContext {
        LogContext {
            network_timeout: self.network_timeout,
            reload_wait_max: self.target_duration + self.target_duration / RELOAD_SLACK_DIVISOR,
            asks_ahead: self.asks_ahead,
            began: Tick::ZERO,
            seen_since: None,
            looks_up_name: self.looks_up_name,
        }
    }

    /// A stall begins when media time has not moved for this long.
    #[must_use]
    pub fn stall_after(&self) -> Duration {
        stall_after(self.target_duration)
    }
}

fn stall_after(target_duration: Duration) -> Duration {
    target_duration.saturating_mul(STALL_TARGET_DURATIONS).max(STALL_AFTER_MIN)
}
