//! One HTTP/1.1 connection as a state machine on bytes.
//!
//! Bytes go in by [`Connection::receive`], come out by [`Connection::pending`];
//! the socket, the clock and the service are the caller's.

use std::time::Duration;

use super::{Request, Response};
use crate::units::Tick;

/// Bounds of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest request head, in bytes; a longer one gets 431.
    pub head_bytes: usize,
    /// Longest time from the first byte of a head to its last; then 408.
    pub head_time: Duration,
    /// Longest silence between two requests; then the connection is closed.
    pub idle_time: Duration,
    /// Longest time in which the peer takes no byte of a response; then it is closed.
    pub write_time: Duration,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
}

impl Connection {
    /// A connection accepted at `now`.
    #[must_use]
    pub fn new(_now: Tick, limits: Limits) -> Self {
        Self { limits }
    }

    /// Takes bytes from the peer and answers every complete request in them, as
    /// long as little enough waits to be sent.
    pub fn receive(
        &mut self,
        _now: Tick,
        _bytes: &[u8],
        _respond: &mut dyn FnMut(&Request<'_>) -> Response,
    ) {
        let _ = self.limits;
    }
}
