//! One relay and its two sockets: moves bytes as far as the sockets allow.
//!
//! Decides nothing: [`Relay`] says what goes where.

use std::io;
use std::net::IpAddr;

use super::connecting::Connecting;
use super::io_context::{Io, context};
use super::moved::Moved;
use super::names::Found;
use super::pipes::Pipe;
use super::side::Side;
use crate::exchange::record::TcpCounters;
use crate::reactor::registrar::Registrar;
use crate::tap::{Close, Closed, Context, Relay, Target};
use crate::units::Tick;

/// Rounds of one relay in one turn, each of at most 64 KiB: a fast origin leaves the
/// others their turn.
const ROUNDS_PER_TURN: usize = 4;

/// Bytes read at first of a response: its head and the start of its body. What follows
/// of a segment passes through a pipe.
const FIRST_BYTES: usize = 4 * 1024;

/// What follows from a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A socket must become ready first.
    Wait,
    /// There is more to do at once.
    More,
    /// Both sockets are closed.
    Finished,
}

/// The connection to the origin.
#[derive(Debug)]
enum Origin {
    None,
    /// Its name is being looked up, since this time.
    Resolving(Target, Tick),
    Connecting(Box<Connecting>),
    Open(Side),
}

/// One relay and its sockets.
#[derive(Debug)]
pub(super) struct Carrier {
    relay: Relay,
    client: Side,
    origin: Origin,
    /// Holds bytes of a body that the client has not taken yet.
    pipe: Option<Pipe>,
}

impl Carrier {
    /// Of a connection accepted just now.
    pub(super) const fn new(relay: Relay, client: Side) -> Self {
        Self { relay, client, origin: Origin::None, pipe: None }
    }

    pub(super) fn wake_client(&mut self) {
        self.client.wake();
    }

    pub(super) fn wake_origin(&mut self) {
        match &mut self.origin {
            Origin::Open(side) => side.wake(),
            Origin::Connecting(connecting) => connecting.wake(),
            Origin::None | Origin::Resolving(..) => {}
        }
    }

