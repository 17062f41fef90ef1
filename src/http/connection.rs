//! One HTTP/1.1 connection as a state machine on bytes.
//!
//! Bytes enter by [`Connection::receive`] and leave by [`Connection::pending`]; the
//! socket, the clock and the service belong to the caller.
//!
//! | stage | ends when | and then |
//! |---|---|---|
//! | idle | the first byte of a head arrives | head |
//! | head | the head is complete, malformed, too long or too slow | upload or sending |
//! | upload | the body of a `POST` is complete or too slow | sending |
//! | sending | the peer has taken the response, or it is cut | body; after the last
//! response lingering, stalled or resetting |
//! | body | the body of the request is discarded | idle |
//! | lingering | the peer closes, or the time is up | finished |
//! | stalled | the peer closes, or the time is up | finished |
//! | resetting | the peer has everything, closes, or the time is up | finished, by a
//! reset |
//!
//! `connection/outgoing.rs` paces the response. However a response with a ticket ends,
//! the service is notified once.
//!
//! At most one response is in memory. Pipelined requests wait as bytes; reading stops
//! once they fill the limit of a head. So a peer that sends requests and reads no
//! response costs one head, one read and one response.

mod limits;
mod open_body;
mod outgoing;

use std::io::IoSlice;
use std::rc::Rc;
use std::time::Duration;

pub use self::limits::Limits;
use self::outgoing::Outgoing;
use super::inbox::{Inbox, Scan};
use super::request::{self, MAX_FIELDS};
use super::{Body, CutEnd, Method, PeerAddress, Refusal, Request, Response, Service, Status};
use crate::units::Tick;

/// Longest request body in bytes. The body of a `POST` is passed to the service, and a
/// longer one is refused. The body of another method is read and discarded so that the
/// connection can be reused; after a longer one the connection is closed.
const BODY_LIMIT_BYTES: usize = 16 * 1024;

/// Longest wait for the peer to close after the last response. Closing with unread
/// bytes would make the kernel discard the response (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(1);

