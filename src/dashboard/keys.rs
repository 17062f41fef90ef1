//! Parses the bytes of a terminal into keys.
//!
//! The bytes may arrive in any pieces. Malformed sequences and keys without a function
//! are skipped whole. Has no clock: the caller decides after a time-out that an escape
//! is the Escape key.

/// A key with a possible function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character, with Shift applied.
    Char(char),
    /// A letter with Ctrl, as `a` to `z`.
    Ctrl(char),
    /// Return or Enter.
    Enter,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Escape, alone.
    Escape,
    /// Backspace.
    Backspace,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
}

/// Maximum bytes of a control sequence; longer ones have no function here.
const SEQUENCE_BYTES: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Ground,
    /// After an escape.
    Escape,
    /// After `ESC [` (ECMA-48 §5.4), with its bytes so far.
    Control { bytes: [u8; SEQUENCE_BYTES], length: usize },
    /// After `ESC O`, which some terminals send before an arrow.
    Single,
    /// Within a character of UTF-8: its bytes so far, and the number of missing ones.
    Text { value: u32, left: u8 },
}

/// The state between two reads.
#[derive(Debug, Clone, Default)]
pub struct Parser {
    stage: Stage,
}

impl Parser {
    /// Parses bytes and calls `each` for every complete key.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(Key)) {
        for &byte in bytes {
            if let Some(key) = self.take(byte) {
                each(key);
            }
        }
    }

    /// Whether the last byte was an escape, which may be a key or start a sequence.
    #[must_use]
    pub const fn waits(&self) -> bool {
        !matches!(self.stage, Stage::Ground)
    }

    /// Ends the wait for further bytes: a pending escape is returned as a key, and any
    /// other incomplete sequence is dropped.
    pub fn rest(&mut self) -> Option<Key> {
        let stage = std::mem::take(&mut self.stage);
        (stage == Stage::Escape).then_some(Key::Escape)
    }

    fn take(&mut self, byte: u8) -> Option<Key> {
        let (stage, key) = match self.stage {
            Stage::Ground => ground(byte),
            Stage::Escape => match byte {
                b'[' => (Stage::Control { bytes: [0; SEQUENCE_BYTES], length: 0 }, None),
                b'O' => (Stage::Single, None),
                0x1b => (Stage::Escape, Some(Key::Escape)),
                // A key with Alt has no function.
                _ => (Stage::Ground, None),
            },
            // Enter of the keypad.
            Stage::Single if byte == b'M' => (Stage::Ground, Some(Key::Enter)),
            Stage::Single => (Stage::Ground, arrow(byte)),
            Stage::Control { bytes, length } => control(bytes, length, byte),
            Stage::Text { value, left } => match byte {
                0x80..=0xbf => text(value << 6 | u32::from(byte & 0x3f), left - 1),
                // The sequence is incomplete; this escape starts a new one.
                _ => ground(byte),
            },
        };
        self.stage = stage;
        key
    }
}

fn ground(byte: u8) -> (Stage, Option<Key>) {
    let key = match byte {
        0x1b => return (Stage::Escape, None),
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x08 | 0x7f => Key::Backspace,
        0x01..=0x1a => Key::Ctrl(char::from(byte - 1 + b'a')),
        b' '..=b'~' => Key::Char(char::from(byte)),
        0xc2..=0xdf => return text(u32::from(byte & 0x1f), 1),
        0xe0..=0xef => return text(u32::from(byte & 0x0f), 2),
        0xf0..=0xf4 => return text(u32::from(byte & 0x07), 3),
        _ => return (Stage::Ground, None),
    };
    (Stage::Ground, Some(key))
}

fn text(value: u32, left: u8) -> (Stage, Option<Key>) {
    match left {
        0 => (Stage::Ground, char::from_u32(value).map(Key::Char)),
        _ => (Stage::Text { value, left }, None),
    }
}

