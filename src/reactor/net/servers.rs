//! The servers as a part of the loop, each for a service of the application.
//!
//! Knows no service but its key.

use std::io;
use std::net::SocketAddr;

use super::server::Server;
use crate::reactor::part::Part;
use crate::reactor::registrar::Registrar;
use crate::reactor::table::{Owner, ServiceKey};
use crate::reactor::turn::Turn;
use crate::stats::ConnectionCounts;
use crate::units::Tick;

/// Every server; a program has one or two.
#[derive(Debug)]
pub(in crate::reactor) struct Servers(Vec<Server>);

impl Servers {
    /// These servers, each of another service.
    pub(in crate::reactor) const fn new(servers: Vec<Server>) -> Self {
        Self(servers)
    }

    /// Registers the listeners.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub(in crate::reactor) fn start(&mut self, registrar: &mut Registrar) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|server| server.start(registrar))
    }

    /// The address of the first server that has one.
    pub(in crate::reactor) fn address(&self) -> Option<SocketAddr> {
        self.0.iter().find_map(|server| server.local_addr().ok())
    }

    /// Accepts new connections or refuses them, as the application wants it by now, and
    /// sends what follows in bodies that stay open.
    pub(in crate::reactor) fn turn_over(&mut self, turn: &mut Turn<'_>) {
        for server in &mut self.0 {
            let open = turn.application.service(server.service()).is_open(turn.now);
            server.set_open(&mut turn.core.registrar, turn.now, open);
            if server.has_open_bodies() {
                let now = turn.now;
                let (registrar, mut context) = turn.request_context(server.service());
                server.refill(registrar, now, &mut context);
            }
        }
    }

    /// Closes all connections at the end of the loop.
    pub(in crate::reactor) fn end(&mut self, turn: &mut Turn<'_>) {
        self.count(turn);
        for server in &mut self.0 {
            let (registrar, mut context) = turn.request_context(server.service());
            server.close_all(registrar, &mut context);
        }
    }

    /// The server of this service.
    fn of(&mut self, service: ServiceKey) -> Option<&mut Server> {
        self.0.iter_mut().find(|server| server.service() == service)
    }

    /// Counts the connections of all servers, as responses show them.
    fn count(&self, turn: &mut Turn<'_>) {
        turn.core.health.connections =
            self.0.iter().map(Server::counts).fold(ConnectionCounts::default(), |all, counts| {
                ConnectionCounts {
                    open: all.open + counts.open,
                    accepted: all.accepted + counts.accepted,
                    evicted: all.evicted + counts.evicted,
                }
            });
    }
}

impl Part for Servers {
    fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, hung_up: bool) -> bool {
        let (Owner::Listener(service) | Owner::Connection(service, _)) = owner else {
            return false;
        };
        self.count(turn);
        let now = turn.now;
        let (registrar, mut context) = turn.request_context(service);
        let Some(server) = self.of(service) else { return false };
        match owner {
            Owner::Connection(_, key) => server.turn(registrar, now, key, hung_up, &mut context),
            _ => server.accept(registrar, now, &mut context),
        }
    }

    fn deadline(&self, _: &Turn<'_>) -> Option<Tick> {
        self.0.iter().filter_map(Server::next_deadline).min()
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        self.count(turn);
        let now = turn.now;
        for server in &mut self.0 {
            let (registrar, mut context) = turn.request_context(server.service());
            server.deadline_reached(registrar, now, &mut context);
        }
    }
}

#[cfg(test)]
mod tests;
