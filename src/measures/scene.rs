//! What the values of measures are read from.

use crate::exporters::Exporters;
use crate::origin::FaultyOrigin;
use crate::stats::{ClientFigures, Health, Snapshot};
use crate::swarm::StallThreshold;

/// What this run can measure; the rest is absent and never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// FFmpeg's progress and log are read.
    pub log: bool,
    /// The kernel reports the clients' sockets.
    pub tcp: bool,
    /// The tap carries the clients' traffic: requests are known by their exchanges, and
    /// the log counts none.
    pub tap: bool,
}

impl Measured {
    /// Whether bytes are counted: by the kernel, by FFmpeg's closing lines, or by
    /// both.
    #[must_use]
    pub const fn bytes(self) -> bool {
        self.log || self.tcp || self.tap
    }
}

/// What a run must read to know a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing beside its own counting.
    Nothing,
    /// FFmpeg's progress and log.
    Log,
    /// The kernel's view of the clients' sockets.
    Tcp,
    /// FFmpeg's log, from which requests are inferred without the tap.
    Inference,
    /// The exchanges that the tap carries.
    Exchanges,
    /// Progress or log, or the exchanges.
    Requests,
    /// One of the sources of bytes.
    Bytes,
    /// A reading of what this process uses.
    Process,
}

/// A run at one moment, as every view of it sees it.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What the clients experienced.
    pub snapshot: &'a Snapshot<'a>,
    /// What the generator itself did.
    pub health: &'a Health,
    /// FFmpeg's version, as it reports it.
    pub ffmpeg_version: &'a str,
    /// What is measured at all.
    pub measured: Measured,
    /// When a client counts as stalled.
    pub stall: StallThreshold,
    /// What the origin's exporters report; `None` if none is polled.
    pub exporters: Option<&'a Exporters>,
    /// The clients that have samples of their own, in the order of their numbers; none
    /// unless asked for.
    pub clients: &'a [ClientFigures],
    /// Cores that this run may use, if known.
    pub cores: Option<u32>,
    /// Most resident memory that this process ever had, in bytes; read at the end of a
    /// run alone.
    pub own_peak_resident_bytes: Option<u64>,
}

impl Scene<'_> {
    /// Whether what a measure needs was read.
    #[must_use]
    pub fn knows(&self, needs: Needs) -> bool {
        match needs {
            Needs::Nothing => true,
            Needs::Log => self.measured.log,
            Needs::Tcp => self.measured.tcp,
            Needs::Inference => self.measured.log && !self.measured.tap,
            Needs::Exchanges => self.measured.tap,
            Needs::Requests => self.measured.log || self.measured.tap,
            Needs::Bytes => self.measured.bytes(),
            Needs::Process => self.health.process.is_known(),
        }
    }
}

/// The built-in origin at one moment.
#[derive(Debug, Clone, Copy)]
pub struct OriginScene<'a> {
    /// What it served.
    pub origin: &'a FaultyOrigin,
    /// What its process did.
    pub health: &'a Health,
}
