//! The sockets of the tap: accepts the connections of the clients, connects to the
//! origin, and moves bytes between them as [`crate::tap::Relay`] says.
//!
//! Knows neither HTTP nor playlists.

mod carrier;
mod connecting;
mod io_context;
mod listener;
mod moved;
mod names;
mod owner;
mod pipes;
mod race;
mod side;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use mio::Interest;
use rustix::io::Errno;
use rustls::ClientConfig;
use slab::Slab;

pub use self::listener::Listener;
pub use self::names::LOOK_UP;

use self::carrier::{Carrier, Step};
use self::io_context::Io;
use self::listener::Accepted;
use self::names::Names;
use self::owner::Owners;
use self::pipes::Pipes;
use self::side::Side;
use crate::reactor::part::Part;
use crate::reactor::registrar::Registrar;
use crate::reactor::table::Owner;
use crate::reactor::turn::{Core, Turn};
use crate::swarm::Input;
use crate::tap::{Relay, Tap};
use crate::units::shard::Shard;
use crate::units::{ClientId, Tick};

/// Connections accepted in one turn.
const ACCEPTS_PER_TURN: usize = 64;

/// Pause after accepting failed, because the host's descriptors or memory are used up.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Reasons of failed handshakes that are logged, each once.
const TLS_FAULTS_MAX: usize = 16;

/// What a tap needs of the run.
#[derive(Debug)]
pub struct TapSetup {
    /// The exchanges.
    pub tap: Tap,
    /// The listening socket.
    pub listener: Listener,
    /// The shard whose clients it serves.
    pub shard: Shard,
    /// Addresses to use for names instead of looking them up (`-resolve`).
    pub names: BTreeMap<String, Vec<IpAddr>>,
    /// How TLS with an origin is made; `None` where this host trusts no certificate.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Connections that were not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused {
    /// Of processes of other users.
    pub strangers: u64,
    /// For want of descriptors or memory, each at most once in 200 ms.
    pub exhausted: u64,
}

/// The sockets of the tap.
#[derive(Debug)]
pub(in crate::reactor) struct TapSockets {
    tap: Tap,
    listener: Listener,
    shard: Shard,
    names: Names,
    tls: Option<Arc<ClientConfig>>,
    tls_faults: TlsFaults,
    owners: Owners,
    pipes: Pipes,
    carriers: Slab<Entry>,
    /// The carriers of each client.
    of_client: BTreeSet<(ClientId, usize)>,
    deadlines: BTreeSet<(Tick, usize)>,
    accept_again: Option<Tick>,
    refused: Refused,
}

/// The reasons of failed handshakes that were logged.
#[derive(Debug, Default)]
struct TlsFaults(BTreeSet<String>);

impl TlsFaults {
    /// Logs a reason once.
    fn report(&mut self, server: &str, why: String) {
        if self.0.len() < TLS_FAULTS_MAX && !self.0.contains(&why) {
            tracing::warn!(server, why, "tls_failed");
            self.0.insert(why);
        }
    }
}

/// A carrier, whose it is, and when it is looked at.
#[derive(Debug)]
struct Entry {
    client: ClientId,
    /// `None` while its turn lasts.
    carrier: Option<Carrier>,
    /// Its entry in the deadlines, at or before its own.
    armed: Option<Tick>,
}

