//! The event table: which part owns a readiness event.
//!
//! Owns no descriptor and knows no handler: an entry is the owner of an event, the number
//! of its descriptor, and a generation.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use slab::Slab;

use crate::stats::EntryKind;
use crate::units::ClientId;
use crate::units::process::Pipe;

/// Which of the application's services a server belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceKey(pub u8);

/// The owner of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The signalfd.
    Signals,
    /// The timerfd.
    Timer,
    /// The listening socket of a service.
    Listener(ServiceKey),
    /// A connection to a service, by its key in the server.
    Connection(ServiceKey, usize),
    /// Standard error, when it takes bytes again.
    LogSink,
    /// One of a client's pipes.
    Output(ClientId, Pipe),
    /// A client's pidfd.
    Exit(ClientId),
    /// The pidfd of a process beside the clients.
    Watched,
    /// A connection to a polled server, by the key of the request.
    Fetch(usize),
    /// The listening socket of the tap.
    TapListener,
    /// A client's connection to the tap, by the key of its relay.
    TapClient(usize),
    /// The connection to the origin that mirrors it, by the same key.
    TapOrigin(usize),
    /// A look-up of a name for the tap, by its key.
    Lookup(usize),
    /// The terminal of the dashboard.
    Terminal,
    /// The signals of that terminal.
    TerminalSignals,
}

impl Owner {
    /// Whether it belongs to a client, of which there may be thousands.
    #[must_use]
    pub const fn is_of_a_client(self) -> bool {
        matches!(self, Self::Output(..) | Self::Exit(_))
    }

    const fn kind(self) -> EntryKind {
        match self {
            Self::Connection(..) | Self::TapClient(_) | Self::TapOrigin(_) => EntryKind::Connection,
            Self::Output(..) => EntryKind::Output,
            Self::Exit(_) => EntryKind::Exit,
            _ => EntryKind::Own,
        }
    }
}

/// One registered descriptor.
#[derive(Debug, Clone, Copy)]
struct Entry {
    owner: Owner,
    fd: RawFd,
    generation: u32,
    queued: bool,
    hung_up: bool,
}

/// All registered descriptors.
///
/// A token packs a generation (high half) and a slab key (low half). An event for a
/// descriptor that was closed earlier in the same batch is still delivered; its
/// generation is no longer the entry's, so it is dropped.
#[derive(Debug, Default)]
pub struct Table {
    entries: Slab<Entry>,
    generation: u32,
    /// Entries by kind, counted here so that a scrape need not visit all of them.
    by_kind: [u32; EntryKind::ALL.len()],
}

impl Table {
    /// Registers a descriptor for edge-triggered events of its owner.
    ///
    /// The caller keeps the descriptor open until [`Table::remove`].
    ///
    /// # Errors
    /// Those of epoll_ctl(2): `ENOSPC` when `max_user_watches` is used up,
    /// `EPERM` for a descriptor that cannot be polled, such as a regular file.
    pub fn insert(
        &mut self,
        registry: &Registry,
        fd: BorrowedFd<'_>,
        owner: Owner,
        interest: Interest,
    ) -> io::Result<Token> {
        self.generation = self.generation.wrapping_add(1);
        let (fd, generation) = (fd.as_raw_fd(), self.generation);
        let vacant = self.entries.vacant_entry();
        let token = pack(generation, vacant.key());
        registry.register(&mut SourceFd(&fd), token, interest)?;
        vacant.insert(Entry { owner, fd, generation, queued: false, hung_up: false });
        if let Some(count) = self.by_kind.get_mut(owner.kind().index()) {
            *count += 1;
        }
        Ok(token)
    }

    /// Removes a descriptor, which the caller may close afterwards.
    pub fn remove(&mut self, registry: &Registry, token: Token) {
        if let Some(key) = self.key(token) {
            let entry = self.entries.remove(key);
            if let Some(count) = self.by_kind.get_mut(entry.owner.kind().index()) {
                *count = count.saturating_sub(1);
            }
            // Fails only if the kernel has removed it already.
            let _ = registry.deregister(&mut SourceFd(&entry.fd));
        }
    }

