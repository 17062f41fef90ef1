//! The clients' processes: each client's process and the reading ends of its
//! pipes, as entries of the event table.
//!
//! Carries no policy: the swarm decides when a client starts, stops or restarts.

use std::ffi::{CStr, CString};
use std::hint::black_box;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use mio::{Interest, Token};
use rustix::io::Errno;

use super::child::{Process, ReapMode, Spawner, Stdio};
use super::oom::OomWatch;
use super::pipes::{WAIT_MAX, WAIT_MAX_UNSTAMPED};
use crate::ffmpeg::command::Template;
use crate::reactor::Registrar;
use crate::reactor::table::Owner;
use crate::swarm::{Exit, Signal};
use crate::units::ClientId;
use crate::units::process::{ExitStatus, Pipe, SIGKILL, SpawnFailure, SpawnFailureReason};
use crate::units::shard::Shard;

/// Smallest capacity of a pipe in bytes: a page (pipe(7), `pipe-user-pages-soft`).
const PIPE_BYTES_MIN: usize = 4096;

/// A registered descriptor.
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
    /// Whether we sent SIGKILL.
    killed: bool,
}

/// The result of one read of a pipe.
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
    /// Reused by every spawn for the user agent.
    scratch: Vec<u8>,
    oom: OomWatch,
    shard: Shard,
}

impl Children {
    /// An empty table for clients 0 to `clients` - 1.
    #[must_use]
    pub fn new(spawner: Spawner, program: CString, template: Template, clients: u32) -> Self {
        let slots = std::iter::repeat_with(Slot::default).take(clients as usize).collect();
        let oom = OomWatch::new(Path::new("/"));
        let (scratch, shard) = (Vec::new(), Shard::WHOLE);
        Self { spawner, program, template, slots, scratch, oom, shard }
    }

    /// The same for the clients of this shard.
    #[must_use]
    pub fn in_shard(self, shard: Shard) -> Self {
        Self { shard, ..self }
    }

    /// How long reading the pipes may wait.
    #[must_use]
    pub fn wait_max(&self) -> Duration {
        if self.template.is_timed_by_reading() { WAIT_MAX_UNSTAMPED } else { WAIT_MAX }
    }

    /// Starts a client's process and watches its end and its pipes.
    ///
    /// # Errors
    /// Why it could not be started; nothing is left of it then.
    pub fn spawn(&mut self, registrar: &mut Registrar, id: ClientId) -> Result<u32, SpawnFailure> {
        let slot = self.slots.get_mut(id.index()).ok_or(UNKNOWN_CLIENT)?;
        let mut argv: Vec<&CStr> = Vec::with_capacity(64);
        argv.push(&self.program);
        argv.extend(self.template.argv(id, &mut self.scratch));
        let child = self.spawner.spawn(&self.program, &argv, Stdio::default())?;
        let pid = child.process.pid();
        let watched = watch_all(registrar, slot, child, id);
        watched.map(|()| pid).map_err(|error| {
            // The poll has no room, and an unwatched process would be lost.
            slot.close_pipes(registrar);
            SpawnFailure {
                reason: SpawnFailureReason::Descriptors,
                errno: error.raw_os_error().unwrap_or(Errno::NOSPC.raw_os_error()),
            }
        })
    }

    /// Sends a signal to a client's group, if its process was not reaped yet.
    pub fn signal(&mut self, id: ClientId, signal: Signal) {
        let Some(slot) = self.slots.get_mut(id.index()) else { return };
        if let Some(process) = &slot.process {
            slot.killed |= signal == Signal::Kill;
            process.what.signal_group(signal);
        }
    }

    /// The id of a client's process, if it was not reaped yet.
    #[must_use]
    pub fn pid(&self, id: ClientId) -> Option<u32> {
        let process = self.slots.get(id.index())?.process.as_ref()?;
        Some(process.what.pid())
    }

