//! One socket of a relay: what it can do as far as known, and its entry in the event
//! table.
//!
//! Readiness is reported only when it begins (epoll(7)), so it is remembered until
//! `EAGAIN`.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;

use mio::net::TcpStream;
use mio::{Interest, Token};
use rustix::net::sockopt::set_socket_linger;
use std::time::Duration;

use super::moved::Moved;
use super::tls::Tls;
use crate::reactor::registrar::Registrar;
use crate::reactor::table::Owner;

/// A socket.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) stream: TcpStream,
    token: Token,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// Between the socket and HTTP; `None` without TLS.
    pub(super) tls: Option<Box<Tls>>,
}

impl Side {
    /// Registers a socket, which is not known to be ready.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub(super) fn new(
        registrar: &mut Registrar,
        stream: TcpStream,
        owner: Owner,
    ) -> io::Result<Self> {
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = registrar.poll.registry();
        let token = registrar.table.insert(registry, stream.as_fd(), owner, both)?;
        // Heads are small, and a delayed one would count as a slow origin.
        let _ = stream.set_nodelay(true);
        Ok(Self { stream, token, readable: false, writable: false, tls: None })
    }

    /// An event: it may be ready for anything.
    pub(super) const fn wake(&mut self) {
        self.readable = true;
        self.writable = true;
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Moved {
        let Self { stream, readable, tls, .. } = self;
        match tls {
            Some(tls) => tls.read(stream, buffer, readable),
            None => Moved::of(stream.read(buffer), readable),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Moved {
        let Self { stream, writable, tls, .. } = self;
        let moved = match tls {
            Some(tls) => tls.write(stream, bytes, writable),
            None => Moved::of(stream.write(bytes), writable),
        };
        match moved {
            Moved::End => Moved::Nothing,
            moved => moved,
        }
    }

    /// Writes what TLS has encrypted and the socket did not take before.
    pub(super) fn flush(&mut self) -> Moved {
        let Self { stream, writable, tls, .. } = self;
        tls.as_mut().map_or(Moved::Nothing, |tls| tls.flush(stream, writable))
    }

    /// Continues the handshake; true once it is over, and always without TLS.
    ///
    /// # Errors
    /// Why it failed, in a few words.
    pub(super) fn handshake(&mut self) -> Result<bool, String> {
        let Self { stream, readable, writable, tls, .. } = self;
        tls.as_mut().map_or(Ok(true), |tls| tls.handshake(stream, readable, writable))
    }

    /// Whether the connect has succeeded by now; `None` while it has not ended
    /// (connect(2), `EINPROGRESS`).
    ///
    /// # Errors
    /// Why it failed.
    pub(super) fn is_connected(&mut self) -> io::Result<Option<()>> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => Ok(Some(())),
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Closes the socket.
    pub(super) fn close(self, registrar: &mut Registrar) {
        registrar.table.remove(registrar.poll.registry(), self.token);
    }

    /// Closes the socket by a reset (`SO_LINGER` with 0 s, socket(7)).
    pub(super) fn reset(self, registrar: &mut Registrar) {
        let _ = set_socket_linger(&self.stream, Some(Duration::ZERO));
        self.close(registrar);
    }
}
