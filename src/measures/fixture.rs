//! A run made by hand, for the tests of this layer.

use std::time::Duration;

use crate::exchange::{ErrorReason, Event, RequestKind};
use crate::exporters::{Exporters, Target};
use crate::ffmpeg::outcome::Outcome;
use crate::http::Fetched;
use crate::measures::Measured;
use crate::measures::Scene;
use crate::stats::refused::Claim;
use crate::stats::{ActiveTime, ClientFigures, Health, Phase, ProcessUse, Snapshot, State, Totals};
use crate::swarm::{StallThreshold, TargetDurationSource};
use crate::units::{ClientId, Tick};

/// A run in which everything is measured.
pub(crate) const EVERYTHING: Measured = Measured { log: true, tcp: true, tap: false };

/// Segments of 6 s, as the stream says.
pub(crate) const STALL: StallThreshold = StallThreshold {
    target_duration: Duration::from_secs(6),
    source: TargetDurationSource::Stream,
    after: Duration::from_secs(12),
};

/// Two clients, one by one.
const CLIENTS: [ClientFigures; 2] = [
    ClientFigures {
        client: ClientId::new(0),
        state: State::Running,
        restarts: 0,
        stalled: false,
        media: Duration::from_millis(58_500),
        speed: Some(1.02),
        bytes: Some(1_930_000),
    },
    ClientFigures {
        client: ClientId::new(1),
        state: State::Backoff,
        restarts: 4,
        stalled: true,
        media: Duration::from_secs(12),
        speed: None,
        bytes: Some(396_000),
    },
];

/// The numbers behind a snapshot.
pub(crate) struct Numbers {
    pub(crate) active_time: ActiveTime,
    pub(crate) totals: Totals,
    pub(crate) health: Health,
    pub(crate) exporters: Exporters,
}

impl Numbers {
    /// Nine clients were active for all but the first second.
    pub(crate) fn new(totals: Totals, health: Health) -> Self {
        let mut active_time = ActiveTime::new(10);
        active_time.begin(Tick::ZERO);
        active_time.change(Tick::from_millis(1_000), 9);
        Self { active_time, totals, health, exporters: exporters() }
    }

    /// A minute into the run: 10 clients, one of them in backoff.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        let mut by_state = [0; State::ALL.len()];
        by_state[2] = 9;
        by_state[4] = 1;
        Snapshot {
            now: Tick::from_millis(60_000),
            phase: Phase::Hold,
            elapsed: Duration::from_secs(60),
            target: 10,
            ramp_held: false,
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
    pub(crate) fn scene<'a>(&'a self, snapshot: &'a Snapshot<'a>) -> Scene<'a> {
        Scene {
            snapshot,
            health: &self.health,
            ffmpeg_version: "5.1.9-0+deb12u1",
            measured: EVERYTHING,
            exporters: Some(&self.exporters),
            clients: &CLIENTS,
            stall: STALL,
            cores: Some(2),
            own_peak_resident_bytes: None,
        }
    }
}

