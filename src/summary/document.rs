//! The run as it lies in the summary's JSON.
//!
//! `docs/SUMMARY.md` describes each field and when it is absent.

use std::fmt;

use super::merged::Merged;
use super::series::Series;
use crate::measures::{Measure, RunFacts, Scene, Values, clients, words};
use crate::stats;

/// Version of the schema. It grows when a field goes or changes its meaning; a
/// new field alone leaves it as it is.
pub const SCHEMA_VERSION: u32 = 2;

/// Why a text is not a summary that can be read.
#[derive(Debug)]
pub enum Unreadable {
    /// It is no summary at all, or one that was cut or changed by hand.
    Malformed(serde_json::Error),
    /// It was written by a program of another schema.
    Version(u64),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => {
                write!(f, "not a summary of -summary-json ({why}); give the file of a run")
            }
            Self::Version(version) => write!(
                f,
                "schema version {version}, and this program reads {SCHEMA_VERSION}; use the \
                 program that wrote it"
            ),
        }
    }
}

/// A run that has ended: all that its summary reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The values of the measures.
    pub(crate) values: Values,
    /// The run over time, if it was kept.
    pub(crate) series: Option<Series>,
    /// What it was merged from, if it was.
    pub(crate) merged: Option<Merged>,
}

impl Document {
    /// The summary of a run.
    #[must_use]
    pub fn of(scene: &Scene<'_>, run: &RunFacts<'_>, series: Option<&stats::Series>) -> Self {
        Self {
            values: Values::of(scene, run),
            series: series.map(|series| Series::of(series, |measure| scene.knows(measure.needs))),
            merged: None,
        }
    }

    /// Whether a section of the summary is there: what it takes was measured.
    pub(crate) fn has(&self, measure: &Measure) -> bool {
        self.values.has(measure)
    }

    /// By how much the run stayed below its target; `None` if it reached it or that is
    /// not known.
    pub(crate) fn below_target(&self) -> Option<String> {
        let whole = |measure| self.values.whole(measure);
        let peak = whole(&clients::PEAK_ACTIVE_AT_MOST).or(whole(&clients::PEAK_ACTIVE))?;
        let missed = self.values.flag(&clients::TARGET_REACHED) == Some(false);
        missed.then(|| words::below_target(peak, whole(&clients::TARGET).unwrap_or(0)))
    }
}