    /// Closes what is left of a client's pipes.
    pub fn close_pipes(&mut self, registrar: &mut Registrar, id: ClientId) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.close_pipes(registrar);
        }
    }

    /// Fetches the client's slot into the cache: its pipes are read soon.
    pub fn prefetch(&self, id: ClientId) {
        if let Some(slot) = self.slots.get(id.index()) {
            black_box(slot.stderr.as_ref().map(|pipe| pipe.token));
        }
    }

    /// Reads once from a client's pipe; an ended one is closed.
    pub fn read(
        &mut self,
        registrar: &mut Registrar,
        id: ClientId,
        pipe: Pipe,
        buffer: &mut [u8],
    ) -> Read {
        let Some(slot) = self.slots.get_mut(id.index()) else { return Read::Empty };
        let end = match pipe {
            Pipe::Stdout => &mut slot.stdout,
            Pipe::Stderr => &mut slot.stderr,
        };
        let Some(open) = end.as_ref() else { return Read::Empty };
        match rustix::io::retry_on_intr(|| rustix::io::read(&open.what, &mut *buffer)) {
            Err(Errno::AGAIN) => Read::Empty,
            Ok(count) if count > 0 => {
                if is_half_full(&open.what, count) {
                    registrar.pipes.hurry();
                }
                Read::Bytes(count)
            }
            // An error of a pipe is treated as its end.
            Ok(_) | Err(_) => {
                close(registrar, end);
                Read::Ended
            }
        }
    }

    /// Reaps a client's process if it has ended, and kills what it left in its
    /// group.
    pub fn reap(&mut self, registrar: &mut Registrar, id: ClientId) -> Option<Exit> {
        let slot = self.slots.get_mut(id.index())?;
        let process = &slot.process.as_ref()?.what;
        // Readiness is a hint: a running process is left alone.
        if !process.has_ended() {
            return None;
        }
        // Until the reap the group's id stays assigned, so no other group is signalled.
        process.signal_group(Signal::Kill);
        let mut exit = process.reap(ReapMode::Poll).ok().flatten()?;
        let killed_by_other =
            exit.status == ExitStatus::Signal(SIGKILL) && !std::mem::take(&mut slot.killed);
        exit.oom_suspected = killed_by_other && self.oom.suspects();
        if let Some(Watched { token, .. }) = slot.process.take() {
            // The pidfd would be reported as readable again.
            registrar.table.remove(registrar.poll.registry(), token);
        }
        // Its last output is read now, not in the next round.
        for pipe in [&slot.stdout, &slot.stderr].into_iter().flatten() {
            registrar.queue(pipe.token, true);
        }
        Some(exit)
    }

    /// Whether this process id is one of a client's, not reaped yet.
    #[must_use]
    pub fn owns(&self, pid: u32) -> bool {
        self.slots.iter().flat_map(|slot| &slot.process).any(|process| process.what.pid() == pid)
    }

    /// The next few live processes, in turn: each call continues where the last one with
    /// this cursor ended.
    #[must_use]
    pub fn next_live(&self, cursor: &mut usize, most: usize) -> Vec<(ClientId, u32)> {
        let count = self.slots.len();
        let mut found = Vec::with_capacity(most.min(count));
        for step in 0..count {
            let index = (*cursor + step) % count;
            if let Some(process) = self.slots.get(index).and_then(|slot| slot.process.as_ref()) {
                let id = self.shard.client(u32::try_from(index).unwrap_or(u32::MAX));
                found.push((id, process.what.pid()));
                if found.len() == most {
                    *cursor = index + 1;
                    break;
                }
            }
        }
        found
    }
}

/// A client beyond the table: the reactor and the swarm were created for different
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
        registrar.table.remove(registrar.pipes.registry(), token);
        drop(what);
    }
}

/// Whether `count` bytes are at least half of the pipe's capacity, which is read only if
/// the smallest pipe would be half full.
fn is_half_full(pipe: &OwnedFd, count: usize) -> bool {
    count >= PIPE_BYTES_MIN / 2
        && rustix::pipe::fcntl_getpipe_size(pipe).is_ok_and(|holds| count >= holds / 2)
}

