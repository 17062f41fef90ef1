//! Processes by `/proc` and by pidfd: which of a run are alive, and the wait for
//! one to end.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The environment variable by which every process of a run is known.
pub(crate) const MARK: &str = "FFMPEG_HLS_SWARM_TEST_RUN";

/// A process held by its pidfd, so that its number cannot come to mean another.
pub(crate) struct Process {
    /// Its process id.
    pub(crate) pid: u32,
    fd: OwnedFd,
}

impl Process {
    /// The process with this id; `None` if there is none.
    pub(crate) fn open(pid: u32) -> Option<Self> {
        let number = Pid::from_raw(i32::try_from(pid).ok()?)?;
        Some(Self { pid, fd: pidfd_open(number, PidfdFlags::empty()).ok()? })
    }

    /// Whether it ends within `limit`; reaped or not does not matter.
    pub(crate) fn ends_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).unwrap();
            match poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], Some(&left)) {
                Ok(ready) => return ready > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => panic!("poll of a pidfd: {e}"),
            }
        }
    }

    /// Sends a signal; one that has ended already gets none.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.fd, signal);
    }

    /// The ids of its children, ended ones that it has not reaped among them.
    pub(crate) fn children(&self) -> Vec<u32> {
        let listed = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid)).unwrap();
        listed.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }
}

/// Every live process that carries this mark in its environment, whoever its
/// parent is by now. One that has ended and waits for its parent has none left.
pub(crate) fn marked(mark: &str) -> Vec<Process> {
    let entry = format!("{MARK}={mark}");
    let carries = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&b| b == 0).any(|variable| variable == entry.as_bytes())
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|folder| folder.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Process::open(pid).filter(|_| carries(pid)))
        .collect()
}
