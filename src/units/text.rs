//! Makes foreign text safe to print: terminal controls, characters that change the
//! direction of text and invisible characters are escaped.
//!
//! FFmpeg, a playlist or a file can put any character into the output. The escapes of
//! each output are defined here; `http::redact` masks secrets.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character must be escaped in text for people: control characters (C0, DEL
/// and C1), the marks, embeddings, overrides and isolates of bidirectional text
/// (Unicode UAX #9), line separators, and other characters without a shape (general
/// category Cf) or without a meaning (U+FFFE, U+FFFF).
///
/// The joiners U+200C and U+200D are included: some scripts and emoji need them, but
/// they can also make two different names look the same.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text with hidden characters escaped as in Rust (`\n`, `\u{9b}`); borrowed if
/// there are none. For one line of a terminal, a label or a message.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |out, character| out.extend(character.escape_default()))
}

/// The same, but line ends are kept.
#[must_use]
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    let hides = |character| is_hidden(character) && character != '\n';
    escaped(text, hides, |out, character| out.extend(character.escape_default()))
}

/// A JSON text with the hidden characters in its strings escaped (`\u009b`), which
/// preserves its meaning (RFC 8259 §7). Outside of strings JSON has only blanks of this
/// kind, which are kept.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let hides = |character: char| character >= '\u{7f}' && is_hidden(character);
    escaped(json, hides, |out, character| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// The text with the characters selected by `hides` written by `escape`.
fn escaped(
    text: &str,
    hides: impl Fn(char) -> bool,
    escape: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    let Some(first) = text.find(&hides) else { return Cow::Borrowed(text) };
    let (head, tail) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(head);
    for character in tail.chars() {
        if hides(character) {
            escape(&mut out, character);
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hides_controls_and_invisible_characters() {
        let hidden = "\0\t\n\r\x1b\x7f\u{80}\u{85}\u{9b}\u{9f}\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\
                      \u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{fff9}\
                      \u{ffff}\u{e0041}";
        for character in hidden.chars() {
            assert!(is_hidden(character), "{}", character.escape_unicode());
        }
        for character in " aZ0~\u{a0}é\u{5d0}\u{645}漢😀\u{fffd}".chars() {
            assert!(!is_hidden(character), "{}", character.escape_unicode());
        }
    }

    #[test]
    fn each_output_has_its_escapes() {
        let text = "a\x1b[2J\u{9b}1m\n\u{202e}b";
        assert_eq!(visible(text), "a\\u{1b}[2J\\u{9b}1m\\n\\u{202e}b");
        assert_eq!(visible_lines(text), "a\\u{1b}[2J\\u{9b}1m\n\\u{202e}b");
        assert_eq!(visible_json("[\"\u{9b}\u{e0041}\", 1]\n"), "[\"\\u009b\\udb40\\udc41\", 1]\n");
        assert!(matches!(visible("plain é"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn json_keeps_its_meaning_without_hidden_characters(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let shown = visible_json(&json);
            prop_assert!(!shown.contains(is_hidden));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }

        #[test]
        fn leaves_no_hidden_character(text in any::<String>()) {
            prop_assert!(!visible(&text).contains(is_hidden));
            let lines = visible_lines(&text);
            prop_assert!(!lines.contains(|c| is_hidden(c) && c != '\n'));
            prop_assert_eq!(lines.lines().count(), text.lines().count());
        }
    }
}
