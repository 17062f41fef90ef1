//! The listening socket, TCP or Unix: accepts connections. One of TCP can be shut and
//! opened again on the same port.
//!
//! Knows nothing of what is sent on a connection.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use mio::Token;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, Shutdown, SocketAddrAny, SocketFlags, SocketType};

use super::unix::UnixSocket;
use crate::http::PeerAddress;
use crate::units::address::EVERY;

/// Connections waiting to be accepted; the kernel bounds it by `somaxconn`.
const BACKLOG: i32 = 1024;

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    open: bool,
    /// Its entry in the event table, once there is one.
    pub(super) token: Option<Token>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixSocket),
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        }
    }
}

/// The result of accepting once.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A connection and its peer's address.
    Peer(OwnedFd, Option<PeerAddress>),
    /// The peer gave up while waiting (accept(2)).
    Gone,
    /// No connection waits, or the listener is shut.
    Nobody,
    /// A connection waits, and this process has no descriptor left.
    NoDescriptor,
    /// The host's descriptors or memory are used up, or the network failed.
    Failed(Errno),
}

impl Listener {
    /// Binds and listens. `[::]` is every address, IPv4 and IPv6; on a host without
    /// IPv6 those of IPv4.
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        Self::bind_by(address, bound)
    }

    fn bind_by(
        address: SocketAddr,
        bound: impl Fn(SocketAddr) -> io::Result<OwnedFd>,
    ) -> io::Result<Self> {
        match Self::listen(address, &bound) {
            Err(error) if address.ip() == EVERY && lacks_ipv6(&error) => {
                Self::listen((Ipv4Addr::UNSPECIFIED, address.port()).into(), &bound)
            }
            listening => listening,
        }
    }

    /// For port 0, lets the kernel choose a port and then binds that number, since only a
    /// port bound by number is kept while the listener is shut (the kernel's
    /// `inet_csk_get_port` and `tcp_set_state`).
    fn listen(
        address: SocketAddr,
        bound: impl Fn(SocketAddr) -> io::Result<OwnedFd>,
    ) -> io::Result<Self> {
        let chooser = bound(address)?;
        let socket = if address.port() == 0 {
            let chosen = SocketAddr::try_from(rustix::net::getsockname(&chooser)?)?;
            bound(chosen)?
        } else {
            chooser
        };
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(Self { socket: Socket::Tcp(TcpListener::from(socket)), open: true, token: None })
    }

    /// Binds a Unix socket with this path and listens.
    pub(super) fn bind_unix(path: &Path) -> io::Result<Self> {
        let socket = UnixSocket::bind(path)?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(Self { socket: Socket::Unix(socket), open: true, token: None })
    }

    /// The address it listens on. A Unix socket has none: `EAFNOSUPPORT`.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr(),
            Socket::Unix(_) => Err(Errno::AFNOSUPPORT.into()),
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Refuses connections from now on; those that wait are reset. The port stays
    /// ours: without `SO_REUSEADDR` nobody else can bind it. On a Unix socket,
    /// which the kernel could not open again, connections wait instead.
    pub(super) fn shut(&mut self) -> io::Result<()> {
        if let Socket::Tcp(socket) = &self.socket {
            set_socket_reuseaddr(socket, false)?;
            rustix::net::shutdown(socket, Shutdown::Read)?;
        }
        self.open = false;
        Ok(())
    }

    /// Accepts connections again. The open ones need `SO_REUSEADDR`, since they are
    /// bound to the same port.
    pub(super) fn open(&mut self) -> io::Result<()> {
        if let Socket::Tcp(socket) = &self.socket {
            set_socket_reuseaddr(socket, true)?;
            rustix::net::listen(socket, BACKLOG)?;
        }
        self.open = true;
        Ok(())
    }

    pub(super) fn accept(&self) -> Accepted {
        if !self.open {
            return Accepted::Nobody;
        }
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        match rustix::net::acceptfrom_with(&self.socket, flags) {
            Ok((socket, from)) => Accepted::Peer(socket, self.peer(from)),
            Err(Errno::AGAIN) => Accepted::Nobody,
            Err(Errno::CONNABORTED | Errno::INTR) => Accepted::Gone,
            // The kernel allocates a descriptor before it looks for a connection.
            Err(Errno::MFILE) if !self.is_awaited() => Accepted::Nobody,
            Err(Errno::MFILE) => Accepted::NoDescriptor,
            Err(errno) => Accepted::Failed(errno),
        }
    }

    /// The address of a peer, if known.
    fn peer(&self, from: Option<SocketAddrAny>) -> Option<PeerAddress> {
        match self.socket {
            Socket::Unix(_) => Some(PeerAddress::Unix),
            Socket::Tcp(_) => {
                let from = SocketAddr::try_from(from?).ok()?;
                Some(from.ip().to_canonical().into())
            }
        }
    }

    /// Whether a connection waits to be accepted.
    fn is_awaited(&self) -> bool {
        let mut polled = [PollFd::new(&self.socket, PollFlags::IN)];
        matches!(rustix::event::poll(&mut polled, Some(&Timespec::default())), Ok(1..))
    }
}

