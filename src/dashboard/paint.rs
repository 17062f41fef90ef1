//! Encodes cells as bytes for a terminal: only those that changed since the last frame.
//!
//! Uses absolute moves, the sixteen colours and a few attributes (ECMA-48), which every
//! terminal supports, and synchronized output (mode 2026), which other terminals ignore.
//! Owns no descriptor.

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

/// The frame on the screen and the next one.
#[derive(Debug, Default)]
pub struct Screen {
    shown: Buffer,
    next: Buffer,
    /// Whether the content of the screen is unknown.
    unknown: bool,
    colours: bool,
}

/// The colours and attributes of a cell.
type Look = (Color, Color, Modifier);

impl Screen {
    /// A screen with unknown content.
    #[must_use]
    pub fn new(colours: bool) -> Self {
        Self { unknown: true, colours, ..Self::default() }
    }

    /// Paints the next frame in full.
    pub const fn forget(&mut self) {
        self.unknown = true;
    }

    /// An empty buffer of this size for the next frame.
    pub fn begin(&mut self, width: u16, height: u16) -> &mut Buffer {
        let area = Rect::new(0, 0, width, height);
        if self.next.area != area {
            self.next.resize(area);
        }
        self.next.reset();
        &mut self.next
    }

    /// Appends the bytes that show the drawn frame: none if it equals the last one.
    pub fn paint(&mut self, out: &mut Vec<u8>) {
        let before = out.len();
        let whole = self.unknown || self.shown.area != self.next.area;
        if whole {
            self.unknown = false;
            self.shown.resize(self.next.area);
            self.shown.reset();
            out.extend(b"\x1b[0m\x1b[2J");
        }
        let changed = self.shown.diff(&self.next);
        if changed.is_empty() && !whole {
            return;
        }
        let mut inner = Vec::new();
        let plain = (Color::Reset, Color::Reset, Modifier::empty());
        let (mut look, mut after) = (plain, None);
        for (x, y, cell) in changed {
            if after != Some((x, y)) {
                let _ = write!(inner, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1);
            }
            let wanted = self.look(cell);
            if wanted != look {
                look = wanted;
                sgr(&mut inner, look);
            }
            inner.extend(cell.symbol().as_bytes());
            // Terminals disagree about the width of other symbols.
            after = cell.symbol().is_ascii().then_some((x + 1, y));
        }
        if look != plain {
            inner.extend(b"\x1b[0m");
        }
        out.splice(before..before, *b"\x1b[?2026h");
        out.extend(inner);
        out.extend(b"\x1b[?2026l");
        std::mem::swap(&mut self.shown, &mut self.next);
    }

    /// The text on the screen, line by line.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        let lines = self.shown.content.chunks(usize::from(self.shown.area.width).max(1));
        let texts = lines.map(|line| {
            let text: String = line.iter().map(Cell::symbol).collect();
            text.trim_end().to_owned() + "\n"
        });
        texts.collect()
    }

    const fn look(&self, cell: &Cell) -> Look {
        if self.colours {
            (cell.fg, cell.bg, cell.modifier)
        } else {
            (Color::Reset, Color::Reset, cell.modifier)
        }
    }
}

/// Selects colours and attributes, and resets those before (ECMA-48 §8.3.117).
fn sgr(out: &mut Vec<u8>, (fg, bg, modifier): Look) {
    out.extend(b"\x1b[0");
    for (flag, code) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
    ] {
        if modifier.contains(flag) {
            let _ = write!(out, ";{code}");
        }
    }
    for (colour, base) in [(fg, 30), (bg, 40)] {
        if let Some(number) = number(colour) {
            let _ = write!(out, ";{}", base + number);
        }
    }
    out.push(b'm');
}

/// The number of a colour, with 60 added for the bright ones; `None` for the default.
const fn number(colour: Color) -> Option<u8> {
    Some(match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn painted(screen: &mut Screen, text: &str, style: Style) -> String {
        screen.begin(20, 2).set_string(3, 1, text, style);
        let mut out = Vec::new();
        screen.paint(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_what_changed_is_painted_and_nothing_if_nothing_did() {
        let mut screen = Screen::new(true);
        let whole = painted(&mut screen, "one-two", Style::default());
        assert_eq!(whole, "\x1b[?2026h\x1b[0m\x1b[2J\x1b[2;4Hone-two\x1b[?2026l");
        assert_eq!(painted(&mut screen, "one-two", Style::default()), "");
        let changed = painted(&mut screen, "one-twa", Style::default());
        assert_eq!(changed, "\x1b[?2026h\x1b[2;10Ha\x1b[?2026l");
        screen.forget();
        assert!(painted(&mut screen, "one-twa", Style::default()).contains("one-twa"));
    }

    #[test]
    fn colours_are_the_terminals_own_sixteen_or_none() {
        let style = Style::new().fg(Color::LightRed).bg(Color::Cyan).add_modifier(Modifier::BOLD);
        let colours = painted(&mut Screen::new(true), "x", style);
        assert!(colours.contains("\x1b[0;1;91;46mx\x1b[0m"), "{colours:?}");
        let plain = painted(&mut Screen::new(false), "x", style);
        assert!(plain.contains("\x1b[0;1mx\x1b[0m"), "{plain:?}");
    }

    #[test]
    fn another_size_is_another_screen() {
        let mut screen = Screen::new(true);
        painted(&mut screen, "one", Style::default());
        screen.begin(10, 3).set_string(0, 2, "one", Style::default());
        let mut out = Vec::new();
        screen.paint(&mut out);
        assert!(String::from_utf8(out).unwrap().contains("\x1b[2J\x1b[3;1Hone"));
    }
}
