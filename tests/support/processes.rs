//! Processes by `/proc` and by pidfd: which ones of a run are alive, and the wait for
//! one to end.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, pidfd_open, pidfd_send_signal, prlimit,
};

/// The environment variable that identifies every process of a run.
pub(crate) const MARK: &str = "FFMPEG_HLS_SWARM_TEST_RUN";

/// A process held by its pidfd, so that its number cannot be reused for another.
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

    /// Whether it ends within `limit`, reaped or not.
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

    /// Sends a signal; ignored if it has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.fd, signal);
    }

    /// Bytes that it has written (`wchar` of proc(5)): a test can wait by the pace of a
    /// writer.
    pub(crate) fn written_bytes(&self) -> u64 {
        let io = fs::read_to_string(format!("/proc/{}/io", self.pid)).unwrap_or_default();
        let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
        written.map_or(0, |bytes| bytes.parse().unwrap())
    }

    /// Its peak resident memory, in bytes.
    pub(crate) fn peak_resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Its open descriptors.
    pub(crate) fn descriptors(&self) -> Vec<u32> {
        let folder = fs::read_dir(format!("/proc/{}/fd", self.pid)).unwrap();
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        folder.filter_map(|entry| number(entry.unwrap())).collect()
    }

    /// Changes its limit of descriptors and returns the old one. The hard limit is
    /// kept.
    pub(crate) fn limit_descriptors(&self, current: Option<u64>) -> Option<u64> {
        let (before, maximum) = self.limits("Max open files");
        let pid = Pid::from_raw(i32::try_from(self.pid).unwrap());
        prlimit(pid, Resource::Nofile, Rlimit { current, maximum }).unwrap();
        before
    }

    /// Its soft and hard limit in this row of `/proc/PID/limits`; `None` is unlimited.
    pub(crate) fn limits(&self, row: &str) -> (Option<u64>, Option<u64>) {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.pid)).unwrap();
        let row = limits.lines().find_map(|line| line.strip_prefix(row)).unwrap();
        let mut numbers = row.split_ascii_whitespace().map(|word| word.parse().ok());
        (numbers.next().unwrap(), numbers.next().unwrap())
    }

    /// The ids of its children, including unreaped ones.
    pub(crate) fn children(&self) -> Vec<u32> {
        let listed = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid)).unwrap();
        listed.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }
}

/// Every live process with this mark in its environment, whatever its parent. A zombie
/// has no environment.
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
