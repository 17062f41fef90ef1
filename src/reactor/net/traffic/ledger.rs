//! Which client a socket belongs to, and what it did since it was last seen.
//!
//! Pure bookkeeping: does not know how sockets are listed or processes searched.

use std::collections::HashMap;

use crate::reactor::net::sock_diag::Socket;
use crate::swarm::TcpDelta;
use crate::units::ClientId;

/// Samples in which a client is searched for a connection, and in which a socket can
/// belong to a client that has not reported its connection yet. An established connection
/// is usually found at once, but a dump in several pieces can miss it.
const SEARCHES: u8 = 3;

/// Consistent samples without a socket after which it is forgotten. A dump in several
/// pieces can miss a socket, and one forgotten too early would be counted again from its
/// beginning.
const KEPT_SAMPLES: u64 = 3;

/// Sockets followed at once, at about 64 bytes each: more than three for each client that
/// one host can run.
const SOCKETS_MAX: usize = 65_536;

/// Sockets of other processes that are remembered, at about 80 bytes each: a server on
/// this host has one for each of ours.
const OTHERS_MAX: usize = 2 * SOCKETS_MAX;

/// The clients that have connections, and their sockets.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    clients: HashMap<ClientId, Watched>,
    /// To be searched for sockets, with the process to search.
    wanted: Vec<(ClientId, u32)>,
    /// How many of these were searched or skipped in this sample.
    searched: usize,
    /// The clients' sockets, by cookie.
    sockets: HashMap<u64, Followed>,
    /// All other sockets in this sample and the last, by inode.
    others: HashMap<u32, Other>,
    /// Those of them that can belong to a client.
    fresh: usize,
    samples: u64,
    consistent_samples: u64,
    unfollowed: u64,
}

#[derive(Debug)]
struct Watched {
    pid: u32,
    /// Connections reported but not found yet.
    awaited: u32,
    searches_left: u8,
    /// Whether it is in `wanted`.
    queued: bool,
}

#[derive(Debug)]
struct Followed {
    client: ClientId,
    pid: u32,
    bytes_received: u64,
    retransmits: u32,
    seen: u64,
}

/// A socket not known to belong to a client.
#[derive(Debug)]
struct Other {
    socket: Socket,
    /// The last sample whose dump listed it.
    seen: u64,
    /// Samples in which it was seen.
    age: u8,
}

impl Other {
    const fn is_fresh(&self) -> bool {
        self.age <= SEARCHES
    }
}

impl Ledger {
    /// The client's process opened a connection.
    pub(super) fn watch(&mut self, client: ClientId, pid: u32) {
        let fresh = || Watched { pid, awaited: 0, searches_left: 0, queued: false };
        let watched = self.clients.entry(client).or_insert_with(fresh);
        if watched.pid != pid {
            *watched = fresh();
        }
        watched.awaited = watched.awaited.saturating_add(1);
        // One more, since a sample may be under way.
        watched.searches_left = SEARCHES + 1;
        if !std::mem::replace(&mut watched.queued, true) {
            self.wanted.push((client, pid));
        }
    }

    /// The client's process has ended. Its sockets are forgotten at the end of the
    /// sample: searching them here would make each of many exits walk over all.
    pub(super) fn forget(&mut self, client: ClientId) {
        self.clients.remove(&client);
        if self.clients.is_empty() {
            let Self { samples, consistent_samples, unfollowed, .. } = *self;
            *self = Self { samples, consistent_samples, unfollowed, ..Self::default() };
        }
    }

    /// Whether there is nothing to sample.
    pub(super) fn is_idle(&self) -> bool {
        self.sockets.is_empty() && self.wanted.is_empty()
    }

    /// Sockets not followed because there are too many.
    pub(super) fn unfollowed(&self) -> u64 {
        self.unfollowed
    }

    /// The dump listed a socket; returns what it did, if it is a client's and changed.
    pub(super) fn seen(&mut self, socket: &Socket) -> Option<(ClientId, TcpDelta)> {
        let Some(known) = self.sockets.get_mut(&socket.cookie) else {
            self.note_other(socket);
            return None;
        };
        known.seen = self.consistent_samples;
        if self.clients.get(&known.client)?.pid != known.pid {
            return None;
        }
        known.advance(socket)
    }

    /// A socket has ended; returns what it did since it was last seen.
    pub(super) fn ended(&mut self, socket: &Socket) -> Option<(ClientId, TcpDelta)> {
        let delta = self.sockets.contains_key(&socket.cookie).then(|| self.seen(socket));
        self.sockets.remove(&socket.cookie);
        delta?
    }

