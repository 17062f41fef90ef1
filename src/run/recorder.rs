//! Keeps the run over time, where somebody wants it.
//!
//! Asked before each event, it ends the intervals that are over by then; so nothing
//! wakes the loop for it, and a run that is silent stays so.

use crate::reactor::process::usage;
use crate::stats::{Phase, ProcessUse, Series, Snapshot};
use crate::swarm::Swarm;
use crate::units::Tick;

/// The run over time, from the start of the ramp on.
#[derive(Debug)]
pub(super) struct Recorder {
    wanted: bool,
    series: Option<Series>,
}

impl Recorder {
    /// Records if that is wanted.
    pub(super) const fn new(wanted: bool) -> Self {
        Self { wanted, series: None }
    }

    /// To be called before each event.
    pub(super) fn note(&mut self, now: Tick, swarm: &Swarm) {
        match &mut self.series {
            Some(series) if series.is_due(now) => {
                series.observe(now, &swarm.snapshot(now), usage::own().as_ref());
            }
            None if self.wanted => self.series = begun(&swarm.snapshot(now)),
            _ => {}
        }
    }

    /// The whole of it; `None` if it was not wanted or the ramp never began.
    pub(super) fn finish(&self, snapshot: &Snapshot<'_>, own: &ProcessUse) -> Option<Series> {
        let series = self.series.clone().or_else(|| begun(snapshot).filter(|_| self.wanted));
        series.map(|mut series| {
            series.finish(snapshot.now, snapshot, Some(own));
            series
        })
    }
}

/// A series that begins where the ramp did; `None` before.
fn begun(snapshot: &Snapshot<'_>) -> Option<Series> {
    (snapshot.phase != Phase::Before).then(|| Series::new(snapshot.began()))
}
