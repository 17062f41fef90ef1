//! The connections of a server whose response has a body that stays open.
//!
//! The loop asks for them after every turn; without any this costs nothing.

use super::Server;
use crate::http::Service;
use crate::reactor::Registrar;
use crate::units::Tick;

impl Server {
    /// Whether the service is to be asked for more of a body that stays open.
    #[must_use]
    pub fn has_open_bodies(&self) -> bool {
        !self.open_bodies.is_empty()
    }

    /// Asks the service what follows in the bodies that stay open.
    pub fn refill(&mut self, registrar: &mut Registrar, now: Tick, service: &mut dyn Service) {
        for &key in &self.open_bodies {
            if let Some(peer) = self.peers.get_mut(key)
                && peer.connection.refill(now, service)
            {
                registrar.queue(peer.token, false);
            }
        }
    }

    /// Notes after a turn of a connection whether its response has such a body.
    pub(super) fn note_open_body(&mut self, key: usize) {
        if self.peers.get(key).is_some_and(|peer| peer.connection.has_open_body()) {
            self.open_bodies.insert(key);
        } else {
            self.open_bodies.remove(&key);
        }
    }
}
