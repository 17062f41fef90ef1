//! How an attempt ended, told from its exit code, its signal, the last events of
//! its log and its media time together: FFmpeg exits 0 on real failures.
//!
//! Knows no log line: what the log told comes in as [`Evidence`].

use std::time::Duration;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The playlist ended and all of it was read.
    Completed,
    /// A playlist could not be loaded, parsed or reloaded.
    PlaylistError,
    /// The playlist did not move on.
    StalePlaylist,
    /// The origin answered with an error status.
    HttpError,
    /// DNS, connect, TLS or a broken connection.
    NetworkError,
    /// The network was silent for too long.
    Timeout,
    /// It died before the first media, for no reason that its log tells.
    NoInput,
    /// We killed it for a stall.
    Stalled,
    /// We asked it to end.
    Stopped,
    /// A signal that was not ours ended it.
    Crashed,
    /// The kernel killed it for want of memory.
    OomKilled,
    /// The rest.
    Error,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 12] = [
        Self::Completed,
        Self::PlaylistError,
        Self::StalePlaylist,
        Self::HttpError,
        Self::NetworkError,
        Self::Timeout,
        Self::NoInput,
        Self::Stalled,
        Self::Stopped,
        Self::Crashed,
        Self::OomKilled,
        Self::Error,
    ];

    /// Its place in [`Outcome::ALL`].
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
            Self::Timeout => "timeout",
            Self::NoInput => "no_input",
            Self::Stalled => "stalled",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
            Self::OomKilled => "oom_killed",
            Self::Error => "error",
        }
    }

    /// Whether something went wrong: neither all was played nor did we end it.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Completed | Self::Stopped)
    }
}

/// How a process ended (wait(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(u8),
    /// This signal ended it.
    Signal(u8),
}

impl ExitStatus {
    /// The exit code as a shell tells it: 128 + n for signal n.
    #[must_use]
    pub const fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128_u8.saturating_add(signal),
        }
    }
}

/// `SIGKILL`, the signal of the kernel's out-of-memory killer (signal(7)).
pub const SIGKILL: u8 = 9;

/// Why a request failed, as the log told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The name could not be resolved.
    Dns,
    /// The connection was refused, unreachable or reset before an answer.
    Connect,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// Nothing came in time.
    Timeout,
    /// The answer ended before it was whole.
    Truncated,
    /// The origin answered with this status, 400 to 599.
    Status(u16),
}

/// What the log of an attempt told up to its end. The default is a log that told
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Why the last request that failed did; `None` once a later request of its
    /// kind was not seen to fail.
    pub failure: Option<Failure>,
    /// A playlist could not be loaded, parsed or reloaded, and none was loaded
    /// since.
    pub playlist_failed: bool,
    /// The media playlist was loaded anew and again without a new segment, for
    /// longer than its target duration allows, until the end.
    pub stale: bool,
    /// The length of the media, which FFmpeg knows of a playlist that had ended
    /// when it was opened (`Duration:` in its list of inputs).
    pub duration: Option<Duration>,
    /// FFmpeg said that a signal ended it (`received signal`): from elsewhere, if
    /// we sent none.
    pub signalled: bool,
}

/// All that is known of the end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// We asked it to end, and not for a stall.
    pub told: bool,
    /// We asked it to end for a stall.
    pub stalled_by_us: bool,
    /// The kernel's count of processes that it killed for want of memory rose.
    pub oom: bool,
    /// Media time reached, zero if none came; `None` if its progress was not read.
    pub media: Option<Duration>,
    /// What its log told.
    pub evidence: Evidence,
}

/// Media time that may be missing at the end of all the media: the last packets
/// of one stream end before those of the other, and `Duration:` is rounded from
/// the `EXTINF` of every segment.
const END_SLACK: Duration = Duration::from_secs(1);

/// How an attempt ended.
///
/// What we did comes first, then signals. Then the failure that the log told
/// last: FFmpeg logs every failure that can end it, and exits 0 on many. So an
/// exit code of 0 with media and without such a failure is the end of the
/// playlist (which FFmpeg does not log), but for a stale playlist, which it gives
/// up in silence (`max_reload`). Where progress was not read, an exit code of 0
/// without a failure is believed.
#[must_use]
pub fn classify(ending: &Ending) -> Outcome {
    let Ending { status, told, stalled_by_us, oom, media, evidence } = *ending;
    if stalled_by_us {
        return Outcome::Stalled;
    }
    if told {
        return Outcome::Stopped;
    }
    match status {
        ExitStatus::Signal(SIGKILL) if oom => return Outcome::OomKilled,
        ExitStatus::Signal(_) => return Outcome::Crashed,
        ExitStatus::Code(_) if evidence.signalled => return Outcome::Crashed,
        ExitStatus::Code(_) => {}
    }
    let clean = status == ExitStatus::Code(0);
    if clean && reached_the_end(media, &evidence) {
        return Outcome::Completed;
    }
    if let Some(outcome) = failure(&evidence) {
        return outcome;
    }
    match media {
        _ if evidence.stale => Outcome::StalePlaylist,
        Some(Duration::ZERO) => Outcome::NoInput,
        // It ended early, and its log does not say why.
        Some(_) if evidence.duration.is_some() => Outcome::Error,
        _ if clean => Outcome::Completed,
        _ => Outcome::Error,
    }
}

/// Whether all of a playlist of known length was played.
fn reached_the_end(media: Option<Duration>, evidence: &Evidence) -> bool {
    let (Some(media), Some(duration)) = (media, evidence.duration) else { return false };
    !media.is_zero() && media.saturating_add(END_SLACK) >= duration
}

/// The failure of the network or the origin that the log told last. What the
/// network did is more telling than which file it was done to; of a status it is
/// the other way round.
fn failure(evidence: &Evidence) -> Option<Outcome> {
    match evidence.failure {
        Some(Failure::Dns | Failure::Connect | Failure::Tls | Failure::Truncated) => {
            Some(Outcome::NetworkError)
        }
        Some(Failure::Timeout) => Some(Outcome::Timeout),
        _ if evidence.playlist_failed => Some(Outcome::PlaylistError),
        Some(Failure::Status(_)) => Some(Outcome::HttpError),
        None => None,
    }
}

#[cfg(test)]
mod tests;