/// Watches the three descriptors of a new process; kills and reaps it if that
/// fails.
fn watch_all(
    registrar: &mut Registrar,
    slot: &mut Slot,
    child: super::child::Child,
    id: ClientId,
) -> std::io::Result<()> {
    let Registrar { poll, table, pipes, .. } = registrar;
    let mut watch = |registry, fd: std::os::fd::BorrowedFd<'_>, owner| {
        table.insert(registry, fd, owner, Interest::READABLE)
    };
    let watched = (|| {
        let (stdout, stderr) = (child.stdout, child.stderr);
        let owner = |pipe| Owner::Output(id, pipe);
        let token = watch(pipes.registry(), stdout.as_fd(), owner(Pipe::Stdout))?;
        slot.stdout = Some(Watched { what: stdout, token });
        let token = watch(pipes.registry(), stderr.as_fd(), owner(Pipe::Stderr))?;
        slot.stderr = Some(Watched { what: stderr, token });
        watch(poll.registry(), child.process.pidfd(), Owner::Exit(id))
    })();
    match watched {
        Ok(token) => {
            slot.process = Some(Watched { what: child.process, token });
            Ok(())
        }
        Err(error) => {
            child.process.signal_group(Signal::Kill);
            let _ = child.process.reap(ReapMode::Block);
            Err(error)
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::ffmpeg::capabilities::Capabilities;
    use crate::ffmpeg::command::Map;
    use crate::ffmpeg::options::Options;
    use crate::reactor::blocking::wait::Wait;
    use crate::reactor::process::child::environment;

    const CLIENT: ClientId = ClientId::new(1);

    fn template() -> Template {
        let options = Options::new("http://127.0.0.1:9/".parse().unwrap());
        let version = include_bytes!("../../../tests/data/ffmpeg-9.0.2-version.txt");
        let help = include_bytes!("../../../tests/data/ffmpeg-9.0.2-help.txt");
        let capabilities = Capabilities::parse(version, help).unwrap();
        Template::new(&options, Map::All, &capabilities).unwrap()
    }

    pub(in crate::reactor) fn children(program: &Path, clients: u32) -> Children {
        let program = CString::new(program.as_os_str().as_bytes()).unwrap();
        let spawner = Spawner::new(environment(&[]), None).unwrap();
        Children::new(spawner, program, template(), clients)
    }

    /// A program that only sleeps, whatever its arguments are.
    pub(in crate::reactor) fn sleeper(folder: &Path) -> PathBuf {
        let script = folder.join("script");
        std::fs::write(&script, "#!/bin/sh\nexec sleep 1000\n").unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        script
    }

    #[test]
    fn a_spurious_readiness_leaves_a_process_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut registrar = Registrar::new().unwrap();
        let mut all = children(&sleeper(folder.path()), 2);
        let pid = all.spawn(&mut registrar, CLIENT).unwrap();
        assert_eq!(registrar.table.len(), 3);
        assert_eq!(all.next_live(&mut 0, 8), [(CLIENT, pid)]);
        for _ in 0..3 {
            assert_eq!(all.reap(&mut registrar, CLIENT), None);
        }
        assert!(all.owns(pid));
        all.signal(CLIENT, Signal::Terminate);
        let process = &all.slots[CLIENT.index()].process.as_ref().unwrap().what;
        Wait::new(Duration::from_secs(20), None).readable(&[process.pidfd()]).unwrap();
        let exit = all.reap(&mut registrar, CLIENT).unwrap();
        assert_eq!(exit.status, ExitStatus::Signal(15));
        assert!(!all.owns(pid));
        assert_eq!(registrar.ready.clients.len(), 2, "its last output is read without a round");
        for pipe in [Pipe::Stdout, Pipe::Stderr] {
            let mut buffer = [0; 10];
            assert_eq!(all.read(&mut registrar, CLIENT, pipe, &mut buffer), Read::Ended);
            assert_eq!(all.read(&mut registrar, CLIENT, pipe, &mut buffer), Read::Empty);
        }
        assert!(registrar.table.is_empty());
    }

    #[test]
    fn half_full_depends_on_the_capacity_of_the_pipe() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        for (holds, count, half) in [
            (4096, 2047, false),
            (4096, 2048, true),
            (65_536, 2048, false),
            (65_536, 32_767, false),
            (65_536, 32_768, true),
        ] {
            rustix::pipe::fcntl_setpipe_size(&reader, holds).unwrap();
            assert_eq!(is_half_full(&reader, count), half, "{count} of {holds}");
        }
    }

    #[test]
    fn a_failed_start_leaves_nothing() {
        let mut registrar = Registrar::new().unwrap();
        let mut all = children("/nonexistent".as_ref(), 2);
        let failure = all.spawn(&mut registrar, CLIENT).unwrap_err();
        assert_eq!(failure.reason, SpawnFailureReason::NotFound);
        assert!(registrar.table.is_empty() && all.next_live(&mut 0, 8).is_empty());
        // A client beyond the table is not started.
        let unknown = all.spawn(&mut registrar, ClientId::new(7)).unwrap_err();
        assert_eq!(unknown, UNKNOWN_CLIENT);
    }
}
