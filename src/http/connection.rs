//! One HTTP/1.1 connection as a state machine on bytes.
//!
//! Bytes go in by [`Connection::receive`], come out by [`Connection::pending`];
//! the socket, the clock and the service are the caller's.
//!
//! | stage | ends when | and then |
//! |---|---|---|
//! | idle | a byte of a head comes | head |
//! | head | the head is whole, wrong, too long or too slow | upload or sending |
//! | upload | the body of a `POST` is whole or too slow | sending |
//! | sending | the response is taken, or cut | body, idle, or one of the next if it was the last |
//! | body | the body of the request is discarded | idle |
//! | lingering | the peer closes, or time is up | finished |
//! | stalled | the peer closes, or time is up | finished |
//! | resetting | the peer has it all, or closes, or time is up | finished, by a reset |
//!
//! How a response goes out stands in `connection/outgoing.rs`. Whatever ends it,
//! the service hears once what became of a response that has a ticket.
//!
//! One response is in memory at a time: requests that follow it wait as bytes,
//! and where they are as many as a head may have, no more are read. So a peer
//! that asks and does not read costs a head, one read and one response.

mod outgoing;

use std::io::IoSlice;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use self::outgoing::Outgoing;
use super::inbox::{Inbox, Scan};
use super::request::{self, MAX_FIELDS};
use super::{CutEnd, Method, Refusal, Request, Response, Service, Status};
use crate::units::Tick;

/// Longest request body in bytes: of a `POST` it is handed to the service, a
/// longer one is refused; of another method it is read and discarded so that the
/// connection may go on, and after a longer one it is closed.
const BODY_LIMIT_BYTES: usize = 16 * 1024;

/// Longest wait for the peer to close after the last response. A close with
/// bytes unread would make the kernel discard the response (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(1);

/// Longest silence of a response that stalls on purpose: longer than any client
/// waits, so that it is always the client that gives up first.
const STALL: Duration = Duration::from_secs(3600);

/// Bounds of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest request head, in bytes; a longer one gets 431.
    pub head_bytes: usize,
    /// Longest time from the first byte of a head to its last, and again for the
    /// body of a `POST`; then 408.
    pub head_time: Duration,
    /// Longest silence between two requests; then the connection is closed.
    pub idle_time: Duration,
    /// Longest time in which the peer takes no byte of what may go out of a
    /// response; then it is closed.
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
    Upload,
    Sending,
    Body,
    Lingering,
    Stalled,
    Resetting,
    Finished,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    limits: Rc<Limits>,
    peer: Option<IpAddr>,
    stage: Stage,
    /// Since when the peer is waited for in this stage.
    since: Tick,
    inbox: Inbox,
    /// Bytes of head and body of the `POST` that is not whole yet.
    upload_bytes: usize,
    /// Bytes of a request body still to be discarded.
    body_left: usize,
    outgoing: Option<Outgoing>,
    peer_closed: bool,
    shut_down: bool,
    resets: bool,
}

impl Connection {
    /// A connection accepted at `now`.
    #[must_use]
    pub fn new(now: Tick, limits: impl Into<Rc<Limits>>) -> Self {
        Self {
            limits: limits.into(),
            peer: None,
            stage: Stage::Idle,
            since: now,
            inbox: Inbox::default(),
            upload_bytes: 0,
            body_left: 0,
            outgoing: None,
            peer_closed: false,
            shut_down: false,
            resets: false,
        }
    }

