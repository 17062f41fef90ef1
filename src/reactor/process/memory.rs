//! Which of the clients' processes have their memory read, and when.
//!
//! An FFmpeg grows without bound on an endless playlist, so the memory of each is read
//! from time to time: all in turn, a bounded number a second, and those that receive
//! unusually much in addition. Memory is read only while clients are active, so a silent
//! swarm is not woken, unless memory is limited. The swarm decides what is too much.
//!
//! Knows no clock and no timer: it returns when it must be called.

use std::time::Duration;

use super::children::Children;
use crate::units::{ClientId, Tick};

/// Interval between looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The same where memory is limited: with an endless playlist FFmpeg grew by 70 MB a
/// second.
const LOOK_EVERY_LIMITED: Duration = Duration::from_millis(125);

/// Processes of one look, about 3 µs each: below 0.1 % of a core.
const PROCESSES_PER_LOOK: usize = 256;

/// A client whose sockets received so much since their last sample, a second ago, is read
/// in addition: one viewer plays less than 64 Mbit/s.
const HEAVY_BYTES: u64 = 8 * 1024 * 1024;

/// Such clients in one look.
const HEAVY_PER_LOOK: usize = 64;

/// The looks at the clients' processes.
#[derive(Debug, Default)]
pub struct MemoryLooks {
    limited: bool,
    next_at: Option<Tick>,
    /// Whether a client was active since the last look.
    active: bool,
    heavy: Vec<ClientId>,
    /// Where in the table of clients the last look ended.
    cursor: usize,
}

impl MemoryLooks {
    /// Memory is limited: looks are more frequent, and continue as long as there is a
    /// process.
    pub fn limit(&mut self) {
        self.limited = true;
    }

    /// A process was started. Without a limit, a silent one causes no look.
    pub fn started(&mut self, now: Tick) {
        if self.limited {
            self.note_activity(now);
        }
    }

    /// A process wrote something.
    pub fn note_activity(&mut self, now: Tick) {
        self.active = true;
        if self.next_at.is_none() {
            self.next_at = Some(now.after(self.every()));
        }
    }

    /// A client's sockets received so many bytes since their last sample.
    pub fn received(&mut self, now: Tick, client: ClientId, bytes: u64) {
        self.note_activity(now);
        if bytes >= HEAVY_BYTES && self.heavy.len() < HEAVY_PER_LOOK {
            self.heavy.push(client);
        }
    }

    /// When the next look is due; `None` while no client is active.
    #[must_use]
    pub const fn next_look(&self) -> Option<Tick> {
        self.next_at
    }

    /// The processes to look at now, if a look is due.
    pub fn due(&mut self, now: Tick, children: &Children) -> Vec<(ClientId, u32)> {
        if self.next_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let mut processes = children.next_live(&mut self.cursor, PROCESSES_PER_LOOK);
        let goes_on = self.active || (self.limited && !processes.is_empty());
        self.next_at = goes_on.then(|| now.after(self.every()));
        self.active = false;
        let heavy = self.heavy.drain(..);
        processes.extend(heavy.filter_map(|client| Some((client, children.pid(client)?))));
        processes
    }

    const fn every(&self) -> Duration {
        if self.limited { LOOK_EVERY_LIMITED } else { LOOK_EVERY }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::path::Path;

    use rustix::process::{PidfdFlags, pidfd_open};

    use super::*;
    use crate::reactor::blocking::wait::Wait;
    use crate::reactor::process::children::tests::{children, sleeper};
    use crate::reactor::registrar::Registrar;
    use crate::swarm::Signal;

    const CLIENT: ClientId = ClientId::new(1);
    const NOW: Tick = Tick::from_millis(5_000);

    #[test]
    fn looks_end_when_no_client_is_active() {
        let all = children(Path::new("/bin/true"), 2);
        let mut looks = MemoryLooks::default();
        looks.started(NOW);
        assert_eq!(looks.next_look(), None, "a start alone causes no look");
        looks.note_activity(NOW);
        looks.note_activity(NOW.after(LOOK_EVERY / 2));
        let first = NOW.after(LOOK_EVERY);
        assert_eq!(looks.next_look(), Some(first));
        assert_eq!(looks.due(NOW, &all), []);
        for next in [Some(first.after(LOOK_EVERY)), None] {
            looks.due(looks.next_look().unwrap(), &all);
            assert_eq!(looks.next_look(), next);
        }
    }

    #[test]
    fn with_a_limit_looks_continue_as_long_as_there_is_a_process() {
        let mut registrar = Registrar::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut all = children(&sleeper(folder.path()), 2);
        let pid = all.spawn(&mut registrar, CLIENT).unwrap();
        let mut looks = MemoryLooks::default();
        looks.limit();
        looks.started(NOW);
        for _ in 0..5 {
            let now = looks.next_look().unwrap();
            assert_eq!(looks.due(now, &all), [(CLIENT, pid)]);
            assert_eq!(looks.next_look(), Some(now.after(LOOK_EVERY_LIMITED)));
        }
        // A client that receives much is read a second time.
        looks.received(NOW, CLIENT, HEAVY_BYTES - 1);
        looks.received(NOW, CLIENT, HEAVY_BYTES);
        assert_eq!(looks.due(looks.next_look().unwrap(), &all), [(CLIENT, pid); 2]);
        all.signal(CLIENT, Signal::Kill);
        let id = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        let pidfd = pidfd_open(id, PidfdFlags::empty()).unwrap();
        Wait::new(Duration::from_secs(20), None).readable(&[pidfd.as_fd()]).unwrap();
        all.reap(&mut registrar, CLIENT).unwrap();
        looks.due(looks.next_look().unwrap(), &all);
        assert_eq!(looks.next_look(), None);
    }
}
