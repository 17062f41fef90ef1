//! The outcome of an attempt, from its exit code or signal, the last events of its log
//! and its media time together: FFmpeg exits 0 on real failures.
//!
//! Knows no log line: the log's contribution is [`Evidence`].

use std::time::Duration;

use super::evidence::{Evidence, Trouble, Waiting};
use super::log::Failure;
use crate::units::process::{ExitStatus, SIGKILL};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The playlist ended and all of it was read.
    Completed,
    /// A playlist could not be loaded, parsed or reloaded.
    PlaylistError,
    /// The playlist was not updated.
    StalePlaylist,
    /// The origin responded with an error status.
    HttpError,
    /// Connect, TLS or a broken connection.
    NetworkError,
    /// The URL's host has no address, or the name server gave no response.
    Dns,
    /// The network was silent for too long.
    Timeout,
    /// A segment or initialization section was not media.
    MediaError,
    /// It had no media when it ended, for no reason in its log.
    NoInput,
    /// We killed it for a stall.
    Stalled,
    /// We asked it to end: it had played, or was too young to have media.
    Stopped,
    /// A signal from elsewhere ended it.
    Crashed,
    /// The kernel killed it because memory was exhausted.
    OomKilled,
    /// This host refused memory to FFmpeg.
    HostMemory,
    /// We killed it because it exceeded the memory limit.
    MemoryLimit,
    /// Any other end.
    Error,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 16] = [
        Self::Completed,
        Self::PlaylistError,
        Self::StalePlaylist,
        Self::HttpError,
        Self::NetworkError,
        Self::Dns,
        Self::Timeout,
        Self::MediaError,
        Self::NoInput,
        Self::Stalled,
        Self::Stopped,
        Self::Crashed,
        Self::OomKilled,
        Self::HostMemory,
        Self::MemoryLimit,
        Self::Error,
    ];

    /// Its index in [`Outcome::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The outcome as a label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::PlaylistError => "playlist_error",
            Self::StalePlaylist => "stale_playlist",
            Self::HttpError => "http_error",
            Self::NetworkError => "network_error",
            Self::Dns => "dns",
            Self::Timeout => "timeout",
            Self::MediaError => "media_error",
            Self::NoInput => "no_input",
            Self::Stalled => "stalled",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
            Self::OomKilled => "oom_killed",
            Self::HostMemory => "host_memory",
            Self::MemoryLimit => "memory_limit",
            Self::Error => "error",
        }
    }

    /// Whether something went wrong: neither was all played nor did we end it.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Completed | Self::Stopped)
    }

    /// Whether this host, not the origin, is the cause.
    #[must_use]
    pub const fn is_lack_of_memory(self) -> bool {
        matches!(self, Self::OomKilled | Self::HostMemory)
    }

    /// The outcome of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// Everything that is known of the end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// We asked it to end, other than for a stall.
    pub asked: bool,
    /// We asked it to end for a stall.
    pub stalled_by_us: bool,
    /// We killed it because of its memory use.
    pub over_memory: bool,
    /// The kernel's count of processes killed for lack of memory rose.
    pub oom: bool,
    /// Media time reached, zero without media; `None` if its progress was not read.
    pub media: Option<Duration>,
    /// Evidence from its log.
    pub evidence: Evidence,
}

/// A playlist is stale after this many refreshes without a new segment. They are half a
/// target duration apart, and a server has one and a half for the next segment (RFC
/// 8216 §6.3.4, §6.2): this is twice as long.
pub const STALE_REFRESHES: u32 = 6;

/// How an attempt ended.
///
/// Our own actions come first, then signals, then the last failure in the log: FFmpeg
/// logs every failure that can end it, and exits 0 on many. So exit code 0 with media
/// and without such a failure is the end of the playlist, which FFmpeg does not log.
/// The exception is a stale playlist, which FFmpeg gives up without a message
/// (`max_reload`). If progress was not read, exit code 0 without a failure is trusted.
#[must_use]
pub fn classify(ending: &Ending) -> Outcome {
    let Ending { status, asked, stalled_by_us, over_memory, oom, media, evidence } = *ending;
    if over_memory {
        return Outcome::MemoryLimit;
    }
    if stalled_by_us {
        return Outcome::Stalled;
    }
    if asked {
        return if media == Some(Duration::ZERO) {
            why_not_playing(&evidence)
        } else {
            Outcome::Stopped
        };
    }
    match status {
        ExitStatus::Signal(SIGKILL) if oom => return Outcome::OomKilled,
        // A program that cannot allocate memory often ends by SIGSEGV or SIGABRT.
        ExitStatus::Signal(signal) if evidence.out_of_memory && signal != SIGKILL => {
            return Outcome::HostMemory;
        }
        ExitStatus::Signal(_) => return Outcome::Crashed,
        ExitStatus::Code(_) if evidence.exiting_on_signal => return Outcome::Crashed,
        ExitStatus::Code(_) if evidence.out_of_memory => return Outcome::HostMemory,
        ExitStatus::Code(_) if evidence.option_refused => return Outcome::Error,
        ExitStatus::Code(_) => {}
    }
    if let Some(outcome) = failure(&evidence.trouble) {
        return outcome;
    }
    let clean = status == ExitStatus::Code(0) && evidence.trouble.failure.is_none();
    match media {
        _ if clean && evidence.vain_refreshes >= STALE_REFRESHES => Outcome::StalePlaylist,
        Some(Duration::ZERO) => without_media(&evidence),
        _ if clean => Outcome::Completed,
        _ => Outcome::Error,
    }
}

/// Why an attempt without media did not play before we ended it.
fn why_not_playing(evidence: &Evidence) -> Outcome {
    if evidence.out_of_memory {
        return Outcome::HostMemory;
    }
    match (lasting(evidence), evidence.waiting) {
        (Some(outcome), _) => outcome,
        (None, Some(Waiting::Address)) => Outcome::Dns,
        (None, Some(Waiting::Response)) => Outcome::Timeout,
        (None, Some(Waiting::Media)) => Outcome::MediaError,
        (None, Some(Waiting::Unknown)) => Outcome::NoInput,
        (None, None) => Outcome::Stopped,
    }
}

/// Why an attempt without media ended by itself, if its log does not end with a
/// failure.
fn without_media(evidence: &Evidence) -> Outcome {
    match lasting(evidence) {
        Some(outcome) => outcome,
        None if evidence.segments > 0 => Outcome::MediaError,
        None => Outcome::NoInput,
    }
}

/// The failure after which no segment came. A failure without a reason is a connection
/// closed before the response: statuses and timeouts have log lines of their own in
/// every version.
fn lasting(evidence: &Evidence) -> Option<Outcome> {
    let trouble = &evidence.lasting;
    let unnamed = trouble.failure == Some(Failure::Other);
    failure(trouble).or_else(|| unnamed.then_some(Outcome::NetworkError))
}

/// The outcome of a failure. For network failures the cause matters more than the kind
/// of file; for responses of the origin it is the reverse.
fn failure(trouble: &Trouble) -> Option<Outcome> {
    use Failure::{Connect, Dns, Lost, Status, Timeout, Tls, Truncated};
    match trouble.failure {
        Some(Dns) => Some(Outcome::Dns),
        Some(Connect | Lost | Tls | Truncated) => Some(Outcome::NetworkError),
        Some(Timeout) => Some(Outcome::Timeout),
        _ if trouble.playlist => Some(Outcome::PlaylistError),
        Some(Status) => Some(Outcome::HttpError),
        _ if trouble.media => Some(Outcome::MediaError),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
