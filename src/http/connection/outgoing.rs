//! A response being sent: what of it may be sent by now, what the socket took, and
//! where it ends.
//!
//! A plain response may be sent whole at once. Any other follows its [`Delivery`]:
//! nothing until the delay is over, then a chunk, and the next chunk a period later. A
//! chunk is a tenth of a second's worth of bytes, at least one byte, so a slow response
//! wakes the loop at most 20 times a second. A period starts when its chunk was due,
//! not when it was sent, so that small delays of ours do not add up; time in which the
//! peer took nothing is not made up for. So no span carries more than the rate allows
//! plus one chunk, or two if a chunk was late.
//!
//! Knows neither the connection's stage nor its time limits.

use std::time::Duration;

use super::super::{Body, CutEnd, Delivered, Delivery, Response, Ticket};
use crate::units::Tick;

/// Chunks of a second's worth of bytes: often enough to look like a slow line.
const CHUNKS_PER_SECOND: u64 = 10;

/// A response being sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    head: Vec<u8>,
    body: Body,
    /// Bytes of head and body that the socket took.
    taken: usize,
    /// Bytes of an open body that were taken before those in `body`.
    taken_before: u64,
    /// Whether the service is to be asked for more of the body.
    open: bool,
    /// Whether nothing follows it on this connection.
    pub(super) last: bool,
    /// Identifies it to the service.
    pub(super) ticket: Option<Ticket>,
    /// How it is sent; `None` is at once and whole.
    pace: Option<Box<Pace>>,
}

#[derive(Debug)]
struct Pace {
    /// Bytes of head and body that may be sent by now.
    allowed: usize,
    /// Bytes of head and body that are sent in all.
    end: usize,
    /// When the next chunk may be sent; `None` once the last one may.
    due: Option<Tick>,
    chunk: usize,
    period: Duration,
    cut: Option<CutEnd>,
}

impl Pace {
    fn new(now: Tick, delivery: &Delivery, head_bytes: usize, body_bytes: usize) -> Self {
        let end = match delivery.cut.map(|cut| cut.after) {
            None => head_bytes + body_bytes,
            Some(None) => 0,
            Some(Some(after)) => head_bytes + after.min(body_bytes),
        };
        let (chunk, period) = delivery.rate.map_or((usize::MAX, Duration::ZERO), |rate| {
            let chunk = (rate.get() / CHUNKS_PER_SECOND).max(1);
            let nanos = (u128::from(chunk) * 1_000_000_000).div_ceil(u128::from(rate.get()));
            let period = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            (usize::try_from(chunk).unwrap_or(usize::MAX), period)
        });
        let due = Some(now.after(delivery.delay));
        let cut = delivery.cut.map(|cut| cut.end);
        Self { allowed: 0, end, due, chunk, period, cut }
    }

    fn let_out(&mut self, now: Tick, due: Tick) {
        self.allowed = self.allowed.saturating_add(self.chunk).min(self.end);
        let next = due.after(self.period);
        let next = if next > now { next } else { now.after(self.period) };
        self.due = (self.allowed < self.end).then_some(next);
    }
}

impl Outgoing {
    /// The response to a request that was complete at `now`; `connection` is the value
    /// of that header field, if any.
    pub(super) fn new(
        now: Tick,
        response: Response,
        head_only: bool,
        connection: Option<&'static str>,
    ) -> Self {
        let head = response.head(connection);
        let bodiless = head_only || response.status.forbids_body();
        let Response { body, delivery, ticket, .. } = response;
        let body = if bodiless { Body::Empty } else { body };
        let body_bytes = body.bytes().len();
        let open = matches!(body, Body::Open(_)) && ticket.is_some();
        let delivery = delivery.filter(|_| !open);
        let broken = delivery.as_ref().is_some_and(|delivery| {
            // With another length announced, the peer cannot know where the next
            // response begins.
            let lies = delivery.content_length.is_some_and(|length| length != body_bytes as u64);
            delivery.cut.is_some() || (lies && !bodiless)
        });
        let pace =
            delivery.map(|delivery| Box::new(Pace::new(now, &delivery, head.len(), body_bytes)));
        let last = broken || connection == Some("close");
        Self { head, body, taken: 0, taken_before: 0, open, last, ticket, pace }
    }

    /// What may be written now of the rest of the head and of the rest of the body.
    pub(super) fn pending(&self) -> [&[u8]; 2] {
        let part = |bytes: &[u8], before: usize| {
            let end = self.allowed().saturating_sub(before).min(bytes.len());
            self.taken.saturating_sub(before).min(end)..end
        };
        let (head, body) = (self.head.as_slice(), self.body.bytes());
        let of_head = head.get(part(head, 0)).unwrap_or_default();
        [of_head, body.get(part(body, head.len())).unwrap_or_default()]
    }

    /// Whether [`Outgoing::pending`] holds anything.
    pub(super) fn may_go_out(&self) -> bool {
        self.taken < self.allowed()
    }

    /// The socket took this many bytes of what was pending.
    pub(super) fn take(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count).min(self.allowed());
    }

    /// Releases the next chunk, if it is due and all before it is taken; true if so.
    pub(super) fn let_out(&mut self, now: Tick) -> bool {
        let Some(due) = self.next_due().filter(|&due| due <= now) else { return false };
        if let Some(pace) = &mut self.pace {
            pace.let_out(now, due);
        }
        true
    }

    /// When the next chunk may be sent, unless the peer is waited for.
    pub(super) fn next_due(&self) -> Option<Tick> {
        let pace = self.pace.as_ref()?;
        pace.due.filter(|_| self.taken >= pace.allowed)
    }

    /// Whether the delay before the first byte is not over.
    pub(super) fn is_delayed(&self) -> bool {
        self.pace.as_ref().is_some_and(|pace| pace.allowed == 0 && pace.due.is_some())
    }

    /// Whether the socket took all that was to be sent.
    pub(super) fn is_done(&self) -> bool {
        match &self.pace {
            Some(pace) => pace.due.is_none() && self.taken >= pace.end,
            None => !self.open && self.taken >= self.whole(),
        }
    }

    /// How the response is cut, if it is.
    pub(super) fn cut(&self) -> Option<CutEnd> {
        self.pace.as_ref().and_then(|pace| pace.cut)
    }

    /// How it ended, as of now.
    pub(super) fn delivered(&self) -> Delivered {
        let body_bytes = self.taken_before + self.taken.saturating_sub(self.head.len()) as u64;
        Delivered { body_bytes, complete: self.is_done() }
    }

    /// Whether the body stays open.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// The ticket of an open body of which the socket took everything so far.
    pub(super) fn wants_more(&self) -> Option<Ticket> {
        self.ticket.filter(|_| self.open && self.taken >= self.whole())
    }

    /// Appends to an open body of which the socket took everything so far.
    pub(super) fn append(&mut self, bytes: Vec<u8>) {
        self.taken_before += self.body.bytes().len() as u64;
        self.body = Body::Owned(bytes);
        self.taken = self.head.len();
    }

    /// Ends an open body after what was appended.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    fn whole(&self) -> usize {
        self.head.len() + self.body.bytes().len()
    }

    fn allowed(&self) -> usize {
        self.pace.as_ref().map_or_else(|| self.whole(), |pace| pace.allowed)
    }
}
