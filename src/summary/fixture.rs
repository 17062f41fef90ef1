//! A run that has ended, for the tests of this storey and of the report.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::text::{Ending, SummaryInput};
use crate::measures::fixture::{EVERYTHING, STALL};
use crate::stats::{Health, ProcessUse, Series, Snapshot};
use crate::units::Tick;
use crate::units::shard::Shard;

/// A shard that a signal stopped, with everything that a summary can hold but the
/// origin's exporters.
pub(crate) fn input<'a>(snapshot: &'a Snapshot<'a>, health: &'a Health) -> SummaryInput<'a> {
    SummaryInput {
        snapshot,
        health,
        measured: EVERYTHING,
        stall: STALL,
        ffmpeg_version: "5.1.9-0+deb12u1",
        own_peak_resident_bytes: Some(8 * 1024 * 1024),
        cores: Some(2),
        ending: Ending::Signal("SIGINT"),
        seed: u64::MAX,
        url: "http://***@h/a",
        shard: Shard::new(1, 4).unwrap(),
        clients: 42,
        late: Some(Duration::from_millis(1)),
        repeat_command: "ffmpeg-hls-swarm -seed 42 'http://***@h/a'",
        metrics: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9090))),
        dangerous: true,
        series: Some(Box::leak(Box::new(series(snapshot)))),
        origin_side: None,
    }
}

/// The last second, in which everything happened.
fn series(snapshot: &Snapshot<'_>) -> Series {
    let mut series = Series::new(Tick::from_millis(59_000));
    series.finish(snapshot.now, snapshot, Some(&ProcessUse::default()));
    series
}
