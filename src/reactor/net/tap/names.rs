//! The addresses of the origins' names.
//!
//! A look-up is a process of its own, this program with another argument: getaddrinfo(3)
//! blocks, and /etc/hosts and nsswitch count as for every other program. Knows nothing
//! of connections but the key of the carrier that waits.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use mio::{Interest, Token};
use slab::Slab;

use crate::reactor::blocking::run;
use crate::reactor::process::child::{Child, ReapMode, Stdio};
use crate::reactor::registrar::Registrar;
use crate::reactor::table::Owner;
use crate::swarm::Signal;
use crate::units::Tick;

/// The hidden argument by which this program looks up a name.
pub const LOOK_UP: &str = "look-up";

/// This program, whatever became of its file.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// How long addresses are used: short enough for a change of DNS to spread the load.
const KEPT: Duration = Duration::from_secs(30);

/// How long a failure is remembered, so that thousands of clients cause one look-up.
const FAILURE_KEPT: Duration = Duration::from_secs(1);

/// Longest look-up; by default the resolver waits 5 s for each of two attempts
/// (resolv.conf(5)).
const LOOKUP_TIME: Duration = Duration::from_secs(12);

/// Names that are kept, and look-ups at once. A run has a few; more may come from
/// playlists that name a host for each segment.
const NAMES_MAX: usize = 64;

/// Most bytes read of a look-up's output.
const OUTPUT_BYTES_MAX: u64 = 4096;

/// Names and their addresses.
#[derive(Debug)]
pub(super) struct Names {
    given: BTreeMap<String, Vec<IpAddr>>,
    known: BTreeMap<String, Known>,
    lookups: Slab<Lookup>,
}

/// The result of a look-up; no address if it failed.
#[derive(Debug)]
struct Known {
    addresses: Vec<IpAddr>,
    until: Tick,
}

/// A look-up that has not ended.
#[derive(Debug)]
struct Lookup {
    name: String,
    child: Child,
    token: Token,
    give_up_at: Option<Tick>,
    waiting: Vec<usize>,
}

/// What is known of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Its addresses; none if it cannot be resolved.
    Addresses(Vec<IpAddr>),
    /// It is being looked up.
    Later,
}

/// A look-up that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) name: String,
    /// No address if it failed.
    pub(super) found: Vec<IpAddr>,
    /// The carriers that wait.
    pub(super) waiting: Vec<usize>,
}

impl Names {
    /// Names of which these have given addresses.
    pub(super) const fn new(given: BTreeMap<String, Vec<IpAddr>>) -> Self {
        Self { given, known: BTreeMap::new(), lookups: Slab::new() }
    }

    /// The addresses of a name or of an address; begins a look-up if there is none, for
    /// which the carrier waits.
    pub(super) fn find(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        name: &str,
        carrier: usize,
    ) -> Found {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Found::Addresses(vec![address]);
        }
        if let Some(given) = self.given.get(name) {
            return Found::Addresses(given.clone());
        }
        if let Some(known) = self.known.get(name).filter(|known| known.until > now) {
            return Found::Addresses(known.addresses.clone());
        }
        if let Some((_, lookup)) = self.lookups.iter_mut().find(|(_, lookup)| lookup.name == name) {
            lookup.waiting.push(carrier);
            return Found::Later;
        }
        match self.begin(registrar, now, name, carrier) {
            Some(()) => Found::Later,
            None => Found::Addresses(Vec::new()),
        }
    }

    /// Starts a look-up; `None` if there are too many, or no process can be started.
    fn begin(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        name: &str,
        carrier: usize,
    ) -> Option<()> {
        if self.lookups.len() >= NAMES_MAX || name.starts_with('-') {
            return None;
        }
        let arguments = [LOOK_UP.into(), name.into()];
        let child = run::start(Path::new(OWN_PROGRAM), &arguments, Stdio::default()).ok()?;
        let owner = Owner::Lookup(self.lookups.vacant_key());
        let registry = registrar.poll.registry();
        let pidfd = child.process.pidfd();
        let Ok(token) = registrar.table.insert(registry, pidfd, owner, Interest::READABLE) else {
            run::end(&child.process);
            return None;
        };
        let give_up_at = Some(now.after(LOOKUP_TIME));
        let (name, waiting) = (name.to_owned(), vec![carrier]);
        self.lookups.insert(Lookup { name, child, token, give_up_at, waiting });
        Some(())
    }

    /// The process of a look-up has ended; `None` if it has not.
    pub(super) fn ended(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        key: usize,
    ) -> Option<Ended> {
        if !self.lookups.get(key)?.child.process.has_ended() {
            return None;
        }
        let Lookup { name, child, token, waiting, .. } = self.lookups.try_remove(key)?;
        registrar.table.remove(registrar.poll.registry(), token);
        let _ = child.process.reap(ReapMode::Poll);
        let found = addresses(&text(child.stdout));
        let failed_before = self.known.get(&name).is_some_and(|known| known.addresses.is_empty());
        if found.is_empty() && !failed_before {
            let why = text(child.stderr);
            tracing::warn!(name, why = why.trim(), "name_not_resolved");
        }
        self.keep(now, &name, &found);
        Some(Ended { name, found, waiting })
    }

    fn keep(&mut self, now: Tick, name: &str, found: &[IpAddr]) {
        // What has expired still says whether a failure was logged.
        self.known.retain(|_, known| known.until.after(KEPT) > now);
        if self.known.len() < NAMES_MAX {
            let until = now.after(if found.is_empty() { FAILURE_KEPT } else { KEPT });
            self.known.insert(name.to_owned(), Known { addresses: found.to_vec(), until });
        }
    }

    /// When [`Names::give_up`] is to be called.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.lookups.iter().filter_map(|(_, lookup)| lookup.give_up_at).min()
    }

    /// Ends the look-ups that take too long; their ends are events.
    pub(super) fn give_up(&mut self, now: Tick) {
        for (_, lookup) in &mut self.lookups {
            if lookup.give_up_at.take_if(|at| *at <= now).is_some() {
                lookup.child.process.signal_group(Signal::Kill);
            }
        }
    }
}

/// What an ended process wrote into a pipe.
fn text(pipe: std::os::fd::OwnedFd) -> String {
    let mut text = Vec::new();
    // A pipe that another process still holds open reports `EAGAIN` at its end.
    let _ = std::fs::File::from(pipe).take(OUTPUT_BYTES_MAX).read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The addresses in lines.
fn addresses(text: &str) -> Vec<IpAddr> {
    text.lines().filter_map(|line| line.parse().ok()).collect()
}
