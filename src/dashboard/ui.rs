//! What is looked at, and what keys do to that. Orders for the run are handed on.

use super::keys::Key;
use super::order::{Filter, Sort};
use crate::units::ClientId;

/// A part of the dashboard that can fill it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// A little of everything.
    #[default]
    Overview,
    /// What is asked of the origin.
    Load,
    /// What viewers would have felt.
    Experience,
    /// What failed.
    Errors,
    /// Every client.
    Clients,
    /// What it costs this host.
    Host,
}

impl Pane {
    /// Every pane, in the order of its key.
    pub const ALL: [Self; 6] =
        [Self::Overview, Self::Load, Self::Experience, Self::Errors, Self::Clients, Self::Host];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Load => "Load",
            Self::Experience => "Experience",
            Self::Errors => "Errors",
            Self::Clients => "Clients",
            Self::Host => "Host",
        }
    }

    fn next(self, step: usize) -> Self {
        let count = Self::ALL.len();
        Self::ALL.get((self as usize + step) % count).copied().unwrap_or_default()
    }
}

/// What a key asks of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Stop; asked twice, at once.
    Quit,
    /// Hold the first starts, or let them go on.
    HoldRamp(bool),
    /// Keep up so many clients.
    Target(u32),
}

/// What the run said when it was drawn last, which keys are understood by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known {
    pub(super) target: u32,
    pub(super) room: u32,
    pub(super) held: bool,
    /// Clients in a row of the map.
    pub(super) row: usize,
    /// Clients in a cell of it.
    pub(super) cell: usize,
    /// Clients in it.
    pub(super) shown: usize,
    /// The client that is selected, and its neighbours.
    pub(super) selected: Option<ClientId>,
}

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Ui {
    pub(super) pane: Pane,
    pub(super) help: bool,
    pub(super) sort: Sort,
    pub(super) filter: Filter,
    /// The place of the selected client in the order that is shown.
    pub(super) at: usize,
    /// Whether the selected client fills the pane.
    pub(super) open: bool,
    /// A word to whoever pressed a key.
    pub(super) message: Option<String>,
    pub(super) known: Known,
}

impl Ui {
    /// Takes a key; the order for the run, if it is one.
    pub(super) fn press(&mut self, key: Key) -> Option<Order> {
        self.message = None;
        if self.help {
            self.help = false;
            if key != Key::Char('q') {
                return None;
            }
        }
        match key {
            Key::Char('q') => {
                self.message = Some("stopping; q again ends every client at once".to_owned());
                return Some(Order::Quit);
            }
            Key::Char(' ' | 'p') => {
                self.known.held = !self.known.held;
                return Some(Order::HoldRamp(self.known.held));
            }
            Key::Char('+' | '=') => return self.more(),
            Key::Char('-' | '_') => return self.fewer(),
            Key::Char('?' | 'h') => self.help = true,
            Key::Char('s') => self.arrange(self.sort.next(), self.filter),
            Key::Char('f') => self.arrange(self.sort, self.filter.next()),
            Key::Char(digit @ '1'..='6') => {
                let place = digit.to_digit(10).map_or(0, |digit| digit as usize - 1);
                self.show(Pane::Overview.next(place));
            }
            Key::Tab => self.show(self.pane.next(1)),
            Key::BackTab => self.show(self.pane.next(Pane::ALL.len() - 1)),
            Key::Escape | Key::Backspace if self.open => self.open = false,
            Key::Escape | Key::Backspace => self.show(Pane::Overview),
            Key::Enter if self.pane == Pane::Clients => self.open = self.known.selected.is_some(),
            _ if self.pane == Pane::Clients => self.walk(key),
            Key::Right => self.show(self.pane.next(1)),
            Key::Left => self.show(self.pane.next(Pane::ALL.len() - 1)),
            _ => {}
        }
        None
    }

    const fn show(&mut self, pane: Pane) {
        self.pane = pane;
        self.open = false;
    }

    /// Shows the clients in another order.
    const fn arrange(&mut self, sort: Sort, filter: Filter) {
        self.show(Pane::Clients);
        (self.sort, self.filter, self.at) = (sort, filter, 0);
    }

