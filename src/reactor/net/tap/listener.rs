//! The listening socket of the tap: one for all clients, each of which connects to a
//! loopback address of its own.
//!
//! Bound to the loopback device, so that no other host can connect, whatever its routes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use mio::net::TcpStream;
use nix::sys::socket::{setsockopt, sockopt};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::units::loopback::place_of;

/// The loopback device.
const LOOPBACK_DEVICE: &str = "lo";

/// Connections waiting to be accepted; the kernel bounds it by `somaxconn`.
const BACKLOG: i32 = 4096;

/// The listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    port: u16,
}

/// A connection of a client.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    /// The client's index in tables of this process's clients.
    pub(super) place: u32,
    /// The address of this end.
    pub(super) local: SocketAddrV4,
    /// The address of the client's end.
    pub(super) peer: SocketAddrV4,
}

impl Listener {
    /// Listens on every address of the loopback device, at a port that the kernel
    /// chooses.
    ///
    /// # Errors
    /// Those of bind(2) and listen(2), and of `SO_BINDTODEVICE` (socket(7)): `ENODEV`
    /// without a loopback device, `EPERM` before Linux 5.7 without privileges.
    pub fn bind() -> io::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        setsockopt(&socket, sockopt::BindToDevice, &LOOPBACK_DEVICE.into())
            .map_err(io::Error::from)?;
        rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?;
        rustix::net::listen(&socket, BACKLOG)?;
        let socket = TcpListener::from(socket);
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port })
    }

    /// The port, the same for every client.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Accepts a connection; `None` if none waits. One to an address of no client is
    /// closed.
    ///
    /// # Errors
    /// Those of accept(2).
    pub(super) fn accept(&self) -> Result<Option<Accepted>, Errno> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        loop {
            let (socket, peer) = match rustix::net::acceptfrom_with(&self.socket, flags) {
                Ok(accepted) => accepted,
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR | Errno::CONNABORTED) => continue,
                Err(errno) => return Err(errno),
            };
            if let Some(accepted) = identify(socket, peer) {
                return Ok(Some(accepted));
            }
        }
    }
}

fn identify(socket: OwnedFd, peer: Option<rustix::net::SocketAddrAny>) -> Option<Accepted> {
    let peer = v4(peer?)?;
    let local = v4(rustix::net::getsockname(&socket).ok()?)?;
    let place = place_of(*local.ip())?;
    let stream = TcpStream::from_std(socket.into());
    Some(Accepted { stream, place, local, peer })
}

fn v4(address: rustix::net::SocketAddrAny) -> Option<SocketAddrV4> {
    match SocketAddr::try_from(address).ok()? {
        SocketAddr::V4(address) => Some(address),
        SocketAddr::V6(_) => None,
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::event::{PollFd, PollFlags};

    use super::*;
    use crate::units::ClientId;
    use crate::units::loopback::{CLIENTS_MAX, of_client};

    #[test]
    fn knows_the_client_by_the_address_that_it_connects_to() {
        let listener = Listener::bind().unwrap();
        let stranger = std::net::TcpStream::connect(("127.0.0.1", listener.port())).unwrap();
        for place in [0, 777, CLIENTS_MAX - 1] {
            let address = (of_client(ClientId::new(place)).unwrap(), listener.port());
            let client = std::net::TcpStream::connect(address).unwrap();
            rustix::event::poll(
                &mut [PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)],
                None,
            )
            .unwrap();
            let accepted = listener.accept().unwrap().unwrap();
            assert_eq!(accepted.place, place);
            assert_eq!(SocketAddr::V4(accepted.local), address.into());
            assert_eq!(SocketAddr::V4(accepted.peer), client.local_addr().unwrap());
        }
        assert!(listener.accept().unwrap().is_none());
        drop(stranger);
    }
}
