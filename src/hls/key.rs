//! Keys (RFC 8216 §4.3.2.4), and the segments that they apply to.

use std::ops::Range;

use super::attributes::Attributes;
use super::value::hexadecimal;

/// Most keys of different formats that apply at once: three DRM systems are in use, and
/// one key may be in the clear. Further keys are skipped.
pub const KEY_FORMATS_MAX: usize = 4;

/// The default format of a key (§4.3.2.4).
const IDENTITY: &[u8] = b"identity";

/// How segments are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMethod<'a> {
    /// Not at all.
    None,
    /// Whole segments, by AES-128 in CBC mode.
    Aes128,
    /// Samples within the segments.
    SampleAes,
    /// A method that is not in the RFC; empty if the attribute is missing.
    Other(&'a [u8]),
}

/// A key: `EXT-X-KEY` or `EXT-X-SESSION-KEY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// How segments are encrypted.
    pub method: KeyMethod<'a>,
    /// The URI of the key.
    pub uri: Option<&'a [u8]>,
    /// The initialization vector; `None` if it follows from the media sequence number.
    pub iv: Option<u128>,
    /// How the key is represented; `identity` by default.
    pub format: &'a [u8],
    /// All attributes.
    pub attributes: Attributes<'a>,
}

impl<'a> Key<'a> {
    pub(super) fn read(attributes: Attributes<'a>) -> Self {
        let method = match attributes.get(b"METHOD").unwrap_or_default() {
            b"NONE" => KeyMethod::None,
            b"AES-128" => KeyMethod::Aes128,
            b"SAMPLE-AES" => KeyMethod::SampleAes,
            other => KeyMethod::Other(other),
        };
        Self {
            method,
            uri: attributes.get(b"URI"),
            iv: attributes.get(b"IV").and_then(hexadecimal),
            format: attributes.get(b"KEYFORMAT").unwrap_or(IDENTITY),
            attributes,
        }
    }
}

/// The keys of a playlist in order, and those that apply at present.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    pub(super) all: Vec<Key<'a>>,
    /// The keys that apply: the last ones of all, unless a segment uses them already.
    current: Range<usize>,
    has_segment: bool,
}

impl<'a> Keys<'a> {
    /// Adds a key, which applies until the next one of its format; the method `NONE`
    /// ends all.
    pub(super) fn add(&mut self, key: Key<'a>) {
        let end = self.all.len();
        if key.method == KeyMethod::None {
            (self.current, self.has_segment) = (end..end, false);
            return;
        }
        if self.has_segment {
            // Earlier segments keep their keys; the other formats still apply.
            self.all.extend_from_within(self.current.clone());
            (self.current, self.has_segment) = (end..self.all.len(), false);
        }
        let same = self.all.iter().skip(self.current.start).position(|k| k.format == key.format);
        if let Some(place) = same {
            self.all.remove(self.current.start + place);
        }
        if self.all.len() - self.current.start < KEY_FORMATS_MAX {
            self.all.push(key);
        }
        self.current.end = self.all.len();
    }

    /// The indices of the keys of the next segment.
    pub(super) fn of_segment(&mut self) -> (usize, usize) {
        self.has_segment = true;
        (self.current.start, self.current.end)
    }
}
