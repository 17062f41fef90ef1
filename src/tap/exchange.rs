//! One exchange: reads the response of the origin and decides what goes to the client.
//!
//! A body passes as it is, except that of a playlist, which is held until it is
//! complete. Knows no connection.

mod ending;
mod kind;

use std::time::Duration;

use url::Url;

use super::Tap;
use super::catalogue::Known;
use super::link::Connected;
use super::media::FirstBytes;
use super::playlist;
use super::relay::outbox::Outbox;
use super::request::Request;
use super::response::{self, HEAD_BYTES_MAX, Head, Read};
use crate::exchange::RequestKind;
use crate::exchange::record::{ExchangeResult, Times};
use crate::hls::Scheme;
use crate::http::framing::Framing;
use crate::http::inbox::{Inbox, Scan};
use crate::units::{ClientId, Tick, Wall};

/// How far an exchange is after some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// More bytes belong to the response.
    More,
    /// The response is complete; `surplus` if bytes followed it.
    Complete { surplus: bool },
    /// The response violates RFC 9112.
    Malformed,
}

/// The body of a response.
#[derive(Debug)]
struct Body {
    head: Box<Head>,
    /// The framing of the rest.
    framing: Framing,
    /// The head and the body so far of a playlist that is held, as received.
    held: Option<(Vec<u8>, Vec<u8>)>,
    /// The first bytes, while more of them are needed.
    look: Option<FirstBytes>,
    /// Whether the contents are what was requested, as far as is known.
    is_media: bool,
    /// Bytes without the framing of chunks.
    contents: u64,
}

/// An exchange in progress, or one whose record has not been taken.
#[derive(Debug)]
pub(super) struct Exchange {
    client: ClientId,
    url: Url,
    shown: String,
    is_head: bool,
    offset: u64,
    scheme: Scheme,
    known: Option<Known>,
    kind: RequestKind,
    is_refresh: bool,
    date: Option<Wall>,
    reused: bool,
    peer: Option<std::net::SocketAddr>,
    began: Tick,
    /// When something was received last, or could have been.
    heard: Tick,
    first_byte: Option<Tick>,
    times: Times,
    delay: Duration,
    inbox: Inbox,
    /// Bytes that heads and trailers may still take.
    head_room: usize,
    head_bytes: u64,
    body_bytes: u64,
    body: Option<Body>,
    ended: Option<(Tick, ExchangeResult)>,
}

impl Exchange {
    /// An exchange whose request is complete.
    pub(super) fn new(client: ClientId, request: Request, now: Tick, tap: &Tap) -> Self {
        let known = tap.catalogue.find(&request.url, request.offset);
        Self {
            client,
            kind: known.map_or_else(|| kind::of_path(request.url.path()), |known| known.kind),
            known,
            is_refresh: tap.catalogue.has_loaded(client, &request.url),
            url: request.url,
            shown: request.shown,
            is_head: request.is_head,
            offset: request.offset,
            scheme: if request.target.tls { Scheme::Https } else { Scheme::Http },
            date: known.and_then(|known| known.date),
            reused: false,
            peer: None,
            began: now,
            heard: now,
            first_byte: None,
            times: Times::default(),
            delay: Duration::ZERO,
            inbox: Inbox::default(),
            head_room: HEAD_BYTES_MAX,
            head_bytes: 0,
            body_bytes: 0,
            body: None,
            ended: None,
        }
    }

    /// Uses a connection that has served before.
    pub(super) const fn reuse(&mut self, peer: std::net::SocketAddr) {
        self.reused = true;
        self.peer = Some(peer);
    }

    /// Uses a new connection.
    pub(super) const fn connected(&mut self, now: Tick, connected: &Connected) {
        self.peer = Some(connected.peer);
        self.heard = now;
        self.times.dns = connected.dns;
        self.times.connect = Some(connected.connect);
        self.times.tls = connected.tls;
    }

    /// Data of this exchange waited for so long.
    pub(super) fn delayed(&mut self, by: Duration) {
        self.delay = self.delay.max(by);
    }

    /// The client takes data again, after it did not.
    pub(super) const fn unblocked(&mut self, now: Tick) {
        self.heard = now;
    }

