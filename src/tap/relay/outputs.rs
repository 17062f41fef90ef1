//! What a relay wants of the owner of its sockets.

use super::{Close, LATE, Link, Relay};
use crate::tap::Target;
use crate::units::Tick;

/// Bytes for the client from which on the origin is not read. A whole playlist may
/// exceed it.
const TO_CLIENT_BYTES_MAX: usize = 256 * 1024;

impl Relay {
    /// A connection to open; the one before, if any, is to be closed first. Its result
    /// is [`Relay::connected`] or [`Relay::connect_failed`].
    #[must_use]
    pub fn take_target(&mut self) -> Option<Target> {
        if self.link != Link::Wanted || self.close.is_some() {
            return None;
        }
        self.link = Link::Connecting;
        self.target.clone()
    }

    /// The bytes to send to the client.
    #[must_use]
    pub fn to_client(&self) -> &[u8] {
        self.to_client.unsent()
    }

    /// The next `count` of [`Relay::to_client`] were sent.
    pub fn sent_to_client(&mut self, count: usize) {
        self.to_client.sent(count);
        if self.exchange.is_none() {
            self.to_client.shrink();
        }
    }

    /// The bytes to send to the origin; none before its connection is established.
    #[must_use]
    pub fn to_origin(&self) -> &[u8] {
        if matches!(self.link, Link::Open(_)) { self.to_origin.unsent() } else { &[] }
    }

    /// The next `count` of [`Relay::to_origin`] were sent.
    pub fn sent_to_origin(&mut self, count: usize) {
        self.to_origin.sent(count);
        self.to_origin.shrink();
    }

    /// The bytes that may pass from the origin to the client unseen now: the rest of a
    /// body with a length, the rest of a chunk, `u64::MAX` for a body that ends with the
    /// connection. 0 if the next bytes are to be read and given to
    /// [`Relay::origin_sent`].
    #[must_use]
    pub fn relay_limit(&self) -> u64 {
        let is_free = self.to_client.is_empty() && self.close.is_none();
        self.exchange.as_ref().filter(|_| is_free).map_or(0, |exchange| exchange.relay_limit())
    }

    /// Whether to read from the client; the end of its connection must always be
    /// noticed.
    #[must_use]
    pub fn reads_client(&self) -> bool {
        self.close.is_none() || !self.to_client.is_empty()
    }

    /// Whether the body of a response is held, all of which is read.
    #[must_use]
    pub fn holds_body(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.holds_body())
    }

    /// Whether to read from the origin.
    #[must_use]
    pub fn reads_origin(&self) -> bool {
        self.close.is_none()
            && matches!(self.link, Link::Open(_))
            && self.to_client().len() < TO_CLIENT_BYTES_MAX
    }

    /// Whether an exchange has ended and its record waits for [`Relay::counted`]. The
    /// next input gives the record without counters.
    #[must_use]
    pub fn wants_counters(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| exchange.has_ended())
    }

    /// What to close; only after the bytes for the client were sent.
    #[must_use]
    pub fn close(&self) -> Option<Close> {
        self.close.filter(|_| self.to_client.is_empty() && !self.wants_counters())
    }

    /// When [`Relay::deadline_reached`] is to be called: the client's timeout and 1 s
    /// after something was received, or a request was begun.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        let since = match &self.exchange {
            _ if self.close.is_some() => return None,
            Some(exchange) if exchange.has_ended() => return None,
            Some(_) if self.is_waiting_for_client() => return None,
            Some(exchange) => exchange.heard(),
            None if self.inbox.unused().is_empty() => return None,
            None => self.since,
        };
        Some(since.after(self.timeout.saturating_add(LATE)))
    }

    /// Whether the client is slower than the origin at present.
    pub(super) fn is_waiting_for_client(&self) -> bool {
        self.is_blocked || !self.to_client.is_empty()
    }
}
