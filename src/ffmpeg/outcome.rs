//! How an attempt ended, told from its exit code, its signal, the last events of
//! its log, ENDLIST and media time together: FFmpeg exits 0 on real failures.

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
}
