//! When the clients' sockets and memory are looked at, as part of a turn.
//!
//! Knows neither which sockets nor which processes: [`super::net::traffic`] and
//! [`super::process::memory`] do.

use super::process::usage;
use super::{Application, Reactor};
use crate::swarm::Input;
use crate::units::{ClientId, Tick};

impl Reactor {
    /// Takes a step of the sample of the clients' sockets that is due.
    pub(super) fn step_traffic(&mut self, now: Tick, application: &mut dyn Application) {
        let Some(traffic) = &mut self.traffic else { return };
        traffic.step(now, &mut self.buffer, &mut |client, delta| {
            self.memory.received(now, client, delta.bytes_received);
            application.handle(now, Input::Traffic { client, delta }, &mut self.actions);
        });
    }

    /// Looks at the memory of some processes.
    pub(super) fn look_at_memory(&mut self, now: Tick, application: &mut dyn Application) {
        let Some(children) = &self.children else { return };
        for (client, pid) in self.memory.due(now, children) {
            if let Some(resident_bytes) = usage::resident_bytes(pid) {
                let input = Input::MemorySeen { client, resident_bytes };
                application.handle(now, input, &mut self.actions);
            }
        }
    }

    /// This client connected: its sockets are in the next samples.
    pub(super) fn sample_sockets(&mut self, client: ClientId) {
        let pid = self.children.as_ref().and_then(|children| children.pid(client));
        if let (Some(traffic), Some(pid)) = (&mut self.traffic, pid) {
            traffic.watch(self.clock.tick(), client, pid);
        }
    }
}