    /// Marks an entry as ready; returns its owner if it was not waiting for its turn yet.
    /// `None` for a stale token.
    pub fn mark_ready(&mut self, token: Token, hung_up: bool) -> Option<Owner> {
        let entry = self.entry(token)?;
        entry.hung_up |= hung_up;
        (!std::mem::replace(&mut entry.queued, true)).then_some(entry.owner)
    }

    /// Takes an entry out of its line; returns its owner, and whether the other end hung
    /// up. `None` for a stale token.
    pub fn take_turn(&mut self, token: Token) -> Option<(Owner, bool)> {
        let entry = self.entry(token)?;
        entry.queued = false;
        Some((entry.owner, entry.hung_up))
    }

    /// The client that an entry belongs to. `None` for any other, and for a stale token.
    #[must_use]
    pub fn client(&self, token: Token) -> Option<ClientId> {
        match self.entries.get(self.key(token)?)?.owner {
            Owner::Output(client, _) | Owner::Exit(client) => Some(client),
            _ => None,
        }
    }

    /// Registered descriptors by kind, in the order of [`EntryKind::ALL`].
    #[must_use]
    pub const fn by_kind(&self) -> [u32; EntryKind::ALL.len()] {
        self.by_kind
    }

    /// Registered descriptors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn key(&self, token: Token) -> Option<usize> {
        let (generation, key) = unpack(token);
        self.entries.get(key).filter(|entry| entry.generation == generation).map(|_| key)
    }

    fn entry(&mut self, token: Token) -> Option<&mut Entry> {
        let (generation, key) = unpack(token);
        self.entries.get_mut(key).filter(|entry| entry.generation == generation)
    }
}

const KEY_BITS: u32 = 32;
const KEY_MASK: usize = (1 << KEY_BITS) - 1;

fn pack(generation: u32, key: usize) -> Token {
    Token((generation as usize) << KEY_BITS | (key & KEY_MASK))
}

fn unpack(token: Token) -> (u32, usize) {
    (u32::try_from(token.0 >> KEY_BITS).unwrap_or(0), token.0 & KEY_MASK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    const SERVICE: ServiceKey = ServiceKey(0);

    fn pipe() -> (io::PipeReader, io::PipeWriter) {
        io::pipe().unwrap()
    }

    #[test]
    fn a_token_of_a_former_entry_is_stale() {
        let poll = mio::Poll::new().unwrap();
        let mut table = Table::default();
        let (first, _w1) = pipe();
        let (second, _w2) = pipe();
        let old = table.insert(
            poll.registry(),
            first.as_fd(),
            Owner::Listener(SERVICE),
            Interest::READABLE,
        );
        let old = old.unwrap();
        table.remove(poll.registry(), old);
        let new = table
            .insert(
                poll.registry(),
                second.as_fd(),
                Owner::Connection(SERVICE, 7),
                Interest::READABLE,
            )
            .unwrap();
        assert_eq!(unpack(old).1, unpack(new).1, "the slab reuses the key");
        assert_eq!(table.mark_ready(old, false), None);
        assert_eq!(table.take_turn(old), None);
        table.remove(poll.registry(), old);
        assert_eq!(table.mark_ready(new, true), Some(Owner::Connection(SERVICE, 7)));
        assert_eq!(table.take_turn(new), Some((Owner::Connection(SERVICE, 7), true)));
        assert_eq!(table.by_kind(), [1, 0, 0, 0]);
    }

    #[test]
    fn an_entry_is_queued_only_once() {
        let poll = mio::Poll::new().unwrap();
        let mut table = Table::default();
        let (reader, _w) = pipe();
        let token = table
            .insert(poll.registry(), reader.as_fd(), Owner::Timer, Interest::READABLE)
            .unwrap();
        assert!(table.mark_ready(token, false).is_some());
        assert_eq!(table.mark_ready(token, false), None);
        assert!(table.take_turn(token).is_some());
        assert!(table.mark_ready(token, false).is_some());
    }

    #[test]
    fn refuses_a_regular_file_and_keeps_nothing_of_it() {
        let poll = mio::Poll::new().unwrap();
        let mut table = Table::default();
        let file = tempfile::tempfile().unwrap();
        let refused =
            table.insert(poll.registry(), file.as_fd(), Owner::LogSink, Interest::WRITABLE);
        assert!(refused.is_err());
        assert!(table.is_empty());
        assert_eq!(table.by_kind(), [0; 4]);
    }
}
