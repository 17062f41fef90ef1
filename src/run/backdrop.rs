//! The parts of a scene other than the numbers of the swarm.

use crate::exporters::Exporters;
use crate::measures::{Measured, Scene};
use crate::stats::{Health, Snapshot};
use crate::swarm::StallThreshold;

/// What stays the same while a run goes on, and what the origin's exporters report.
#[derive(Debug)]
pub(super) struct Backdrop {
    /// FFmpeg's version, as it reports it.
    pub(super) ffmpeg_version: String,
    /// What is measured at all.
    pub(super) measured: Measured,
    /// When a client counts as stalled.
    pub(super) stall: StallThreshold,
    /// Cores that this run may use, if known.
    pub(super) cores: Option<u32>,
    /// What the origin's exporters report; `None` if none is polled.
    pub(super) exporters: Option<Exporters>,
}

impl Backdrop {
    /// The scene of a snapshot, without single clients.
    pub(super) fn scene<'a>(&'a self, snapshot: &'a Snapshot<'a>, health: &'a Health) -> Scene<'a> {
        Scene {
            snapshot,
            health,
            ffmpeg_version: &self.ffmpeg_version,
            measured: self.measured,
            stall: self.stall,
            exporters: self.exporters.as_ref(),
            clients: &[],
            cores: self.cores,
            own_peak_resident_bytes: None,
        }
    }
}
