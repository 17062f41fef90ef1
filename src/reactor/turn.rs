//! What every part of the loop may use in its turn: the poll, the clock, the health,
//! the clients' processes, and the program that decides.
//!
//! Knows no part.

use std::io;

use mio::Events;

use super::Application;
use super::host::journal::Journal;
use super::host::stops::{Request, StopSignal, Stops};
use super::process::children::Children;
use super::process::pipes;
use super::registrar::Registrar;
use super::timer::Clock;
use super::vitals::Vitals;
use crate::stats::Health;
use crate::swarm::{Action, Input};
use crate::units::{Tick, Wall};

/// Bytes read at once from a descriptor: all that a pipe holds (pipe(7)).
const READ_BYTES: usize = 64 * 1024;

/// What the parts share, from the start of the loop to its end.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) registrar: Registrar,
    pub(super) clock: Clock,
    /// The wall clock, read at the start of the turn.
    pub(super) wall: Wall,
    /// When the loop last read the clock.
    pub(super) looked_at: Tick,
    pub(super) health: Health,
    pub(super) journal: Journal,
    pub(super) children: Option<Children>,
    /// Where in the table of clients the last sample for a scrape or a frame ended.
    pub(super) sampled: usize,
    /// Takes what a part reads within its turn.
    pub(super) buffer: Box<[u8]>,
    /// Decided, and not performed yet.
    pub(super) actions: Vec<Action>,
    pub(super) stops: Stops,
    /// Whether a child may have ended that no pidfd reports.
    pub(super) child_ended: bool,
}

impl Core {
    pub(super) fn new(journal: Journal, children: Option<Children>) -> io::Result<Self> {
        Ok(Self {
            registrar: Registrar::new()?,
            clock: Clock::start(),
            wall: Clock::wall(),
            looked_at: Tick::ZERO,
            health: Health::default(),
            journal,
            children,
            sampled: 0,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            actions: Vec::new(),
            stops: Stops::default(),
            child_ended: false,
        })
    }

    /// The registrar, and beside it what responses and frames are made of.
    pub(super) fn with_vitals(&mut self) -> (&mut Registrar, Vitals<'_>) {
        let Self { registrar, health, journal, children, sampled, actions, .. } = self;
        health.entries = registrar.table.by_kind();
        let children = children.as_ref();
        (registrar, Vitals { health, journal, children, sampled, actions, refreshed: false })
    }

    /// Queues the entries that these events are for, and the pipes that have something.
    pub(super) fn queue(&mut self, now: Tick, events: &Events) -> io::Result<()> {
        for event in events {
            if event.token() == pipes::WATCH {
                self.registrar.pipes.note_watch();
                continue;
            }
            self.health.events += 1;
            let hung_up = event.is_read_closed() || event.is_error();
            self.registrar.queue(event.token(), hung_up);
        }
        self.health.events += self.registrar.look_at_pipes(now)?;
        Ok(())
    }
}

/// One turn of the loop.
pub(super) struct Turn<'a> {
    /// The time of this turn: the clock is read once, unless the loop stood still.
    pub(super) now: Tick,
    pub(super) core: &'a mut Core,
    pub(super) application: &'a mut dyn Application,
}

impl Turn<'_> {
    /// Hands an input to the application.
    pub(super) fn input(&mut self, input: Input<'_>) {
        self.application.handle(self.now, input, &mut self.core.actions);
    }

    /// A signal or a key asks us to stop.
    pub(super) fn ask_stop(&mut self, stop: StopSignal) {
        tracing::info!(signal = stop.name(), "received_signal");
        match self.core.stops.hear(self.now, stop) {
            Request::Stop => self.input(Input::StopAsked),
            Request::Kill => self.input(Input::KillAsked),
            Request::Nothing => {}
        }
    }
}
