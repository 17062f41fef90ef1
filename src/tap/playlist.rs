//! A playlist on its way to a client: decoded, rewritten for clients without TLS, and
//! read for the catalogue.

use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use jiff::Timestamp;
use url::Url;

use super::catalogue::{Catalogue, Known};
use super::response::Coding;
use crate::exchange::RequestKind;
use crate::hls::key::KeyMethod;
use crate::hls::media::Media;
use crate::hls::{Document, Master, PlaylistError, Scheme, rewrite};
use crate::http::framing::Framing;
use crate::units::{Wall, nanos};

/// Most bytes of a playlist that is held, and of its text without coding. Playlists of
/// 100,000 segments take less; a longer response passes unread and unchanged.
pub(super) const BYTES_MAX: usize = 8 << 20;

/// The contents of a body with this framing, which may be cut.
pub(super) fn contents(raw: &[u8], framing: Framing) -> Cow<'_, [u8]> {
    let mut framing = framing;
    if !matches!(framing, Framing::ChunkLine { .. }) {
        return Cow::Borrowed(raw);
    }
    let (mut contents, mut rest) = (Vec::with_capacity(raw.len()), raw);
    while let Some((&byte, after)) = rest.split_first() {
        let Some(most) = framing.body_bytes() else {
            // The bytes have been accepted once.
            let Ok(next) = framing.after_byte(byte) else { break };
            (framing, rest) = (next, after);
            continue;
        };
        let count = usize::try_from(most).unwrap_or(usize::MAX).min(rest.len());
        let (piece, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        contents.extend_from_slice(piece);
        framing = framing.after_body(count as u64);
        rest = after;
    }
    Cow::Owned(contents)
}

/// The text without its coding. `None` if it has an unknown coding, is damaged, or is
/// longer than [`BYTES_MAX`]. Of a cut body it is what can be decoded.
pub(super) fn text(contents: &[u8], coding: Coding, is_cut: bool) -> Option<Cow<'_, [u8]>> {
    match coding {
        Coding::Identity => return Some(Cow::Borrowed(contents)),
        Coding::Gzip => inflate(MultiGzDecoder::new(contents), is_cut),
        // Some servers send it without the header of zlib (RFC 9110 §8.4.1.2).
        Coding::Deflate => inflate(ZlibDecoder::new(contents), is_cut)
            .filter(|text| !text.is_empty())
            .or_else(|| inflate(DeflateDecoder::new(contents), is_cut)),
        Coding::Other => None,
    }
    .map(Cow::Owned)
}

fn inflate(decoder: impl Read, is_cut: bool) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let read = decoder.take(BYTES_MAX as u64 + 1).read_to_end(&mut text);
    let is_good = text.len() <= BYTES_MAX && (read.is_ok() || is_cut);
    is_good.then_some(text)
}

/// The text for a client without TLS; the servers that need TLS join the catalogue.
pub(super) fn plain<'a>(text: &'a [u8], base: Scheme, catalogue: &mut Catalogue) -> Cow<'a, [u8]> {
    rewrite(text, |uri| catalogue.plain(uri, base))
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether it starts with `#EXTM3U`.
    pub(super) is_playlist: bool,
    /// The date of the end of its last segment.
    pub(super) end: Option<Wall>,
}

/// Reads a playlist and adds its URIs to the catalogue. `base` is its URL, and both are
/// in the form without TLS.
pub(super) fn learn(text: &[u8], base: &Url, is_cut: bool, catalogue: &mut Catalogue) -> Seen {
    if let Some(end) = catalogue.text_end(base, text) {
        return Seen { is_playlist: true, end };
    }
    let mut learning = Learning { base, catalogue, end: None };
    match Document::read(text) {
        Ok(Document::Master(master)) => learning.master(&master),
        Ok(Document::Media(media)) => learning.media(&media),
        Err(PlaylistError::NotAPlaylist) => return Seen { is_playlist: false, end: None },
        // A playlist that names nothing, or too much.
        Err(_) => return Seen { is_playlist: true, end: None },
    }
    let end = learning.end;
    if !is_cut {
        catalogue.add_text(base, text, end);
    }
    Seen { is_playlist: true, end }
}

/// Additions to the catalogue.
struct Learning<'a> {
    base: &'a Url,
    catalogue: &'a mut Catalogue,
    end: Option<Wall>,
}

impl Learning<'_> {
    fn add(&mut self, uri: &[u8], offset: u64, known: Known) {
        if let Ok(url) = self.base.join(&String::from_utf8_lossy(uri)) {
            self.catalogue.add(&url, offset, known);
        }
    }

    fn master(&mut self, master: &Master<'_>) {
        let variants = master.variants.iter().chain(&master.i_frame_streams);
        let renditions = master.renditions.iter().filter_map(|rendition| rendition.uri);
        for uri in variants.map(|variant| variant.uri).chain(renditions) {
            self.add(uri, 0, Known::of(RequestKind::Playlist));
        }
        for uri in master.session_keys.iter().filter_map(|key| key.uri) {
            self.add(uri, 0, Known::of(RequestKind::Key));
        }
    }

    fn media(&mut self, media: &Media<'_>) {
        let (mut date, mut last_key, mut last_map) = (None, None, None);
        for segment in &media.segments {
            date = segment.program_date_time.map(nanos_of).or(date);
            let keys = media.keys(segment);
            let opaque = keys
                .iter()
                .any(|key| !matches!(key.method, KeyMethod::None | KeyMethod::SampleAes));
            for uri in keys.iter().filter_map(|key| key.uri) {
                if last_key.replace(uri) != Some(uri) {
                    self.add(uri, 0, Known::of(RequestKind::Key));
                }
            }
            if let Some(map) = segment.map
                && last_map.replace(map) != Some(map)
            {
                let offset = map.byte_range.map_or(0, |range| range.offset);
                let known = Known { opaque, ..Known::of(RequestKind::Init) };
                self.add(map.uri, offset, known);
            }
            let known = Known {
                kind: RequestKind::Segment,
                opaque,
                media: Some(segment.duration).filter(|it| *it > Duration::ZERO),
                date: date.and_then(wall),
            };
            self.add(segment.uri, segment.byte_range.map_or(0, |range| range.offset), known);
            date = date.map(|date| date.saturating_add(i128::from(nanos(segment.duration))));
        }
        self.end = date.and_then(wall);
    }
}

fn nanos_of(date: Timestamp) -> i128 {
    date.as_nanosecond()
}

/// A date from 1970 to 2554.
fn wall(nanos: i128) -> Option<Wall> {
    u64::try_from(nanos).ok().map(Wall::from_unix_nanos)
}

#[cfg(test)]
mod tests;
