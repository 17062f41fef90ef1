//! Whose a socket is, and what it did since it was last seen.
//!
//! Pure bookkeeping: does not know where sockets are told of or how processes
//! are searched.

use std::collections::{HashMap, HashSet};

use crate::reactor::sock_diag::Socket;
use crate::swarm::TcpDelta;
use crate::units::ClientId;

/// Samples at which a process is searched for one connection. An established one
/// is found at the first; a dump in pieces can pass over it though.
const SEARCHES: u8 = 3;

/// Consistent samples without a socket after which it is forgotten. A dump in
/// pieces can pass over a socket, and one that was forgotten too early would be
/// counted from its beginning again.
const KEPT_SAMPLES: u64 = 3;

/// Sockets followed at once, at about 64 bytes each: more than three for each
/// client that one host can carry.
const SOCKETS_MAX: usize = 65_536;

/// The clients that have connections, and their sockets.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    clients: HashMap<ClientId, Watched>,
    /// To be searched for sockets in the next sample, by the process.
    wanted: Vec<(ClientId, u32)>,
    /// Searched in this sample.
    searched: Vec<(ClientId, u32)>,
    /// What searches found in this sample and no dump told of yet, by inode.
    found: HashMap<u32, ClientId>,
    /// The clients' sockets, by cookie.
    sockets: HashMap<u64, Followed>,
    consistent_samples: u64,
    unfollowed: u64,
}

#[derive(Debug)]
struct Watched {
    pid: u32,
    /// Connections told of but not found yet.
    awaited: u32,
    searches_left: u8,
    /// One of them was told of since the last search began.
    fresh: bool,
    /// Whether it is among those wanted or searched.
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

impl Ledger {
    /// The client's process opened a connection.
    pub(super) fn watch(&mut self, client: ClientId, pid: u32) {
        let fresh = || Watched { pid, awaited: 0, searches_left: 0, fresh: true, queued: false };
        let watched = self.clients.entry(client).or_insert_with(fresh);
        if watched.pid != pid {
            *watched = fresh();
        }
        watched.awaited = watched.awaited.saturating_add(1);
        (watched.searches_left, watched.fresh) = (SEARCHES, true);
        if !std::mem::replace(&mut watched.queued, true) {
            self.wanted.push((client, pid));
        }
    }

    /// The client's process has ended. Its sockets go at the end of the sample:
    /// to look for them here would cost each of many exits a walk over all.
    pub(super) fn forget(&mut self, client: ClientId) {
        self.clients.remove(&client);
        if self.clients.is_empty() {
            let (consistent_samples, unfollowed) = (self.consistent_samples, self.unfollowed);
            *self = Self { consistent_samples, unfollowed, ..Self::default() };
        }
    }

    /// Whether a dump has nothing to tell: no socket is followed and none found.
    pub(super) fn has_no_sockets(&self) -> bool {
        self.sockets.is_empty() && self.found.is_empty()
    }

    /// Whether there is nothing to sample.
    pub(super) fn is_idle(&self) -> bool {
        self.sockets.is_empty() && self.wanted.is_empty() && self.searched.is_empty()
    }

    /// Sockets that were not followed because there are too many.
    pub(super) fn unfollowed(&self) -> u64 {
        self.unfollowed
    }

    /// The next process to be searched in this sample.
    pub(super) fn next_search(&mut self) -> Option<(ClientId, u32)> {
        while let Some((client, pid)) = self.wanted.pop() {
            let Some(watched) = self.current(client, pid) else { continue };
            watched.searches_left = watched.searches_left.saturating_sub(1);
            watched.fresh = false;
            self.searched.push((client, pid));
            return Some((client, pid));
        }
        None
    }

    /// A search found this socket.
    pub(super) fn found(&mut self, client: ClientId, inode: u32) {
        if self.found.len() < SOCKETS_MAX {
            self.found.insert(inode, client);
        }
    }

    /// The dump told of a socket: what it did, if it is a client's and moved. A
    /// new one is told of with all that it ever received.
    pub(super) fn seen(&mut self, socket: &Socket) -> Option<(ClientId, TcpDelta)> {
        let Some(known) = self.sockets.get_mut(&socket.cookie) else {
            return self.adopt(socket);
        };
        known.seen = self.consistent_samples;
        self.found.remove(&socket.inode);
        if self.clients.get(&known.client)?.pid != known.pid {
            return None;
        }
        known.advance(socket)
    }

    /// A socket has ended: what it did since it was last seen.
    pub(super) fn ended(&mut self, socket: &Socket) -> Option<(ClientId, TcpDelta)> {
        let delta = self.sockets.contains_key(&socket.cookie).then(|| self.seen(socket));
        self.sockets.remove(&socket.cookie);
        delta?
    }

    /// The sample is over: forgets sockets that are gone, and decides who is
    /// searched again.
    pub(super) fn finish(&mut self, consistent: bool) {
        self.consistent_samples += u64::from(consistent);
        let passed_over: HashSet<_> = self.found.drain().map(|(_, client)| client).collect();
        let (clients, samples) = (&self.clients, self.consistent_samples);
        self.sockets.retain(|_, socket| {
            samples.saturating_sub(socket.seen) <= KEPT_SAMPLES
                && clients.get(&socket.client).is_some_and(|watched| watched.pid == socket.pid)
        });
        for (client, pid) in std::mem::take(&mut self.searched) {
            let Some(watched) = self.current(client, pid) else { continue };
            let again = passed_over.contains(&client) && watched.searches_left > 0;
            watched.queued = watched.awaited > 0 && (watched.fresh || again);
            if watched.queued {
                self.wanted.push((client, pid));
            } else {
                watched.awaited = 0;
            }
        }
    }

    fn adopt(&mut self, socket: &Socket) -> Option<(ClientId, TcpDelta)> {
        let client = self.found.remove(&socket.inode)?;
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

    fn current(&mut self, client: ClientId, pid: u32) -> Option<&mut Watched> {
        self.clients.get_mut(&client).filter(|watched| watched.pid == pid)
    }
}

impl Followed {
    /// What it did since it was last seen; `None` if nothing, since its
    /// round-trip time is then as old as what was told before.
    fn advance(&mut self, socket: &Socket) -> Option<(ClientId, TcpDelta)> {
        let (bytes, retransmits) = (socket.bytes_received?, socket.retransmits?);
        // The state is told from before the counters, so that a FIN which came
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
