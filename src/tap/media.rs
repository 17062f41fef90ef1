//! Whether a body is media or a playlist, by its first bytes.

/// Bytes that suffice: a byte order mark and `#EXTM3U`. A box of MP4 has its type in the
/// second four.
const LOOK_BYTES: usize = 10;

/// Types of the first boxes of an MP4 file or fragment (ISO/IEC 14496-12).
const BOXES: [&[u8]; 13] = [
    b"ftyp", b"styp", b"moof", b"moov", b"sidx", b"ssix", b"emsg", b"prft", b"free", b"skip",
    b"mdat", b"uuid", b"wide",
];

/// A byte order mark, which may precede a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The first bytes of a body, as far as they were needed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FirstBytes {
    bytes: [u8; LOOK_BYTES],
    length: usize,
}

impl FirstBytes {
    /// Takes the next bytes of the body.
    pub(super) fn take(&mut self, body: &[u8]) {
        let room = self.bytes.get_mut(self.length..).unwrap_or_default();
        let count = room.len().min(body.len());
        for (place, byte) in room.iter_mut().zip(body) {
            *place = *byte;
        }
        self.length += count;
    }

    /// Whether no more bytes are needed.
    pub(super) const fn are_enough(&self) -> bool {
        self.length == LOOK_BYTES
    }

    /// Whether they begin a playlist.
    pub(super) fn are_a_playlist(&self) -> bool {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).starts_with(b"#EXTM3U")
    }

    /// Whether they begin MPEG-TS, MP4, ADTS, MP3, AC-3, E-AC-3, an ID3 tag or WebVTT.
    pub(super) fn are_media(&self) -> bool {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        match bytes {
            // MPEG-TS, and AC-3.
            [0x47, ..] | [0x0b, 0x77, ..] => true,
            // ADTS has layer 0, MP3 another one.
            [0xff, second, ..] if second & 0xe0 == 0xe0 => second & 0xf6 == 0xf0 || second & 6 != 0,
            [b'I', b'D', b'3', ..] => true,
            _ if text.starts_with(b"WEBVTT") => true,
            _ => bytes.get(4..8).is_some_and(|kind| BOXES.contains(&kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_playlists() {
        for (bytes, want) in [
            (&b"#EXTM3U"[..], true),
            (b"\xef\xbb\xbf#EXTM3U\r\n", true),
            (b"#EXTM3", false),
            (b"<html>", false),
        ] {
            let mut first = FirstBytes::default();
            first.take(bytes);
            assert_eq!(first.are_a_playlist(), want, "{bytes:?}");
        }
    }

    fn are_media(bytes: &[u8], piece: usize) -> bool {
        let mut first = FirstBytes::default();
        bytes.chunks(piece).for_each(|piece| first.take(piece));
        assert_eq!(first.are_enough(), bytes.len() >= LOOK_BYTES);
        first.are_media()
    }

    #[test]
    fn recognises_media() {
        for bytes in [
            &b"\x47\x40\x00\x10\x00\x00\xb0\x0d\x00\x01\xc1"[..],
            b"\x00\x00\x00\x1cftypiso5\x00\x00",
            b"\x00\x00\x00\x18stypmsdh\x00\x00",
            b"\x00\x00\x01\x00moof\x00\x00\x00\x10",
            b"\xff\xf1\x50\x80\x01\x7f\xfc",
            b"\xff\xf9\x50\x80",
            b"\xff\xfb\x90\x64",
            b"\x0b\x77\x12\x34",
            b"ID3\x04\x00\x00\x00\x00\x00\x3f",
            b"WEBVTT\n\n",
            b"\xef\xbb\xbfWEBVTT\n",
        ] {
            for piece in 1..=bytes.len() {
                assert!(are_media(bytes, piece), "{bytes:?}");
            }
        }
        for bytes in [
            &b""[..],
            b"<!DOCTYPE html><html>",
            b"<html>",
            b"{\"error\":1}",
            b"#EXTM3U\n#EXT",
            b"\x00\x00\x00\x1cabcdiso5",
            b"\xff",
            b"\xff\xd8\xff\xe0",
            b"WEBVT",
            b"\x00\x00\x00\x00",
        ] {
            assert!(!are_media(bytes, 3), "{bytes:?}");
        }
    }
}