    /// This connection with the address of its peer, which its requests carry.
    #[must_use]
    pub fn from_peer(self, peer: Option<IpAddr>) -> Self {
        Self { peer, ..self }
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
            return self.end(service);
        }
        self.inbox.push(bytes);
        self.advance(now, service);
    }

    /// The peer sends no more (end of file). What it asked for before is answered,
    /// unless that is still held back.
    pub fn peer_closed(&mut self, service: &mut dyn Service) {
        self.peer_closed = true;
        if self.outgoing.as_ref().is_none_or(Outgoing::is_delayed) {
            self.end(service);
        }
    }

    /// Ends the connection: the socket failed, or its place is needed.
    pub fn end(&mut self, service: &mut dyn Service) {
        self.stage = Stage::Finished;
        self.inbox = Inbox::default();
        self.report(service);
    }

    /// What is to be written next: of the rest of the head and the rest of the
    /// body, either of which may be empty, what may go out by now.
    #[must_use]
    pub fn pending(&self) -> [IoSlice<'_>; 2] {
        self.outgoing.as_ref().map_or([&[][..], &[]], Outgoing::pending).map(IoSlice::new)
    }

    /// Whether there is anything to be written now. May become true by
    /// [`Connection::deadline_reached`], without new readiness of the socket.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.outgoing.as_ref().is_some_and(Outgoing::may_go_out)
    }

    /// The peer took `count` bytes of [`Connection::pending`]. Once it has all,
    /// the next request that waits is answered.
    pub fn sent(&mut self, now: Tick, count: usize, service: &mut dyn Service) {
        if let Some(outgoing) = &mut self.outgoing
            && count > 0
        {
            outgoing.take(count);
            self.since = now;
            self.go_on(now, service);
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

    /// Whether the socket is to be closed by a reset (RST), which makes the kernel
    /// drop what it has not sent yet. So the caller waits until it has sent all, and
    /// then calls [`Connection::end`].
    #[must_use]
    pub fn resets(&self) -> bool {
        self.resets
    }

    /// Whether the peer waits for us, as we were told to let it.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.stage == Stage::Stalled || self.next_due().is_some()
    }

    /// Since when the peer is waited for: for a request, for the rest of one, or to
    /// take the next bytes of a response.
    #[must_use]
    pub const fn waits_since(&self) -> Tick {
        self.since
    }

    /// When [`Connection::deadline_reached`] is to be called, unless something
    /// happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        if let Some(due) = self.next_due() {
            return Some(due);
        }
        let longest = match self.stage {
            Stage::Idle => self.limits.idle_time,
            Stage::Head | Stage::Upload | Stage::Body => self.limits.head_time,
            Stage::Sending | Stage::Resetting => self.limits.write_time,
            Stage::Lingering => LINGER,
            Stage::Stalled => STALL,
            Stage::Finished => return None,
        };
        Some(self.since.after(longest))
    }

    /// Lets out what has become due of a response, or gives up on a peer that took
    /// too long: 408 for a slow request, else the end. Does nothing before the
    /// deadline.
    pub fn deadline_reached(&mut self, now: Tick, service: &mut dyn Service) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.stage {
            _ if self.next_due().is_some() => self.go_on(now, service),
            Stage::Head | Stage::Upload => self.refuse(now, Status::REQUEST_TIMEOUT, service),
            _ => self.end(service),
        }
    }

    /// When more of the response may go out, if that is what is waited for.
    fn next_due(&self) -> Option<Tick> {
        self.outgoing.as_ref().and_then(Outgoing::next_due)
    }

    /// Whether bytes of the peer make no difference any more.
    fn ignores_input(&self) -> bool {
        use Stage::{Finished, Lingering, Resetting, Stalled};
        matches!(self.stage, Lingering | Stalled | Resetting | Finished)
            || self.outgoing.as_ref().is_some_and(|outgoing| outgoing.last)
    }

    fn has_room(&self) -> bool {
        let most = match self.stage {
            Stage::Upload => self.upload_bytes,
            _ => self.limits.head_bytes,
        };
        self.inbox.unused().len() < most
    }

    /// Goes as far as the bytes received allow, at most one response.
    fn advance(&mut self, now: Tick, service: &mut dyn Service) {
        self.body_left -= self.inbox.consume(self.body_left);
        if self.stage == Stage::Body && self.body_left == 0 {
            self.stage = Stage::Idle;
            self.since = now;
        }
        let hears = matches!(self.stage, Stage::Idle | Stage::Head)
            || (self.stage == Stage::Upload && !self.has_room());
        if hears {
            match self.inbox.scan(self.limits.head_bytes) {
                Scan::Complete(length) => self.answer(now, length, service),
                Scan::TooLong => self.refuse(now, Status::HEADERS_TOO_LARGE, service),
                Scan::Partial => self.wait_for_head(now),
            }
        }
        if self.peer_closed && self.outgoing.is_none() {
            self.end(service);
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

    /// Answers the request whose head has this many bytes, once its body is there.
    fn answer(&mut self, now: Tick, length: usize, service: &mut dyn Service) {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let (head, rest) = self.inbox.unused().split_at_checked(length).unwrap_or_default();
        let (request, manners) = match request::parse(head, &mut fields, BODY_LIMIT_BYTES) {
            Ok(parsed) => parsed,
            Err(status) => return self.refuse(now, status, service),
        };
        let wanted = if request.method == Method::Post { manners.body_bytes } else { 0 };
        let Some(body) = rest.get(..wanted) else {
            self.stage = Stage::Upload;
            self.upload_bytes = length + wanted;
            self.since = now;
            return;
        };
        let response = service.respond(&Request { body, peer: self.peer, ..request });
        let head_only = request.method == Method::Head;
        self.inbox.consume(length);
        self.body_left = manners.body_bytes;
        self.body_left -= self.inbox.consume(self.body_left);
        let connection = match (manners.keep_alive, manners.announce) {
            (false, _) => Some("close"),
            (true, true) => Some("keep-alive"),
            (true, false) => None,
        };
        self.send(now, Outgoing::new(now, response, head_only, connection), service);
    }

    /// Answers what is no request, and hears no more.
    fn refuse(&mut self, now: Tick, status: Status, service: &mut dyn Service) {
        let refusal = Refusal::new(status, self.inbox.unused(), self.peer);
        let ticket = service.refused(&refusal);
        let response = Response { ticket, ..Response::text(status, "") };
        self.send(now, Outgoing::new(now, response, false, Some("close")), service);
    }

    fn send(&mut self, now: Tick, outgoing: Outgoing, service: &mut dyn Service) {
        self.outgoing = Some(outgoing);
        self.stage = Stage::Sending;
        self.since = now;
        self.go_on(now, service);
    }

    /// Lets out what is due of the response, and leaves it behind once all of it
    /// that was to go out is taken.
    fn go_on(&mut self, now: Tick, service: &mut dyn Service) {
        let Some(outgoing) = &mut self.outgoing else { return };
        if outgoing.let_out(now) {
            self.since = now;
        }
        if self.peer_closed && outgoing.is_delayed() {
            return self.end(service);
        }
        if !outgoing.is_done() {
            return;
        }
        let (last, cut) = (outgoing.last, outgoing.cut());
        self.report(service);
        self.resets = cut == Some(CutEnd::Reset);
        if !last {
            self.stage = Stage::Body;
            return self.advance(now, service);
        }
        if self.peer_closed {
            return self.end(service);
        }
        self.inbox = Inbox::default();
        self.since = now;
        self.stage = match cut {
            Some(CutEnd::Stall) => Stage::Stalled,
            Some(CutEnd::Reset) => Stage::Resetting,
            _ => Stage::Lingering,
        };
        self.shut_down = self.stage == Stage::Lingering;
    }

    /// Tells what became of the response, which is no longer on its way.
    fn report(&mut self, service: &mut dyn Service) {
        if let Some(outgoing) = self.outgoing.take()
            && let Some(ticket) = outgoing.ticket
        {
            service.delivered(ticket, outgoing.delivered());
        }
    }
}

#[cfg(test)]
mod tests;
