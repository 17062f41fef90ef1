//! The dashboard: draws a snapshot into cells and handles keys.
//!
//! Pure: the input is typed bytes and numbers, the output is bytes for the terminal and
//! orders for the run. Has no terminal, no clock and no environment. Uses the sixteen
//! colours of the terminal and makes no assumption about the background; no information
//! is carried by colour alone.

mod client;
mod clients;
mod errors;
mod experience;
mod exporters;
mod help;
pub mod history;
mod host;
pub mod keys;
mod load;
mod log;
mod order;
mod overview;
pub mod pacing;
pub mod paint;
mod pen;
mod ui;

#[cfg(test)]
mod tests;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use self::clients::Crowd;
use self::history::History;
use self::keys::Key;
use self::paint::Screen;
use self::pen::{BAD, FAINT, PLAIN, Pen, STRONG, WARN};
use self::ui::{Known, Ui};
use crate::measures::{Scene, words};
use crate::stats::Phase;
use crate::swarm::ClientView;
use crate::units::ClientId;
use crate::units::recent_log::RecentLog;

pub use client::Opened;
pub use ui::{Order, Pane};

/// The smallest terminal for the panes, in columns and lines. A smaller one shows only
/// the most important numbers.
pub const SMALLEST: (u16, u16) = (80, 24);

/// Maximum columns and lines that are drawn; the rest stays empty.
pub const LARGEST: (u16, u16) = (400, 150);

/// Lines of the frames in the upper half of the overview.
const UPPER: u16 = 9;

/// The facts that are constant during a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The playlist, credentials masked.
    pub url: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Its duration, if limited.
    pub duration: Option<Duration>,
    /// The upper limit of the target.
    pub room: u32,
}

/// The input of a frame.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The constant facts.
    pub run: &'a Run,
    /// The run at this moment.
    pub scene: &'a Scene<'a>,
    /// The opened client.
    pub opened: Option<&'a Opened>,
    /// The last lines of the log.
    pub log: &'a RecentLog,
}

/// The state of the dashboard between frames.
#[derive(Debug)]
pub struct Dashboard {
    ui: Ui,
    keys: keys::Parser,
    history: History,
    crowd: Crowd,
    screen: Screen,
}

impl Dashboard {
    /// A dashboard without a frame.
    #[must_use]
    pub fn new(colours: bool) -> Self {
        Self {
            ui: Ui::default(),
            keys: keys::Parser::default(),
            history: History::default(),
            crowd: Crowd::default(),
            screen: Screen::new(colours),
        }
    }

    /// Handles typed bytes and appends the orders that result for the run.
    pub fn typed(&mut self, bytes: &[u8], orders: &mut Vec<Order>) {
        let mut typed = Vec::new();
        self.keys.feed(bytes, |key| typed.push(key));
        typed.into_iter().for_each(|key| self.press(key, orders));
    }

    /// Whether an escape is pending that may start a sequence.
    #[must_use]
    pub const fn waits_for_keys(&self) -> bool {
        self.keys.waits()
    }

    /// Handles a pending escape as the Escape key.
    pub fn keys_rest(&mut self) {
        if let Some(key) = self.keys.rest() {
            self.press(key, &mut Vec::new());
        }
    }

    fn press(&mut self, key: Key, orders: &mut Vec<Order>) {
        if key == Key::Ctrl('l') {
            self.screen.forget();
        }
        orders.extend(self.ui.press(key));
    }

    /// Paints the next frame in full, since the content of the screen is unknown.
    pub const fn forget_screen(&mut self) {
        self.screen.forget();
    }

    /// Updates the clients; call it before each frame.
    pub fn look_at(&mut self, views: impl Iterator<Item = ClientView>) {
        self.crowd.look(views, &self.ui);
        let selected = self.crowd.selected(&self.ui);
        if self.ui.open && selected.is_none() {
            self.ui.open = false;
        }
        self.ui.known.selected = selected;
    }

    /// The opened client; the next frame needs its details.
    #[must_use]
    pub fn opened(&self) -> Option<ClientId> {
        self.ui.known.selected.filter(|_| self.ui.open)
    }

