//! One HTTP/1.1 connection as a state machine on bytes.
//!
//! Bytes go in by [`Connection::receive`], come out by [`Connection::pending`];
//! the socket, the clock and the service are the caller's.
//!
//! | stage | ends when | and then |
//! |---|---|---|
//! | idle | a byte of a head comes | head |
//! | head | the head is whole, wrong, too long or too slow | sending |
//! | sending | the response is taken | body, idle, or lingering if it was the last |
//! | body | the body of the request is discarded | idle |
//! | lingering | the peer closes, or time is up | finished |
//!
//! One response is in memory at a time: requests that follow it wait as bytes,
//! and where they are as many as a head may have, no more are read. So a peer
//! that asks and does not read costs a head, one read and one response.

use std::io::IoSlice;
use std::time::Duration;

use super::inbox::{Inbox, Scan};
use super::request::{self, MAX_FIELDS};
use super::{Body, Method, Response, Service, Status};
use crate::units::Tick;

/// Longest request body that is read and discarded so that the connection may
/// go on, in bytes; after a longer one it is closed.
const BODY_LIMIT_BYTES: usize = 16 * 1024;

/// Longest wait for the peer to close after the last response. A close with
/// bytes unread would make the kernel discard the response (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(1);

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

impl Default for Limits {
    /// A head as other servers allow it, times that a busy host keeps, and a
    /// silence longer than the usual minute between two scrapes.
    fn default() -> Self {
        Self {
            head_bytes: 8 * 1024,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(120),
            write_time: Duration::from_secs(10),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Head,
    Sending,
    Body,
    Lingering,
    Finished,
}

/// A response on its way.
#[derive(Debug)]
struct Outgoing {
    head: Vec<u8>,
    body: Body,
    /// Bytes of head and body that the peer took.
    taken: usize,
    last: bool,
}

impl Outgoing {
    fn rest(&self) -> [&[u8]; 2] {
        let of_body = self.taken.saturating_sub(self.head.len());
        let head = self.head.get(self.taken..).unwrap_or_default();
        [head, self.body.bytes().get(of_body..).unwrap_or_default()]
    }

    fn is_taken(&self) -> bool {
        self.taken >= self.head.len() + self.body.bytes().len()
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
    stage: Stage,
    /// Since when the peer is waited for in this stage.
    since: Tick,
    inbox: Inbox,
    /// Bytes of a request body still to be discarded.
    body_left: usize,
    outgoing: Option<Outgoing>,
    peer_closed: bool,
    shut_down: bool,
}

impl Connection {
    /// A connection accepted at `now`.
    #[must_use]
    pub fn new(now: Tick, limits: Limits) -> Self {
        Self {
            limits,
            stage: Stage::Idle,
            since: now,
            inbox: Inbox::default(),
            body_left: 0,
            outgoing: None,
            peer_closed: false,
            shut_down: false,
        }
    }

    /// Whether bytes of the peer are welcome. May become true by
    /// [`Connection::sent`], without new readiness of the socket.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        !self.peer_closed
            && self.stage != Stage::Finished
            && (self.ignores_input() || self.has_room())
    }

    /// Takes bytes from the peer and answers the first complete request in them,
    /// unless a response is still on its way. Bytes that come although
    /// [`Connection::wants_read`] is false end the connection.
    pub fn receive(&mut self, now: Tick, bytes: &[u8], service: &mut dyn Service) {
        if self.ignores_input() {
            return;
        }
        if !self.wants_read() {
            return self.finish();
        }
        self.inbox.push(bytes);
        self.advance(now, service);
    }

    /// The peer sends no more (end of file). What it asked for before is answered.
    pub fn peer_closed(&mut self) {
        self.peer_closed = true;
        if self.stage != Stage::Sending {
            self.finish();
        }
    }

    /// The socket failed: nothing can be sent or received any more.
    pub fn peer_failed(&mut self) {
        self.finish();
    }

    /// What is to be written next: the rest of the head and the rest of the body,
    /// either of which may be empty.
    #[must_use]
    pub fn pending(&self) -> [IoSlice<'_>; 2] {
        self.outgoing.as_ref().map_or([&[][..], &[]], Outgoing::rest).map(IoSlice::new)
    }

    /// Whether there is anything to be written.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.outgoing.is_some()
    }

    /// The peer took `count` bytes of [`Connection::pending`]. Once it has all,
    /// the next request that waits is answered.
    pub fn sent(&mut self, now: Tick, count: usize, service: &mut dyn Service) {
        let Some(outgoing) = &mut self.outgoing else { return };
        if count > 0 {
            outgoing.taken = outgoing.taken.saturating_add(count);
            self.since = now;
        }
        if !outgoing.is_taken() {
            return;
        }
        let last = outgoing.last;
        self.outgoing = None;
        if !last {
            self.stage = Stage::Body;
            self.advance(now, service);
        } else if self.peer_closed {
            self.finish();
        } else {
            self.inbox = Inbox::default();
            self.stage = Stage::Lingering;
            self.shut_down = true;
        }
    }

    /// Whether the caller is to shut down its side of the socket now: the last
    /// response is sent and the peer's end of file is waited for. True once.
    pub fn take_shutdown(&mut self) -> bool {
        std::mem::take(&mut self.shut_down)
    }

    /// Whether the socket is to be closed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    /// When [`Connection::deadline_reached`] is to be called, unless something
    /// happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        let longest = match self.stage {
            Stage::Idle => self.limits.idle_time,
            Stage::Head | Stage::Body => self.limits.head_time,
            Stage::Sending => self.limits.write_time,
            Stage::Lingering => LINGER,
            Stage::Finished => return None,
        };
        Some(self.since.after(longest))
    }

    /// Gives up on a peer that took too long: 408 for a slow head, else the end.
    /// Does nothing before the deadline.
    pub fn deadline_reached(&mut self, now: Tick) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.stage {
            Stage::Head => self.refuse(now, Status::REQUEST_TIMEOUT),
            _ => self.finish(),
        }
    }

    /// Whether bytes of the peer make no difference any more.
    fn ignores_input(&self) -> bool {
        matches!(self.stage, Stage::Lingering | Stage::Finished)
            || self.outgoing.as_ref().is_some_and(|outgoing| outgoing.last)
    }

    fn has_room(&self) -> bool {
        self.inbox.unused().len() < self.limits.head_bytes
    }

    /// Goes as far as the bytes received allow, at most one response.
    fn advance(&mut self, now: Tick, service: &mut dyn Service) {
        self.body_left -= self.inbox.consume(self.body_left);
        if self.stage == Stage::Body && self.body_left == 0 {
            self.stage = Stage::Idle;
            self.since = now;
        }
        if matches!(self.stage, Stage::Idle | Stage::Head) {
            match self.inbox.scan(self.limits.head_bytes) {
                Scan::Complete(length) => return self.answer(now, length, service),
                Scan::TooLong => return self.refuse(now, Status::HEADERS_TOO_LARGE),
                Scan::Partial => self.wait_for_head(now),
            }
        }
        if self.peer_closed && self.stage != Stage::Sending {
            self.finish();
        }
    }

    /// The time of a head runs from its first byte on, or from the moment at
    /// which nothing before it is left to be done.
    fn wait_for_head(&mut self, now: Tick) {
        if self.stage == Stage::Idle && !self.inbox.unused().is_empty() {
            self.stage = Stage::Head;
            self.since = now;
        }
    }

    fn answer(&mut self, now: Tick, length: usize, service: &mut dyn Service) {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let head = self.inbox.unused().get(..length).unwrap_or_default();
        match request::parse(head, &mut fields, BODY_LIMIT_BYTES) {
            Ok((request, manners)) => {
                let response = service.respond(&request);
                let head_only = request.method == Method::Head;
                self.inbox.consume(length);
                self.body_left = manners.body_bytes;
                self.body_left -= self.inbox.consume(self.body_left);
                let connection = match (manners.keep_alive, manners.announce) {
                    (false, _) => Some("close"),
                    (true, true) => Some("keep-alive"),
                    (true, false) => None,
                };
                self.send(now, response, head_only, connection);
            }
            Err(status) => self.refuse(now, status),
        }
    }

    /// Answers what is no request, and hears no more.
    fn refuse(&mut self, now: Tick, status: Status) {
        self.send(now, Response::text(status, ""), false, Some("close"));
    }

    fn send(
        &mut self,
        now: Tick,
        response: Response,
        head_only: bool,
        connection: Option<&'static str>,
    ) {
        let head = response.head(connection);
        let bodiless = head_only || response.status.forbids_body();
        let body = if bodiless { Body::Empty } else { response.body };
        let last = connection == Some("close");
        self.outgoing = Some(Outgoing { head, body, taken: 0, last });
        self.stage = Stage::Sending;
        self.since = now;
    }

    fn finish(&mut self) {
        self.stage = Stage::Finished;
        self.inbox = Inbox::default();
        self.outgoing = None;
    }
}

#[cfg(test)]
mod tests;
