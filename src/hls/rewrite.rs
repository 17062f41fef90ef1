//! Rewrites every URI in a playlist and keeps every other byte.
//!
//! URIs are the lines of segments and variants, and the attribute `URI` of every
//! `EXT-X-` tag, known or not: keys, initialization sections, renditions, I-frame
//! streams, session data, parts, hints and reports. Knows neither the replacements nor
//! the source of the playlist.

use std::borrow::Cow;

use super::attributes::Attributes;
use super::lines::{Line, Lines, offset_in};

/// The attribute with the URI, in every tag that has one (RFC 8216 §4.3).
const URI: &[u8] = b"URI";

/// The kind of place of a URI in a playlist, which determines what ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Line,
    Quoted,
    Unquoted,
}

impl Place {
    /// Whether a URI cannot contain this byte here, since the byte would end it or
    /// change its meaning.
    fn excludes(self, byte: u8, is_first: bool) -> bool {
        match self {
            _ if matches!(byte, b'\n' | b'\r' | 0) => true,
            Self::Line => is_first && byte == b'#',
            Self::Quoted => byte == b'"',
            Self::Unquoted if byte == b'"' => is_first,
            Self::Unquoted => byte == b',' || byte.is_ascii_whitespace(),
        }
    }
}

/// The playlist with each URI replaced by the result of `map`; `None` keeps it.
///
/// `map` receives the URI as written, relative or absolute, in the order of the text.
/// In its result, bytes that would end the URI are percent-encoded. A text that does
/// not start with `#EXTM3U` is not a playlist and is returned unchanged. Takes time
/// linear in the text, and allocates only if a URI changes.
pub fn rewrite<N: AsRef<[u8]>>(
    text: &[u8],
    mut map: impl FnMut(&[u8]) -> Option<N>,
) -> Cow<'_, [u8]> {
    let mut rewriting = Rewriting { text, copied: 0, out: Vec::new() };
    for line in Lines::of(text).into_iter().flatten() {
        match line {
            Line::Uri(uri) => rewriting.replace(uri, Place::Line, map(uri)),
            Line::Tag(name, list) if name.starts_with(b"EXT-X-") => {
                for found in Attributes::new(list).filter(|found| found.name == URI) {
                    let place = if found.quoted { Place::Quoted } else { Place::Unquoted };
                    rewriting.replace(found.value, place, map(found.value));
                }
            }
            Line::Tag(..) => {}
        }
    }
    rewriting.finish()
}

/// A copy in progress, with replacements.
struct Rewriting<'a> {
    text: &'a [u8],
    /// Bytes of the text that are copied or replaced.
    copied: usize,
    out: Vec<u8>,
}

impl<'a> Rewriting<'a> {
    /// Replaces `uri`, a slice of the text after all earlier ones, by `new`.
    fn replace<N: AsRef<[u8]>>(&mut self, uri: &[u8], place: Place, new: Option<N>) {
        let Some(new) = new else { return };
        let new = new.as_ref();
        if new == uri {
            return;
        }
        if self.out.capacity() == 0 {
            // Half the length on top: replacements are rarely longer than that.
            self.out.reserve(self.text.len() + self.text.len() / 2);
        }
        let start = offset_in(self.text, uri);
        self.out.extend_from_slice(self.text.get(self.copied..start).unwrap_or_default());
        self.copied = start + uri.len();
        for (at, &byte) in new.iter().enumerate() {
            if place.excludes(byte, at == 0) {
                self.out.extend_from_slice(&percent_encoded(byte));
            } else {
                self.out.push(byte);
            }
        }
    }

    fn finish(mut self) -> Cow<'a, [u8]> {
        if self.copied == 0 {
            return Cow::Borrowed(self.text);
        }
        self.out.extend_from_slice(self.text.get(self.copied..).unwrap_or_default());
        Cow::Owned(self.out)
    }
}

/// `%XX` (RFC 3986 §2.1).
fn percent_encoded(byte: u8) -> [u8; 3] {
    let digit = |value: u8| value + if value < 10 { b'0' } else { b'A' - 10 };
    [b'%', digit(byte >> 4), digit(byte & 15)]
}

#[cfg(test)]
mod tests;
