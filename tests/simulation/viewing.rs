//! Independent accounts of the media times that the swarm was given: stalls by search,
//! at every step.

use std::time::Duration;

use ffmpeg_hls_swarm::stats::{Pace, Phase, Snapshot};
use ffmpeg_hls_swarm::swarm::Settings;
use ffmpeg_hls_swarm::swarm::client::ClientView;
use ffmpeg_hls_swarm::units::{ClientId, Tick};

/// The media time of one client.
#[derive(Debug, Clone, Default)]
struct Account {
    /// Its process runs and was not signalled by the stop.
    watched: bool,
    startup_counts: bool,
    /// It is ended for a stall, which lasts until its exit.
    ending: bool,
    /// The unfinished line of stdout.
    line: Vec<u8>,
    /// The media time of the unfinished block.
    block_us: Option<u64>,
    media_us: u64,
    moved: Tick,
    /// It had media in any attempt.
    played: bool,
}

pub(crate) struct Viewings {
    stats: bool,
    stall_after: Duration,
    clients: Vec<Account>,
    stopped: bool,
    /// Clients stalled when the stop began.
    stalled_at_stop: u32,
    /// Clients below and above real time when the stop was first seen.
    paces_at_stop: Option<(u32, u32)>,
    startups: u64,
    /// Stalls that have ended, and their time.
    stalls: u64,
    stalled: Duration,
    last_stall_time: Duration,
}

impl Viewings {
    pub(crate) fn new(settings: &Settings, room: u32) -> Self {
        Self {
            stats: settings.stats,
            stall_after: settings.target_duration * 2,
            clients: vec![Account::default(); room as usize],
            stopped: false,
            stalled_at_stop: 0,
            paces_at_stop: None,
            startups: 0,
            stalls: 0,
            stalled: Duration::ZERO,
            last_stall_time: Duration::ZERO,
        }
    }

    pub(crate) fn spawned(&mut self, now: Tick, client: ClientId) {
        let watched = self.stats && !self.stopped;
        let startup_counts = watched;
        let played = self.clients[client.index()].played;
        self.clients[client.index()] =
            Account { watched, startup_counts, moved: now, played, ..Account::default() };
    }

    pub(crate) fn output(&mut self, now: Tick, client: ClientId, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.line(now, client);
            } else {
                self.clients[client.index()].line.push(byte);
            }
        }
    }

    /// Stdout ended or was closed: an unfinished line counts.
    pub(crate) fn closed(&mut self, now: Tick, client: ClientId) {
        self.line(now, client);
    }

    fn line(&mut self, now: Tick, client: ClientId) {
        let account = &mut self.clients[client.index()];
        let line = String::from_utf8(std::mem::take(&mut account.line)).unwrap();
        if let Some(media_us) = line.strip_prefix("out_time_us=") {
            account.block_us = media_us.parse().ok();
        } else if line.starts_with("progress=")
            && let Some(media_us) = account.block_us.take()
            && media_us != account.media_us
            && !account.ending
        {
            account.media_us = media_us;
            account.played = true;
            self.startups += u64::from(std::mem::take(&mut account.startup_counts));
            if account.watched {
                self.count_stall(now, client);
                self.clients[client.index()].moved = now;
            }
        }
    }

    pub(crate) fn exited(&mut self, now: Tick, client: ClientId) {
        if std::mem::take(&mut self.clients[client.index()].watched) {
            self.count_stall(now, client);
        }
    }

    /// It is signalled for a stall.
    pub(crate) fn ending(&mut self, client: ClientId) {
        self.clients[client.index()].ending = true;
    }

    /// The run stops.
    pub(crate) fn stop(&mut self, now: Tick) {
        self.stopped = true;
        let clients = (0..self.clients.len() as u32).map(ClientId::new);
        let stalled = clients.filter(|&client| self.may_be_stalled(now, client)).count();
        self.stalled_at_stop = stalled as u32;
        for number in 0..self.clients.len() as u32 {
            self.ended_by_us(now, ClientId::new(number));
        }
    }

    /// It is signalled, and not for a stall.
    pub(crate) fn ended_by_us(&mut self, now: Tick, client: ClientId) {
        if self.clients[client.index()].watched {
            self.clients[client.index()].startup_counts = false;
            self.exited(now, client);
        }
    }

    fn count_stall(&mut self, now: Tick, client: ClientId) {
        let due = self.due(client);
        self.stalls += u64::from(now >= due);
        self.stalled += now.since(due);
    }

    /// When this client is stalled unless its media time moves.
    fn due(&self, client: ClientId) -> Tick {
        self.clients[client.index()].moved.after(self.stall_after)
    }

    /// Whether this client is stalled by now.
    pub(crate) fn may_be_stalled(&self, now: Tick, client: ClientId) -> bool {
        self.clients[client.index()].watched && now >= self.due(client)
    }

    /// Media time of the last attempt; `None` if it is not read.
    pub(crate) fn media(&self, client: ClientId) -> Option<Duration> {
        self.stats.then(|| Duration::from_micros(self.clients[client.index()].media_us))
    }

    /// The next whole second after the client's stall begins: the latest check.
    pub(crate) fn check(&self, client: ClientId) -> Tick {
        Tick::from_millis(self.due(client).as_nanos().div_ceil(1_000_000_000) * 1_000)
    }

    /// The numbers of the swarm agree with the accounts, if checks are seen at most
    /// `late_max` late.
    pub(crate) fn compare(
        &mut self,
        snapshot: &Snapshot<'_>,
        views: &[ClientView],
        late_max: Duration,
    ) {
        let now = snapshot.now;
        let (mut open, mut stalled) = (Duration::ZERO, 0);
        for view in views {
            let watched = self.clients[view.client.index()].watched;
            let due = self.due(view.client);
            if view.stalled {
                assert!(watched && now >= due, "{view:?} is not stalled");
                stalled += 1;
                open += now.since(due);
            } else if watched {
                let latest = self.check(view.client).after(late_max);
                assert!(now <= latest, "the stall of {view:?} was not noted");
            }
            assert!(watched || view.pace.is_none());
        }
        self.compare_reception(snapshot);
        let playback = &snapshot.totals.playback;
        assert_eq!(snapshot.stalled, if self.stopped { self.stalled_at_stop } else { stalled });
        assert_eq!(playback.stalls, self.stalls + u64::from(stalled));
        assert_eq!(snapshot.stall_time, self.stalled + open);
        assert!(snapshot.stall_time >= self.last_stall_time, "stall time decreases");
        self.last_stall_time = snapshot.stall_time;
        assert_eq!(playback.startup.count(), self.startups);
        let paces = (snapshot.below_realtime, snapshot.above_realtime);
        if self.stopped {
            assert_eq!(paces, *self.paces_at_stop.get_or_insert(paces), "not kept");
        } else {
            let pace = |pace| views.iter().filter(|view| view.pace == Some(pace)).count() as u32;
            assert_eq!(paces, (pace(Pace::Below), pace(Pace::Keeps)));
        }
    }

    /// Each client that had media is counted once; each of the others has a reason if
    /// its last attempt is over.
    fn compare_reception(&self, snapshot: &Snapshot<'_>) {
        let played = self.clients.iter().filter(|account| account.played && self.stats).count();
        let reception = &snapshot.totals.reception;
        assert_eq!(reception.played() as usize, played);
        let kept: u32 = reception.kept().iter().map(|(_, clients, _)| clients).sum();
        assert!(kept <= snapshot.never_played());
        let over = snapshot.phase == Phase::Finished && self.stats;
        assert!(!over || snapshot.live() > 0 || kept == snapshot.never_played());
    }
}