/// Longest silence of a response that stalls on purpose: longer than any client waits,
/// so that the client gives up first.
const STALL: Duration = Duration::from_secs(3600);

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
    peer: Option<PeerAddress>,
    stage: Stage,
    /// Start of the current wait for the peer.
    since: Tick,
    inbox: Inbox,
    /// Bytes of head and body of an incomplete `POST`.
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
    pub fn from_peer(self, peer: Option<PeerAddress>) -> Self {
        Self { peer, ..self }
    }

    /// Whether bytes of the peer are accepted. May become true by [`Connection::sent`],
    /// without new readiness of the socket.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        !self.peer_closed
            && self.stage != Stage::Finished
            && (self.ignores_input() || self.has_room())
    }

    /// Takes bytes from the peer and responds to the first complete request in them,
    /// unless a response is still being sent. Bytes that arrive while
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

    /// The peer sent its end of file. Requests received before still get their
    /// responses, unless a response is being delayed or stays open.
    pub fn peer_closed(&mut self, service: &mut dyn Service) {
        self.peer_closed = true;
        if self.outgoing.as_ref().is_none_or(|it| it.is_delayed() || it.is_open()) {
            self.end(service);
        }
    }

    /// Ends the connection: the socket failed, or its slot is needed.
    pub fn end(&mut self, service: &mut dyn Service) {
        self.stage = Stage::Finished;
        self.inbox = Inbox::default();
        self.report(service);
    }

    /// The bytes to write next: the rest of the head and the rest of the body, as far
    /// as they may be sent by now. Either may be empty.
    #[must_use]
    pub fn pending(&self) -> [IoSlice<'_>; 2] {
        self.outgoing.as_ref().map_or([&[][..], &[]], Outgoing::pending).map(IoSlice::new)
    }

    /// Whether there is anything to write now. May become true by
    /// [`Connection::deadline_reached`], without new readiness of the socket.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.outgoing.as_ref().is_some_and(Outgoing::may_go_out)
    }

    /// The peer took `count` bytes of [`Connection::pending`]. After the last one, the
    /// next waiting request is handled.
    pub fn sent(&mut self, now: Tick, count: usize, service: &mut dyn Service) {
        if let Some(outgoing) = &mut self.outgoing
            && count > 0
        {
            outgoing.take(count);
            self.since = now;
            self.go_on(now, service);
        }
    }

    /// Whether the caller must shut down its side of the socket now: the last response
    /// is sent and the peer's end of file is awaited. True once.
    pub fn take_shutdown(&mut self) -> bool {
        std::mem::take(&mut self.shut_down)
    }

    /// Whether the socket must be closed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    /// Whether the socket must be closed by a reset (RST), which makes the kernel drop
    /// unsent bytes. So the caller waits until everything is sent, then calls
    /// [`Connection::end`].
    #[must_use]
    pub fn resets(&self) -> bool {
        self.resets
    }

    /// Whether the peer waits for us because the delivery delays or stalls the
    /// response, or because the service has no more of an open body yet.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.stage == Stage::Stalled || self.next_due().is_some() || self.waits_for_service()
    }

    /// Since when the connection waits for the peer: for a request, for the rest of
    /// one, or to take the next bytes of a response.
    #[must_use]
    pub const fn waits_since(&self) -> Tick {
        self.since
    }

    /// When [`Connection::deadline_reached`] must be called unless something happens
    /// before.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        if let Some(due) = self.next_due() {
            return Some(due);
        }
        let longest = match self.stage {
            Stage::Idle => self.limits.idle_time,
            Stage::Head | Stage::Upload | Stage::Body => self.limits.head_time,
            Stage::Sending if self.waits_for_service() => return None,
            Stage::Sending | Stage::Resetting => self.limits.write_time,
            Stage::Lingering => LINGER,
            Stage::Stalled => STALL,
            Stage::Finished => return None,
        };
        Some(self.since.after(longest))
    }

    /// Releases what has become due of a response, or gives up on a peer that took too
    /// long: 408 for a slow request, otherwise the end. Does nothing before the
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

    /// When more of the response may be sent, if the delivery limits it.
    fn next_due(&self) -> Option<Tick> {
        self.outgoing.as_ref().and_then(Outgoing::next_due)
    }

    /// Whether bytes of the peer no longer have any effect.
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

    /// Handles the bytes received, up to one response.
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
                Scan::Complete(length) => self.respond(now, length, service),
                Scan::TooLong => self.refuse(now, Status::HEADERS_TOO_LARGE, service),
                Scan::Partial => self.wait_for_head(now),
            }
        }
        if self.peer_closed && self.outgoing.is_none() {
            self.end(service);
        }
    }

    /// Starts the time limit of a head: at its first byte, or once everything before it
    /// is done.
    fn wait_for_head(&mut self, now: Tick) {
        if self.stage == Stage::Idle && !self.inbox.unused().is_empty() {
            self.stage = Stage::Head;
            self.since = now;
        }
    }

    /// Responds to the request whose head has `length` bytes, once its body has
    /// arrived.
    fn respond(&mut self, now: Tick, length: usize, service: &mut dyn Service) {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let (head, rest) = self.inbox.unused().split_at_checked(length).unwrap_or_default();
        let (request, continuation) = match request::parse(head, &mut fields, BODY_LIMIT_BYTES) {
            Ok(parsed) => parsed,
            Err(status) => return self.refuse(now, status, service),
        };
        let wanted = if request.method == Method::Post { continuation.body_bytes } else { 0 };
        let Some(body) = rest.get(..wanted) else {
            self.stage = Stage::Upload;
            self.upload_bytes = length + wanted;
            self.since = now;
            return;
        };
        let response = service.respond(&Request { body, peer: self.peer, ..request });
        let head_only = request.method == Method::Head;
        self.inbox.consume(length);
        self.body_left = continuation.body_bytes;
        self.body_left -= self.inbox.consume(self.body_left);
        let ends_body = matches!(response.body, Body::Open(_)) && !head_only;
        let connection = match (continuation.keep_alive && !ends_body, continuation.announce) {
            (false, _) => Some("close"),
            (true, true) => Some("keep-alive"),
            (true, false) => None,
        };
        self.send(now, Outgoing::new(now, response, head_only, connection), service);
    }

    /// Responds to a malformed, oversized or slow request and reads no further.
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

    /// Releases what is due of the response, and moves on once all that was to be sent
    /// is taken.
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

    /// Reports to the service how the response ended.
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
