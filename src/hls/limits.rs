//! Limits of playlists, and why one cannot be parsed.

use std::fmt;
use std::time::Duration;

/// Longest target duration that is accepted. Segments last seconds; a larger number is
/// a mistake, with which no client would ever count as stalled.
pub const TARGET_DURATION_MAX: Duration = Duration::from_secs(600);

/// Most bytes of a playlist. 100,000 segments with dates take about 8 MB.
pub const PLAYLIST_BYTES_MAX: usize = 16 << 20;

/// Most segments of a playlist. Two days of 2 s have 86,400; each takes about 200
/// bytes.
pub const SEGMENTS_MAX: usize = 100_000;

/// Most entries of one kind in a playlist: variants, renditions, keys. Real ones have
/// tens.
pub const ENTRIES_MAX: usize = 10_000;

/// Why a playlist cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistError {
    /// It does not start with `#EXTM3U`.
    NotAPlaylist,
    /// No tag shows whether it is a master or a media playlist.
    Neither,
    /// The target duration is not a number of seconds from 1 to
    /// [`TARGET_DURATION_MAX`].
    TargetDuration,
    /// The URI of the first variant is not http or https.
    VariantUri,
    /// It has more than [`PLAYLIST_BYTES_MAX`].
    Bytes,
    /// It has more than [`SEGMENTS_MAX`].
    Segments,
    /// It has more than [`ENTRIES_MAX`] variants, renditions or keys.
    Entries,
}

impl fmt::Display for PlaylistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPlaylist => f.write_str("the response is not a playlist"),
            Self::Neither => f.write_str("the playlist has no EXT-X-TARGETDURATION"),
            Self::TargetDuration => write!(
                f,
                "EXT-X-TARGETDURATION is not a number from 1 to {}",
                TARGET_DURATION_MAX.as_secs()
            ),
            Self::VariantUri => f.write_str("the first variant has no http or https URI"),
            Self::Bytes => write!(f, "the playlist has more than {PLAYLIST_BYTES_MAX} bytes"),
            Self::Segments => write!(f, "the playlist has more than {SEGMENTS_MAX} segments"),
            Self::Entries => write!(f, "the playlist has more than {ENTRIES_MAX} entries"),
        }
    }
}

impl std::error::Error for PlaylistError {}
