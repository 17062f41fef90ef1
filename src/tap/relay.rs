//! One connection of a client and the connection to its origin, through any number of
//! exchanges, one at a time.

pub(super) mod outbox;
mod outputs;

use std::net::SocketAddr;
use std::time::Duration;

use super::exchange::{Exchange, Progress};
use super::link::{Close, Closed, ConnectFailure, Connected, Target};
use super::request::{self, HEAD_BYTES_MAX, Refusal};
use super::{Context, Tap};
use crate::exchange::record::{ExchangeResult, TcpCounters};
use crate::http::inbox::{Inbox, Scan};
use crate::units::{ClientId, Tick};
use outbox::Outbox;

/// By how much a client may close before its timeout, as seen from here, and still
/// close because of it: clocks are read once a turn.
const EARLY: Duration = Duration::from_millis(50);

/// By how much the timeout of a relay is longer than the client's, which then decides.
const LATE: Duration = Duration::from_secs(1);

/// The connection to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// None.
    Closed,
    /// Not yet taken by [`Relay::take_target`].
    Wanted,
    /// Taken, and not yet established.
    Connecting,
    /// Established to this address.
    Open(SocketAddr),
}

/// One connection of a client and the one to its origin.
#[derive(Debug)]
pub struct Relay {
    client: ClientId,
    /// When the connection was accepted, or the last exchange ended.
    since: Tick,
    inbox: Inbox,
    to_client: Outbox,
    to_origin: Outbox,
    target: Option<Target>,
    link: Link,
    exchange: Option<Box<Exchange>>,
    close: Option<Close>,
    is_blocked: bool,
    retransmits: u32,
    /// The client's timeout, as of its last request.
    timeout: Duration,
}

impl Relay {
    /// A connection of this client, accepted at `now`.
    #[must_use]
    pub fn new(client: ClientId, now: Tick) -> Self {
        Self {
            client,
            since: now,
            inbox: Inbox::default(),
            to_client: Outbox::default(),
            to_origin: Outbox::default(),
            target: None,
            link: Link::Closed,
            exchange: None,
            close: None,
            is_blocked: false,
            retransmits: 0,
            timeout: Duration::ZERO,
        }
    }

    /// The client sent these bytes.
    pub fn client_sent(&mut self, now: Tick, bytes: &[u8], cx: &mut Context<'_>) {
        self.settle(cx);
        if self.close.is_some() || bytes.is_empty() {
            return;
        }
        if self.exchange.is_some() {
            // A second request before the response of the first.
            cx.tap.refused += 1;
            return self.cut(now, ExchangeResult::Abandoned, Close::ResetClient, cx);
        }
        if self.inbox.unused().is_empty() {
            self.since = now;
        }
        self.timeout = cx.tap.settings.timeout;
        self.inbox.push(bytes);
        match self.inbox.scan(HEAD_BYTES_MAX) {
            Scan::Partial => {}
            Scan::TooLong => self.refuse(Refusal::TooLong, cx.tap),
            Scan::Complete(length) => match self.take_request(length, now, cx.tap) {
                Ok(()) => {}
                Err(refusal) => self.refuse(refusal, cx.tap),
            },
        }
    }

    /// Starts an exchange with the request in the first `length` bytes received.
    fn take_request(&mut self, length: usize, now: Tick, tap: &Tap) -> Result<(), Refusal> {
        let (head, rest) = self.inbox.unused().split_at_checked(length).unwrap_or_default();
        let mut request = request::read(head, &tap.settings, &tap.catalogue)?;
        if !rest.is_empty() {
            return Err(Refusal::Pipelined);
        }
        self.inbox.consume(length);
        self.to_origin.push(&std::mem::take(&mut request.head));
        let target = request.target.clone();
        let mut exchange = Box::new(Exchange::new(self.client, request, now, tap));
        match self.link {
            Link::Open(peer) if self.target.as_ref() == Some(&target) => exchange.reuse(peer),
            _ => {
                self.link = Link::Wanted;
                self.target = Some(target);
                self.retransmits = 0;
            }
        }
        self.exchange = Some(exchange);
        Ok(())
    }

    fn refuse(&mut self, refusal: Refusal, tap: &mut Tap) {
        tap.refused += 1;
        self.inbox = Inbox::default();
        self.to_client.push(refusal.response());
        self.close = Some(Close::Both);
    }

    /// The origin sent these bytes.
    pub fn origin_sent(&mut self, now: Tick, bytes: &[u8], cx: &mut Context<'_>) {
        self.settle(cx);
        if self.close.is_some() || bytes.is_empty() || !matches!(self.link, Link::Open(_)) {
            return;
        }
        let Some(exchange) = &mut self.exchange else {
            // No request asked for it.
            self.close = Some(Close::Both);
            return;
        };
        let progress = exchange.feed(now, bytes, &mut self.to_client, cx.tap);
        self.advance(now, progress, cx);
    }

    /// This many bytes of the body passed from the origin to the client unseen, at most
    /// [`Relay::relay_limit`].
    pub fn relayed(&mut self, now: Tick, count: u64, cx: &mut Context<'_>) {
        let limit = self.relay_limit();
        let Some(exchange) = self.exchange.as_mut().filter(|_| count > 0 && limit > 0) else {
            return;
        };
        let progress = exchange.relayed(now, count.min(limit));
        self.advance(now, progress, cx);
    }

