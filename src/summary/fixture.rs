//! A run that has ended, for the tests of this layer and of the report.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{Document, json, text};
use crate::measures::fixture::{EVERYTHING, STALL};
use crate::measures::{Ending, RunFacts, Scene, over_time};
use crate::stats::{Health, Series, Snapshot};
use crate::units::Tick;
use crate::units::shard::Shard;

/// All that a summary is made of.
#[derive(Clone, Copy)]
pub(crate) struct Ended<'a> {
    pub(crate) scene: Scene<'a>,
    pub(crate) run: RunFacts<'a>,
    pub(crate) series: Option<&'a Series>,
}

impl Ended<'_> {
    pub(crate) fn document(&self) -> Document {
        Document::of(&self.scene, &self.run, self.series)
    }

    pub(crate) fn json(&self) -> String {
        json::render(&self.document()).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        text::render(&self.document())
    }
}

/// The whole of a run, without the origin's exporters and without a series.
pub(crate) fn ended<'a>(snapshot: &'a Snapshot<'a>, health: &'a Health) -> Ended<'a> {
    Ended {
        scene: Scene {
            snapshot,
            health,
            ffmpeg_version: "5.1.9-0+deb12u1",
            measured: EVERYTHING,
            stall: STALL,
            exporters: None,
            clients: &[],
            cores: Some(2),
            own_peak_resident_bytes: Some(8 * 1024 * 1024),
        },
        run: RunFacts {
            ending: Ending::DurationReached,
            seed: 42,
            url: "http://h/a",
            shard: Shard::WHOLE,
            clients: 10,
            late: None,
            repeat_command: "ffmpeg-hls-swarm -seed 42 http://h/a",
            metrics: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9090))),
            dangerous: false,
        },
        series: None,
    }
}

/// A shard that a signal stopped, with everything that a summary can hold but the
/// origin's exporters.
pub(crate) fn full<'a>(snapshot: &'a Snapshot<'a>, health: &'a Health) -> Ended<'a> {
    let Ended { scene, run, .. } = ended(snapshot, health);
    Ended {
        scene,
        run: RunFacts {
            ending: Ending::Signal("SIGINT"),
            seed: u64::MAX,
            url: "http://***@h/a",
            shard: Shard::new(1, 4).unwrap(),
            clients: 42,
            late: Some(Duration::from_millis(1)),
            repeat_command: "ffmpeg-hls-swarm -seed 42 'http://***@h/a'",
            dangerous: true,
            ..run
        },
        series: Some(Box::leak(Box::new(series(&scene)))),
    }
}

/// The last second, in which everything happened that clients did.
fn series(scene: &Scene<'_>) -> Series {
    let mut series = Series::new(Tick::from_millis(59_000));
    let health = Health::default();
    let scene = Scene { health: &health, ..*scene };
    series.finish(scene.snapshot.now, &over_time::column_values(&scene));
    series
}
