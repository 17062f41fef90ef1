//! Drawing functions for all panes: frames, lines of text, bars, small curves.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget as _};

use crate::units::text::visible;

/// The default of the terminal.
pub(super) const PLAIN: Style = Style::new();
/// Important values.
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
/// Names of values, and frames.
pub(super) const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
/// Good values.
pub(super) const GOOD: Style = Style::new().fg(Color::Green);
/// Warnings.
pub(super) const WARN: Style = Style::new().fg(Color::Yellow);
/// Errors.
pub(super) const BAD: Style = Style::new().fg(Color::Red);
/// Curves and bars that are neither good nor bad.
pub(super) const INK: Style = Style::new().fg(Color::Cyan);

/// Eighths of a cell, from the bottom.
const HEIGHTS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Writes lines into a framed area, from the top, as many as fit.
pub(super) struct Pen<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    y: u16,
}

impl<'a> Pen<'a> {
    /// Draws a frame with this title around the area; returns a pen for the inside.
    pub(super) fn framed(area: Rect, buffer: &'a mut Buffer, title: &str) -> Self {
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(FAINT)
            .title(Span::styled(format!(" {title} "), STRONG));
        let inside = block.inner(area);
        block.render(area, buffer);
        // One empty column on both sides.
        let area =
            Rect { x: inside.x.saturating_add(1), width: inside.width.saturating_sub(2), ..inside };
        Self { buffer, area, y: area.y }
    }

    /// The width in columns.
    pub(super) const fn width(&self) -> usize {
        self.area.width as usize
    }

    /// The number of remaining lines.
    pub(super) const fn left(&self) -> usize {
        self.area.bottom().saturating_sub(self.y) as usize
    }

    /// The remaining area, for drawing cell by cell.
    pub(super) const fn rest(&self) -> Rect {
        let height = self.area.bottom().saturating_sub(self.y);
        Rect { x: self.area.x, y: self.y, width: self.area.width, height }
    }

    /// The cells, for drawing cell by cell.
    pub(super) const fn buffer(&mut self) -> &mut Buffer {
        self.buffer
    }

    /// Writes a line.
    pub(super) fn line<'b>(&mut self, spans: impl IntoIterator<Item = Span<'b>>) {
        if self.left() > 0 {
            let line = Line::from_iter(spans);
            self.buffer.set_line(self.area.x, self.y, &line, self.area.width);
            self.y += 1;
        }
    }

    /// Leaves a line empty.
    pub(super) const fn skip(&mut self) {
        if self.left() > 0 {
            self.y += 1;
        }
    }

    /// Writes a name in a column of this width, followed by its value.
    pub(super) fn row<'b>(
        &mut self,
        name: &'b str,
        width: usize,
        spans: impl IntoIterator<Item = Span<'b>>,
    ) {
        let name = Span::styled(format!("{name:<width$}"), FAINT);
        self.line(std::iter::once(name).chain(spans));
    }

    /// Writes a name, its newest value and a curve of the earlier ones, `lines` tall.
    pub(super) fn curve(
        &mut self,
        name: &str,
        value: &str,
        lines: usize,
        values: impl Iterator<Item = f64> + Clone,
    ) {
        const NAME: usize = 9;
        const VALUE: usize = 12;
        let lines = lines.min(self.left()).max(1);
        let (first, columns) = (self.y, self.width().saturating_sub(NAME + VALUE + 1));
        self.line([
            Span::styled(format!("{name:<NAME$}"), FAINT),
            Span::styled(format!("{value:>VALUE$}"), STRONG),
        ]);
        for _ in 1..lines {
            self.skip();
        }
        let most = values.clone().fold(0.0, f64::max);
        let skipped = values.clone().count().saturating_sub(columns);
        let shown = values.clone().count() - skipped;
        let x = usize::from(self.area.right()).saturating_sub(shown);
        for (i, value) in values.skip(skipped).enumerate() {
            let eighths = if most > 0.0 { value / most * (lines * 8) as f64 } else { 0.0 };
            let mut eighths = eighths.round() as usize;
            for line in (0..lines).rev() {
                let height = HEIGHTS.get(eighths.min(8)).copied().unwrap_or(" ");
                eighths = eighths.saturating_sub(8);
                let (x, y) = ((x + i) as u16, first + line as u16);
                if let Some(cell) = self.buffer.cell_mut(Position { x, y }) {
                    cell.set_symbol(height).set_style(INK);
                }
            }
        }
    }
}

/// A bar of this many columns, filled to this share.
pub(super) fn bar(share: f64, columns: usize, style: Style) -> [Span<'static>; 2] {
    let filled = (share.clamp(0.0, 1.0) * columns as f64).round() as usize;
    [
        Span::styled("█".repeat(filled), style),
        Span::styled("░".repeat(columns.saturating_sub(filled)), FAINT),
    ]
}

/// Text in a style.
pub(super) fn say<'a>(text: impl Into<Cow<'a, str>>, style: Style) -> Span<'a> {
    let text = text.into();
    match visible(&text) {
        Cow::Borrowed(_) => Span::styled(text, style),
        Cow::Owned(shown) => Span::styled(shown, style),
    }
}