/// Whether a listener could not be made because this host has no IPv6, or this
/// process may not use it.
fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL))
}

/// A socket bound to this address, which does not listen yet.
fn bound(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    if address.ip() == EVERY {
        // Otherwise net.ipv6.bindv6only could exclude IPv4 (ipv6(7)).
        set_ipv6_v6only(&socket, false)?;
    }
    // Allows a port with connections in TIME_WAIT.
    set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr, TcpStream};

    use super::*;

    /// The peer of the next connection, made to this address.
    fn peer(listener: &Listener, to: IpAddr) -> Option<IpAddr> {
        let _client = TcpStream::connect((to, listener.local_addr().unwrap().port())).unwrap();
        match listener.accept() {
            Accepted::Peer(_, from) => from?.ip(),
            other => panic!("{other:?}"),
        }
    }

    fn refuses(listener: &Listener, to: IpAddr) -> bool {
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect((to, port)).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
    }

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    #[test]
    fn the_unspecified_address_is_ipv4_and_ipv6() {
        let mut listener = Listener::bind((EVERY, 0).into()).unwrap();
        // A peer that connected by IPv4 has its IPv4 address.
        assert_eq!(peer(&listener, V4), Some(V4));
        let has_ipv6 = TcpListener::bind((V6, 0)).is_ok();
        if has_ipv6 {
            assert_eq!(peer(&listener, V6), Some(V6));
        }
        listener.shut().unwrap();
        let port = listener.local_addr().unwrap().port();
        for ip in if has_ipv6 { vec![V4, V6] } else { vec![V4] } {
            assert!(refuses(&listener, ip));
            assert!(TcpListener::bind((ip, port)).is_err(), "the port stays ours");
        }
        listener.open().unwrap();
        assert_eq!(peer(&listener, V4), Some(V4));
    }

    #[test]
    fn without_ipv6_the_unspecified_address_is_ipv4() {
        for lacks in [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL] {
            let bound = |address: SocketAddr| match address {
                SocketAddr::V4(_) => bound(address),
                SocketAddr::V6(_) => Err(lacks.into()),
            };
            let listener = Listener::bind_by((EVERY, 0).into(), bound).unwrap();
            assert_eq!(listener.local_addr().unwrap().ip(), Ipv4Addr::UNSPECIFIED);
            assert_eq!(peer(&listener, V4), Some(V4));
            // An address of IPv6 that was asked for is not replaced.
            assert!(Listener::bind_by((V6, 0).into(), bound).is_err());
        }
        let taken = |_| Err(Errno::ADDRINUSE.into());
        assert!(Listener::bind_by((EVERY, 0).into(), taken).is_err());
    }

    #[test]
    fn an_ipv4_listener_refuses_ipv6() {
        let listener = Listener::bind((Ipv4Addr::UNSPECIFIED, 0).into()).unwrap();
        assert_eq!(peer(&listener, V4), Some(V4));
        if TcpListener::bind((V6, 0)).is_ok() {
            assert!(refuses(&listener, V6));
        }
    }
}
