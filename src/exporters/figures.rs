//! Figures derived from two readings: shares, rates, and increases of counters.

use std::time::Duration;

use super::reading::{CPU_MODES, CpuTimes, HostReading, NginxReading, busy_share};
use super::sampled::Sampled;
use crate::units::Tick;

/// The origin's host.
#[derive(Debug)]
pub struct Host {
    before: Option<(Tick, HostReading)>,
    cpus: u32,
    by_mode: Option<CpuTimes>,
    memory_bytes: Option<f64>,
    memory_available_bytes: Option<f64>,
    load1: Option<f64>,
    /// Share of all CPUs that was busy, 0 to 1.
    pub cpu: Sampled,
    /// Memory that is not available without swapping, in bytes.
    pub memory_used: Sampled,
    /// Bytes per second received from outside the host.
    pub received: Sampled,
    /// Bytes per second sent out of the host.
    pub sent: Sampled,
}

impl Host {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            before: None,
            cpus: 0,
            by_mode: None,
            memory_bytes: None,
            memory_available_bytes: None,
            load1: None,
            cpu: Sampled::plain(window),
            memory_used: Sampled::bytes(window),
            received: Sampled::bytes(window),
            sent: Sampled::bytes(window),
        }
    }

    /// CPUs; 0 if none was reported.
    #[must_use]
    pub const fn cpus(&self) -> u32 {
        self.cpus
    }

    /// Shares of all CPUs between the last two polls, in the order of [`CPU_MODES`];
    /// they sum to 1.
    #[must_use]
    pub const fn by_mode(&self) -> Option<&CpuTimes> {
        self.by_mode.as_ref()
    }

    /// Memory in bytes.
    #[must_use]
    pub const fn memory_bytes(&self) -> Option<f64> {
        self.memory_bytes
    }

    /// Memory available without swapping, in bytes.
    #[must_use]
    pub const fn memory_available_bytes(&self) -> Option<f64> {
        self.memory_available_bytes
    }

    /// Load average of one minute.
    #[must_use]
    pub const fn load1(&self) -> Option<f64> {
        self.load1
    }

    /// What comes next is compared with nothing that was before.
    pub(super) fn forget_past(&mut self) {
        self.before = None;
        self.by_mode = None;
    }

    pub(super) fn observe(&mut self, now: Tick, reading: HostReading) {
        self.cpus = reading.cpus;
        self.memory_bytes = reading.memory_bytes;
        self.memory_available_bytes = reading.memory_available_bytes;
        self.load1 = reading.load1;
        if let (Some(all), Some(available)) = (reading.memory_bytes, reading.memory_available_bytes)
        {
            self.memory_used.add(now, (all - available).max(0.0));
        }
        self.by_mode = None;
        if let Some((then, before)) = self.before.take() {
            let spent = spent(&before, &reading);
            if let Some(share) = spent.as_ref().and_then(busy_share) {
                self.cpu.add(now, share);
            }
            self.by_mode = spent.map(|spent| {
                let all: f64 = spent.iter().sum();
                spent.map(|time| time / all)
            });
            let secs = now.since(then).as_secs_f64();
            if let Some((received, sent)) = moved(&before, &reading).filter(|_| secs > 0.0) {
                self.received.add(now, received / secs);
                self.sent.add(now, sent / secs);
            }
        }
        self.before = Some((now, reading));
    }
}

/// CPU time by mode between two readings; `None` if there was none, if the host has
/// booted since, or if it has other CPUs than before.
fn spent(before: &HostReading, after: &HostReading) -> Option<CpuTimes> {
    let total = |reading: &HostReading| reading.cpu.iter().sum::<f64>();
    let mut spent = [0.0; CPU_MODES.len()];
    for (time, (then, now)) in spent.iter_mut().zip(before.cpu.iter().zip(&after.cpu)) {
        // The time of idle and of iowait can go back a little (proc_stat(5)).
        *time = (now - then).max(0.0);
    }
    let grew = total(after) > total(before) && before.cpus == after.cpus;
    grew.then_some(spent)
}

/// Bytes received and sent between two readings by the devices that are in both;
/// `None` if there is no such device.
fn moved(before: &HostReading, after: &HostReading) -> Option<(f64, f64)> {
    let both =
        after.devices.iter().filter_map(|(name, now)| Some((before.devices.get(name)?, now)));
    let moved = both
        .map(|(then, now)| (counted(then.received, now.received), counted(then.sent, now.sent)));
    moved.reduce(|(received, sent), more| (received + more.0, sent + more.1))
}

/// The increase of a counter between two polls; a lower value means that it was reset.
fn counted(then: f64, now: f64) -> f64 {
    if now >= then { now - then } else { now.max(0.0) }
}

/// The origin's nginx.
#[derive(Debug)]
pub struct Nginx {
    /// When it was last reported; `None` before the first poll, and after a gap.
    then: Option<Tick>,
    now: NginxReading,
    /// Increase since the first poll, gaps included.
    counted: [Option<f64>; 3],
    /// Open connections, those that wait for a request included.
    pub active: Sampled,
    /// Requests per second.
    pub requests: Sampled,
}

impl Nginx {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            then: None,
            now: NginxReading::default(),
            counted: [None; 3],
            active: Sampled::plain(window),
            requests: Sampled::plain(window),
        }
    }

    /// Connections that read a request, write a response and wait for a request.
    #[must_use]
    pub const fn states(&self) -> [Option<f64>; 3] {
        self.now.states
    }

    /// Connections that were accepted and handled and requests received since the
    /// first poll.
    #[must_use]
    pub const fn counted(&self) -> [Option<f64>; 3] {
        self.counted
    }

    /// Prevents a rate across a gap: it would not describe the present.
    pub(super) const fn forget_past(&mut self) {
        self.then = None;
    }

    pub(super) fn observe(&mut self, now: Tick, reading: NginxReading) {
        let before = std::mem::replace(&mut self.now, reading);
        if let Some(active) = reading.active {
            self.active.add(now, active);
        }
        let came = |(then, count): (Option<f64>, Option<f64>)| {
            count.map(|count| then.map_or(0.0, |then| counted(then, count)))
        };
        for (sum, pair) in
            self.counted.iter_mut().zip(before.counts.into_iter().zip(reading.counts))
        {
            if let Some(came) = came(pair) {
                *sum = Some(sum.unwrap_or(0.0) + came);
            }
        }
        let secs = self.then.map_or(0.0, |then| now.since(then).as_secs_f64());
        let [.., old] = before.counts;
        let [.., new] = reading.counts;
        if let Some(requests) = came((old, new)).filter(|_| old.is_some() && secs > 0.0) {
            self.requests.add(now, requests / secs);
        }
        self.then = Some(now);
    }
}
