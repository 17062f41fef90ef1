//! Attribute lists of tags (RFC 8216 §4.2), parsed as tolerantly as by FFmpeg.
//!
//! A quoted value ends at the next quote, any other at a comma or a blank. Quotes may
//! be missing, also only the last one. An element without `=` is skipped.
//! be left out, and the last quote may be missing. An element without `=` is passed over.

use memchr::{memchr, memrchr};

use super::lines::split_once;

/// An attribute list: everything after the colon of a tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes<'a>(&'a [u8]);

/// An attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its name, such as `BANDWIDTH`.
    pub name: &'a [u8],
    /// Its value without the quotes.
    pub value: &'a [u8],
    /// Whether the value is quoted.
    pub quoted: bool,
}

impl<'a> Attributes<'a> {
    /// The list in this text.
    #[must_use]
    pub const fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// The value of the last attribute of this name, which FFmpeg uses as well.
    #[must_use]
    pub fn get(self, name: &[u8]) -> Option<&'a [u8]> {
        self.filter(|found| found.name == name).last().map(|found| found.value)
    }

    /// Whether the value of this attribute is `YES`.
    #[must_use]
    pub fn is_yes(self, name: &[u8]) -> bool {
        self.get(name) == Some(b"YES")
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let (before, after) = split_once(self.0, b'=')?;
        // Text without a `=` of its own ends at a comma.
        let name = memrchr(b',', before).and_then(|comma| before.get(comma + 1..));
        let name = name.unwrap_or(before).trim_ascii();
        let quoted = after.first() == Some(&b'"');
        let value = if quoted { after.get(1..)? } else { after };
        let end = if quoted {
            memchr(b'"', value)
        } else {
            value.iter().position(|&byte| byte == b',' || byte.is_ascii_whitespace())
        };
        let (value, rest) = value.split_at_checked(end.unwrap_or(value.len()))?;
        self.0 = if quoted { rest.get(1..).unwrap_or_default() } else { rest };
        Some(Attribute { name, value, quoted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_attributes_as_ffmpeg_does() {
        for (text, want) in [
            ("", &[][..]),
            ("A=1", &[("A", "1")]),
            ("A=1,B=\"2,3=4\",C=x", &[("A", "1"), ("B", "2,3=4"), ("C", "x")]),
            (" A=1 , B=2\t", &[("A", "1"), ("B", "2")]),
            (",,A=1,,B=2,", &[("A", "1"), ("B", "2")]),
            ("A=,B=\"\",C", &[("A", ""), ("B", "")]),
            ("C,A=1", &[("A", "1")]),
            ("A=\"open,B=1", &[("A", "open,B=1")]),
            ("A=\"1\"B=2", &[("A", "1"), ("B", "2")]),
            ("URI=a.key?x=y,IV=0xab", &[("URI", "a.key?x=y"), ("IV", "0xab")]),
        ] {
            let found: Vec<_> = Attributes::new(text.as_bytes())
                .map(|a| (str::from_utf8(a.name).unwrap(), str::from_utf8(a.value).unwrap()))
                .collect();
            assert_eq!(found, want, "{text}");
        }
        let twice = Attributes::new(b"A=1,A=\"YES\"");
        assert_eq!(twice.get(b"A"), Some(&b"YES"[..]));
        assert!(twice.is_yes(b"A") && !twice.is_yes(b"B"));
    }
}
