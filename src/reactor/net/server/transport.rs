//! What lies between a socket and the bytes of HTTP: nothing, or TLS.
//!
//! TLS is bytes in, bytes out as well, so both are read and written alike. Bytes reported
//! as written were taken by the socket, encrypted or not. Knows nothing of requests;
//! never waits for the socket.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::Shutdown;
use rustls::{ServerConfig, ServerConnection};

use crate::units::Tick;

/// Bytes of a response that are encrypted ahead of the socket. The peer must take this
/// many within the time for a write; a larger value only saves system calls.
const AHEAD_BYTES: usize = 64 * 1024;

/// The result of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    /// Bytes, at the front of the buffer.
    Bytes {
        /// How many.
        count: usize,
        /// Whether there were no more.
        last: bool,
    },
    /// Bytes arrived that are not part of HTTP.
    Progress,
    /// Nothing more for now.
    Nothing,
    /// The peer sends no more.
    End,
    /// The socket failed, or its bytes are invalid.
    Failure,
}

/// What lies between a socket and HTTP.
#[derive(Debug)]
pub(super) enum Transport {
    /// Nothing.
    Plain,
    /// TLS.
    Tls(Box<Tls>),
}

/// One side of TLS.
#[derive(Debug)]
pub(super) struct Tls {
    connection: ServerConnection,
    /// When the handshake must be over.
    handshake_until: Tick,
    /// Bytes of HTTP that were encrypted and not reported as written.
    encrypted: usize,
    /// Whether our side of the socket is to be shut down once all is written.
    closing: bool,
}

impl Transport {
    /// The transport of a new connection. With TLS its handshake must be over at
    /// `handshake_until`. `None` if TLS cannot begin.
    pub(super) fn new(tls: Option<&Arc<ServerConfig>>, handshake_until: Tick) -> Option<Self> {
        let Some(config) = tls else { return Some(Self::Plain) };
        let mut connection = ServerConnection::new(Arc::clone(config)).ok()?;
        connection.set_buffer_limit(Some(AHEAD_BYTES));
        let tls = Tls { connection, handshake_until, encrypted: 0, closing: false };
        Some(Self::Tls(Box::new(tls)))
    }

    /// When the connection is to be closed unless its handshake is over.
    pub(super) fn deadline(&self) -> Option<Tick> {
        match self {
            Self::Tls(tls) if tls.connection.is_handshaking() => Some(tls.handshake_until),
            _ => None,
        }
    }

    /// Writes as much of `pending` as the socket takes at once; returns how much it took.
    /// What was not taken must be at the front of the next `pending`.
    pub(super) fn write(
        &mut self,
        socket: impl AsFd,
        pending: &[IoSlice<'_>],
    ) -> Result<usize, Errno> {
        match self {
            Self::Plain => rustix::io::writev(socket, pending),
            Self::Tls(tls) => tls.write(socket.as_fd(), pending),
        }
    }

    /// Writes bytes of TLS itself. True if there were any.
    pub(super) fn flush(&mut self, socket: impl AsFd) -> Result<bool, Errno> {
        match self {
            Self::Plain => Ok(false),
            Self::Tls(tls) => tls.flush(socket.as_fd()),
        }
    }

    /// Reads once.
    pub(super) fn read(&mut self, socket: impl AsFd, buffer: &mut [u8]) -> Got {
        match self {
            Self::Plain => match rustix::io::read(socket, &mut *buffer) {
                Ok(0) => Got::End,
                Ok(count) => Got::Bytes { count, last: count < buffer.len() },
                Err(Errno::AGAIN) => Got::Nothing,
                Err(_) => Got::Failure,
            },
            Self::Tls(tls) => tls.read(socket.as_fd(), buffer),
        }
    }

    /// Announces the end, and shuts down our side of the socket.
    pub(super) fn shut_down(&mut self, socket: impl AsFd) {
        match self {
            Self::Plain => {
                let _ = rustix::net::shutdown(socket, Shutdown::Write);
            }
            Self::Tls(tls) => {
                tls.connection.send_close_notify();
                tls.closing = true;
                // What the socket does not take now is written in a later turn.
                let _ = tls.flush(socket.as_fd());
            }
        }
    }

    /// Sends close_notify, if that takes no waiting, before the socket is closed.
    pub(super) fn farewell(&mut self, socket: impl AsFd) {
        if let Self::Tls(tls) = self {
            tls.connection.send_close_notify();
            let _ = tls.flush(socket.as_fd());
        }
    }
}

impl Tls {
    fn write(&mut self, socket: BorrowedFd<'_>, pending: &[IoSlice<'_>]) -> Result<usize, Errno> {
        if self.encrypted == 0 {
            self.encrypted =
                self.connection.writer().write_vectored(pending).map_err(|_| Errno::PROTO)?;
        }
        self.flush(socket)?;
        Ok(std::mem::take(&mut self.encrypted))
    }

    /// Writes all that is encrypted, or fails with `EAGAIN`.
    fn flush(&mut self, socket: BorrowedFd<'_>) -> Result<bool, Errno> {
        let mut any = false;
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Socket(socket)) {
                Ok(_) => any = true,
                Err(error) => return Err(errno(&error)),
            }
        }
        if std::mem::take(&mut self.closing) {
            let _ = rustix::net::shutdown(socket, Shutdown::Write);
        }
        Ok(any)
    }

    fn read(&mut self, socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Got {
        match self.decrypted(buffer) {
            Got::Nothing => {}
            got => return got,
        }
        match self.connection.read_tls(&mut Socket(socket)) {
            Ok(_) => {}
            Err(error) if errno(&error) == Errno::AGAIN => return Got::Nothing,
            Err(_) => return Got::Failure,
        }
        if self.connection.process_new_packets().is_err() {
            // The alert with the reason.
            let _ = self.flush(socket);
            return Got::Failure;
        }
        match self.decrypted(buffer) {
            Got::Nothing => Got::Progress,
            got => got,
        }
    }

    /// Takes what was decrypted already. A peer that closes without close_notify is
    /// treated like one that sends it: HTTP detects whether something is missing.
    fn decrypted(&mut self, buffer: &mut [u8]) -> Got {
        match self.connection.reader().read(buffer) {
            Ok(0) => Got::End,
            Ok(count) => Got::Bytes { count, last: false },
            Err(error) if error.kind() == ErrorKind::WouldBlock => Got::Nothing,
            Err(_) => Got::End,
        }
    }
}

/// A socket as rustls reads and writes one.
struct Socket<'a>(BorrowedFd<'a>);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self.0, buffer)?)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.0, bytes)?)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(self.0, slices)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests;
