//! The addresses of the origins' names.
//!
//! A look-up is a process of its own, this program with another argument: getaddrinfo(3)
//! blocks, and /etc/hosts and nsswitch count as for every other program. Knows nothing
//! of connections but the key of the carrier that waits.

use std::collections::{BTreeMap, VecDeque};
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

/// Names that are kept, and names that are looked up or wait for it. A run has a few;
/// more may come from playlists that name a host for each segment.
const NAMES_MAX: usize = 64;

/// Processes at once.
const PROCESSES_MAX: usize = 8;

/// Most bytes read of a look-up's output.
const OUTPUT_BYTES_MAX: u64 = 4096;

/// Names and their addresses.
#[derive(Debug)]
pub(super) struct Names {
    /// The program that looks up.
    program: &'static str,
    given: BTreeMap<String, Vec<IpAddr>>,
    known: BTreeMap<String, Known>,
    lookups: Slab<Lookup>,
    /// The look-ups that wait for a process.
    queue: VecDeque<usize>,
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
    /// The carriers that wait.
    waiting: Vec<usize>,
    /// `None` while it is in the queue.
    running: Option<Running>,
}

/// The process of a look-up.
#[derive(Debug)]
struct Running {
    child: Child,
    token: Token,
    give_up_at: Option<Tick>,
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
        Self {
            program: OWN_PROGRAM,
            given,
            known: BTreeMap::new(),
            lookups: Slab::new(),
            queue: VecDeque::new(),
        }
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

