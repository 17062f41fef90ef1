//! Media playlists (RFC 8216 §4.3.2 and §4.3.3): segments, and properties of the
//! playlist.

use std::time::Duration;

use jiff::Timestamp;

use super::attributes::Attributes;
use super::key::{Key, Keys};
use super::limits::{PlaylistError, SEGMENTS_MAX};
use super::lines::{Line, Lines, split_once};
use super::value::{ByteRange, byte_range, date, duration, whole};

/// A media playlist. Slices refer to the text that it was parsed from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Media<'a> {
    /// Compatibility version.
    pub version: Option<u64>,
    /// Longest segment, rounded to a second, as written: also 0.
    pub target_duration: Option<Duration>,
    /// Number of the first segment.
    pub media_sequence: u64,
    /// Discontinuities before the first segment.
    pub discontinuity_sequence: u64,
    /// How the playlist may change.
    pub playlist_type: Option<PlaylistType>,
    /// Whether no segment will be added.
    pub end_list: bool,
    /// Whether each segment is one I-frame.
    pub i_frames_only: bool,
    /// Whether each segment can be decoded without the others.
    pub independent_segments: bool,
    /// The segments in order. As in FFmpeg, a URI without `EXTINF` is left out.
    pub segments: Vec<Segment<'a>>,
    keys: Vec<Key<'a>>,
}

/// `EXT-X-PLAYLIST-TYPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistType {
    /// Segments are only appended.
    Event,
    /// Nothing changes.
    Vod,
}

/// A media segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment<'a> {
    /// Its URI.
    pub uri: &'a [u8],
    /// Its duration; 0 also if `EXTINF` is not a number from 0 to a day.
    pub duration: Duration,
    /// The text of `EXTINF` after the comma.
    pub title: &'a [u8],
    /// The part of the resource. A range without an offset starts where that of the
    /// segment before ends.
    pub byte_range: Option<ByteRange>,
    /// The date of its first sample, if given for this segment.
    pub program_date_time: Option<Timestamp>,
    /// Its initialization section.
    pub map: Option<Map<'a>>,
    /// Whether media time or the encoding changes before it.
    pub discontinuity: bool,
    /// Whether it is missing at the origin.
    pub gap: bool,
    keys: (usize, usize),
}

/// An initialization section (§4.3.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map<'a> {
    /// Its URI.
    pub uri: &'a [u8],
    /// The part of the resource.
    pub byte_range: Option<ByteRange>,
}

impl<'a> Media<'a> {
    /// The keys that apply to a segment of this playlist, one for each key format; none
    /// if it is not encrypted.
    #[must_use]
    pub fn keys(&self, segment: &Segment<'_>) -> &[Key<'a>] {
        self.keys.get(segment.keys.0..segment.keys.1).unwrap_or_default()
    }

    pub(super) fn read(lines: Lines<'a>) -> Result<Self, PlaylistError> {
        let mut reading = Parser::default();
        for line in lines {
            match line {
                Line::Tag(name, value) => reading.tag(name, value),
                Line::Uri(uri) => reading.uri(uri)?,
            }
        }
        reading.media.keys = reading.keys.all;
        Ok(reading.media)
    }
}

/// The state of parsing a playlist.
#[derive(Default)]
struct Parser<'a> {
    media: Media<'a>,
    keys: Keys<'a>,
    map: Option<Map<'a>>,
    next: Next<'a>,
    /// The end of the last segment's byte range.
    range_end: u64,
}

/// Properties of the next segment.
#[derive(Default)]
struct Next<'a> {
    extinf: Option<&'a [u8]>,
    byte_range: Option<ByteRange>,
    program_date_time: Option<Timestamp>,
    discontinuity: bool,
    gap: bool,
}

impl<'a> Parser<'a> {
    fn tag(&mut self, name: &'a [u8], value: &'a [u8]) {
        let (media, next) = (&mut self.media, &mut self.next);
        match name {
            b"EXTINF" => next.extinf = Some(value),
            b"EXT-X-BYTERANGE" => next.byte_range = byte_range(value, self.range_end),
            b"EXT-X-PROGRAM-DATE-TIME" => next.program_date_time = date(value),
            b"EXT-X-DISCONTINUITY" => next.discontinuity = true,
            b"EXT-X-GAP" => next.gap = true,
            b"EXT-X-KEY" => self.keys.add(Key::read(Attributes::new(value))),
            b"EXT-X-MAP" => self.map = map(Attributes::new(value)),
            b"EXT-X-VERSION" => media.version = whole(value),
            b"EXT-X-TARGETDURATION" => {
                media.target_duration = whole(value).map(Duration::from_secs);
            }
            b"EXT-X-MEDIA-SEQUENCE" => media.media_sequence = whole(value).unwrap_or_default(),
            b"EXT-X-DISCONTINUITY-SEQUENCE" => {
                media.discontinuity_sequence = whole(value).unwrap_or_default();
            }
            b"EXT-X-PLAYLIST-TYPE" => media.playlist_type = playlist_type(value),
            b"EXT-X-ENDLIST" => media.end_list = true,
            b"EXT-X-I-FRAMES-ONLY" => media.i_frames_only = true,
            b"EXT-X-INDEPENDENT-SEGMENTS" => media.independent_segments = true,
            _ => {}
        }
    }

    fn uri(&mut self, uri: &'a [u8]) -> Result<(), PlaylistError> {
        let Some(extinf) = self.next.extinf else { return Ok(()) };
        if self.media.segments.len() == SEGMENTS_MAX {
            return Err(PlaylistError::Segments);
        }
        let next = std::mem::take(&mut self.next);
        self.range_end = next.byte_range.map_or(0, ByteRange::end);
        self.media.segments.push(Segment {
            uri,
            duration: duration(extinf).unwrap_or_default(),
            title: split_once(extinf, b',').map_or(&b""[..], |(_, title)| title.trim_ascii()),
            byte_range: next.byte_range,
            program_date_time: next.program_date_time,
            map: self.map,
            discontinuity: next.discontinuity,
            gap: next.gap,
            keys: self.keys.of_segment(),
        });
        Ok(())
    }
}

/// An initialization section; `None` without a URI.
fn map(attributes: Attributes<'_>) -> Option<Map<'_>> {
    let range = attributes.get(b"BYTERANGE").and_then(|range| byte_range(range, 0));
    Some(Map { uri: attributes.get(b"URI")?, byte_range: range })
}

fn playlist_type(value: &[u8]) -> Option<PlaylistType> {
    match value {
        b"EVENT" => Some(PlaylistType::Event),
        b"VOD" => Some(PlaylistType::Vod),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
