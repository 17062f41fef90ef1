//! When the clients' sockets are sampled, as part of a turn.
//!
//! Knows neither sockets nor processes: [`super::net::traffic`] does.

use super::{Application, Reactor};
use crate::swarm::Input;
use crate::units::{ClientId, Tick};

impl Reactor {
    /// Takes a step of the sample of the clients' sockets that is due.
    pub(super) fn step_traffic(&mut self, now: Tick, application: &mut dyn Application) {
        let Some(traffic) = &mut self.traffic else { return };
        traffic.step(now, &mut self.buffer, &mut |client, delta| {
            application.handle(now, Input::Traffic { client, delta }, &mut self.actions);
        });
    }

    /// This client connected: its sockets are in the next samples.
    pub(super) fn sample_sockets(&mut self, client: ClientId) {
        let pid = self.children.as_ref().and_then(|children| children.pid(client));
        if let (Some(traffic), Some(pid)) = (&mut self.traffic, pid) {
            traffic.watch(self.clock.tick(), client, pid);
        }
    }
}