/// A run in which something of each kind happened.
pub(crate) fn busy_run() -> Numbers {
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
    totals.playback.refused.count(Claim::MediaTime);
    totals.exits[139] = 1;
    totals.exits[255] = 1;
    for ms in [800, 4_000, 4_200, 31_000, 58_000] {
        totals.uptime.record(Duration::from_millis(ms));
    }
    for us in [400, 400, 400, 2_000, 120_000] {
        totals.lateness.record(Duration::from_micros(us));
    }
    for outcome in [Outcome::HttpError, Outcome::HttpError, Outcome::Crashed, Outcome::Stalled] {
        totals.outcomes[outcome.index()] += 1;
    }
    (0..9).for_each(|_| totals.reception.plays(None));
    let (outcome, words) = (Outcome::HttpError, || Some("HTTP error 403 Forbidden".to_owned()));
    totals.reception.never_played(None, outcome, Some(403), words);
    stream(&mut totals);
    let mut health = Health {
        events: 5_678,
        entries: [2, 14, 7, 4],
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
    health.standstills.add(Tick::from_millis(45_000), Duration::from_millis(2_500));
    for us in [5, 20, 20, 1_500] {
        health.turns.record(Duration::from_micros(us));
    }
    Numbers::new(totals, health)
}

/// An origin whose exporters failed once and responded three times.
fn exporters() -> Exporters {
    let targets = vec![
        (Target::Host, "http://origin:9100/metrics".to_owned()),
        (Target::Nginx, "http://origin:9113/metrics".to_owned()),
    ];
    let mut side = Exporters::new(targets, Duration::from_secs(30));
    for place in [0, 1] {
        side.fetched(Tick::from_millis(50_000), place, Fetched::Failed("no response within 2s"));
    }
    for (n, busy) in [(0_u32, 0_u32), (1, 1), (2, 3)] {
        let now = Tick::from_millis(54_000 + u64::from(n) * 2_000);
        let host = format!(
            "node_cpu_seconds_total{{cpu=\"0\",mode=\"user\"}} {busy}\n\
             node_cpu_seconds_total{{cpu=\"0\",mode=\"idle\"}} {}\nnode_load1 1.5\n\
             node_memory_MemTotal_bytes 8e9\nnode_memory_MemAvailable_bytes {}\n\
             node_network_receive_bytes_total{{device=\"eth0\"}} {}\n\
             node_network_transmit_bytes_total{{device=\"eth0\"}} {}\n",
            n * 4 - busy,
            6_000_000_000_u64 - u64::from(n) * 1_000_000_000,
            busy * 250_000,
            busy * 12_500_000,
        );
        let nginx = format!(
            "Active connections: {} \nserver accepts handled requests\n {n} {n} {} \n\
             Reading: 0 Writing: {n} Waiting: 9 \n",
            n + 9,
            busy * 120
        );
        for (place, text) in [host, nginx].iter().enumerate() {
            side.fetched(now, place, Fetched::Body(text.as_bytes()));
            side.fetched(now, place, Fetched::Whole);
        }
    }
    side
}

/// What the clients requested and experienced.
pub(crate) fn stream(totals: &mut Totals) {
    let requests = &mut totals.requests;
    for (kind, reused, times) in [
        (RequestKind::Playlist, true, 80),
        (RequestKind::Playlist, false, 14),
        (RequestKind::Segment, true, 90),
        (RequestKind::Segment, false, 6),
        (RequestKind::Key, false, 1),
    ] {
        (0..times).for_each(|_| requests.record(&Event::Asked { kind, reused }));
    }
    for (kind, reason, status) in [
        (RequestKind::Segment, ErrorReason::Http4xx, 404),
        (RequestKind::Segment, ErrorReason::Http4xx, 404),
        (RequestKind::Segment, ErrorReason::Timeout, 0),
        (RequestKind::Playlist, ErrorReason::Http5xx, 502),
    ] {
        requests.record(&Event::Failed { kind, reason });
        requests.record(&Event::Responded { status });
    }
    requests.segments_downloaded = 93;
    requests.playlist_refreshes = 79;
    requests.reconnections = 2;
    requests.segments_skipped = 3;
    requests.sequence_jumps = 1;
    requests.reload_failures = 1;
    for ms in [3, 12, 40] {
        requests.connect.record(Duration::from_millis(ms));
        requests.segment_download.record(Duration::from_millis(ms * 20));
        requests.playlist_download.record(Duration::from_millis(ms * 2));
        requests.bytes += 6_600_000;
        requests.sample_socket(ms / 12, Some(Duration::from_micros(ms * 100)));
    }
    let playback = &mut totals.playback;
    for ms in [650, 900, 1_400] {
        playback.startup.record(Duration::from_millis(ms));
        playback.speed.record(Duration::from_millis(ms));
        playback.drift.record(Duration::from_millis(ms - 650));
        playback.playlist_edge_age.record(Duration::from_millis(ms * 10));
    }
    playback.stalls = 2;
    playback.stalled = Duration::from_millis(9_500);
    for (line, times) in [
        ("[https @ 0x55d0c8f3a2c0] [error] HTTP error 404 Not Found", 2),
        ("[hls @ 0x7f00] [error] Failed to open 'https://u:p@h/s1.ts?token=b'", 1),
    ] {
        (0..times).for_each(|_| totals.error_patterns.add(line.as_bytes()));
    }
}
