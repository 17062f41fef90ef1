//! A listening socket and its connections, for any service: moves bytes between the
//! sockets and the state machines of [`crate::http`].
//!
//! Knows no path and no header. No peer slows down the others: each connection gets a
//! bounded turn, bounded memory and bounded time. When there are too many, or no
//! descriptors are left, the one that has kept us waiting for longest is closed.

pub mod certificate;
mod listener;
mod open_bodies;
mod peer;
mod room;
mod transport;
mod unix;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mio::{Interest, Token};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_linger;
use rustls::ServerConfig;
use slab::Slab;

use self::certificate::Certificate;
use self::listener::{Accepted, Listener};
use self::peer::Peer;
use self::room::{Leaving, Tally};
use self::transport::Transport;
use crate::http::{Connection, Limits, PeerAddress, Service};
use crate::reactor::Registrar;
use crate::reactor::host::reports;
use crate::reactor::table::{Owner, ServiceKey};
use crate::stats::ConnectionCounts;
use crate::units::Tick;

/// Connections accepted in one turn.
const ACCEPTS_PER_TURN: usize = 64;

/// Reads and writes of one connection in one turn.
const IO_PER_TURN: usize = 8;

/// Pause after accepting or listening failed, because the host's descriptors or memory
/// are used up.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Bounds of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// Connections at once.
    pub connections: usize,
    /// Bounds of each connection.
    pub connection: Limits,
}

/// A listening socket and its connections.
#[derive(Debug)]
pub struct Server {
    service: ServiceKey,
    listener: Listener,
    /// Connections at once.
    most: usize,
    limits: Rc<Limits>,
    tls: Option<Arc<ServerConfig>>,
    peers: Slab<Peer>,
    deadlines: BTreeSet<(Tick, usize)>,
    /// Connections whose response has a body that stays open.
    open_bodies: BTreeSet<usize>,
    accept_again: Option<Tick>,
    accepted: u64,
    /// Connections closed to make room for others.
    evicted: Tally,
    /// Times that accepting failed.
    failed: Tally,
}

impl Server {
    /// Binds and listens for this service; connections wait until the reactor runs.
    ///
    /// # Errors
    /// Those of bind(2) and listen(2), most often `EADDRINUSE` and `EACCES`.
    pub fn bind(
        service: ServiceKey,
        address: SocketAddr,
        limits: ServerLimits,
    ) -> io::Result<Self> {
        Ok(Self::new(service, Listener::bind(address)?, limits))
    }

    /// The same on a Unix socket, which only processes of this user can connect to. A
    /// socket that an ended process left at this path is replaced; the file is removed
    /// when the server is dropped.
    ///
    /// # Errors
    /// As [`Server::bind`], and a text where the path is too long.
    pub fn bind_unix(service: ServiceKey, path: &Path, limits: ServerLimits) -> io::Result<Self> {
        Ok(Self::new(service, Listener::bind_unix(path)?, limits))
    }

    fn new(service: ServiceKey, listener: Listener, limits: ServerLimits) -> Self {
        Self {
            service,
            listener,
            most: limits.connections,
            limits: Rc::new(limits.connection),
            tls: None,
            peers: Slab::new(),
            deadlines: BTreeSet::new(),
            open_bodies: BTreeSet::new(),
            accept_again: None,
            accepted: 0,
            evicted: Tally::default(),
            failed: Tally::default(),
        }
    }

    /// The service that it belongs to.
    pub(super) const fn service(&self) -> ServiceKey {
        self.service
    }

    /// Speaks TLS with this certificate on every connection from now on.
    pub fn speak_tls(&mut self, certificate: &Certificate) {
        self.tls = Some(certificate.config());
    }

    /// The address it listens on, with the port that the kernel chose.
    ///
    /// # Errors
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Connections open, accepted and evicted.
    #[must_use]
    pub fn counts(&self) -> ConnectionCounts {
        ConnectionCounts {
            open: self.peers.len() as u64,
            accepted: self.accepted,
            evicted: self.evicted.count(),
        }
    }