    /// When something was received last.
    pub(super) const fn heard(&self) -> Tick {
        self.heard
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// How many of the next bytes may pass unseen.
    pub(super) fn relay_limit(&self) -> u64 {
        match &self.body {
            Some(body) if body.held.is_none() && body.look.is_none() && !self.has_ended() => {
                body.framing.body_bytes().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Whether the body is held until it is complete.
    pub(super) fn holds_body(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.held.is_some())
    }

    /// Bytes that passed unseen, at most [`Exchange::relay_limit`].
    pub(super) fn relayed(&mut self, now: Tick, count: u64) -> Progress {
        self.heard = now;
        self.body_bytes = self.body_bytes.saturating_add(count);
        let Some(body) = &mut self.body else { return Progress::Malformed };
        body.contents = body.contents.saturating_add(count);
        body.framing = body.framing.after_body(count);
        match body.framing {
            Framing::Done => Progress::Complete { surplus: false },
            _ => Progress::More,
        }
    }

    /// Takes bytes of the origin and writes what goes to the client.
    pub(super) fn feed(
        &mut self,
        now: Tick,
        bytes: &[u8],
        out: &mut Outbox,
        tap: &mut Tap,
    ) -> Progress {
        self.heard = now;
        if self.body.is_some() {
            return self.feed_body(bytes, out);
        }
        if !bytes.is_empty() {
            self.first_byte.get_or_insert(now);
        }
        self.inbox.push(bytes);
        while self.body.is_none() {
            let length = match self.inbox.scan(self.head_room) {
                Scan::Partial => return Progress::More,
                Scan::TooLong => return Progress::Malformed,
                Scan::Complete(length) => length,
            };
            let head = self.inbox.unused().get(..length).unwrap_or_default().to_vec();
            self.inbox.consume(length);
            self.head_bytes += length as u64;
            self.head_room = self.head_room.saturating_sub(length);
            match response::read(&head, self.is_head) {
                Read::Malformed => return Progress::Malformed,
                // FFmpeg takes it for the final one, and other clients skip it.
                Read::Interim => {
                    self.first_byte = (!self.inbox.unused().is_empty()).then_some(now);
                }
                Read::Final(read) => self.start_body(head, read, out, tap),
            }
        }
        let rest = self.inbox.unused().to_vec();
        self.inbox = Inbox::default();
        self.feed_body(&rest, out)
    }

    fn start_body(&mut self, head: Vec<u8>, read: Box<Head>, out: &mut Outbox, tap: &mut Tap) {
        let is_success = (200..300).contains(&read.status);
        if self.known.is_none() && is_success {
            self.kind = read.kind.unwrap_or(self.kind);
        }
        let has_body = is_success && read.framing != Framing::Done;
        let is_start = self.offset == 0 || self.known.is_some();
        let holds = has_body && self.kind == RequestKind::Playlist && self.offset == 0;
        let is_opaque = self.known.is_some_and(|known| known.opaque);
        let is_media = matches!(self.kind, RequestKind::Segment | RequestKind::Init);
        let is_clear = read.coding == response::Coding::Identity;
        let looks = is_clear && (holds || (has_body && is_media && is_start && !is_opaque));
        let location = read.location.as_ref().filter(|_| (300..400).contains(&read.status));
        let head = match location.and_then(|location| self.redirect(location, tap)) {
            Some(plain) => response::with_location(&head, &plain),
            None => head,
        };
        let held = match holds {
            true => Some((head, Vec::new())),
            false => {
                out.push(&head);
                None
            }
        };
        self.body = Some(Body {
            framing: read.framing,
            head: read,
            held,
            look: looks.then(FirstBytes::default),
            is_media: true,
            contents: 0,
        });
    }

    /// Hands on to the target of a redirect what is known of this URL; returns the
    /// target in http form if it needs TLS.
    fn redirect(&self, location: &str, tap: &mut Tap) -> Option<Vec<u8>> {
        let plain = tap.catalogue.plain(location.as_bytes(), self.scheme);
        let text = plain.as_deref().map_or(location.into(), String::from_utf8_lossy);
        if let Ok(url) = self.url.join(&text) {
            let known = self.known.unwrap_or(Known::of(self.kind));
            tap.catalogue.add(&url, self.offset, known);
        }
        plain
    }

    fn feed_body(&mut self, bytes: &[u8], out: &mut Outbox) -> Progress {
        let Some(body) = &mut self.body else { return Progress::Malformed };
        let mut rest = bytes;
        let mut malformed = false;
        while body.framing != Framing::Done
            && let Some((&byte, after)) = rest.split_first()
        {
            let Some(most) = body.framing.body_bytes() else {
                let is_trailer = matches!(body.framing, Framing::Trailer { .. });
                self.head_room = self.head_room.saturating_sub(usize::from(is_trailer));
                match body.framing.after_byte(byte) {
                    Ok(next) if self.head_room > 0 => body.framing = next,
                    _ => {
                        malformed = true;
                        break;
                    }
                }
                rest = after;
                continue;
            };
            let count = usize::try_from(most).unwrap_or(usize::MAX).min(rest.len());
            let (piece, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            body.see(piece);
            body.framing = body.framing.after_body(count as u64);
            rest = after;
        }
        let used = bytes.get(..bytes.len() - rest.len()).unwrap_or_default();
        self.body_bytes = self.body_bytes.saturating_add(used.len() as u64);
        body.pass(used, out);
        match body.framing {
            _ if malformed => Progress::Malformed,
            Framing::Done => Progress::Complete { surplus: !rest.is_empty() },
            _ => Progress::More,
        }
    }
}

impl Body {
    /// Looks at the next bytes of the contents.
    fn see(&mut self, piece: &[u8]) {
        self.contents = self.contents.saturating_add(piece.len() as u64);
        if let Some(look) = &mut self.look {
            look.take(piece);
            if look.are_enough() {
                self.end_look();
            }
        }
    }

    /// Decides by the bytes seen so far whether the body is what was requested.
    fn end_look(&mut self) {
        if let Some(look) = self.look.take() {
            let is_held = self.held.is_some();
            self.is_media = if is_held { look.are_a_playlist() } else { look.are_media() };
        }
    }

    /// Passes bytes to the client, or holds them.
    fn pass(&mut self, bytes: &[u8], out: &mut Outbox) {
        let Some((head, raw)) = &mut self.held else { return out.push(bytes) };
        raw.extend_from_slice(bytes);
        // What is not a playlist need not be held: it can be a film.
        if raw.len() > playlist::BYTES_MAX || !self.is_media {
            out.push(head);
            out.push(raw);
            self.held = None;
        }
    }
}