    /// When [`Carrier::due`] is to be called.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let next_attempt = match &self.origin {
            Origin::Connecting(connecting) => connecting.deadline(),
            _ => None,
        };
        [self.relay.deadline(), next_attempt].into_iter().flatten().min()
    }

    /// The deadline has come.
    pub(super) fn due(&mut self, io: &mut Io<'_>) -> Step {
        let now = io.now;
        self.relay.deadline_reached(now, &mut context(io));
        self.drive(io)
    }

    /// The process of the client has ended.
    pub(super) fn end(&mut self, io: &mut Io<'_>) {
        let now = io.now;
        self.relay.client_closed(now, &mut context(io));
        self.count(io);
    }

    /// Moves what can be moved now.
    pub(super) fn drive(&mut self, io: &mut Io<'_>) -> Step {
        self.relay.delayed(io.delay);
        for _ in 0..ROUNDS_PER_TURN {
            let mut moved = self.open_origin(io);
            moved |= self.check_connect(io);
            moved |= self.send_to_origin();
            moved |= self.read_client(io);
            moved |= self.send_to_client(io);
            moved |= self.read_origin(io);
            self.count(io);
            if self.relay.close().is_some() && self.pipe.is_none() {
                return Step::Finished;
            }
            if !moved {
                let blocked = self.pipe.is_some() || !self.relay.to_client().is_empty();
                self.relay.client_blocked(io.now, blocked);
                return Step::Wait;
            }
        }
        Step::More
    }

    /// Closes both sockets.
    pub(super) fn close(self, registrar: &mut Registrar) {
        match self.relay.close() {
            Some(Close::ResetClient) => self.client.reset(registrar),
            _ => self.client.close(registrar),
        }
        self.origin.close(registrar);
    }

    /// Opens the connection that the relay wants.
    fn open_origin(&mut self, io: &mut Io<'_>) -> bool {
        let Some(target) = self.relay.take_target() else { return false };
        std::mem::replace(&mut self.origin, Origin::None).close(io.registrar);
        match io.names.find(io.registrar, io.now, &target.host, io.key) {
            Found::Addresses(found) => {
                let connecting = Connecting::new(io.now, target, &found, None);
                self.origin = Origin::Connecting(Box::new(connecting));
            }
            Found::Later => self.origin = Origin::Resolving(target, io.now),
        }
        true
    }

    /// The look-up of a name has ended, without an address if it failed.
    pub(super) fn resolved(&mut self, io: &mut Io<'_>, name: &str, found: &[IpAddr]) -> Step {
        match std::mem::replace(&mut self.origin, Origin::None) {
            Origin::Resolving(target, since) if target.host == name => {
                let dns = Some(io.now.since(since));
                let connecting = Connecting::new(io.now, target, found, dns);
                self.origin = Origin::Connecting(Box::new(connecting));
            }
            other => self.origin = other,
        }
        self.drive(io)
    }

    /// Notices that the connection was made or has failed.
    fn check_connect(&mut self, io: &mut Io<'_>) -> bool {
        let Origin::Connecting(connecting) = &mut self.origin else { return false };
        let Some(result) = connecting.go_on(io) else { return false };
        match result {
            Ok((side, connected)) => {
                self.origin = Origin::Open(side);
                self.relay.connected(io.now, &connected, &mut context(io));
            }
            Err(failure) => {
                self.origin = Origin::None;
                self.relay.connect_failed(io.now, failure, &mut context(io));
            }
        }
        true
    }

    fn send_to_origin(&mut self) -> bool {
        let Origin::Open(side) = &mut self.origin else { return false };
        let mut moved = false;
        if side.flush() == Moved::Failed {
            side.readable = true;
        }
        while side.writable && !self.relay.to_origin().is_empty() {
            match side.write(self.relay.to_origin()) {
                Moved::Bytes(count) => {
                    self.relay.sent_to_origin(count);
                    moved = true;
                }
                Moved::Nothing | Moved::End => {}
                Moved::Failed => {
                    // What the origin sent before is read first.
                    side.writable = false;
                    side.readable = true;
                }
            }
        }
        moved
    }

    fn read_client(&mut self, io: &mut Io<'_>) -> bool {
        if !self.client.readable || !self.relay.reads_client() {
            return false;
        }
        match self.client.read(io.buffer) {
            Moved::Bytes(count) => {
                let (buffer, now) = (&*io.buffer, io.now);
                let bytes = buffer.get(..count).unwrap_or_default();
                let cx = &mut Context { tap: io.tap, records: io.records };
                self.relay.client_sent(now, bytes, cx);
                true
            }
            Moved::Nothing => false,
            Moved::End | Moved::Failed => {
                self.client_closed(io);
                true
            }
        }
    }

    fn client_closed(&mut self, io: &mut Io<'_>) {
        self.client.readable = false;
        self.client.writable = false;
        self.pipe = None;
        self.relay.client_closed(io.now, &mut context(io));
    }

    /// Sends what the client has not taken yet: first from the pipe, then from the relay.
    fn send_to_client(&mut self, io: &mut Io<'_>) -> bool {
        let mut moved = false;
        while self.client.writable {
            let sent = if let Some(pipe) = &mut self.pipe {
                let sent = pipe.empty(&self.client.stream).map_err(io::Error::from);
                Moved::of(sent, &mut self.client.writable)
            } else if self.relay.to_client().is_empty() {
                break;
            } else {
                self.client.write(self.relay.to_client())
            };
            match sent {
                Moved::Bytes(count) => {
                    moved = true;
                    if self.pipe.is_none() {
                        self.relay.sent_to_client(count);
                    } else if let Some(pipe) = self.pipe.take_if(|pipe| pipe.held() == 0) {
                        io.pipes.put(pipe);
                    }
                }
                Moved::Nothing | Moved::End => {}
                Moved::Failed => {
                    self.client_closed(io);
                    return true;
                }
            }
        }
        moved
    }

    fn read_origin(&mut self, io: &mut Io<'_>) -> bool {
        let Origin::Open(side) = &mut self.origin else { return false };
        if !side.readable || !self.relay.reads_origin() || self.pipe.is_some() {
            return false;
        }
        let limit = self.relay.relay_limit();
        let splices = limit > 0 && side.tls.is_none();
        let pipe = if splices { io.pipes.take().ok() } else { None };
        let moved = match pipe {
            Some(pipe) => self.splice(io, pipe, limit),
            None => self.read_bytes(io),
        };
        if let Moved::End | Moved::Failed = moved {
            let closed = if moved == Moved::End { Closed::Eof } else { Closed::Reset };
            if let Origin::Open(side) = &mut self.origin {
                side.readable = false;
                side.writable = false;
            }
            self.relay.origin_closed(io.now, closed, &mut context(io));
        }
        moved != Moved::Nothing
    }

    fn splice(&mut self, io: &mut Io<'_>, mut pipe: Pipe, limit: u64) -> Moved {
        let Origin::Open(side) = &mut self.origin else { return Moved::Nothing };
        let filled = pipe.fill(&side.stream, limit).map_err(io::Error::from);
        let moved = Moved::of(filled, &mut side.readable);
        if let Moved::Bytes(count) = moved {
            self.relay.relayed(io.now, count as u64, &mut context(io));
            self.pipe = Some(pipe);
            self.send_to_client(io);
        } else {
            io.pipes.put(pipe);
        }
        moved
    }

    fn read_bytes(&mut self, io: &mut Io<'_>) -> Moved {
        let Origin::Open(side) = &mut self.origin else { return Moved::Nothing };
        let most = if self.relay.holds_body() || side.tls.is_some() {
            io.buffer.len()
        } else {
            FIRST_BYTES
        };
        let Some(buffer) = io.buffer.get_mut(..most) else { return Moved::Nothing };
        let moved = side.read(buffer);
        if let Moved::Bytes(count) = moved {
            let bytes = buffer.get(..count).unwrap_or_default();
            let cx = &mut Context { tap: io.tap, records: io.records };
            self.relay.origin_sent(io.now, bytes, cx);
        }
        moved
    }

    /// Gives the record of an exchange that has ended.
    fn count(&mut self, io: &mut Io<'_>) {
        if self.relay.wants_counters() {
            self.relay.counted(TcpCounters::default(), &mut context(io));
        }
    }
}

impl Origin {
    fn close(self, registrar: &mut Registrar) {
        match self {
            Self::None | Self::Resolving(..) => {}
            Self::Connecting(connecting) => connecting.close(registrar),
            Self::Open(side) => side.close(registrar),
        }
    }
}