    /// Begins to accept.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn start(&mut self, registrar: &mut Registrar) -> io::Result<()> {
        let (fd, owner) = (self.listener.as_fd(), Owner::Listener(self.service));
        let registry = registrar.poll.registry();
        let token = registrar.table.insert(registry, fd, owner, Interest::READABLE)?;
        self.listener.token = Some(token);
        Ok(())
    }

    /// Accepts new connections, or refuses them; open ones are kept. Free unless it
    /// changes.
    pub fn set_open(&mut self, registrar: &mut Registrar, now: Tick, open: bool) {
        if open == self.listener.is_open() || (open && self.accept_again.is_some()) {
            return;
        }
        let changed = if open { self.listener.open() } else { self.listener.shut() };
        match (changed, self.listener.token) {
            (Ok(()), Some(listener)) => registrar.queue(listener, false),
            (Ok(()), None) => {}
            // Tried again in the turn after the pause.
            (Err(_), _) => self.accept_again = Some(now.after(ACCEPT_PAUSE)),
        }
    }

    /// Accepts a bounded number of connections. True if more may wait.
    pub fn accept(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        service: &mut dyn Service,
    ) -> bool {
        let mut leaving = Leaving::default();
        for _ in 0..ACCEPTS_PER_TURN {
            let full = self.peers.len() >= self.most;
            if full && leaving.is_over() {
                return true;
            }
            match self.listener.accept() {
                Accepted::Peer(socket, from) => {
                    if full {
                        self.evict(registrar, now, &mut leaving, service);
                    }
                    let token = self.welcome(registrar, now, socket, from);
                    // A connection that replaced another is served before it can be
                    // replaced itself.
                    if let Some(token) = token.filter(|_| leaving.is_begun()) {
                        registrar.queue(token, false);
                    }
                }
                Accepted::Gone => {}
                Accepted::Nobody => return false,
                Accepted::NoDescriptor if !self.peers.is_empty() => {
                    if !self.evict(registrar, now, &mut leaving, service) {
                        return true;
                    }
                }
                Accepted::NoDescriptor => return self.pause(now, Errno::MFILE),
                Accepted::Failed(errno) => return self.pause(now, errno),
            }
        }
        true
    }

    /// Accepts nothing for a while, since the shortage may last; returns false.
    fn pause(&mut self, now: Tick, errno: Errno) -> bool {
        self.accept_again = Some(now.after(ACCEPT_PAUSE));
        if let Some(times) = self.failed.add(now) {
            reports::accept_failed(errno.into(), times);
        }
        false
    }

    fn welcome(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        socket: OwnedFd,
        from: Option<PeerAddress>,
    ) -> Option<Token> {
        self.accepted += 1;
        // Small responses must not wait for an acknowledgement of the last one.
        let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
        let handshake_until = now.after(self.limits.head_time);
        let transport = Transport::new(self.tls.as_ref(), handshake_until)?;
        let vacant = self.peers.vacant_entry();
        let key = vacant.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        let owner = Owner::Connection(self.service, key);
        let registry = registrar.poll.registry();
        let token = registrar.table.insert(registry, socket.as_fd(), owner, interest).ok()?;
        let connection = Connection::new(now, Rc::clone(&self.limits)).from_peer(from);
        vacant.insert(Peer {
            socket,
            token,
            transport,
            connection,
            deadline: None,
            readable: true,
        });
        self.note_deadline(key);
        Some(token)
    }

    /// Closes the next connection to make room; false if there is none.
    fn evict(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        leaving: &mut Leaving,
        service: &mut dyn Service,
    ) -> bool {
        let connections = self.peers.iter().map(|(key, peer)| (key, &peer.connection));
        let Some(key) = leaving.next(connections, ACCEPTS_PER_TURN) else { return false };
        self.close(registrar, key, service);
        if let Some(closed) = self.evicted.add(now) {
            reports::evicted(closed, self.peers.len());
        }
        true
    }

    /// Gives a connection its turn; `hung_up` means that its peer may send no more. True
    /// if it has more to do at once.
    pub fn turn(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        key: usize,
        hung_up: bool,
        service: &mut dyn Service,
    ) -> bool {
        let Some(peer) = self.peers.get_mut(key) else { return false };
        let mut more = true;
        peer.readable = true;
        for _ in 0..IO_PER_TURN {
            more = peer.exchange(now, hung_up, service);
            if !more {
                break;
            }
        }
        if peer.connection.take_shutdown() {
            peer.transport.shut_down(&peer.socket);
        }
        if peer.connection.resets() && peer.has_sent_all() {
            peer.connection.end(service);
        }
        if peer.connection.is_finished() {
            self.close(registrar, key, service);
            return false;
        }
        self.note_open_body(key);
        self.note_deadline(key);
        more
    }

    /// The next point in time at which [`Server::deadline_reached`] has work.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        let peer = self.deadlines.first().map(|&(tick, _)| tick);
        [peer, self.accept_again].into_iter().flatten().min()
    }

    /// Ends connections that took too long, and accepts again after a pause.
    pub fn deadline_reached(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        service: &mut dyn Service,
    ) {
        while let Some(&(tick, key)) = self.deadlines.first()
            && tick <= now
        {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.connection.deadline_reached(now, service);
            }
            // Whether it hung up is not known here.
            if self.turn(registrar, now, key, true, service)
                && let Some(peer) = self.peers.get(key)
            {
                registrar.queue(peer.token, false);
            }
            // A deadline that does not move would be reached for ever.
            if self.deadlines.contains(&(tick, key)) {
                self.close(registrar, key, service);
            }
        }
        if self.accept_again.take_if(|tick| *tick <= now).is_some()
            && let Some(listener) = self.listener.token
        {
            registrar.queue(listener, false);
        }
    }

    fn note_deadline(&mut self, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let deadlines = [peer.connection.deadline(), peer.transport.deadline()];
        let deadline = deadlines.into_iter().flatten().min();
        if deadline == peer.deadline {
            return;
        }
        if let Some(old) = std::mem::replace(&mut peer.deadline, deadline) {
            self.deadlines.remove(&(old, key));
        }
        if let Some(new) = deadline {
            self.deadlines.insert((new, key));
        }
    }

    /// Closes all connections and reports to the service how their responses ended.
    pub fn close_all(&mut self, registrar: &mut Registrar, service: &mut dyn Service) {
        let keys: Vec<_> = self.peers.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.close(registrar, key, service);
        }
    }

    fn close(&mut self, registrar: &mut Registrar, key: usize, service: &mut dyn Service) {
        if let Some(mut peer) = self.peers.try_remove(key) {
            peer.connection.end(service);
            if peer.connection.resets() {
                // With this option, close(2) sends RST (socket(7)).
                let _ = set_socket_linger(&peer.socket, Some(Duration::ZERO));
            } else {
                peer.transport.farewell(&peer.socket);
            }
            self.open_bodies.remove(&key);
            if let Some(deadline) = peer.deadline {
                self.deadlines.remove(&(deadline, key));
            }
            registrar.table.remove(registrar.poll.registry(), peer.token);
        }
    }
}

#[cfg(test)]
mod tests;
