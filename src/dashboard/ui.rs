//! The state of the user interface, and how keys change it. Orders for the run are
//! returned.

use super::keys::Key;
use super::order::{Filter, Sort};
use crate::units::ClientId;

/// A pane, which can fill the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// An extract of all panes.
    #[default]
    Overview,
    /// Requests and traffic.
    Load,
    /// What viewers would have experienced.
    Experience,
    /// Failures.
    Errors,
    /// The map of clients.
    Clients,
    /// The use of this host.
    Host,
}

impl Pane {
    /// All panes, in the order of their keys.
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

/// A request of the user to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Stop; the second time, at once.
    Quit,
    /// Hold (`true`) or resume the first starts.
    HoldRamp(bool),
    /// Set the target number of clients.
    Target(u32),
}

/// The state of the run at the last frame, which decides what keys do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known {
    pub(super) target: u32,
    pub(super) room: u32,
    pub(super) held: bool,
    /// Clients per row of the map.
    pub(super) row: usize,
    /// Clients per cell of it.
    pub(super) cell: usize,
    /// Clients on it.
    pub(super) shown: usize,
    /// The selected client.
    pub(super) selected: Option<ClientId>,
}

/// The state of the user interface.
#[derive(Debug, Clone, Default)]
pub(super) struct Ui {
    pub(super) pane: Pane,
    pub(super) help: bool,
    pub(super) sort: Sort,
    pub(super) filter: Filter,
    /// The position of the selected client in the sorted list.
    pub(super) at: usize,
    /// Whether the selected client fills the pane.
    pub(super) open: bool,
    /// The response to the last key.
    pub(super) message: Option<String>,
    pub(super) known: Known,
}

impl Ui {
    /// Handles a key; returns the order for the run, if any.
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
                self.message =
                    Some("stopping; press q again to kill every client at once".to_owned());
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

    /// Sets order and filter, and selects the first client.
    const fn arrange(&mut self, sort: Sort, filter: Filter) {
        self.show(Pane::Clients);
        (self.sort, self.filter, self.at) = (sort, filter, 0);
    }

    /// Moves the selection to another client, on the map to another cell.
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
            self.message = Some(format!("no more than {room}: the limit was fixed at the start"));
            return None;
        }
        Some(self.aim(target.saturating_add(step(target)).min(room)))
    }

    fn fewer(&mut self) -> Option<Order> {
        let target = self.known.target;
        if target <= 1 {
            self.message = Some("at least one client must run; q stops the run".to_owned());
            return None;
        }
        Some(self.aim(target - step(target - 1).min(target - 1)))
    }

    /// Sets the target here too, so that keys before the next frame add up.
    const fn aim(&mut self, target: u32) -> Order {
        self.known.target = target;
        Order::Target(target)
    }
}

/// The step of one key: a round number that grows with the target.
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
    fn numbers_tab_and_arrows_select_panes() {
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
    fn arrows_move_between_cells_or_between_opened_clients() {
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
    fn orders_are_returned_and_any_key_closes_help() {
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
