//! A run made by hand, for the tests of this storey.

use std::time::Duration;

use super::Scene;
use crate::stats::{ActiveTime, Health, Phase, ProcessUse, Snapshot, State, Totals};
use crate::units::Tick;

/// The numbers behind a snapshot.
pub(super) struct Numbers {
    pub(super) active_time: ActiveTime,
    pub(super) totals: Totals,
    pub(super) health: Health,
}

impl Numbers {
    /// Nine clients were active for all but the first second.
    pub(super) fn new(totals: Totals, health: Health) -> Self {
        let mut active_time = ActiveTime::new(10);
        active_time.begin(Tick::ZERO);
        active_time.change(Tick::from_millis(1_000), 9);
        Self { active_time, totals, health }
    }

    /// A minute into the run: 10 clients, one of them in backoff.
    pub(super) fn snapshot(&self) -> Snapshot<'_> {
        let mut by_state = [0; State::ALL.len()];
        by_state[2] = 9;
        by_state[4] = 1;
        Snapshot {
            now: Tick::from_millis(60_000),
            phase: Phase::Hold,
            elapsed: Duration::from_secs(60),
            target: 10,
            by_state,
            ever_started: 10,
            peak_active: 10,
            children_cpu: Duration::from_millis(12_340),
            children_resident_bytes: Some(400 * 1024 * 1024),
            active_time: &self.active_time,
            stalled: 1,
            stall_time: Duration::from_millis(12_500),
            below_realtime: 2,
            above_realtime: 7,
            totals: &self.totals,
        }
    }

    /// The scene of this snapshot.
    pub(super) fn scene<'a>(&'a self, snapshot: &'a Snapshot<'a>) -> Scene<'a> {
        Scene { snapshot, health: &self.health, ffmpeg_version: "5.1.9-0+deb12u1" }
    }
}

/// A run in which something of each kind happened.
pub(super) fn busy_run() -> Numbers {
    let mut totals = Totals {
        started: 14,
        restarted: 4,
        max_restarts_reached: 1,
        spawn_failures: [0, 2, 0, 0, 0, 1],
        late_starts: 1,
        stderr_lines: 1234,
        stderr_lines_cut: 3,
        peak_resident_bytes: 64 * 1024 * 1024,
        ..Totals::default()
    };
    totals.exits[1] = 3;
    totals.exits[139] = 1;
    totals.exits[255] = 1;
    for ms in [800, 4_000, 4_200, 31_000, 58_000] {
        totals.uptime.record(Duration::from_millis(ms));
    }
    for us in [400, 400, 400, 2_000, 120_000] {
        totals.lateness.record(Duration::from_micros(us));
    }
    let mut health = Health {
        events: 5_678,
        last_scrape: Some(Duration::from_micros(150)),
        journal_dropped: 7,
        process: ProcessUse {
            cpu: Duration::from_millis(620),
            resident_bytes: 6 * 1024 * 1024,
            virtual_bytes: 20 * 1024 * 1024,
            open_fds: 42,
            max_fds: 20_000,
            start_unix_secs: 1_700_000_000.25,
        },
        ..Health::default()
    };
    for us in [5, 20, 20, 1_500] {
        health.turns.record(Duration::from_micros(us));
    }
    Numbers::new(totals, health)
}
