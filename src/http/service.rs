//! What stands behind a connection: answers requests, and hears what became of
//! its answers.
//!
//! Knows neither sockets nor any particular service.

use super::{Refusal, Request, Response};

/// What answers requests. A closure from a request to a response is one that
/// does not care what becomes of its answers.
pub trait Service {
    /// Answers a request.
    fn respond(&mut self, request: &Request<'_>) -> Response;

    /// What came was refused without the service. It may have a ticket for the
    /// response.
    fn refused(&mut self, refusal: &Refusal<'_>) -> Option<Ticket> {
        let _ = refusal;
        None
    }

    /// What became of a response that has a [`Ticket`]; told once for each, at
    /// the latest when its connection ends.
    fn delivered(&mut self, ticket: Ticket, delivered: Delivered) {
        let _ = (ticket, delivered);
    }
}

impl<F: FnMut(&Request<'_>) -> Response> Service for F {
    fn respond(&mut self, request: &Request<'_>) -> Response {
        self(request)
    }
}

/// By what a service knows a response again; the service chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What became of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Bytes of the body that the socket took.
    pub body_bytes: u64,
    /// Whether all was sent that was to be sent, a body cut on purpose included.
    pub complete: bool,
}
