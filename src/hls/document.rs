//! A playlist of either kind, parsed without copying its text.
//!
//! As tolerant as players: byte order mark, any line ends, unknown tags, attributes
//! without quotes, bytes that are not UTF-8. Time and memory are linear in the text.

use super::limits::{PLAYLIST_BYTES_MAX, PlaylistError};
use super::lines::{Line, Lines};
use super::master::Master;
use super::media::Media;

/// A playlist.
#[derive(Debug, Clone, PartialEq)]
pub enum Document<'a> {
    /// Lists the variants of a presentation.
    Master(Master<'a>),
    /// Lists the segments of a variant.
    Media(Media<'a>),
}

impl<'a> Document<'a> {
    /// Parses a playlist. The first tag that belongs to only one kind decides which
    /// kind it is; tags of the other kind are skipped.
    ///
    /// # Errors
    /// [`PlaylistError::NotAPlaylist`] without `#EXTM3U`, [`PlaylistError::Neither`] if no
    /// tag decides, [`PlaylistError::Bytes`], [`PlaylistError::Segments`] and
    /// [`PlaylistError::Entries`] beyond the limits.
    pub fn read(text: &'a [u8]) -> Result<Self, PlaylistError> {
        if text.len() > PLAYLIST_BYTES_MAX {
            return Err(PlaylistError::Bytes);
        }
        let lines = Lines::of(text).ok_or(PlaylistError::NotAPlaylist)?;
        let is_master = lines.clone().find_map(|line| match line {
            Line::Tag(name, _) => is_of_master(name),
            Line::Uri(_) => None,
        });
        match is_master.ok_or(PlaylistError::Neither)? {
            true => Master::read(lines).map(Self::Master),
            false => Media::read(lines).map(Self::Media),
        }
    }
}

/// Whether only a master playlist can have this tag; `None` if neither or both can.
fn is_of_master(tag: &[u8]) -> Option<bool> {
    match tag {
        b"EXT-X-STREAM-INF"
        | b"EXT-X-MEDIA"
        | b"EXT-X-I-FRAME-STREAM-INF"
        | b"EXT-X-SESSION-DATA"
        | b"EXT-X-SESSION-KEY" => Some(true),
        b"EXTINF"
        | b"EXT-X-TARGETDURATION"
        | b"EXT-X-MEDIA-SEQUENCE"
        | b"EXT-X-DISCONTINUITY-SEQUENCE"
        | b"EXT-X-DISCONTINUITY"
        | b"EXT-X-BYTERANGE"
        | b"EXT-X-KEY"
        | b"EXT-X-MAP"
        | b"EXT-X-PROGRAM-DATE-TIME"
        | b"EXT-X-PLAYLIST-TYPE"
        | b"EXT-X-I-FRAMES-ONLY"
        | b"EXT-X-ENDLIST" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
