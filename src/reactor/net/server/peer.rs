//! One connection of a server: moves bytes between its socket and its state machine.
//!
//! Knows neither the listener nor the other connections.

use std::os::fd::OwnedFd;

use mio::Token;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_send_buffer_size;

use super::transport::{Got, Transport};
use crate::http::{Connection, Service};
use crate::units::Tick;

/// Bytes read at once from a connection; a request head is rarely longer than one.
pub(super) const READ_BYTES: usize = 4096;

/// One connection: its socket, what lies between, and its state machine.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) socket: OwnedFd,
    pub(super) token: Token,
    pub(super) transport: Transport,
    pub(super) connection: Connection,
    pub(super) deadline: Option<Tick>,
    /// Whether there may be something to read.
    pub(super) readable: bool,
}

impl Peer {
    /// Writes once and reads once, if there is something to write and if input is wanted.
    /// True if any bytes moved.
    pub(super) fn exchange(&mut self, now: Tick, hung_up: bool, service: &mut dyn Service) -> bool {
        let wrote = self.write(now, service);
        let read =
            self.readable && self.connection.wants_read() && self.read(now, hung_up, service);
        (wrote || read) && !self.connection.is_finished()
    }

    fn write(&mut self, now: Tick, service: &mut dyn Service) -> bool {
        let flushed = self.transport.flush(&self.socket);
        let written = flushed.and_then(|any| {
            if !self.connection.wants_write() {
                return Ok(any);
            }
            let count = self.transport.write(&self.socket, &self.connection.pending())?;
            self.connection.sent(now, count, service);
            Ok(true)
        });
        match written {
            Ok(any) => any,
            Err(Errno::AGAIN) => false,
            Err(_) => {
                self.connection.end(service);
                false
            }
        }
    }

    fn read(&mut self, now: Tick, hung_up: bool, service: &mut dyn Service) -> bool {
        let mut buffer = [0; READ_BYTES];
        match self.transport.read(&self.socket, &mut buffer) {
            Got::Bytes { count, last } => {
                // What comes later is a new event (epoll(7)); only a hang-up that was
                // reported together with these bytes would not be reported again.
                self.readable = !last || hung_up;
                self.connection.receive(now, buffer.get(..count).unwrap_or_default(), service);
                return true;
            }
            Got::Progress => return true,
            Got::Nothing => self.readable = false,
            Got::End => self.connection.peer_closed(service),
            Got::Failure => self.connection.end(service),
        }
        false
    }

    /// Whether the other side has all that the socket took, except for a packet. With the
    /// smallest buffer the kernel reports a socket as writable only then.
    pub(super) fn has_sent_all(&self) -> bool {
        let _ = set_socket_send_buffer_size(&self.socket, 0);
        let mut polled = [PollFd::new(&self.socket, PollFlags::OUT)];
        // A socket that cannot be polled is not waited for.
        !matches!(rustix::event::poll(&mut polled, Some(&Timespec::default())), Ok(0))
    }
}
