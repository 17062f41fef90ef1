//! What the loop does about the terminal: keys in, frames out.
//!
//! The terminal is an entry of the event table like any other, and the next frame a
//! deadline like any other. While a frame waits for the terminal to take it there is
//! no next one: a stalled terminal stalls nothing else.

use std::io;
use std::os::fd::AsFd as _;

use mio::{Interest, Token};

use super::signals::StopSignal;
use super::stops::Request;
use super::terminal::Terminal;
use crate::reactor::registrar::Registrar;
use crate::reactor::table::Owner;
use crate::reactor::{Application, Reactor, Vitals};
use crate::swarm::Input;
use crate::units::Tick;

/// Reads of the terminal in one turn: what is typed faster waits for the next.
const READS_PER_TURN: usize = 4;

/// The terminal while the loop runs.
#[derive(Debug)]
pub(in crate::reactor) struct Display {
    terminal: Terminal,
    frame: Vec<u8>,
    tokens: [Token; 2],
}

impl Display {
    /// When the next frame is due; `None` while the last one is not written.
    pub(in crate::reactor) fn next_frame(&self, application: &dyn Application) -> Option<Tick> {
        self.terminal.is_clear().then(|| application.screen()?.next_frame()).flatten()
    }
}

impl Reactor {
    /// Shows what the application draws, from the start of the loop to its end.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn show_on(&mut self, terminal: Terminal) -> io::Result<()> {
        let Registrar { poll, table, .. } = &mut self.registrar;
        let registry = poll.registry();
        let both = Interest::READABLE | Interest::WRITABLE;
        let screen = table.insert(registry, terminal.as_fd(), Owner::Terminal, both)?;
        let signals = table.insert(
            registry,
            terminal.signals(),
            Owner::TerminalSignals,
            Interest::READABLE,
        )?;
        let tokens = [screen, signals];
        self.display = Some(Display { terminal, frame: Vec::new(), tokens });
        Ok(())
    }

    /// Gives the terminal back.
    pub(in crate::reactor) fn end_display(&mut self) {
        if let Some(display) = self.display.take() {
            let Registrar { poll, table, .. } = &mut self.registrar;
            for token in display.tokens {
                table.remove(poll.registry(), token);
            }
            drop(display);
            self.journal.share_stderr(false);
        }
    }

    /// The terminal took something, or something was typed. True if there may be more.
    pub(in crate::reactor) fn tend_terminal(
        &mut self,
        now: Tick,
        application: &mut dyn Application,
    ) -> bool {
        for _ in 0..READS_PER_TURN {
            let Some(display) = &mut self.display else { return false };
            display.terminal.flush();
            let typed = display.terminal.read(&mut self.buffer);
            if typed.is_empty() {
                return false;
            }
            let Some(screen) = application.screen_mut() else { return false };
            for stop in screen.typed(now, typed, &mut self.actions) {
                self.ask_stop(now, stop, application);
            }
        }
        true
    }

    /// A signal or a key asks us to stop.
    pub(in crate::reactor) fn ask_stop(
        &mut self,
        now: Tick,
        stop: StopSignal,
        application: &mut dyn Application,
    ) {
        tracing::info!(signal = stop.name(), "received_signal");
        let input = match self.stops.hear(now, stop) {
            Request::Stop => Input::StopAsked,
            Request::Kill => Input::KillAsked,
            Request::Nothing => return,
        };
        application.handle(now, input, &mut self.actions);
    }

    pub(in crate::reactor) fn take_terminal_signals(&mut self, application: &mut dyn Application) {
        let Some(display) = &mut self.display else { return };
        if display.terminal.take_signals() {
            self.journal.share_stderr(display.terminal.is_entered());
            if let Some(screen) = application.screen_mut() {
                screen.want_frame();
            }
        }
    }

    /// Draws the frame that is due.
    pub(in crate::reactor) fn draw(&mut self, now: Tick, application: &mut dyn Application) {
        let Self { display, registrar, children, sampled, health, journal, actions, .. } = self;
        let Some(display) = display else { return };
        let anew = display.terminal.enter();
        journal.share_stderr(display.terminal.is_entered());
        display.frame.clear();
        let size = display.terminal.size();
        if let Some(screen) = application.screen_mut() {
            health.entries = registrar.table.by_kind();
            let children = children.as_ref();
            let mut vitals =
                Vitals { health, journal, children, sampled, actions, refreshed: false };
            screen.draw(now, &mut vitals, size, anew, &mut display.frame);
        }
        if display.terminal.is_entered() {
            display.terminal.write(&display.frame);
        }
    }
}
