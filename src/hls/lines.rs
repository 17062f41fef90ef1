//! The lines of a playlist (RFC 8216 §4.1), as slices of its text.
//!
//! Lines end where FFmpeg ends them: at LF, CR or NUL, so CRLF needs no special case.
//! Blank lines are skipped and blanks around a line are removed. Does not know what a
//! tag means.

use memchr::memchr3;

/// The first line of every playlist (§4.3.1.1).
const FIRST_LINE: &[u8] = b"#EXTM3U";

/// A byte order mark. The RFC forbids it, and players ignore it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line with contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A tag: its name, starting with `EXT`, and the text after the first colon.
    Tag(&'a [u8], &'a [u8]),
    /// A URI.
    Uri(&'a [u8]),
}

/// The tags and URIs of a playlist in order; comments and blank lines are left out.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    /// The lines after the first; `None` if the text does not start with `#EXTM3U`.
    pub(super) fn of(text: &'a [u8]) -> Option<Self> {
        let rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let mut lines = Self { rest: rest.strip_prefix(FIRST_LINE)? };
        // The rest of the first line has no meaning.
        lines.next_raw();
        Some(lines)
    }

    /// The next line with its blanks, without its end.
    fn next_raw(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr3(b'\n', b'\r', 0, self.rest).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        loop {
            let line = self.next_raw()?.trim_ascii();
            let Some(comment) = line.strip_prefix(b"#") else {
                if line.is_empty() {
                    continue;
                }
                return Some(Line::Uri(line));
            };
            if comment.starts_with(b"EXT") {
                let (name, value) = split_once(comment, b':').unwrap_or((comment, b""));
                return Some(Line::Tag(name.trim_ascii_end(), value.trim_ascii_start()));
            }
        }
    }
}

/// The text before and after the first `byte`.
pub(super) fn split_once(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The offset of `part` in `whole`, of which it is a slice.
pub(super) fn offset_in(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

#[cfg(test)]
mod tests {
    use super::Line::{Tag, Uri};
    use super::*;

    #[test]
    fn splits_lines_as_ffmpeg_and_keeps_tags_and_uris() {
        let text = b"\xef\xbb\xbf#EXTM3U x=\"y\"\r\n\r\n#EXT-X-A:b:c \t\r#no\n \n#EXT-X-D\n a b \0e\n#EXTINF: 2,";
        let found: Vec<_> = Lines::of(text).unwrap().collect();
        assert_eq!(
            found,
            [
                Tag(b"EXT-X-A", b"b:c"),
                Tag(b"EXT-X-D", b""),
                Uri(b"a b"),
                Uri(b"e"),
                Tag(b"EXTINF", b"2,"),
            ]
        );
        assert_eq!(Lines::of(b"#EXTM3U").unwrap().count(), 0);
        assert_eq!(Lines::of(b"#EXTM3U\na").unwrap().count(), 1);
        for text in [&b""[..], b"\n#EXTM3U\n", b"<html>", b"#EXTM3", b"\xef\xbb#EXTM3U"] {
            assert!(Lines::of(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn finds_the_offset_of_a_slice() {
        let text = b"#EXTM3U\n#EXT-X-A:b\nc\n";
        let at: Vec<_> = Lines::of(text)
            .unwrap()
            .map(|line| match line {
                Tag(_, part) | Uri(part) => offset_in(text, part),
            })
            .collect();
        assert_eq!(at, [17, 19]);
    }
}
