//! Bodies that stay open, such as streams of events: the service appends to them as
//! long as the peer reads.
//!
//! Memory is bounded, since the service is asked for more only once the peer has taken
//! everything before. A peer that takes nothing for the time of a write is closed like
//! any other.

use super::outgoing::Outgoing;
use super::{Connection, Service};
use crate::http::More;
use crate::units::Tick;

impl Connection {
    /// Whether the body of the response stays open, so that [`Connection::refill`] is
    /// to be called.
    #[must_use]
    pub fn has_open_body(&self) -> bool {
        self.outgoing.as_ref().is_some_and(Outgoing::is_open)
    }

    /// Asks the service what follows in an open body, unless the peer has not taken all
    /// of it yet. Called whenever the service may have something new; true if the
    /// connection has something to do.
    pub fn refill(&mut self, now: Tick, service: &mut dyn Service) -> bool {
        let Some(outgoing) = &mut self.outgoing else { return false };
        let Some(ticket) = outgoing.wants_more() else { return false };
        match service.more(ticket) {
            More::Later => return false,
            More::Bytes(bytes) if bytes.is_empty() => return false,
            More::Bytes(bytes) => outgoing.append(bytes),
            More::End => {
                outgoing.close();
                self.go_on(now, service);
            }
        }
        self.since = now;
        true
    }

    /// Whether the service is waited for, not the peer.
    pub(super) fn waits_for_service(&self) -> bool {
        self.outgoing.as_ref().is_some_and(|outgoing| outgoing.wants_more().is_some())
    }
}
