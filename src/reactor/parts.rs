//! The parts of the loop, in two lists: by the owner of a descriptor, and by deadline.
//!
//! A part is a type with a file of its own. One more part is that file, a field of
//! [`Parts`], its [`Owner`] if it has a descriptor, and a line in [`Parts::ready`],
//! [`Parts::visit`] or both. All calls are static.

use super::host::display::Display;
use super::host::notify::Notify;
use super::host::signals::Signals;
use super::net::fetch::Fetches;
use super::net::servers::Servers;
use super::net::tap::TapSockets;
use super::part::Part;
use super::process::clients::Clients;
use super::process::others::Others;
use super::start_gate::StartGate;
use super::table::Owner;
use super::timer::Timer;
use super::turn::Turn;
use crate::swarm::Input;
use crate::units::Tick;

/// Every part.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) timer: Timer,
    pub(super) signals: Signals,
    pub(super) clients: Clients,
    pub(super) others: Others,
    pub(super) servers: Servers,
    pub(super) fetches: Option<Fetches>,
    /// Carries the clients' traffic.
    pub(super) tap: Option<TapSockets>,
    /// Holds the start until its moment.
    pub(super) start_gate: Option<StartGate>,
    pub(super) display: Option<Display>,
    pub(super) notify: Notify,
}

impl Parts {
    /// Gives the part that owns a ready descriptor its turn. True if it has more to do.
    pub(super) fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, hung_up: bool) -> bool {
        match owner {
            Owner::Exit(client) => {
                // Its exchanges are reported before its end.
                if let Some(tap) = &mut self.tap {
                    tap.end_client(turn, client);
                }
                self.clients.ready(turn, owner, hung_up)
            }
            Owner::Output(..) => self.clients.ready(turn, owner, hung_up),
            Owner::Signals => self.signals.ready(turn, owner, hung_up),
            Owner::Watched => self.others.ready(turn, owner, hung_up),
            Owner::Listener(_) | Owner::Connection(..) => self.servers.ready(turn, owner, hung_up),
            Owner::Fetch(_) => self.fetches.ready(turn, owner, hung_up),
            Owner::TapListener | Owner::TapClient(_) | Owner::TapOrigin(_) | Owner::Lookup(_) => {
                self.tap.ready(turn, owner, hung_up)
            }
            Owner::Terminal | Owner::TerminalSignals => self.display.ready(turn, owner, hung_up),
            Owner::Timer => {
                self.timer.fired();
                false
            }
            // Flushed at the end of each turn.
            Owner::LogSink => false,
        }
    }

    /// Visits the parts that have deadlines, in the order in which they act within a
    /// turn. The program comes last, since it decides on what the others reported.
    fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.visit(&mut self.others);
        visitor.visit(&mut self.servers);
        visitor.visit(&mut self.tap);
        visitor.visit(&mut self.clients);
        visitor.visit(&mut self.fetches);
        visitor.visit(&mut self.start_gate);
        visitor.visit(&mut self.display);
        visitor.visit(&mut self.notify);
        visitor.visit(&mut Program);
    }

    /// The earliest deadline; `None` if only an event can wake the loop.
    pub(super) fn next_deadline(&mut self, turn: &Turn<'_>) -> Option<Tick> {
        let mut earliest = Earliest { turn, deadline: None };
        self.visit(&mut earliest);
        earliest.deadline
    }

    /// Lets each part act whose deadline has come.
    pub(super) fn act_if_due(&mut self, turn: &mut Turn<'_>) {
        self.visit(&mut Act { turn });
    }
}

/// What is done with each part that has deadlines.
trait Visitor {
    fn visit(&mut self, part: &mut impl Part);
}

/// Finds the earliest deadline.
struct Earliest<'a, 'b> {
    turn: &'a Turn<'b>,
    deadline: Option<Tick>,
}

impl Visitor for Earliest<'_, '_> {
    fn visit(&mut self, part: &mut impl Part) {
        let deadline = part.deadline(self.turn);
        self.deadline = [self.deadline, deadline].into_iter().flatten().min();
    }
}

/// Lets parts act.
struct Act<'a, 'b> {
    turn: &'a mut Turn<'b>,
}

impl Visitor for Act<'_, '_> {
    fn visit(&mut self, part: &mut impl Part) {
        if part.deadline(self.turn).is_some_and(|deadline| deadline <= self.turn.now) {
            part.due(self.turn);
        }
    }
}

/// The program that decides, as a part: it has a deadline and no descriptor.
struct Program;

impl Part for Program {
    fn deadline(&self, turn: &Turn<'_>) -> Option<Tick> {
        turn.application.next_deadline()
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        turn.input(Input::DeadlineReached);
    }
}