fn control(mut bytes: [u8; SEQUENCE_BYTES], length: usize, byte: u8) -> (Stage, Option<Key>) {
    match byte {
        0x1b => (Stage::Escape, None),
        0x40..=0x7e => {
            let parameters = bytes.get(..length).unwrap_or_default();
            (Stage::Ground, meaning(parameters, byte))
        }
        0x20..=0x3f => {
            if let Some(slot) = bytes.get_mut(length) {
                *slot = byte;
                return (Stage::Control { bytes, length: length + 1 }, None);
            }
            (Stage::Control { bytes, length }, None)
        }
        _ => (Stage::Ground, None),
    }
}

/// The key of a sequence, with or without modifiers (`1;5A` is Ctrl and up).
fn meaning(parameters: &[u8], end: u8) -> Option<Key> {
    let first = parameters.split(|&byte| byte == b';').next().unwrap_or_default();
    match (end, first) {
        (b'Z', _) => Some(Key::BackTab),
        (b'~', b"1" | b"7") => Some(Key::Home),
        (b'~', b"4" | b"8") => Some(Key::End),
        (b'~', b"5") => Some(Key::PageUp),
        (b'~', b"6") => Some(Key::PageDown),
        _ => arrow(end),
    }
}

const fn arrow(byte: u8) -> Option<Key> {
    match byte {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'H' => Some(Key::Home),
        b'F' => Some(Key::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(pieces: &[&[u8]]) -> Vec<Key> {
        let (mut parser, mut keys) = (Parser::default(), Vec::new());
        for piece in pieces {
            parser.feed(piece, |key| keys.push(key));
        }
        keys.extend(parser.rest());
        keys
    }

    #[test]
    fn sequences_of_terminals_are_distinguished() {
        let cases: [(&[u8], &[Key]); 14] = [
            (b"q+?", &[Key::Char('q'), Key::Char('+'), Key::Char('?')]),
            (b"\x1b[A\x1b[B\x1b[C\x1b[D", &[Key::Up, Key::Down, Key::Right, Key::Left]),
            (b"\x1bOA\x1bOD", &[Key::Up, Key::Left]),
            (b"\x1b[1;5A", &[Key::Up]),
            (b"\x1b[5~\x1b[6~", &[Key::PageUp, Key::PageDown]),
            (b"\x1b[H\x1b[4~", &[Key::Home, Key::End]),
            (b"\x1b[Z\t", &[Key::BackTab, Key::Tab]),
            (b"\r\n\x7f\x08", &[Key::Enter, Key::Enter, Key::Backspace, Key::Backspace]),
            (b"\x03\x0c", &[Key::Ctrl('c'), Key::Ctrl('l')]),
            (b"\x1b", &[Key::Escape]),
            (b"\x1b\x1b", &[Key::Escape, Key::Escape]),
            // A mouse event, a bracketed paste and a key with Alt are skipped whole.
            (b"\x1b[<0;10;20M\x1b[200~\x1bqx", &[Key::Char('x')]),
            ("é→q".as_bytes(), &[Key::Char('é'), Key::Char('→'), Key::Char('q')]),
            (b"\xe2\x86q\xff", &[Key::Char('q')]),
        ];
        for (bytes, want) in cases {
            assert_eq!(keys(&[bytes]), want, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn an_escape_waits_for_what_may_follow() {
        let mut parser = Parser::default();
        parser.feed(b"\x1b", |key| panic!("{key:?}"));
        assert!(parser.waits());
        assert_eq!(parser.rest(), Some(Key::Escape));
        assert!(!parser.waits());
        parser.feed(b"\x1b[1", |key| panic!("{key:?}"));
        assert_eq!(parser.rest(), None);
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same_keys(
            bytes in prop::collection::vec(
                prop_oneof![Just(0x1b), Just(b'['), Just(b'O'), any::<u8>()], 0..60),
            cut in 0..60_usize,
        ) {
            let (before, after) = bytes.split_at(cut.min(bytes.len()));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(keys(&[before, after]), keys(&[&bytes]));
            prop_assert_eq!(keys(&single), keys(&[&bytes]));
        }

        #[test]
        fn plain_characters_are_themselves(text in "[ -~àéü→█]{0,40}") {
            let typed: Vec<Key> = text.chars().map(Key::Char).collect();
            prop_assert_eq!(keys(&[text.as_bytes()]), typed);
        }
    }
}
