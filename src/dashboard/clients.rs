//! The map of clients: one cell per client. If there are more clients than cells, a cell
//! stands for several and shows the one in the worst state.

use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::order::{Filter, Look, Sort};
use super::pen::{FAINT, PLAIN, Pen, STRONG, say};
use super::ui::{Known, Ui};
use crate::measures::words;
use crate::swarm::ClientView;
use crate::units::ClientId;

#[derive(Debug, Clone, Copy)]
struct Shown {
    client: ClientId,
    look: Look,
    attempts: u64,
}

/// The clients that pass the filter, sorted. The vector is reused for every frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowd {
    shown: Vec<Shown>,
}

impl Crowd {
    /// Replaces the clients by their current state.
    pub(super) fn look(&mut self, views: impl Iterator<Item = ClientView>, ui: &Ui) {
        self.shown.clear();
        self.shown.extend(views.filter_map(|view| {
            let look = Look::of(&view);
            let shown = Shown { client: view.client, look, attempts: view.attempts };
            ui.filter.admits(look).then_some(shown)
        }));
        // `views` is sorted by number.
        match ui.sort {
            Sort::Number => {}
            Sort::Trouble => {
                let key = |s: &Shown| (std::cmp::Reverse(s.look), s.client);
                self.shown.sort_unstable_by_key(key);
            }
            Sort::Restarts => {
                let key = |s: &Shown| (std::cmp::Reverse(s.attempts), s.client);
                self.shown.sort_unstable_by_key(key);
            }
        }
    }

    /// The selected client: the worst of its cell if a cell stands for several.
    pub(super) fn selected(&self, ui: &Ui) -> Option<ClientId> {
        if ui.open || ui.known.cell <= 1 {
            return self.shown.get(ui.at).map(|shown| shown.client);
        }
        let cell = self.shown.chunks(ui.known.cell).nth(ui.at / ui.known.cell)?;
        worst(cell).map(|shown| shown.client)
    }

    /// The position of a client in the sorted list.
    pub(super) fn place(&self, client: ClientId) -> Option<usize> {
        self.shown.iter().position(|shown| shown.client == client)
    }

    /// Draws the map and returns its layout.
    pub(super) fn draw(&self, pen: Pen<'_>, ui: &Ui, select: bool) -> Known {
        let mut pen = pen;
        let area = pen.rest();
        let legend = u16::from(area.height > 3);
        let map = Rect { height: area.height - legend, ..area };
        let cells = usize::from(map.width) * usize::from(map.height);
        let each = self.shown.len().div_ceil(cells.max(1)).max(1);
        for (i, cell) in self.shown.chunks(each).enumerate() {
            let (column, row) = (i % usize::from(map.width), i / usize::from(map.width));
            let at = Position { x: map.x + column as u16, y: map.y + row as u16 };
            let Some(worst) = worst(cell) else { continue };
            let (sign, style) = worst.look.sign();
            if let Some(place) = pen.buffer().cell_mut(at) {
                place.set_symbol(sign).set_style(style);
                if select && ui.at / each == i {
                    place.set_style(Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD));
                }
            }
        }
        if legend > 0 {
            self.draw_legend(&mut pen, Rect { y: map.bottom(), height: 1, ..area });
        }
        let (row, shown) = (usize::from(map.width) * each, self.shown.len());
        Known { row, cell: each, shown, ..ui.known }
    }

    /// Explains the signs on the map, with their counts.
    fn draw_legend(&self, pen: &mut Pen<'_>, area: Rect) {
        let mut counts = [0_u64; Look::ALL.len()];
        for shown in &self.shown {
            if let Some(count) = counts.get_mut(shown.look as usize) {
                *count += 1;
            }
        }
        let mut x = area.x;
        for look in Look::ALL {
            let count = counts.get(look as usize).copied().unwrap_or(0);
            let text = format!(" {} {}  ", words::count(count), look.name());
            let width = 1 + text.len() as u16;
            if count == 0 || x + width > area.right() + 2 {
                continue;
            }
            let (sign, style) = look.sign();
            pen.buffer().set_string(x, area.y, sign, style);
            pen.buffer().set_string(x + 1, area.y, text, FAINT);
            x += width;
        }
    }

    /// The title of the frame: the number of clients, the filter and the order.
    pub(super) fn title(&self, ui: &Ui, cells: usize) -> String {
        let shown = words::plural(self.shown.len() as u64, "client");
        let each = self.shown.len().div_ceil(cells.max(1)).max(1);
        let cell = match each {
            1 => String::new(),
            _ => format!(", {each} a cell by the worst"),
        };
        let all = match ui.filter {
            Filter::All => String::new(),
            filter => format!(" {}", filter.name()),
        };
        match ui.sort {
            Sort::Number => format!("{shown}{all}{cell}"),
            sort => format!("{shown}{all} by {}{cell}", sort.name()),
        }
    }

    /// One line about the selected client.
    pub(super) fn about(&self, ui: &Ui) -> Vec<ratatui::text::Span<'static>> {
        let found = self.selected(ui).and_then(|client| self.shown.get(self.place(client)?));
        let Some(shown) = found else { return vec![say("no client matches", FAINT)] };
        let (sign, style) = shown.look.sign();
        vec![
            say("client ", FAINT),
            say(shown.client.to_string(), STRONG),
            say("  ", PLAIN),
            say(sign, style),
            say(format!(" {}, ", shown.look.name()), PLAIN),
            say(words::plural(shown.attempts.saturating_sub(1), "restart"), PLAIN),
            say("   Enter opens, s sorts, f filters", FAINT),
        ]
    }
}

fn worst(cell: &[Shown]) -> Option<&Shown> {
    // The first of equals, so that the selection does not jump.
    cell.iter().reduce(|worst, next| if next.look > worst.look { next } else { worst })
}
