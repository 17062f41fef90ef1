//! Master playlists (RFC 8216 §4.3.4): variants, renditions, and properties of the
//! whole presentation.

use super::attributes::Attributes;
use super::key::Key;
use super::limits::{ENTRIES_MAX, PlaylistError};
use super::lines::{Line, Lines};
use super::value::{decimal, resolution, whole};

/// A master playlist. Slices refer to the text that it was parsed from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Master<'a> {
    /// Compatibility version.
    pub version: Option<u64>,
    /// Whether each segment can be decoded without the others.
    pub independent_segments: bool,
    /// The variants in order. One without a URI is left out.
    pub variants: Vec<Variant<'a>>,
    /// The I-frame playlists.
    pub i_frame_streams: Vec<Variant<'a>>,
    /// The renditions in order.
    pub renditions: Vec<Rendition<'a>>,
    /// Keys that may be fetched in advance.
    pub session_keys: Vec<Key<'a>>,
    /// Each `EXT-X-SESSION-DATA`.
    pub session_data: Vec<Attributes<'a>>,
}

/// A variant (§4.3.4.2), or an I-frame playlist (§4.3.4.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variant<'a> {
    /// The URI of its media playlist.
    pub uri: &'a [u8],
    /// Peak bit rate in bits per second.
    pub bandwidth: Option<u64>,
    /// Average bit rate in bits per second.
    pub average_bandwidth: Option<u64>,
    /// Width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// Frames per second.
    pub frame_rate: Option<f64>,
    /// All attributes: `CODECS`, `AUDIO`, `VIDEO`, `SUBTITLES` and others.
    pub attributes: Attributes<'a>,
}

/// A rendition (§4.3.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rendition<'a> {
    /// Its type.
    pub kind: RenditionKind,
    /// The URI of its media playlist; `None` if the variant contains it.
    pub uri: Option<&'a [u8]>,
    /// The group, to which variants refer.
    pub group_id: &'a [u8],
    /// Its name for people.
    pub name: &'a [u8],
    /// Its language (RFC 5646).
    pub language: Option<&'a [u8]>,
    /// Whether it is played by default.
    pub is_default: bool,
    /// All attributes.
    pub attributes: Attributes<'a>,
}

/// `TYPE` of a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenditionKind {
    /// `AUDIO`
    Audio,
    /// `VIDEO`
    Video,
    /// `SUBTITLES`
    Subtitles,
    /// `CLOSED-CAPTIONS`
    ClosedCaptions,
    /// Not in the RFC.
    Other,
}

impl<'a> Master<'a> {
    pub(super) fn read(lines: Lines<'a>) -> Result<Self, PlaylistError> {
        let mut master = Self::default();
        let mut stream = None;
        for line in lines {
            match line {
                Line::Tag(b"EXT-X-STREAM-INF", value) => stream = Some(Attributes::new(value)),
                Line::Tag(name, value) => master.tag(name, value)?,
                // A URI without the tag before it is ignored.
                Line::Uri(uri) => {
                    if let Some(attributes) = stream.take() {
                        push(&mut master.variants, Variant::read(uri, attributes))?;
                    }
                }
            }
        }
        Ok(master)
    }

    fn tag(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), PlaylistError> {
        let attributes = Attributes::new(value);
        match name {
            b"EXT-X-MEDIA" => push(&mut self.renditions, Rendition::read(attributes)),
            b"EXT-X-I-FRAME-STREAM-INF" => match attributes.get(b"URI") {
                Some(uri) => push(&mut self.i_frame_streams, Variant::read(uri, attributes)),
                None => Ok(()),
            },
            b"EXT-X-SESSION-KEY" => push(&mut self.session_keys, Key::read(attributes)),
            b"EXT-X-SESSION-DATA" => push(&mut self.session_data, attributes),
            b"EXT-X-VERSION" => {
                self.version = whole(value);
                Ok(())
            }
            b"EXT-X-INDEPENDENT-SEGMENTS" => {
                self.independent_segments = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn push<T>(entries: &mut Vec<T>, entry: T) -> Result<(), PlaylistError> {
    if entries.len() == ENTRIES_MAX {
        return Err(PlaylistError::Entries);
    }
    entries.push(entry);
    Ok(())
}

impl<'a> Variant<'a> {
    fn read(uri: &'a [u8], attributes: Attributes<'a>) -> Self {
        Self {
            uri,
            bandwidth: attributes.get(b"BANDWIDTH").and_then(whole),
            average_bandwidth: attributes.get(b"AVERAGE-BANDWIDTH").and_then(whole),
            resolution: attributes.get(b"RESOLUTION").and_then(resolution),
            frame_rate: attributes.get(b"FRAME-RATE").and_then(decimal),
            attributes,
        }
    }
}

impl<'a> Rendition<'a> {
    fn read(attributes: Attributes<'a>) -> Self {
        let kind = match attributes.get(b"TYPE").unwrap_or_default() {
            b"AUDIO" => RenditionKind::Audio,
            b"VIDEO" => RenditionKind::Video,
            b"SUBTITLES" => RenditionKind::Subtitles,
            b"CLOSED-CAPTIONS" => RenditionKind::ClosedCaptions,
            _ => RenditionKind::Other,
        };
        Self {
            kind,
            uri: attributes.get(b"URI"),
            group_id: attributes.get(b"GROUP-ID").unwrap_or_default(),
            name: attributes.get(b"NAME").unwrap_or_default(),
            language: attributes.get(b"LANGUAGE"),
            is_default: attributes.is_yes(b"DEFAULT"),
            attributes,
        }
    }
}

#[cfg(test)]
mod tests;