    /// Begins a look-up; `None` if there are too many, or no process can be started.
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
        let is_full = self.processes() >= PROCESSES_MAX;
        let (name, waiting) = (name.to_owned(), vec![carrier]);
        let key = self.lookups.insert(Lookup { name, waiting, running: None });
        if is_full {
            self.queue.push_back(key);
            return Some(());
        }
        let started = self.start(registrar, now, key);
        if started.is_none() {
            self.lookups.try_remove(key);
        }
        started
    }

    fn processes(&self) -> usize {
        self.lookups.len().saturating_sub(self.queue.len())
    }

    /// Starts the process of a look-up; `None` if none can be started.
    fn start(&mut self, registrar: &mut Registrar, now: Tick, key: usize) -> Option<()> {
        let lookup = self.lookups.get_mut(key)?;
        let arguments = [LOOK_UP.into(), (&lookup.name).into()];
        let child = run::start(Path::new(self.program), &arguments, Stdio::default()).ok()?;
        let (owner, pidfd) = (Owner::Lookup(key), child.process.pidfd());
        let registry = registrar.poll.registry();
        let Ok(token) = registrar.table.insert(registry, pidfd, owner, Interest::READABLE) else {
            run::end(&child.process);
            return None;
        };
        let give_up_at = Some(now.after(LOOKUP_TIME));
        lookup.running = Some(Running { child, token, give_up_at });
        Some(())
    }

    /// An event of the process of a look-up. If it has ended, the next look-ups begin;
    /// one whose process cannot be started has ended too.
    pub(super) fn ended(&mut self, registrar: &mut Registrar, now: Tick, key: usize) -> Vec<Ended> {
        let mut ended: Vec<Ended> = self.finish(registrar, now, key).into_iter().collect();
        while self.processes() < PROCESSES_MAX {
            let Some(next) = self.queue.pop_front() else { break };
            if self.start(registrar, now, next).is_none() {
                let failed = self.lookups.try_remove(next);
                ended.extend(failed.map(|Lookup { name, waiting, .. }| Ended {
                    name,
                    found: Vec::new(),
                    waiting,
                }));
            }
        }
        ended
    }

    /// Keeps the result of a look-up; `None` if its process has not ended.
    fn finish(&mut self, registrar: &mut Registrar, now: Tick, key: usize) -> Option<Ended> {
        let lookup = self.lookups.get_mut(key)?;
        let ended = lookup.running.take_if(|running| running.child.process.has_ended());
        let Running { child, token, .. } = ended?;
        let Lookup { name, waiting, .. } = self.lookups.try_remove(key)?;
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

    /// Keeps a result, in place of the oldest one if there are too many.
    fn keep(&mut self, now: Tick, name: &str, found: &[IpAddr]) {
        // What has expired still says whether a failure was logged.
        self.known.retain(|_, known| known.until.after(KEPT) > now);
        if self.known.len() >= NAMES_MAX {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.until);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.known.remove(&oldest);
            }
        }
        let until = now.after(if found.is_empty() { FAILURE_KEPT } else { KEPT });
        self.known.insert(name.to_owned(), Known { addresses: found.to_vec(), until });
    }

    /// When [`Names::give_up`] is to be called.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let running = self.lookups.iter().filter_map(|(_, lookup)| lookup.running.as_ref());
        running.filter_map(|running| running.give_up_at).min()
    }

    /// Ends the look-ups that take too long; their ends are events.
    pub(super) fn give_up(&mut self, now: Tick) {
        let lookups = self.lookups.iter_mut();
        for running in lookups.filter_map(|(_, lookup)| lookup.running.as_mut()) {
            let process = &running.child.process;
            // The sweep for orphans may have reaped one that has ended.
            if running.give_up_at.take_if(|at| *at <= now).is_some() && !process.has_ended() {
                process.signal_group(Signal::Kill);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::default().after(Duration::from_secs(seconds))
    }

    /// Names that this program looks up.
    fn names(program: &'static str) -> Names {
        Names { program, ..Names::new(BTreeMap::new()) }
    }

    /// Waits until no look-up is left; returns the names and the carriers that waited.
    fn all_ended(
        names: &mut Names,
        registrar: &mut Registrar,
        now: Tick,
    ) -> BTreeMap<String, Vec<usize>> {
        let mut ended = BTreeMap::new();
        let mut events = mio::Events::with_capacity(PROCESSES_MAX);
        while !names.lookups.is_empty() {
            assert!(names.processes() <= PROCESSES_MAX);
            registrar.poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert!(!events.is_empty());
            let keys: Vec<usize> = names.lookups.iter().map(|(key, _)| key).collect();
            for each in keys.into_iter().flat_map(|key| names.ended(registrar, now, key)) {
                assert_eq!(each.found, [] as [IpAddr; 0]);
                ended.insert(each.name, each.waiting);
            }
        }
        ended
    }

    #[test]
    fn what_needs_no_process_is_found_at_once() {
        let mut registrar = Registrar::new().unwrap();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let mut names = Names::new([("given.example".to_owned(), vec![address])].into());
        for (name, found) in [
            ("192.0.2.1", vec![address]),
            ("2001:db8::1", vec!["2001:db8::1".parse().unwrap()]),
            ("given.example", vec![address]),
            ("-an-option", vec![]),
        ] {
            let result = names.find(&mut registrar, at(0), name, 1);
            assert_eq!(result, Found::Addresses(found), "{name}");
        }
        assert!(names.lookups.is_empty());
    }

    #[test]
    fn a_name_is_looked_up_once_for_all_that_wait_and_its_failure_is_kept() {
        let mut registrar = Registrar::new().unwrap();
        let mut names = names("/bin/false");
        for carrier in [5, 6, 7] {
            assert_eq!(names.find(&mut registrar, at(0), "a.invalid", carrier), Found::Later);
        }
        assert_eq!(names.lookups.len(), 1);
        let ended = all_ended(&mut names, &mut registrar, at(3));
        assert_eq!(ended, [("a.invalid".to_owned(), vec![5, 6, 7])].into());
        let failed = Found::Addresses(Vec::new());
        assert_eq!(names.find(&mut registrar, at(3), "a.invalid", 5), failed);
        assert_eq!(names.find(&mut registrar, at(4), "a.invalid", 5), Found::Later);
        all_ended(&mut names, &mut registrar, at(4));
    }

    #[test]
    fn names_and_processes_are_bounded_and_none_is_forgotten() {
        let mut registrar = Registrar::new().unwrap();
        let mut names = names("/bin/false");
        for number in 0..NAMES_MAX {
            let name = format!("{number}.invalid");
            assert_eq!(names.find(&mut registrar, at(0), &name, number), Found::Later);
        }
        assert_eq!(names.processes(), PROCESSES_MAX);
        let refused = Found::Addresses(Vec::new());
        assert_eq!(names.find(&mut registrar, at(0), "one.more.invalid", 0), refused);
        assert_eq!(all_ended(&mut names, &mut registrar, at(0)).len(), NAMES_MAX);
        names.keep(at(1), "one.more.invalid", &[]);
        assert_eq!(names.known.len(), NAMES_MAX);
        assert_eq!(names.find(&mut registrar, at(1), "one.more.invalid", 0), refused);
    }

    #[test]
    fn a_look_up_that_takes_too_long_is_killed() {
        let mut registrar = Registrar::new().unwrap();
        // Fills its pipe and waits.
        let mut names = names("/usr/bin/yes");
        assert_eq!(names.find(&mut registrar, at(0), "slow.invalid", 1), Found::Later);
        let deadline = names.deadline().unwrap();
        assert_eq!(deadline, at(0).after(LOOKUP_TIME));
        names.give_up(deadline);
        assert_eq!(names.deadline(), None);
        assert_eq!(all_ended(&mut names, &mut registrar, deadline).len(), 1);
    }

    #[test]
    fn addresses_are_kept_for_their_time() {
        let mut registrar = Registrar::new().unwrap();
        let mut names = names("/bin/false");
        let found = vec!["192.0.2.1".parse().unwrap()];
        names.keep(at(0), "origin.example", &found);
        assert_eq!(
            names.find(&mut registrar, at(29), "origin.example", 1),
            Found::Addresses(found)
        );
        assert_eq!(names.find(&mut registrar, at(30), "origin.example", 1), Found::Later);
        all_ended(&mut names, &mut registrar, at(30));
    }

    #[test]
    fn lines_that_are_no_addresses_are_skipped() {
        let text = "192.0.2.1\nnot found\n\n2001:db8::1\n";
        let expected: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        assert_eq!(addresses(text), expected);
    }
}