    /// Goes from client to client; in the map from cell to cell.
    fn walk(&mut self, key: Key) {
        let Known { row, cell, shown, .. } = self.known;
        let last = shown.saturating_sub(1);
        let (step, row) = if self.open { (1, 1) } else { (cell.max(1), row.max(1)) };
        let page = row * 8;
        self.at = match key {
            Key::Right => self.at + step,
            Key::Left => self.at.saturating_sub(step),
            Key::Down => self.at + row,
            Key::Up => self.at.saturating_sub(row),
            Key::PageDown => self.at + page,
            Key::PageUp => self.at.saturating_sub(page),
            Key::Home => 0,
            Key::End => last,
            _ => self.at,
        };
        self.at = self.at.min(last);
        if !self.open {
            self.at -= self.at % step;
        }
    }

    fn more(&mut self) -> Option<Order> {
        let Known { target, room, .. } = self.known;
        if target >= room {
            self.message =
                Some(format!("no more than {room}: room was made for that at the start"));
            return None;
        }
        Some(self.aim(target.saturating_add(step(target)).min(room)))
    }

    fn fewer(&mut self) -> Option<Order> {
        let target = self.known.target;
        if target <= 1 {
            self.message = Some("one client is the least; q stops the run".to_owned());
            return None;
        }
        Some(self.aim(target - step(target - 1).min(target - 1)))
    }

    /// A key that follows before the next frame goes on from there.
    const fn aim(&mut self, target: u32) -> Order {
        self.known.target = target;
        Order::Target(target)
    }
}

/// How far one key changes the target: a tenth or less of it, and a round number.
const fn step(target: u32) -> u32 {
    match target {
        0..20 => 1,
        20..200 => 10,
        200..2_000 => 100,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ui() -> Ui {
        let known = Known { target: 10, room: 12, row: 20, cell: 2, shown: 45, ..Known::default() };
        Ui { known, ..Ui::default() }
    }

    #[test]
    fn panes_come_by_number_by_tab_and_by_arrow() {
        let mut ui = ui();
        for (key, pane) in [
            (Key::Char('3'), Pane::Experience),
            (Key::Tab, Pane::Errors),
            (Key::Right, Pane::Clients),
            (Key::BackTab, Pane::Errors),
            (Key::Left, Pane::Experience),
            (Key::Char('6'), Pane::Host),
            (Key::Tab, Pane::Overview),
            (Key::Char('s'), Pane::Clients),
            (Key::Escape, Pane::Overview),
        ] {
            assert_eq!(ui.press(key), None);
            assert_eq!(ui.pane, pane, "{key:?}");
        }
    }

    #[test]
    fn the_target_goes_up_to_the_room_and_down_to_one() {
        let mut ui = ui();
        for (target, room, more, fewer) in [
            (10, 12, Some(11), Some(9)),
            (12, 12, None, Some(11)),
            (1, 12, Some(2), None),
            (100, 9_000, Some(110), Some(90)),
            (1_000, 1_050, Some(1_050), Some(900)),
            (20, 30, Some(30), Some(19)),
            (5_000, 9_000, Some(5_500), Some(4_500)),
        ] {
            (ui.known.target, ui.known.room) = (target, room);
            assert_eq!(ui.press(Key::Char('+')), more.map(Order::Target), "{target}");
            assert_eq!(ui.message.is_some(), more.is_none());
            ui.known.target = target;
            assert_eq!(ui.press(Key::Char('-')), fewer.map(Order::Target), "{target}");
            assert_eq!(ui.message.is_some(), fewer.is_none());
        }
    }

    #[test]
    fn arrows_go_from_cell_to_cell_and_inside_from_client_to_client() {
        let mut ui = ui();
        ui.press(Key::Char('5'));
        for (key, at) in [
            (Key::Right, 2),
            (Key::Down, 22),
            (Key::Left, 20),
            (Key::Up, 0),
            (Key::Up, 0),
            (Key::End, 44),
            (Key::Right, 44),
            (Key::PageUp, 0),
        ] {
            ui.press(key);
            assert_eq!(ui.at, at, "{key:?}");
        }
        ui.known.selected = Some(ClientId::new(0));
        ui.press(Key::Enter);
        ui.press(Key::Right);
        assert!(ui.open && ui.at == 1);
        ui.press(Key::Escape);
        assert!(!ui.open && ui.pane == Pane::Clients);
    }

    #[test]
    fn orders_are_handed_on_and_help_closes_with_any_key() {
        let mut ui = ui();
        assert_eq!(ui.press(Key::Char(' ')), Some(Order::HoldRamp(true)));
        assert_eq!(ui.press(Key::Char('p')), Some(Order::HoldRamp(false)));
        ui.press(Key::Char('?'));
        assert!(ui.help);
        assert_eq!(ui.press(Key::Char('+')), None);
        assert!(!ui.help);
        assert_eq!(ui.press(Key::Char('q')), Some(Order::Quit));
    }
}
