//! The clients' processes as a part of the loop: performs what was decided about them,
//! and reports their output, their ends, their sockets and their memory as inputs.
//!
//! Knows neither when a client starts nor what its output means.

use crate::reactor::host::reports;
use crate::reactor::net::traffic::Traffic;
use crate::reactor::part::Part;
use crate::reactor::process::children::Read;
use crate::reactor::process::memory::MemoryLooks;
use crate::reactor::process::usage;
use crate::reactor::standstill;
use crate::reactor::table::Owner;
use crate::reactor::turn::{Core, Turn};
use crate::swarm::{Action, Input};
use crate::units::process::Pipe;
use crate::units::{ClientId, Tick};

/// Reads of one pipe in one turn: more than a pipe holds, and few enough that a
/// client which writes without end leaves the others their turn.
const READS_PER_TURN: usize = 2;

/// What is kept about the clients' processes beside their table.
#[derive(Debug, Default)]
pub(in crate::reactor) struct Clients {
    /// Samples the clients' sockets, if that is possible.
    pub(in crate::reactor) traffic: Option<Traffic>,
    pub(in crate::reactor) memory: MemoryLooks,
    /// When a client last wrote something.
    heard_at: Option<Tick>,
    /// Empty; takes the actions decided while others are performed.
    spare: Vec<Action>,
}

impl Part for Clients {
    fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, hung_up: bool) -> bool {
        match owner {
            Owner::Output(client, pipe) => self.read(turn, client, pipe, hung_up),
            Owner::Exit(client) => {
                self.reap(turn, client);
                false
            }
            _ => false,
        }
    }

    /// Pipes are read in rounds, and the clock is read to notice a standstill, in any
    /// turn that comes by then.
    fn deadline(&self, turn: &Turn<'_>) -> Option<Tick> {
        let sample = self.traffic.as_ref().and_then(Traffic::next_sample);
        let look = self.memory.next_look();
        let round = turn.core.registrar.pipes.next_look();
        let pulse = standstill::pulse(self.heard_at, turn.core.looked_at);
        [sample, look, round, pulse].into_iter().flatten().min()
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        self.sample_sockets(turn);
        self.look_at_memory(turn);
    }
}

impl Clients {
    /// Performs what was decided. A start and its failure are inputs, and what follows
    /// from them is performed as well. True if the run is over.
    pub(in crate::reactor) fn perform(&mut self, turn: &mut Turn<'_>) -> bool {
        let mut finished = false;
        while !turn.core.actions.is_empty() {
            // Swaps two vectors to avoid reallocating.
            let spare = std::mem::take(&mut self.spare);
            let mut decided = std::mem::replace(&mut turn.core.actions, spare);
            for action in decided.drain(..) {
                match action {
                    Action::Spawn { client } => self.spawn(turn, client),
                    Action::Signal { client, signal } => {
                        if let Some(children) = &mut turn.core.children {
                            children.signal(client, signal);
                        }
                    }
                    Action::ClosePipes { client } => {
                        let Core { registrar, children, .. } = &mut *turn.core;
                        if let Some(children) = children {
                            children.close_pipes(registrar, client);
                        }
                    }
                    Action::SampleSockets { client } => self.watch_sockets(turn, client),
                    Action::Report(report) => reports::write(&report),
                    Action::Finish => finished = true,
                }
            }
            self.spare = decided;
        }
        finished
    }

    fn spawn(&mut self, turn: &mut Turn<'_>, client: ClientId) {
        let Core { registrar, children, clock, .. } = &mut *turn.core;
        let Some(children) = children else { return };
        let input = match children.spawn(registrar, client) {
            Ok(pid) => {
                self.memory.started(clock.tick());
                Input::Spawned { client, pid }
            }
            Err(failure) => Input::SpawnFailed { client, failure },
        };
        // Read again, since spawning takes time and lateness is computed from it.
        turn.application.handle(clock.tick(), input, &mut turn.core.actions);
    }

    /// Reads a bounded amount of a client's pipe. True if there may be more.
    fn read(&mut self, turn: &mut Turn<'_>, client: ClientId, pipe: Pipe, hung_up: bool) -> bool {
        let now = turn.now;
        let Core { registrar, children, buffer, actions, wall, .. } = &mut *turn.core;
        let Some(children) = children else { return false };
        for _ in 0..READS_PER_TURN {
            match children.read(registrar, client, pipe, buffer) {
                Read::Empty => return false,
                Read::Ended => {
                    turn.application.handle(now, Input::PipeEnded { client, pipe }, actions);
                    return false;
                }
                Read::Bytes(count) => {
                    self.heard_at = Some(now);
                    self.memory.note_activity(now);
                    let bytes = buffer.get(..count).unwrap_or_default();
                    let input = Input::Output { client, pipe, bytes, wall: *wall };
                    turn.application.handle(now, input, actions);
                    // A short read emptied the pipe, and the next write is a new event
                    // (epoll(7)). Only a hang-up reported together with the data is not
                    // reported again.
                    if count < buffer.len() && !hung_up {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn reap(&mut self, turn: &mut Turn<'_>, client: ClientId) {
        let Core { registrar, children, .. } = &mut *turn.core;
        let exit = children.as_mut().and_then(|children| children.reap(registrar, client));
        if let Some(exit) = exit {
            if let Some(traffic) = &mut self.traffic {
                traffic.forget(client);
            }
            turn.input(Input::Exited { client, exit });
        }
    }

    /// This client connected: its sockets are in the next samples.
    fn watch_sockets(&mut self, turn: &Turn<'_>, client: ClientId) {
        let pid = turn.core.children.as_ref().and_then(|children| children.pid(client));
        if let (Some(traffic), Some(pid)) = (&mut self.traffic, pid) {
            traffic.watch(turn.core.clock.tick(), client, pid);
        }
    }

    /// Takes a step of the sample of the clients' sockets, if one is due.
    fn sample_sockets(&mut self, turn: &mut Turn<'_>) {
        let Self { traffic: Some(traffic), memory, .. } = self else { return };
        let (now, Core { buffer, actions, .. }) = (turn.now, &mut *turn.core);
        traffic.step(now, buffer, &mut |client, delta| {
            memory.received(now, client, delta.bytes_received);
            turn.application.handle(now, Input::Traffic { client, delta }, actions);
        });
    }

    /// Looks at the memory of some processes, if a look is due.
    fn look_at_memory(&mut self, turn: &mut Turn<'_>) {
        let Some(children) = &turn.core.children else { return };
        for (client, pid) in self.memory.due(turn.now, children) {
            if let Some(resident_bytes) = usage::resident_bytes(pid) {
                let input = Input::MemorySeen { client, resident_bytes };
                turn.application.handle(turn.now, input, &mut turn.core.actions);
            }
        }
    }
}