    /// Draws a frame for a terminal of this size and appends the bytes to write.
    pub fn draw(&mut self, board: &View<'_>, size: (u16, u16), out: &mut Vec<u8>) {
        self.history.look(board.scene.snapshot, board.scene.health);
        let Self { ui, history, crowd, screen, .. } = self;
        ui.known.target = board.scene.snapshot.target;
        ui.known.room = board.run.room;
        ui.known.held = board.scene.snapshot.ramp_held;
        let buffer = screen.begin(size.0.min(LARGEST.0), size.1.min(LARGEST.1));
        let drawn = Drawing { board, history, crowd, ui }.draw(buffer);
        ui.known = drawn;
        // On the map the selection is a whole cell, whose size may have changed.
        if !ui.open && drawn.cell > 1 {
            ui.at -= ui.at % drawn.cell;
        }
        screen.paint(out);
    }
}

/// One frame.
struct Drawing<'a> {
    board: &'a View<'a>,
    history: &'a History,
    crowd: &'a Crowd,
    ui: &'a Ui,
}

impl Drawing<'_> {
    /// Draws the frame and returns the layout of the map.
    fn draw(&self, buffer: &mut Buffer) -> Known {
        let area = buffer.area;
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            self.draw_small(buffer);
            return self.ui.known;
        }
        self.draw_head(buffer);
        self.draw_foot(buffer);
        let body = Rect { y: 2, height: area.height - 3, ..area };
        if self.ui.help {
            help::draw(Pen::framed(body, buffer, "Keys"));
            return self.ui.known;
        }
        match self.ui.pane {
            Pane::Overview => return self.draw_overview(body, buffer),
            Pane::Clients => return self.draw_clients(body, buffer),
            _ => {}
        }
        // The lines that the pane does not need go to the log.
        let log = (body.height / 4).max(4);
        let (mut main, log) = split(body, body.height - log);
        let pane = self.ui.pane;
        if let Some(side) = self.board.scene.exporters.filter(|_| pane == Pane::Host) {
            let (upper, lower) = split(main, main.height.saturating_sub(exporters::LINES));
            exporters::draw(
                Pen::framed(lower, buffer, "Origin"),
                side,
                self.board.scene.snapshot.now,
            );
            main = upper;
        }
        let pen = Pen::framed(main, buffer, pane.name());
        match pane {
            Pane::Load => load::draw(pen, self.board, self.history),
            Pane::Experience => experience::draw(pen, self.board),
            Pane::Errors => errors::draw(pen, self.board),
            _ => host::draw(pen, self.board, self.history),
        }
        log::draw(Pen::framed(log, buffer, "Log"), self.board.log);
        self.ui.known
    }

    fn draw_overview(&self, body: Rect, buffer: &mut Buffer) -> Known {
        let mut known = self.ui.known;
        let upper = if body.height > 30 { UPPER + 1 } else { UPPER - 1 };
        let (top, rest) = split(body, upper);
        let (middle, rest) = split(rest, upper);
        let [(one, two), (three, four)] = [top, middle].map(halves);
        overview::draw(Pen::framed(one, buffer, "Clients"), self.board);
        load::draw(Pen::framed(two, buffer, "Load"), self.board, self.history);
        experience::draw(Pen::framed(three, buffer, "Experience"), self.board);
        errors::draw(Pen::framed(four, buffer, "Errors"), self.board);
        let mut log = rest;
        if rest.height > 12 {
            let (map, below) = split(rest, rest.height / 2);
            known = self.draw_map(map, buffer, false);
            log = below;
        }
        log::draw(Pen::framed(log, buffer, "Log"), self.board.log);
        known
    }

    fn draw_clients(&self, body: Rect, buffer: &mut Buffer) -> Known {
        if self.ui.open {
            let id = self.ui.known.selected.map_or_else(String::new, |id| format!("Client {id}"));
            client::draw(Pen::framed(body, buffer, &id), self.board);
            return self.ui.known;
        }
        let (map, about) = split(body, body.height - 1);
        let known = self.draw_map(map, buffer, true);
        let ui = Ui { known, ..self.ui.clone() };
        let line = ratatui::text::Line::from(self.crowd.about(&ui));
        buffer.set_line(about.x + 2, about.y, &line, about.width.saturating_sub(4));
        known
    }

    fn draw_map(&self, area: Rect, buffer: &mut Buffer, select: bool) -> Known {
        // The cells inside the frame, above the legend.
        let cells = usize::from(area.width - 4) * usize::from(area.height - 3);
        let title = self.crowd.title(self.ui, cells);
        self.crowd.draw(Pen::framed(area, buffer, &title), self.ui, select)
    }

    /// The playlist, the phase and the time; below them the panes.
    fn draw_head(&self, buffer: &mut Buffer) {
        let snapshot = self.board.scene.snapshot;
        let width = buffer.area.width;
        let bar = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
        buffer.set_style(Rect { height: 1, ..buffer.area }, bar);
        let phase = match snapshot.phase {
            Phase::Before => "starting",
            Phase::Ramp if snapshot.ramp_held => "ramp held",
            Phase::Ramp => "ramp",
            Phase::Hold => "running",
            Phase::Drain => "stopping",
            Phase::Finished => "over",
        };
        let right = format!(" {phase}  {} ", overview::clock(snapshot.elapsed));
        let room = usize::from(width).saturating_sub(right.len());
        let left = format!(" ffmpeg-hls-swarm  {}", self.board.run.url);
        buffer.set_stringn(0, 0, left, room, bar);
        buffer.set_string(room as u16, 0, right, bar);
        let mut x = 1;
        for (i, pane) in Pane::ALL.into_iter().enumerate() {
            let chosen = pane == self.ui.pane && !self.ui.help;
            let style = if chosen { STRONG.add_modifier(Modifier::UNDERLINED) } else { PLAIN };
            let number = format!("{} ", i + 1);
            buffer.set_string(x, 1, &number, FAINT);
            buffer.set_string(x + 2, 1, pane.name(), style);
            x += 2 + pane.name().len() as u16 + 2;
        }
    }

    /// The response to the last key, or a list of keys.
    fn draw_foot(&self, buffer: &mut Buffer) {
        let y = buffer.area.height - 1;
        let (text, style) = match &self.ui.message {
            Some(message) => (message.as_str(), WARN),
            None => {
                ("q stop   Space hold the ramp   + - clients   s sort   f filter   ? keys", FAINT)
            }
        };
        buffer.set_stringn(1, y, text, usize::from(buffer.area.width) - 1, style);
    }

    /// The most important numbers, for a small terminal.
    fn draw_small(&self, buffer: &mut Buffer) {
        let snapshot = self.board.scene.snapshot;
        let (width, height) = (buffer.area.width, buffer.area.height);
        let failed = snapshot.totals.requests.failed();
        let (active, target) = (u64::from(snapshot.active()), u64::from(snapshot.target));
        let lines = [
            (format!("{} clients", words::of_target(active, target)), STRONG),
            (format!("{}, {} stalled", overview::clock(snapshot.elapsed), snapshot.stalled), PLAIN),
            (format!("{failed} failed requests"), if failed > 0 { BAD } else { PLAIN }),
            (format!("{width}x{height} is small; 80x24 shows all"), FAINT),
        ];
        for (y, (line, style)) in (0..height).zip(lines) {
            buffer.set_stringn(0, y, line, usize::from(width), style);
        }
    }
}

/// Splits an area after this many lines.
fn split(area: Rect, lines: u16) -> (Rect, Rect) {
    let lines = lines.min(area.height);
    let upper = Rect { height: lines, ..area };
    (upper, Rect { y: area.y + lines, height: area.height - lines, ..area })
}

fn halves(area: Rect) -> (Rect, Rect) {
    let half = area.width / 2;
    (Rect { width: half, ..area }, Rect { x: area.x + half, width: area.width - half, ..area })
}
