//! What clients receive over TCP, sampled once a second from the kernel.
//!
//! A socket is a client's if its inode is linked under the `/proc/PID/fd` of the client's
//! process, which is searched only after the client reported a connection, and only while
//! the kernel lists sockets without an owner. The other end of a loopback connection
//! never gets one. Sockets that opened and closed between two samples are missed.
//!
//! Knows no clock and no timer: it returns when it must be called.

mod ledger;
mod links;

use std::time::Duration;

use rustix::io::Errno;

use self::ledger::Ledger;
use super::sock_diag::{LastWords, SockDiag, Step, Unavailable};
use crate::swarm::TcpDelta;
use crate::units::{ClientId, Tick};

/// Interval between samples.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Datagrams of a dump read in one step: some 320 sockets.
const DATAGRAMS_PER_STEP: usize = 4;

/// Processes searched in one step.
const SEARCHES_PER_STEP: usize = 10;

/// Reports of ended sockets read in one step.
const LAST_WORDS_PER_STEP: usize = 256;

/// The progress of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The sample continues: [`Traffic::next_sample`] has passed already.
    More,
    /// The sample is over, or none was due.
    Done,
}

/// What could not be counted since the sampler was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Losses {
    /// Samples that the kernel aborted; the next one makes up for them, except for
    /// sockets that ended meanwhile.
    pub samples: u64,
    /// Times that sockets of any process ended faster than the kernel's queue holds: the
    /// last bytes of a client's socket may be missing.
    pub ends: u64,
    /// Sockets not followed because there were too many at once.
    pub sockets: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    LastWords,
    Dumping,
    Searching { consistent: bool },
}

/// The sampler.
#[derive(Debug)]
pub struct Traffic {
    diag: SockDiag,
    /// Open only while there are samples, since nothing empties it otherwise.
    last_words: Option<LastWords>,
    ledger: Ledger,
    /// `None` between samples.
    phase: Option<Phase>,
    next_at: Option<Tick>,
    losses: Losses,
}

impl Traffic {
    /// A sampler that has nothing to do yet.
    ///
    /// # Errors
    /// When the kernel does not support it; the load can run without.
    pub fn new() -> Result<Self, Unavailable> {
        Ok(Self {
            diag: SockDiag::open()?,
            last_words: None,
            ledger: Ledger::default(),
            phase: None,
            next_at: None,
            losses: Losses::default(),
        })
    }

    /// The client's process opened a connection: the next samples, four at most, search
    /// it until the connection is found.
    pub fn watch(&mut self, now: Tick, client: ClientId, pid: u32) {
        self.ledger.watch(client, pid);
        if self.next_at.is_none() {
            self.next_at = Some(now.after(SAMPLE_EVERY));
            // A kernel before 4.3 refuses; the last bytes of sockets are missed then.
            self.last_words = LastWords::open().ok();
        }
    }

    /// The client's process was reaped: its sockets are no longer reported.
    pub fn forget(&mut self, client: ClientId) {
        self.ledger.forget(client);
        if self.ledger.is_idle() {
            self.rest();
        }
    }

    /// When [`Traffic::step`] is due; in the past while a sample continues, `None` while
    /// no client has a connection.
    #[must_use]
    pub fn next_sample(&self) -> Option<Tick> {
        self.next_at
    }

    /// What could not be counted.
    #[must_use]
    pub fn losses(&self) -> Losses {
        Losses { sockets: self.ledger.unfollowed(), ..self.losses }
    }

    /// Does a bounded part of the sample that is due, and reports what changed: an idle
    /// socket is not reported, a new one is reported with all that it ever received. A
    /// client with several sockets is reported several times.
    ///
    /// `buffer` takes one datagram: 32 KiB or more.
    pub fn step(
        &mut self,
        now: Tick,
        buffer: &mut [u8],
        each: &mut dyn FnMut(ClientId, TcpDelta),
    ) -> Progress {
        if self.phase.is_none() && self.next_at.is_none_or(|at| at > now) {
            return Progress::Done;
        }
        match self.phase.unwrap_or(Phase::LastWords) {
            Phase::LastWords => self.hear_last_words(now, buffer, each),
            Phase::Dumping => self.dump(now, buffer, each),
            Phase::Searching { consistent } => self.search(now, consistent, each),
        }
        if self.phase.is_some() { Progress::More } else { Progress::Done }
    }

    fn hear_last_words(
        &mut self,
        now: Tick,
        buffer: &mut [u8],
        each: &mut dyn FnMut(ClientId, TcpDelta),
    ) {
        self.phase = Some(Phase::LastWords);
        for _ in 0..LAST_WORDS_PER_STEP {
            let Some(last_words) = &mut self.last_words else { return self.begin_dump(now) };
            let ledger = &mut self.ledger;
            let heard = last_words.read(buffer, &mut |socket| {
                if let Some((client, delta)) = ledger.ended(socket) {
                    each(client, delta);
                }
            });
            match heard {
                Ok(true) => {}
                Ok(false) => return self.begin_dump(now),
                Err(errno) => {
                    self.losses.ends += 1;
                    // Every other error is permanent.
                    if errno != Errno::NOBUFS {
                        self.last_words = None;
                    }
                }
            }
        }
    }

    fn begin_dump(&mut self, now: Tick) {
        if self.ledger.is_idle() {
            return self.finish(now, true);
        }
        match self.diag.begin() {
            Ok(()) => self.phase = Some(Phase::Dumping),
            Err(_) => self.break_off(now),
        }
    }

    fn dump(&mut self, now: Tick, buffer: &mut [u8], each: &mut dyn FnMut(ClientId, TcpDelta)) {
        let Self { diag, ledger, .. } = self;
        for _ in 0..DATAGRAMS_PER_STEP {
            let step = diag.step(buffer, &mut |socket| {
                if let Some((client, delta)) = ledger.seen(socket) {
                    each(client, delta);
                }
            });
            match step {
                Ok(Step::More) => {}
                Ok(Step::Done { consistent }) => {
                    self.phase = Some(Phase::Searching { consistent });
                    return;
                }
                Err(_) => return self.break_off(now),
            }
        }
    }

    /// Searches processes while the dump listed sockets that can be theirs.
    fn search(&mut self, now: Tick, consistent: bool, each: &mut dyn FnMut(ClientId, TcpDelta)) {
        let ledger = &mut self.ledger;
        for _ in 0..SEARCHES_PER_STEP {
            let Some((client, pid)) = ledger.next_search() else {
                return self.finish(now, consistent);
            };
            // A process that has ended has no sockets either.
            let _ = links::socket_inodes(pid, &mut |inode| {
                if let Some((client, delta)) = ledger.found(client, inode) {
                    each(client, delta);
                }
            });
        }
    }

    fn break_off(&mut self, now: Tick) {
        self.losses.samples += 1;
        self.finish(now, false);
    }

    fn finish(&mut self, now: Tick, consistent: bool) {
        self.phase = None;
        self.ledger.finish(consistent);
        if self.ledger.is_idle() {
            self.rest();
        } else {
            // Keeps the schedule, unless a sample was missed.
            let beat = self.next_at.map(|at| at.after(SAMPLE_EVERY)).filter(|&at| at > now);
            self.next_at = Some(beat.unwrap_or_else(|| now.after(SAMPLE_EVERY)));
        }
    }

    fn rest(&mut self) {
        self.phase = None;
        self.next_at = None;
        self.last_words = None;
    }
}

#[cfg(test)]
mod tests;
