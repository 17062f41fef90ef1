//! The terminal as a part of the loop: keys in, frames out.
//!
//! The terminal is an entry of the event table like any other, and the next frame a
//! deadline like any other. While the terminal has not taken a frame there is no next
//! one: a stalled terminal stalls nothing else.

use std::io;
use std::os::fd::AsFd as _;

use mio::{Interest, Token};

use super::terminal::Terminal;
use crate::reactor::part::Part;
use crate::reactor::registrar::Registrar;
use crate::reactor::table::Owner;
use crate::reactor::turn::{Core, Turn};
use crate::units::Tick;

/// Reads of the terminal in one turn: further input waits for the next.
const READS_PER_TURN: usize = 4;

/// The terminal while the loop runs.
#[derive(Debug)]
pub(in crate::reactor) struct Display {
    terminal: Terminal,
    frame: Vec<u8>,
    tokens: [Token; 2],
}

impl Display {
    /// A display on this terminal, whose events are registered.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub(in crate::reactor) fn new(
        registrar: &mut Registrar,
        terminal: Terminal,
    ) -> io::Result<Self> {
        let Registrar { poll, table, .. } = registrar;
        let registry = poll.registry();
        let both = Interest::READABLE | Interest::WRITABLE;
        let screen = table.insert(registry, terminal.as_fd(), Owner::Terminal, both)?;
        let signals = table.insert(
            registry,
            terminal.signals(),
            Owner::TerminalSignals,
            Interest::READABLE,
        )?;
        Ok(Self { terminal, frame: Vec::new(), tokens: [screen, signals] })
    }

    /// Restores the terminal at the end of the loop.
    pub(in crate::reactor) fn end(self, core: &mut Core) {
        let Registrar { poll, table, .. } = &mut core.registrar;
        for token in self.tokens {
            table.remove(poll.registry(), token);
        }
        drop(self);
        core.journal.share_stderr(false);
    }

    /// Writes the rest of a frame, and reads what was typed. True if there may be more.
    fn exchange(&mut self, turn: &mut Turn<'_>) -> bool {
        for _ in 0..READS_PER_TURN {
            self.terminal.flush();
            let Core { buffer, actions, .. } = &mut *turn.core;
            let typed = self.terminal.read(buffer);
            if typed.is_empty() {
                return false;
            }
            let Some(screen) = turn.application.screen_mut() else { return false };
            for stop in screen.typed(turn.now, typed, actions) {
                turn.ask_stop(stop);
            }
        }
        true
    }

    /// The terminal changed its size, or came back from the background.
    fn take_signals(&mut self, turn: &mut Turn<'_>) {
        if self.terminal.take_signals() {
            turn.core.journal.share_stderr(self.terminal.is_entered());
            if let Some(screen) = turn.application.screen_mut() {
                screen.want_frame();
            }
        }
    }
}

impl Part for Display {
    fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, _: bool) -> bool {
        if owner == Owner::Terminal {
            return self.exchange(turn);
        }
        self.take_signals(turn);
        false
    }

    /// When the next frame is due; `None` while the last one is not written.
    fn deadline(&self, turn: &Turn<'_>) -> Option<Tick> {
        self.terminal.is_clear().then(|| turn.application.screen()?.next_frame()).flatten()
    }

    /// Draws a frame.
    fn due(&mut self, turn: &mut Turn<'_>) {
        let redraw = self.terminal.enter();
        turn.core.journal.share_stderr(self.terminal.is_entered());
        self.frame.clear();
        let size = self.terminal.size();
        if let Some(screen) = turn.application.screen_mut() {
            let (_, mut vitals) = turn.core.with_vitals();
            screen.draw(turn.now, &mut vitals, size, redraw, &mut self.frame);
        }
        if self.terminal.is_entered() {
            self.terminal.write(&self.frame);
        }
    }
}
