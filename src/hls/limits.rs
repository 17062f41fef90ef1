//! What a playlist may hold, and why one cannot be read.

use std::fmt;
use std::time::Duration;

/// Longest target duration that is believed. Segments are seconds long; a number above
/// this is a mistake, and no client would ever count as stalled.
pub const TARGET_DURATION_MAX: Duration = Duration::from_secs(600);

/// Bytes of one playlist. 100,000 segments with dates take some 8 MB.
pub const PLAYLIST_BYTES_MAX: usize = 16 << 20;

/// Segments of one playlist. Two days of 2 s have 86,400; each takes some 200 bytes.
pub const SEGMENTS_MAX: usize = 100_000;

/// Entries of one kind in one playlist: variants, renditions, keys. Real ones have tens.
pub const ENTRIES_MAX: usize = 10_000;

/// Why a playlist cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistError {
    /// It does not begin with `#EXTM3U`.
    NotAPlaylist,
    /// No tag says whether it is a master or a media playlist.
    Neither,
    /// The target duration is no number of seconds from 1 to [`TARGET_DURATION_MAX`].
    TargetDuration,
    /// The URI of the first variant is none of http or https.
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
                "EXT-X-TARGETDURATION is no number from 1 to {}",
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
