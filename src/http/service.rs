//! The service behind a connection: it responds to requests and is notified how its
//! responses ended.
//!
//! Knows no socket.

use super::{Refusal, Request, Response};

/// Responds to requests. A closure from a request to a response is a service that
/// ignores how its responses end.
pub trait Service {
    /// The response to a request.
    fn respond(&mut self, request: &Request<'_>) -> Response;

    /// A request was refused before it reached the service, which may issue a ticket
    /// for the refusal.
    fn refused(&mut self, refusal: &Refusal<'_>) -> Option<Ticket> {
        let _ = refusal;
        None
    }

    /// What follows in the body of a response that is [`Body::Open`](super::Body::Open).
    /// Asked for when the peer has taken everything before it, so a slow reader is asked
    /// for seldom and nothing piles up. Called often: an implementation keeps its
    /// response ready and returns at once.
    fn more(&mut self, ticket: Ticket) -> More {
        let _ = ticket;
        More::End
    }

    /// How a response with a [`Ticket`] ended. Called once for each ticket, at the
    /// latest when the connection ends.
    fn delivered(&mut self, ticket: Ticket, delivered: Delivered) {
        let _ = (ticket, delivered);
    }
}

impl<F: FnMut(&Request<'_>) -> Response> Service for F {
    fn respond(&mut self, request: &Request<'_>) -> Response {
        self(request)
    }
}

/// Identifies a response to the service that chose the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What follows in a body that stays open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum More {
    /// Nothing yet.
    Later,
    /// These bytes, at most some 64 KiB: they are kept until the peer has taken them.
    Bytes(Vec<u8>),
    /// The body ends here.
    End,
}

/// How a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Bytes of the body that the socket took.
    pub body_bytes: u64,
    /// Whether all that was to be sent was sent, a body cut on purpose included.
    pub complete: bool,
}
