//! The listening socket: takes connections, and can be shut and opened again on
//! the same port.
//!
//! Knows nothing of what is said on a connection.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_reuseaddr;
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType};

/// Connections waiting to be accepted; the kernel bounds it by `somaxconn`.
const BACKLOG: i32 = 1024;

/// A listening socket.
#[derive(Debug)]
pub(super) struct Door {
    socket: TcpListener,
    open: bool,
}

/// What came of accepting once.
#[derive(Debug)]
pub(super) enum Knock {
    /// A connection, and from where.
    Peer(OwnedFd, Option<IpAddr>),
    /// The peer gave up while it waited (accept(2)).
    Gone,
    /// Nobody waits, or the door is shut.
    Nobody,
    /// Descriptors or memory are used up, or an error of the network below.
    Failed,
}

impl Door {
    /// Binds and listens. A port that the kernel is to choose is chosen first and
    /// then bound by its number, since only such a one is kept while the door is
    /// shut (the kernel's `inet_csk_get_port` and `tcp_set_state`).
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let chooser = bound(address)?;
        let socket = if address.port() == 0 {
            let chosen = SocketAddr::try_from(rustix::net::getsockname(&chooser)?)?;
            bound(chosen)?
        } else {
            chooser
        };
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(Self { socket: TcpListener::from(socket), open: true })
    }

    /// The address it listens on.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Refuses connections from now on; those that wait are reset. The port stays
    /// ours: without `SO_REUSEADDR` nobody else can bind it.
    pub(super) fn shut(&mut self) -> io::Result<()> {
        set_socket_reuseaddr(&self.socket, false)?;
        rustix::net::shutdown(&self.socket, Shutdown::Read)?;
        self.open = false;
        Ok(())
    }

    /// Takes connections again. The connections that live need `SO_REUSEADDR`,
    /// since they are bound to the same port.
    pub(super) fn open(&mut self) -> io::Result<()> {
        set_socket_reuseaddr(&self.socket, true)?;
        rustix::net::listen(&self.socket, BACKLOG)?;
        self.open = true;
        Ok(())
    }

    pub(super) fn accept(&self) -> Knock {
        if !self.open {
            return Knock::Nobody;
        }
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match rustix::net::acceptfrom_with(&self.socket, flags) {
            Ok((socket, from)) => {
                let from = from.and_then(|address| SocketAddr::try_from(address).ok());
                Knock::Peer(socket, from.map(|address| address.ip().to_canonical()))
            }
            Err(Errno::AGAIN) => Knock::Nobody,
            Err(Errno::CONNABORTED | Errno::INTR) => Knock::Gone,
            Err(_) => Knock::Failed,
        }
    }
}

/// A socket bound to this address, which does not listen yet.
fn bound(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    // A port whose connections of before are not forgotten yet can be bound.
    set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}
