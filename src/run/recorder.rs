//! Records the run over time, if a report or summary needs it.
//!
//! Asked before each event, it ends the intervals that are over by then; so nothing
//! wakes the loop for it, and a run without events stays idle.

use super::backdrop::Backdrop;
use crate::measures::{Scene, over_time};
use crate::reactor::process::usage;
use crate::stats::{Health, Phase, Series, Snapshot};
use crate::units::Tick;

/// The run over time, from the start of the ramp on.
#[derive(Debug)]
pub(super) struct Recorder {
    wanted: bool,
    series: Option<Series>,
    /// What this process used at the end of the last interval.
    own: Health,
}

impl Recorder {
    /// Records if that is wanted.
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, series: None, own: Health::default() }
    }

    /// Whether [`Recorder::note`] has something to do.
    pub(super) fn is_due(&self, now: Tick) -> bool {
        self.wanted && self.series.as_ref().is_none_or(|series| series.is_due(now))
    }

    /// Takes the numbers as they are before an event.
    pub(super) fn note(&mut self, snapshot: &Snapshot<'_>, backdrop: &Backdrop) {
        let Some(series) = &mut self.series else {
            self.series = begun(snapshot);
            return;
        };
        self.own.process = usage::own().unwrap_or(self.own.process);
        let scene = backdrop.scene(snapshot, &self.own);
        series.observe(snapshot.now, &over_time::column_values(&scene));
    }

    /// The whole of it; `None` if it was not wanted or the ramp never began.
    pub(super) fn finish(&self, scene: &Scene<'_>) -> Option<Series> {
        let snapshot = scene.snapshot;
        let series = self.series.clone().or_else(|| begun(snapshot).filter(|_| self.wanted));
        series.map(|mut series| {
            series.finish(snapshot.now, &over_time::column_values(scene));
            series
        })
    }
}

/// A series that begins where the ramp did; `None` before.
fn begun(snapshot: &Snapshot<'_>) -> Option<Series> {
    (snapshot.phase != Phase::Before).then(|| Series::new(snapshot.began()))
}
