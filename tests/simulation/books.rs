//! Independent accounts of the inputs and actions of the swarm.

use std::time::Duration;

use ffmpeg_hls_swarm::stats::{Snapshot, State};
use ffmpeg_hls_swarm::swarm::client::ClientView;
use ffmpeg_hls_swarm::swarm::{Exit, Input, Sample};
use ffmpeg_hls_swarm::units::process::{ExitStatus, Pipe};
use ffmpeg_hls_swarm::units::{ClientId, Tick};

/// The inputs and actions of one client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    /// A start was requested and has no result yet.
    pub(crate) asked: bool,
    pub(crate) ever_asked: bool,
    pub(crate) live: bool,
    pub(crate) attempts: u64,
    /// When its process was spawned, and when that was first signalled.
    pub(crate) spawned: Tick,
    pub(crate) signalled_at: Option<Tick>,
    /// Whether stderr and stdout are open.
    pub(crate) open: [bool; 2],
    /// A line of stderr is unfinished.
    pub(crate) partial: bool,
    pub(crate) signals: u32,
    /// When it was first signalled alone, and whether for a stall.
    pub(crate) ended_alone: Option<(Tick, bool)>,
    /// It was seen above the limit of memory, and not killed for it yet.
    pub(crate) too_large: bool,
    /// It was killed for that, and for nothing else.
    pub(crate) killed_for_memory: bool,
    /// The end of the process, until it is reported.
    pub(crate) exit: Option<(ExitStatus, bool)>,
    /// When the next start is due, if that was reported.
    pub(crate) due: Option<Tick>,
    pub(crate) used_up: bool,
    pub(crate) cpu: Duration,
    pub(crate) resident_bytes: Option<u64>,
}

pub(crate) struct Books {
    pub(crate) clients: Vec<Account>,
    pub(crate) started: u64,
    pub(crate) reaped: u64,
    restarted: u64,
    spawn_failures: u64,
    lines: u64,
    cpu: Duration,
}

impl Books {
    pub(crate) fn new(room: u32) -> Self {
        Self {
            clients: vec![Account::default(); room as usize],
            started: 0,
            reaped: 0,
            restarted: 0,
            spawn_failures: 0,
            lines: 0,
            cpu: Duration::ZERO,
        }
    }

    pub(crate) fn of(&mut self, client: ClientId) -> &mut Account {
        &mut self.clients[client.index()]
    }

    pub(crate) fn take_in(&mut self, input: &Input<'_>) {
        match *input {
            Input::Spawned { client, .. } => {
                let account = self.of(client);
                assert!(std::mem::take(&mut account.asked));
                account.live = true;
                account.attempts += 1;
                account.open = [true; 2];
                account.partial = false;
                account.signals = 0;
                account.ended_alone = None;
                (account.too_large, account.killed_for_memory) = (false, false);
                let restart = account.attempts > 1;
                self.started += 1;
                self.restarted += u64::from(restart);
            }
            Input::SpawnFailed { client, .. } => {
                assert!(std::mem::take(&mut self.of(client).asked));
                self.spawn_failures += 1;
            }
            Input::Output { client, pipe, bytes, .. } => {
                if pipe == Pipe::Stderr {
                    self.lines += bytes.iter().filter(|&&b| b == b'\n').count() as u64;
                    self.of(client).partial = bytes.last() != Some(&b'\n');
                }
            }
            Input::PipeEnded { client, pipe } => self.close(client, pipe),
            Input::Exited { client, exit } => self.reap(client, exit),
            Input::Sampled { client, sample } => self.sample(client, sample),
            Input::Exchange { .. } | Input::Traffic { .. } | Input::MemorySeen { .. } => {}
            Input::Started
            | Input::StartedLate { .. }
            | Input::StoodStill { .. }
            | Input::DeadlineReached
            | Input::StopAsked
            | Input::KillAsked
            | Input::RampHeld(_)
            | Input::TargetAsked { .. } => {}
        }
    }

    pub(crate) fn close(&mut self, client: ClientId, pipe: Pipe) {
        let account = self.of(client);
        account.open[pipe as usize] = false;
        if pipe == Pipe::Stderr {
            let partial = std::mem::take(&mut account.partial);
            self.lines += u64::from(partial);
        }
    }

    fn reap(&mut self, client: ClientId, exit: Exit) {
        self.reaped += 1;
        let account = self.of(client);
        assert!(std::mem::take(&mut account.live));
        account.exit = Some((exit.status, account.signals > 0));
        let more = exit.cpu.saturating_sub(account.cpu);
        (account.cpu, account.resident_bytes) = (Duration::ZERO, None);
        self.cpu += more;
    }

    fn sample(&mut self, client: ClientId, sample: Sample) {
        let account = self.of(client);
        let more = sample.cpu.saturating_sub(account.cpu);
        account.cpu += more;
        account.resident_bytes = Some(sample.resident_bytes);
        self.cpu += more;
    }

    /// The numbers of the swarm agree with the accounts.
    pub(crate) fn compare(&self, snapshot: &Snapshot<'_>, views: &[ClientView]) {
        let mut recount = [0; State::ALL.len()];
        views.iter().for_each(|view| recount[view.state.index()] += 1);
        assert_eq!(snapshot.by_state, recount);
        assert!(snapshot.active() <= snapshot.target);
        let live = self.clients.iter().filter(|c| c.live).count() as u64;
        assert_eq!(u64::from(snapshot.live()), live);
        assert_eq!(self.started, self.reaped + live);
        let totals = snapshot.totals;
        assert_eq!(totals.started, self.started);
        assert_eq!(totals.restarted, self.restarted);
        assert_eq!(totals.uptime.count(), self.reaped);
        assert_eq!(totals.spawn_failures.iter().sum::<u64>(), self.spawn_failures);
        assert_eq!(totals.stderr_lines, self.lines);
        let used_up = self.clients.iter().filter(|c| c.used_up).count() as u64;
        assert_eq!(totals.max_restarts_reached, used_up);
        let ever = self.clients.iter().filter(|c| c.attempts > 0).count();
        assert_eq!(snapshot.ever_started as usize, ever);
        assert_eq!(snapshot.children_cpu, self.cpu);
        let sampled: Vec<u64> = self.clients.iter().filter_map(|c| c.resident_bytes).collect();
        let mean = (sampled.iter().sum::<u64>() * live).checked_div(sampled.len() as u64);
        assert_eq!(snapshot.children_resident_bytes, mean);
        for (view, account) in views.iter().zip(&self.clients) {
            let live = matches!(view.state, State::Running | State::Stopping);
            assert_eq!((live, view.attempts), (account.live, account.attempts));
            assert_eq!(view.state == State::Starting, account.asked);
            assert_eq!(view.state == State::Draining, account.exit.is_some());
        }
    }
}
