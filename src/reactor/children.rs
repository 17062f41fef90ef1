//! The clients' processes: each client's process and the reading ends of its
//! pipes, as entries of the event table.
//!
//! Does what it is told; when a client starts, stops or starts again is the
//! swarm's business.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

use mio::{Interest, Token};
use rustix::io::Errno;

use super::Registrar;
use super::child::{Process, Spawner, Stdio, Wait};
use super::table::Owner;
use crate::ffmpeg::command::Template;
use crate::stats::totals::{SpawnFailureReason, Stream};
use crate::swarm::{Exit, Signal, SpawnFailure};
use crate::units::ClientId;

/// A registered descriptor of ours.
#[derive(Debug)]
struct Watched<T> {
    what: T,
    token: Token,
}

#[derive(Debug, Default)]
struct Slot {
    process: Option<Watched<Process>>,
    stdout: Option<Watched<OwnedFd>>,
    stderr: Option<Watched<OwnedFd>>,
}

/// What one read of a pipe gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// This many bytes.
    Bytes(usize),
    /// Nothing for now.
    Empty,
    /// The pipe has ended and is closed.
    Ended,
}

/// Every client's process.
#[derive(Debug)]
pub struct Children {
    spawner: Spawner,
    program: CString,
    template: Template,
    slots: Vec<Slot>,
    user_agent: Vec<u8>,
    next_sample: usize,
}

impl Children {
    /// No process yet, for clients 0 to `clients` less one.
    #[must_use]
    pub fn new(spawner: Spawner, program: CString, template: Template, clients: u32) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(clients as usize).collect();
        Self { spawner, program, template, slots, user_agent: Vec::new(), next_sample: 0 }
    }

    /// Starts a client's process and watches its end and its pipes.
    ///
    /// # Errors
    /// What kept it from being started; nothing is left of it then.
    pub fn spawn(&mut self, registrar: &mut Registrar, id: ClientId) -> Result<u32, SpawnFailure> {
        let mut argv: Vec<&CStr> = Vec::with_capacity(64);
        argv.push(&self.program);
        argv.extend(self.template.argv(id, &mut self.user_agent));
        let child = self.spawner.spawn(&self.program, &argv, Stdio::default())?;
        let pid = child.process.pid();
        let slot = self.slots.get_mut(id.index()).ok_or(UNKNOWN_CLIENT)?;
        let watched = watch_all(registrar, slot, child, id);
        watched.map(|()| pid).map_err(|error| {
            // The poll has no room: without a watch the process would be lost.
            slot.close_pipes(registrar);
            SpawnFailure {
                reason: SpawnFailureReason::Descriptors,
                errno: error.raw_os_error().unwrap_or(Errno::NOSPC.raw_os_error()),
            }
        })
    }

    /// Sends a signal to a client's group, if its process was not reaped yet.
    pub fn signal(&self, id: ClientId, signal: Signal) {
        if let Some(process) = self.slots.get(id.index()).and_then(|slot| slot.process.as_ref()) {
            process.what.signal_group(signal);
        }
    }

    /// Closes what is left of a client's pipes.
    pub fn close_pipes(&mut self, registrar: &mut Registrar, id: ClientId) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.close_pipes(registrar);
        }
    }

    /// Reads once from a client's pipe; an ended one is closed.
    pub fn read(
        &mut self,
        registrar: &mut Registrar,
        id: ClientId,
        stream: Stream,
        buffer: &mut [u8],
    ) -> Read {
        let Some(slot) = self.slots.get_mut(id.index()) else { return Read::Empty };
        let pipe = match stream {
            Stream::Stdout => &mut slot.stdout,
            Stream::Stderr => &mut slot.stderr,
        };
        let Some(open) = pipe.as_ref() else { return Read::Empty };
        match rustix::io::retry_on_intr(|| rustix::io::read(&open.what, &mut *buffer)) {
            Err(Errno::AGAIN) => Read::Empty,
            Ok(count) if count > 0 => Read::Bytes(count),
            // An error of a pipe is as final as its end.
            Ok(_) | Err(_) => {
                close(registrar, pipe);
                Read::Ended
            }
        }
    }

    /// Reaps a client's process if it has ended, and kills what it left in its
    /// group.
    pub fn reap(&mut self, registrar: &mut Registrar, id: ClientId) -> Option<Exit> {
        let slot = self.slots.get_mut(id.index())?;
        let process = &slot.process.as_ref()?.what;
        // Readiness is a hint: a process that lives is left alone.
        if !process.has_ended() {
            return None;
        }
        // Until the reap the group's id is taken, so this cannot hit another.
        process.signal_group(Signal::Kill);
        let exit = process.reap(Wait::Poll).ok().flatten()?;
        if let Some(Watched { token, .. }) = slot.process.take() {
            // The pidfd would become readable once more.
            registrar.table.remove(registrar.poll.registry(), token);
        }
        Some(exit)
    }

    /// Whether this process id is one of a client's, not reaped yet.
    #[must_use]
    pub fn owns(&self, pid: u32) -> bool {
        self.slots.iter().flat_map(|slot| &slot.process).any(|process| process.what.pid() == pid)
    }

    /// The next few live processes, in turn: each call goes on where the last
    /// one ended.
    pub fn next_to_sample(&mut self, most: usize) -> Vec<(ClientId, u32)> {
        let count = self.slots.len();
        let mut found = Vec::with_capacity(most);
        for step in 0..count {
            let index = (self.next_sample + step) % count;
            if let Some(process) = self.slots.get(index).and_then(|slot| slot.process.as_ref()) {
                let id = ClientId::new(u32::try_from(index).unwrap_or(u32::MAX));
                found.push((id, process.what.pid()));
                if found.len() == most {
                    self.next_sample = index + 1;
                    break;
                }
            }
        }
        found
    }
}

/// A client beyond the table: the reactor and the swarm were made for different
/// numbers of clients.
const UNKNOWN_CLIENT: SpawnFailure =
    SpawnFailure { reason: SpawnFailureReason::Other, errno: libc::EINVAL };

impl Slot {
    fn close_pipes(&mut self, registrar: &mut Registrar) {
        close(registrar, &mut self.stdout);
        close(registrar, &mut self.stderr);
    }
}

fn close(registrar: &mut Registrar, pipe: &mut Option<Watched<OwnedFd>>) {
    if let Some(Watched { what, token }) = pipe.take() {
        registrar.table.remove(registrar.poll.registry(), token);
        drop(what);
    }
}

/// Watches the three descriptors of a new process; kills and reaps it if that
/// fails.
fn watch_all(
    registrar: &mut Registrar,
    slot: &mut Slot,
    child: super::child::Child,
    id: ClientId,
) -> std::io::Result<()> {
    let registry = registrar.poll.registry();
    let mut watch = |fd: std::os::fd::BorrowedFd<'_>, owner| {
        registrar.table.insert(registry, fd, owner, Interest::READABLE)
    };
    let watched = (|| {
        let token = watch(child.stdout.as_fd(), Owner::Output(id, Stream::Stdout))?;
        slot.stdout = Some(Watched { what: child.stdout, token });
        let token = watch(child.stderr.as_fd(), Owner::Output(id, Stream::Stderr))?;
        slot.stderr = Some(Watched { what: child.stderr, token });
        watch(child.process.pidfd(), Owner::Exit(id))
    })();
    match watched {
        Ok(token) => {
            slot.process = Some(Watched { what: child.process, token });
            Ok(())
        }
        Err(error) => {
            child.process.signal_group(Signal::Kill);
            let _ = child.process.reap(Wait::Block);
            Err(error)
        }
    }
}
