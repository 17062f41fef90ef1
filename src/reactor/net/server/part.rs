//! The server as a part of the loop.

use super::Server;
use crate::reactor::part::Part;
use crate::reactor::table::Owner;
use crate::reactor::turn::Turn;
use crate::units::Tick;

impl Part for Server {
    fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, hung_up: bool) -> bool {
        turn.core.health.connections = self.counts();
        let now = turn.now;
        let (registrar, mut context) = turn.request_context();
        match owner {
            Owner::Listener => self.accept(registrar, now, &mut context),
            Owner::Connection(key) => self.turn(registrar, now, key, hung_up, &mut context),
            _ => false,
        }
    }

    fn deadline(&self, _: &Turn<'_>) -> Option<Tick> {
        self.next_deadline()
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        turn.core.health.connections = self.counts();
        let now = turn.now;
        let (registrar, mut context) = turn.request_context();
        self.deadline_reached(registrar, now, &mut context);
    }
}

impl Server {
    /// Takes new connections or refuses them, as the application wants it by now.
    pub(in crate::reactor) fn turn_over(&mut self, turn: &mut Turn<'_>) {
        let open = turn.application.is_open(turn.now);
        self.set_open(&mut turn.core.registrar, turn.now, open);
    }

    /// Closes all connections at the end of the loop.
    pub(in crate::reactor) fn end(&mut self, turn: &mut Turn<'_>) {
        turn.core.health.connections = self.counts();
        let (registrar, mut context) = turn.request_context();
        self.close_all(registrar, &mut context);
    }
}