    /// The next process to be searched in this sample: `None` once no socket is left that
    /// can belong to a client.
    pub(super) fn next_search(&mut self) -> Option<(ClientId, u32)> {
        while self.fresh > 0 {
            let &(client, pid) = self.wanted.get(self.searched)?;
            self.searched += 1;
            if self.current(client, pid).is_some_and(|watched| watched.awaited > 0) {
                return Some((client, pid));
            }
        }
        None
    }

    /// A search found this socket; returns all that it ever received, if the dump listed
    /// it.
    pub(super) fn found(&mut self, client: ClientId, inode: u32) -> Option<(ClientId, TcpDelta)> {
        let Other { socket, .. } = self.others.remove(&inode).inspect(|other| {
            self.fresh -= usize::from(other.is_fresh());
        })?;
        let (bytes_received, retransmits) = (socket.bytes_received?, socket.retransmits?);
        let watched = self.clients.get_mut(&client)?;
        watched.awaited = watched.awaited.saturating_sub(1);
        if self.sockets.len() >= SOCKETS_MAX {
            self.unfollowed += 1;
            return None;
        }
        let (pid, seen) = (watched.pid, self.consistent_samples);
        let followed = Followed { client, pid, bytes_received, retransmits, seen };
        self.sockets.insert(socket.cookie, followed);
        let retransmits = retransmits.into();
        Some((client, TcpDelta { bytes_received, retransmits, rtt: socket.rtt }))
    }

    /// The sample is over: forgets sockets that are gone, and decides which clients are
    /// searched again.
    pub(super) fn finish(&mut self, consistent: bool) {
        self.consistent_samples += u64::from(consistent);
        let (clients, samples) = (&self.clients, self.consistent_samples);
        self.sockets.retain(|_, socket| {
            samples.saturating_sub(socket.seen) <= KEPT_SAMPLES
                && clients.get(&socket.client).is_some_and(|watched| watched.pid == socket.pid)
        });
        let now = self.samples;
        self.others.retain(|_, other| other.seen == now);
        self.samples += 1;
        self.searched = 0;
        self.fresh = 0;
        let mut wanted = std::mem::take(&mut self.wanted);
        wanted.retain(|&(client, pid)| {
            let Some(watched) = self.current(client, pid) else { return false };
            watched.searches_left = watched.searches_left.saturating_sub(1);
            watched.queued = watched.awaited > 0 && watched.searches_left > 0;
            if !watched.queued {
                watched.awaited = 0;
            }
            watched.queued
        });
        self.wanted = wanted;
    }

    fn note_other(&mut self, socket: &Socket) {
        // A socket without an inode was closed by its process.
        if socket.inode == 0 || self.others.len() >= OTHERS_MAX {
            return;
        }
        let now = self.samples;
        let mut other = Other { socket: *socket, seen: now, age: 1 };
        if let Some(before) = self.others.remove(&socket.inode) {
            let again = before.seen == now;
            self.fresh -= usize::from(again && before.is_fresh());
            if before.socket.cookie == socket.cookie {
                other.age = before.age.saturating_add(u8::from(!again));
            }
        }
        self.fresh += usize::from(other.is_fresh());
        self.others.insert(socket.inode, other);
    }

    fn current(&mut self, client: ClientId, pid: u32) -> Option<&mut Watched> {
        self.clients.get_mut(&client).filter(|watched| watched.pid == pid)
    }
}

impl Followed {
    /// What it did since it was last seen; `None` if nothing, since its round-trip time
    /// has not changed either.
    fn advance(&mut self, socket: &Socket) -> Option<(ClientId, TcpDelta)> {
        let (bytes, retransmits) = (socket.bytes_received?, socket.retransmits?);
        // The kernel reads the state before the counters, so a FIN that arrives in
        // between counts as a byte in one sample and not in the next.
        let delta = TcpDelta {
            bytes_received: bytes.saturating_sub(self.bytes_received),
            retransmits: retransmits.saturating_sub(self.retransmits).into(),
            rtt: socket.rtt,
        };
        self.bytes_received = self.bytes_received.max(bytes);
        self.retransmits = self.retransmits.max(retransmits);
        (delta.bytes_received > 0 || delta.retransmits > 0).then_some((self.client, delta))
    }
}

#[cfg(test)]
mod tests;