    fn advance(&mut self, now: Tick, progress: Progress, cx: &mut Context<'_>) {
        match progress {
            Progress::More => {}
            Progress::Complete { surplus } => {
                if let Some(exchange) = &mut self.exchange {
                    exchange.complete(now, &mut self.to_client, cx.tap);
                }
                // A response before the whole request is the last one, too.
                if surplus || !self.to_origin.is_empty() {
                    self.close = Some(Close::Both);
                }
            }
            Progress::Malformed => {
                self.cut(now, ExchangeResult::Malformed, Close::ResetClient, cx);
            }
        }
    }

    /// The wanted connection is established.
    pub fn connected(&mut self, now: Tick, connected: &Connected, _cx: &mut Context<'_>) {
        if self.link != Link::Connecting {
            return;
        }
        self.link = Link::Open(connected.peer);
        if let Some(exchange) = &mut self.exchange {
            exchange.connected(now, connected);
        }
    }

    /// The wanted connection could not be established.
    pub fn connect_failed(&mut self, now: Tick, why: ConnectFailure, cx: &mut Context<'_>) {
        if self.link == Link::Connecting {
            self.cut(now, why.result(), Close::ResetClient, cx);
        }
    }

    /// The origin closed the connection. Bytes received before must have been passed
    /// on.
    pub fn origin_closed(&mut self, now: Tick, closed: Closed, cx: &mut Context<'_>) {
        if self.close.is_some() || !matches!(self.link, Link::Open(_)) {
            return;
        }
        self.close = Some(match closed {
            Closed::Eof => Close::Both,
            Closed::Reset => Close::ResetClient,
        });
        if let Some(exchange) = self.exchange.as_mut().filter(|exchange| !exchange.has_ended()) {
            exchange.closed(now, closed, &mut self.to_client, cx.tap);
        }
    }

    /// The client closed or reset its connection, or its process has ended.
    pub fn client_closed(&mut self, now: Tick, cx: &mut Context<'_>) {
        let silent = self.exchange.as_ref().map(|exchange| now.since(exchange.heard()));
        let timeout = self.timeout.saturating_sub(EARLY);
        let timed_out = !self.is_waiting_for_client() && silent.is_some_and(|it| it >= timeout);
        let reason = if timed_out { self.silence() } else { ExchangeResult::Abandoned };
        self.cut(now, reason, Close::Both, cx);
        self.close = Some(Close::Both);
        self.to_client = Outbox::default();
    }

    /// Whether the client took less than it was offered, so that the origin's silence
    /// is not the origin's fault. Must be called whenever that changes.
    pub fn client_blocked(&mut self, now: Tick, is_blocked: bool) {
        let was_blocked = std::mem::replace(&mut self.is_blocked, is_blocked);
        if let Some(exchange) = self.exchange.as_mut().filter(|_| was_blocked && !is_blocked) {
            exchange.unblocked(now);
        }
    }

    /// Data waited this long between readable and handled.
    pub fn delayed(&mut self, by: Duration) {
        if let Some(exchange) = &mut self.exchange {
            exchange.delayed(by);
        }
    }

    /// The kernel's counters of the connection to the origin since it was established,
    /// asked for by [`Relay::wants_counters`].
    pub fn counted(&mut self, counters: TcpCounters, cx: &mut Context<'_>) {
        let Some(exchange) = self.exchange.take_if(|exchange| exchange.has_ended()) else {
            return;
        };
        let retransmits = counters.retransmits.saturating_sub(self.retransmits);
        self.retransmits = counters.retransmits;
        exchange.record(TcpCounters { retransmits, ..counters }, cx.records);
        self.rest();
    }

    /// The time of [`Relay::deadline`] has come.
    pub fn deadline_reached(&mut self, now: Tick, cx: &mut Context<'_>) {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        if self.exchange.is_some() {
            self.cut(now, self.silence(), Close::ResetClient, cx);
        } else {
            self.close = Some(Close::Both);
        }
    }

    /// The result if nothing is received in time.
    const fn silence(&self) -> ExchangeResult {
        match self.link {
            Link::Open(_) => ExchangeResult::Timeout,
            _ => ExchangeResult::ConnectTimeout,
        }
    }

    /// Ends the exchange in progress, if any, before its response is complete.
    fn cut(&mut self, now: Tick, reason: ExchangeResult, close: Close, cx: &mut Context<'_>) {
        self.close.get_or_insert(close);
        if let Some(exchange) = self.exchange.as_mut().filter(|exchange| !exchange.has_ended()) {
            exchange.cut(now, reason);
        }
        self.to_origin = Outbox::default();
        if !matches!(self.link, Link::Open(_)) {
            self.link = Link::Closed;
            self.settle(cx);
        }
    }

    /// Gives the record of an exchange that has ended without the kernel's counters.
    fn settle(&mut self, cx: &mut Context<'_>) {
        if let Some(exchange) = self.exchange.take_if(|exchange| exchange.has_ended()) {
            exchange.record(TcpCounters::default(), cx.records);
            self.rest();
        }
    }

    /// Frees memory after an exchange.
    fn rest(&mut self) {
        self.to_client.shrink();
        self.to_origin.shrink();
    }
}

#[cfg(test)]
mod tests;
