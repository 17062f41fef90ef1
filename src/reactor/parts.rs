//! The parts of the loop that have deadlines: the one list of them.
//!
//! Dispatched by a match, so that a turn calls nothing through a pointer. Knows when
//! a part is due, not what it does then.

use super::net::fetch::Fetches;
use super::net::server::Server;
use super::net::traffic::Traffic;
use super::start_gate::StartGate;
use super::{Application, Reactor};
use crate::swarm::Input;
use crate::units::Tick;

/// A part of the loop that wakes it at a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Reaps orphans.
    Orphans,
    /// Times out connections, and accepts again after a pause.
    Server,
    /// Samples the clients' sockets.
    Traffic,
    /// Looks at the memory of the clients' processes.
    Memory,
    /// Polls other servers.
    Fetches,
    /// Holds the start until its moment.
    StartGate,
    /// Draws frames.
    Display,
    /// Decides what clients do.
    Application,
    /// Reads the clients' pipes in rounds; done while events are queued.
    Pipes,
    /// Reports to the service manager; done at the end of each turn.
    Notify,
    /// Reads the clock; done at the start of each turn.
    Pulse,
}

impl Part {
    /// Every part, in the order in which they act within a turn. The application acts
    /// on what the parts before it reported.
    pub(super) const ALL: [Self; 11] = [
        Self::Orphans,
        Self::Server,
        Self::Traffic,
        Self::Memory,
        Self::Fetches,
        Self::StartGate,
        Self::Display,
        Self::Application,
        Self::Pipes,
        Self::Notify,
        Self::Pulse,
    ];
}

impl Reactor {
    /// When the first of all parts is due; `None` if only an event can wake the loop.
    pub(super) fn next_deadline(&self, application: &dyn Application) -> Option<Tick> {
        Part::ALL.iter().filter_map(|&part| self.deadline(part, application)).min()
    }

    /// Lets each part act that is due.
    pub(super) fn act_if_due(&mut self, now: Tick, application: &mut dyn Application) {
        for part in Part::ALL {
            if self.deadline(part, application).is_some_and(|due| due <= now) {
                self.act(part, now, application);
            }
        }
    }

    /// When this part is due.
    fn deadline(&self, part: Part, application: &dyn Application) -> Option<Tick> {
        match part {
            Part::Orphans => self.sweep_at,
            Part::Server => self.server.as_ref().and_then(Server::next_deadline),
            Part::Traffic => self.traffic.as_ref().and_then(Traffic::next_sample),
            Part::Memory => self.memory.next_look(),
            Part::Fetches => self.fetches.as_ref().and_then(Fetches::next_deadline),
            Part::StartGate => self.start_gate.as_ref().map(StartGate::next_look),
            Part::Display => self.display.as_ref()?.next_frame(application),
            Part::Application => application.next_deadline(),
            Part::Pipes => self.registrar.pipes.next_look(),
            Part::Notify => self.notify.next_deadline(),
            Part::Pulse => self.pulse(),
        }
    }

    /// Lets this part act, since it is due.
    fn act(&mut self, part: Part, now: Tick, application: &mut dyn Application) {
        match part {
            Part::Orphans => self.sweep(now),
            Part::Server => {
                self.serve(application, |server, registrar, service| {
                    server.deadline_reached(registrar, now, service);
                    false
                });
            }
            Part::Traffic => self.step_traffic(now, application),
            Part::Memory => self.look_at_memory(now, application),
            Part::Fetches => self.poll_due(now, application),
            Part::StartGate => self.look_for_start(application),
            Part::Display => self.draw(now, application),
            Part::Application => {
                application.handle(now, Input::DeadlineReached, &mut self.actions);
            }
            Part::Pipes | Part::Notify | Part::Pulse => {}
        }
    }
}