impl TapSockets {
    /// Registers the listener.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub(in crate::reactor) fn new(setup: TapSetup, registrar: &mut Registrar) -> io::Result<Self> {
        let TapSetup { tap, listener, shard, names, tls } = setup;
        let registry = registrar.poll.registry();
        let fd = listener.as_fd();
        registrar.table.insert(registry, fd, Owner::TapListener, Interest::READABLE)?;
        Ok(Self {
            tap,
            listener,
            shard,
            names: Names::new(names),
            tls,
            tls_faults: TlsFaults::default(),
            owners: Owners::open(),
            pipes: Pipes::default(),
            carriers: Slab::new(),
            of_client: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            accept_again: None,
            refused: Refused::default(),
        })
    }

    /// Accepts what waits, a bounded number. True if there may be more.
    fn accept(&mut self, turn: &mut Turn<'_>) -> bool {
        for _ in 0..ACCEPTS_PER_TURN {
            match self.listener.accept() {
                Ok(Some(accepted)) => self.admit(turn, accepted),
                Ok(None) => return false,
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    self.refused.exhausted += 1;
                    self.accept_again = Some(turn.now.after(ACCEPT_PAUSE));
                    return false;
                }
                Err(_) => return false,
            }
        }
        true
    }

    /// Serves a connection, unless it belongs to another user.
    fn admit(&mut self, turn: &mut Turn<'_>, accepted: Accepted) {
        let client = self.shard.client(accepted.place);
        if !self.owners.is_own(accepted.peer, accepted.local) {
            self.refused.strangers += 1;
            return;
        }
        let key = self.carriers.vacant_key();
        let registrar = &mut turn.core.registrar;
        let side = Side::new(registrar, accepted.stream, Owner::TapClient(key));
        // Fails only when epoll's limit is reached; the client reconnects.
        let Ok(side) = side else { return };
        let carrier = Some(Carrier::new(Relay::new(client, turn.now), side));
        self.carriers.insert(Entry { client, carrier, armed: None });
        self.of_client.insert((client, key));
    }

    /// Gives a carrier its turn. True if it has more to do at once.
    fn take_turn(
        &mut self,
        turn: &mut Turn<'_>,
        key: usize,
        act: impl FnOnce(&mut Carrier, &mut Io<'_>) -> Step,
    ) -> bool {
        let Some(mut carrier) = self.carriers.get_mut(key).and_then(|entry| entry.carrier.take())
        else {
            return false;
        };
        let step = self.with_io(turn, key, |io| act(&mut carrier, io));
        if step == Step::Finished {
            self.remove(turn, key, carrier);
            return false;
        }
        let deadline = carrier.deadline();
        if let Some(entry) = self.carriers.get_mut(key) {
            entry.carrier = Some(carrier);
            // A later deadline is armed when the earlier one has come.
            if let Some(deadline) = deadline.filter(|&at| entry.armed.is_none_or(|old| at < old)) {
                let old = entry.armed.replace(deadline);
                old.map(|old| self.deadlines.remove(&(old, key)));
                self.deadlines.insert((deadline, key));
            }
        }
        step == Step::More
    }

    fn with_io<T>(
        &mut self,
        turn: &mut Turn<'_>,
        key: usize,
        act: impl FnOnce(&mut Io<'_>) -> T,
    ) -> T {
        let heard = turn.now;
        let Turn { core, application, .. } = turn;
        let Core { registrar, buffer, actions, clock, wall, .. } = &mut **core;
        // Read again: the times of exchanges do not include the turns of others.
        let now = clock.tick().max(heard);
        act(&mut Io {
            now,
            delay: now.since(heard),
            registrar,
            buffer,
            pipes: &mut self.pipes,
            tap: &mut self.tap,
            records: &mut |client, record| {
                let input = Input::Exchange { client, record, wall: *wall };
                application.handle(heard, input, actions);
            },
            names: &mut self.names,
            tls: self.tls.as_ref(),
            tls_faults: &mut self.tls_faults,
            key,
        })
    }

    /// A look-up has ended: the carriers that wait for it go on.
    fn resolved(&mut self, turn: &mut Turn<'_>, key: usize) {
        let now = turn.now;
        for ended in self.names.ended(&mut turn.core.registrar, now, key) {
            for carrier in ended.waiting {
                let (name, found) = (&ended.name, &ended.found);
                // There is no more to do before its new socket is ready.
                self.take_turn(turn, carrier, |carrier, io| carrier.resolved(io, name, found));
            }
        }
    }

    fn remove(&mut self, turn: &mut Turn<'_>, key: usize, carrier: Carrier) {
        carrier.close(&mut turn.core.registrar);
        if let Some(entry) = self.carriers.try_remove(key) {
            self.of_client.remove(&(entry.client, key));
            entry.armed.map(|at| self.deadlines.remove(&(at, key)));
        }
    }

    /// The process of this client has ended: so have its connections.
    pub(in crate::reactor) fn end_client(&mut self, turn: &mut Turn<'_>, client: ClientId) {
        let of_client = (client, 0)..=(client, usize::MAX);
        let keys: Vec<usize> = self.of_client.range(of_client).map(|&(_, key)| key).collect();
        for key in keys {
            self.take_turn(turn, key, |carrier, io| {
                carrier.end(io);
                Step::Finished
            });
        }
        self.tap.forget(client);
    }
}

impl Part for TapSockets {
    fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, _: bool) -> bool {
        match owner {
            Owner::TapListener => self.accept(turn),
            Owner::TapClient(key) => self.take_turn(turn, key, |carrier, io| {
                carrier.wake_client();
                carrier.drive(io)
            }),
            Owner::TapOrigin(key) => self.take_turn(turn, key, |carrier, io| {
                carrier.wake_origin();
                carrier.drive(io)
            }),
            Owner::Lookup(key) => {
                self.resolved(turn, key);
                false
            }
            _ => false,
        }
    }

    fn deadline(&self, _: &Turn<'_>) -> Option<Tick> {
        let first = self.deadlines.first().map(|&(at, _)| at);
        [first, self.accept_again, self.names.deadline()].into_iter().flatten().min()
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        self.names.give_up(turn.now);
        if self.accept_again.is_some_and(|at| at <= turn.now) {
            self.accept_again = None;
            while self.accept(turn) {}
        }
        while let Some(&(at, key)) = self.deadlines.first().filter(|&&(at, _)| at <= turn.now) {
            self.deadlines.remove(&(at, key));
            if let Some(entry) = self.carriers.get_mut(key) {
                entry.armed = None;
            }
            self.take_turn(turn, key, Carrier::due);
        }
    }
}
