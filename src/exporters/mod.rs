//! What the origin's exporters report while it is under load: node_exporter of its host,
//! and nginx.
//!
//! Takes the responses of the exporters in pieces, as they arrive. If a counter of theirs
//! was reset, its new value is counted from 0, and the earlier values of CPUs and hosts
//! are dropped. Knows no clock and no socket.

mod figures;
mod reading;
mod sampled;
pub mod text;

use std::time::Duration;

pub use self::figures::{Host, Nginx};
pub use self::reading::{CPU_MODES, CpuTimes, HostReading, NginxReading, Reading};
pub use self::sampled::{Percentiles, Sampled};
use crate::ffmpeg::lines::LineSplitter;
use crate::http::Fetched;
use crate::units::Tick;

/// Polls in a row that may fail before the values of the last are no longer shown.
pub const MISSES_MAX: u32 = 3;

/// The kind of exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The node_exporter of the origin's host.
    Host,
    /// The nginx that is the origin, or stands before it.
    Nginx,
}

impl Target {
    /// Its name as a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Nginx => "nginx",
        }
    }
}

/// How asking one target goes.
#[derive(Debug)]
pub struct Polled {
    target: Target,
    url: String,
    polls: u64,
    failures: u64,
    /// Failures since the last success.
    misses: u32,
    last_error: Option<String>,
    last_success: Option<Tick>,
    splitter: LineSplitter,
    reading: Reading,
}

impl Polled {
    fn new(target: Target, url: String) -> Self {
        Self {
            target,
            url,
            polls: 0,
            failures: 0,
            misses: 0,
            last_error: None,
            last_success: None,
            splitter: LineSplitter::new(),
            reading: Reading::default(),
        }
    }

    /// The kind of exporter.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }

    /// The URL that is polled.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Completed polls, failed ones included.
    #[must_use]
    pub const fn polls(&self) -> u64 {
        self.polls
    }

    /// Polls that failed.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.failures
    }

    /// The reason of the last failure, in a few words.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Whether the last poll succeeded.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.misses == 0 && self.last_success.is_some()
    }

    /// Whether the last report still counts: not once [`MISSES_MAX`] polls in a row
    /// have failed.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.misses < MISSES_MAX && self.last_success.is_some()
    }

    /// The age of the last report.
    #[must_use]
    pub fn age(&self, now: Tick) -> Option<Duration> {
        self.last_success.map(|at| now.since(at))
    }

    fn take(&mut self, bytes: &[u8]) {
        let Self { splitter, reading, .. } = self;
        splitter.feed(bytes, |line, cut| take_line(reading, line, cut));
    }

    /// All that this poll reported.
    fn end(&mut self) -> Reading {
        let Self { splitter, reading, .. } = self;
        splitter.finish(|line, cut| take_line(reading, line, cut));
        std::mem::take(reading)
    }

    fn succeeded(&mut self, now: Tick) -> Option<Change> {
        let change = (!self.is_up()).then_some(Change::Up);
        self.polls += 1;
        self.misses = 0;
        self.last_success = Some(now);
        change
    }

    fn failed(&mut self, why: &str) -> Option<Change> {
        let change = (self.polls == 0 || self.is_up()).then_some(Change::Down);
        self.polls += 1;
        self.failures += 1;
        self.misses = self.misses.saturating_add(1);
        self.last_error = Some(why.to_owned());
        change
    }
}

/// A line that was cut may lack digits of its value.
fn take_line(reading: &mut Reading, line: &[u8], cut: bool) {
    if !cut {
        reading.line(line);
    }
}

/// A change of whether polls of a target succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Polls succeed.
    Up,
    /// Polls fail, or the response has no known series.
    Down,
}

/// The origin's side.
#[derive(Debug)]
pub struct Exporters {
    polled: Vec<Polled>,
    host: Host,
    nginx: Nginx,
}

impl Exporters {
    /// Nothing is known yet of these targets, with their URLs; recent percentiles are
    /// over this window.
    #[must_use]
    pub fn new(targets: Vec<(Target, String)>, window: Duration) -> Self {
        Self {
            polled: targets.into_iter().map(|(target, url)| Polled::new(target, url)).collect(),
            host: Host::new(window),
            nginx: Nginx::new(window),
        }
    }

    /// Handles an event of the poll of the target at this position; returns a change, if any.
    pub fn fetched(&mut self, now: Tick, place: usize, news: Fetched<'_>) -> Option<Change> {
        let polled = self.polled.get_mut(place)?;
        let reading = match news {
            Fetched::Body(bytes) => {
                polled.take(bytes);
                return None;
            }
            Fetched::Whole => polled.end(),
            Fetched::Failed(why) => {
                polled.end();
                return self.failed(place, why);
            }
        };
        let is_complete = match polled.target {
            Target::Host => !reading.host.is_empty(),
            Target::Nginx => !reading.nginx.is_empty(),
        };
        if !is_complete {
            let why = match polled.target {
                Target::Host => "the response is not that of node_exporter",
                Target::Nginx => "the response is not that of nginx",
            };
            return self.failed(place, why);
        }
        let change = polled.succeeded(now);
        match polled.target {
            Target::Host => self.host.observe(now, reading.host),
            Target::Nginx => self.nginx.observe(now, reading.nginx),
        }
        change
    }

    fn failed(&mut self, place: usize, why: &str) -> Option<Change> {
        let polled = self.polled.get_mut(place)?;
        let change = polled.failed(why);
        if !polled.is_fresh() {
            // A rate over such a gap is none of now.
            match polled.target {
                Target::Host => self.host.forget_past(),
                Target::Nginx => self.nginx.forget_past(),
            }
        }
        change
    }

    /// How asking goes, for each target.
    pub fn polled(&self) -> impl Iterator<Item = &Polled> {
        self.polled.iter()
    }

    /// The state of the polls of this target; `None` if it is not polled.
    #[must_use]
    pub fn polled_target(&self, target: Target) -> Option<&Polled> {
        self.polled.iter().find(|polled| polled.target == target)
    }

    /// The origin's host, while its last report counts.
    #[must_use]
    pub fn fresh_host(&self) -> Option<&Host> {
        self.polled_target(Target::Host).filter(|polled| polled.is_fresh()).map(|_| &self.host)
    }

    /// The origin's nginx, while its last report counts.
    #[must_use]
    pub fn fresh_nginx(&self) -> Option<&Nginx> {
        self.polled_target(Target::Nginx).filter(|polled| polled.is_fresh()).map(|_| &self.nginx)
    }

    /// What was ever reported of the origin's host, for the end of a run.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// What was ever reported of the origin's nginx, for the end of a run.
    #[must_use]
    pub const fn nginx(&self) -> &Nginx {
        &self.nginx
    }
}

#[cfg(test)]
mod tests;
