//! The health of this process, refreshed on request.
//!
//! Knows no request and no frame: a service or a screen requests current numbers when it
//! needs them.

use super::driver::Driver;
use super::host::journal::Journal;
use super::process::children::Children;
use super::process::usage;
use crate::stats::Health;
use crate::swarm::{Action, Input};
use crate::units::Tick;

/// Processes sampled by one refresh, about 15 µs each: a scrape costs the same
/// however many there are.
const SAMPLES_PER_REFRESH: usize = 8;

/// The health of this process and of its children, as seen during one turn.
#[derive(Debug)]
pub struct Vitals<'a> {
    pub(super) health: &'a mut Health,
    pub(super) journal: &'a Journal,
    pub(super) children: Option<&'a Children>,
    /// Where in the table of clients the last sample ended.
    pub(super) sampled: &'a mut usize,
    pub(super) actions: &'a mut Vec<Action>,
    /// Whether [`Vitals::refresh`] was called.
    pub(super) refreshed: bool,
}

impl Vitals<'_> {
    /// The health as it is known: what is counted in the loop is current, what is
    /// read from the kernel is of the last refresh.
    #[must_use]
    pub fn health(&self) -> &Health {
        self.health
    }

    /// Reads what this process uses from /proc, samples the next few of its children,
    /// and hands each sample to `driver` as an input. Returns the current health.
    pub fn refresh(&mut self, now: Tick, driver: &mut dyn Driver) -> &Health {
        self.refreshed = true;
        read_own(self.health, self.journal);
        if let Some(children) = self.children {
            for (client, pid) in children.next_live(self.sampled, SAMPLES_PER_REFRESH) {
                if let Some(sample) = usage::sample(pid) {
                    driver.handle(now, Input::Sampled { client, sample }, self.actions);
                }
            }
        }
        self.health
    }
}

/// Reads what this process uses, and how many lines its log dropped.
pub(super) fn read_own(health: &mut Health, journal: &Journal) {
    health.journal_dropped = journal.dropped();
    // What cannot be read keeps its last value. The start is kept from the first
    // reading: it is computed from the wall clock, and one that moves looks like a
    // restart to Prometheus.
    let start = health.process.start_unix_secs;
    if let Some(process) = usage::own() {
        health.process = process;
        if start > 0.0 {
            health.process.start_unix_secs = start;
        }
    }
}
