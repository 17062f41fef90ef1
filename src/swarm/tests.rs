//! The swarm, driven by hand: ramp, restarts, draining, and their reports.

mod disorder;
mod memory;
mod shards;
mod stall;
mod standstill;
mod stop;
mod target;

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use super::client::{CLEAN_EXIT_AFTER, DRAIN_MAX, STABLE_AFTER};
use super::*;
use crate::ffmpeg::outcome::Outcome;
use crate::units::Wall;
use crate::units::process::{ExitStatus, Pipe, SpawnFailure, SpawnFailureReason};
use crate::units::shard::Shard;

pub(super) fn settings(clients: u32) -> Settings {
    Settings {
        clients: NonZeroU32::new(clients).unwrap(),
        shard: Shard::WHOLE,
        ramp_rate: 10.0,
        ramp_jitter: Duration::ZERO,
        duration: None,
        seed: 1,
        max_restarts: None,
        backoff: Backoff {
            initial: Duration::from_millis(250),
            max: Duration::from_secs(5),
            multiplier: 1.7,
        },
        verbose: false,
        dangerous: false,
        target_duration: Duration::from_secs(6),
        restart_on_stall: false,
        ffmpeg_memory_max: None,
        stats: false,
        network_timeout: Duration::from_secs(15),
        asks_ahead: false,
        looks_up_name: false,
        tap: false,
    }
}

const fn client(number: u32) -> ClientId {
    ClientId::new(number)
}

/// A swarm, its clock, and the actions that were not taken yet.
struct Driver {
    swarm: Swarm,
    now: Tick,
    actions: Vec<Action>,
}

impl Driver {
    /// A swarm whose ramp begins at 1 s.
    fn begun(settings: Settings) -> Self {
        let swarm = Swarm::new(settings);
        let mut driver = Self { swarm, now: Tick::from_millis(1_000), actions: Vec::new() };
        driver.give(Input::Started);
        driver
    }

    /// A swarm whose clients all run.
    fn running(settings: Settings) -> Self {
        let clients = settings.clients.get();
        let mut driver = Self::begun(settings);
        for number in 0..clients {
            driver.next_deadline();
            driver.give(Input::Spawned { client: client(number), pid: 100 + number });
        }
        assert_eq!(driver.swarm.snapshot(driver.now).active(), clients);
        driver.actions.clear();
        driver
    }

    fn give(&mut self, input: Input<'_>) {
        self.swarm.handle(self.now, input, &mut self.actions);
    }

    fn wait(&mut self, delay: Duration) {
        self.now = self.now.after(delay);
    }

    /// Waits for the next deadline and returns the delay.
    fn next_deadline(&mut self) -> Duration {
        let next = self.swarm.next_deadline().unwrap();
        let waited = next.since(self.now);
        self.now = self.now.max(next);
        self.give(Input::DeadlineReached);
        waited
    }

    fn exit(&mut self, number: u32, status: ExitStatus) {
        let exit =
            Exit { status, cpu: Duration::ZERO, peak_resident_bytes: 0, oom_suspected: false };
        self.give(Input::Exited { client: client(number), exit });
    }

    fn end_pipes(&mut self, number: u32) {
        for pipe in [Pipe::Stdout, Pipe::Stderr] {
            self.give(Input::PipeEnded { client: client(number), pipe });
        }
    }

    /// The client's process ends and its pipes with it.
    fn die(&mut self, number: u32, status: ExitStatus) {
        self.exit(number, status);
        self.end_pipes(number);
    }

    fn fail_spawn(&mut self, number: u32, reason: SpawnFailureReason) {
        let failure = SpawnFailure { reason, errno: 11 };
        self.give(Input::SpawnFailed { client: client(number), failure });
    }

    fn state(&self, number: usize) -> State {
        self.swarm.clients().nth(number).unwrap().state
    }

    fn taken(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    fn reports(&mut self) -> Vec<Report> {
        let reports = self.taken().into_iter();
        reports.filter_map(|a| if let Action::Report(r) = a { Some(r) } else { None }).collect()
    }

    /// The delay of the restart that was scheduled last.
    fn backoff(&mut self) -> Duration {
        let scheduled = self.reports().into_iter().rev().find_map(|report| match report {
            Report::RestartScheduled { backoff, .. } | Report::SpawnFailed { backoff, .. } => {
                Some(backoff)
            }
            _ => None,
        });
        scheduled.unwrap()
    }

    /// Restarts the one client that waits.
    fn restart(&mut self) {
        while self.state(0) == State::Backoff {
            self.next_deadline();
        }
        self.give(Input::Spawned { client: client(0), pid: 7 });
    }
}

fn within(delay: Duration, base_ms: u64) -> bool {
    let base = Duration::from_millis(base_ms);
    delay >= base.mul_f64(0.799_999) && delay <= base.mul_f64(1.200_001)
}

const SPAWN_0: Action = Action::Spawn { client: client(0) };
const CLOSE_0: Action = Action::ClosePipes { client: client(0) };

#[test]
fn the_ramp_keeps_its_rate_however_long_starts_take() {
    let mut driver = Driver::begun(settings(3));
    for tick_ms in [1_000, 1_100, 1_200] {
        assert_eq!(driver.swarm.next_deadline(), Some(Tick::from_millis(tick_ms)));
        driver.next_deadline();
    }
    let spawns = driver.taken().into_iter().filter(|a| matches!(a, Action::Spawn { .. }));
    assert_eq!(spawns.collect::<Vec<_>>(), [0, 1, 2].map(|n| Action::Spawn { client: client(n) }));
    driver.wait(Duration::from_millis(250));
    (0..3).for_each(|n| driver.give(Input::Spawned { client: client(n), pid: n }));
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!((totals.started, totals.late_starts), (3, 3));
    let reports = driver.reports();
    let complete = Report::RampComplete { active: 3, elapsed: Duration::from_millis(450) };
    assert_eq!(reports.last(), Some(&complete));
}

#[test]
fn progress_has_numbers_of_the_origin_only_if_the_log_is_read() {
    let log = b"[hls @ 0x1] [info] Opening 'http://h/a.m3u8' for reading\n\
        [tcp @ 0x2] [verbose] Starting connection attempt to 127.0.0.1 port 80\n\
        [tcp @ 0x2] [verbose] Successfully connected to 127.0.0.1 port 80\n\
        [http @ 0x3] [warning] HTTP error 404 Not Found\n";
    for (stats, expected) in [(true, Some((1, 1))), (false, None)] {
        let mut driver = Driver::running(Settings { stats, ..settings(2) });
        let (client, pipe) = (client(0), Pipe::Stderr);
        driver.give(Input::Output { client, pipe, bytes: log, wall: Wall::default() });
        driver.next_deadline();
        let progress = driver.reports().into_iter().find_map(|report| match report {
            Report::Progress { origin, .. } => Some(origin),
            _ => None,
        });
        let requests = progress.unwrap().map(|origin| (origin.requests, origin.failed));
        assert_eq!(requests, expected);
    }
}

#[test]
fn errors_after_our_signal_are_no_pattern() {
    let mut driver = Driver::running(Settings { stats: true, ..settings(1) });
    let complaint = Input::Output {
        client: client(0),
        pipe: Pipe::Stderr,
        bytes: b"[error] x\n",
        wall: Wall::default(),
    };
    driver.give(complaint);
    driver.give(Input::StopAsked);
    driver.give(complaint);
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!((totals.stderr_lines, totals.error_patterns.lines()), (2, 1));
}

#[test]
fn a_silent_steady_swarm_has_no_deadline() {
    let mut driver = Driver::running(settings(20));
    assert_eq!(driver.swarm.next_deadline(), None);
    driver.give(Input::Output {
        client: client(3),
        pipe: Pipe::Stderr,
        bytes: b"x",
        wall: Wall::default(),
    });
    assert_eq!(driver.next_deadline(), PROGRESS_EVERY);
    assert!(matches!(driver.reports()[..], [Report::Progress { active: 20, .. }]));
    assert_eq!(driver.swarm.next_deadline(), None);
}

#[test]
fn starts_of_a_turn_are_bounded_and_delay_nothing_else() {
    let swarm = Settings { duration: Some(Duration::from_secs(9)), ..settings(100) };
    let mut driver = Driver::begun(swarm);
    driver.actions.clear();
    driver.wait(Duration::from_secs(8));
    for _ in 0..4 {
        driver.give(Input::DeadlineReached);
        assert_eq!(driver.taken().len(), SPAWNS_PER_TURN);
        assert!(driver.swarm.next_deadline().unwrap() <= driver.now);
    }
    driver.wait(Duration::from_secs(1));
    driver.give(Input::DeadlineReached);
    assert!(matches!(driver.reports()[..], [Report::Stopping { live: 0 }]));
    assert_eq!(driver.swarm.snapshot(driver.now).in_state(State::Starting), 64);
}

#[test]
fn an_exit_waits_for_both_pipes_and_keeps_the_last_lines() {
    let mut driver = Driver::running(settings(1));
    driver.wait(Duration::from_secs(2));
    driver.exit(0, ExitStatus::Code(1));
    assert_eq!((driver.state(0), driver.taken()), (State::Draining, vec![]));
    let (client, pipe) = (client(0), Pipe::Stderr);
    driver.give(Input::Output { client, pipe, bytes: b"one\ntw", wall: Wall::default() });
    driver.give(Input::Output {
        client,
        pipe: Pipe::Stdout,
        bytes: b"noise\n",
        wall: Wall::default(),
    });
    driver.give(Input::Output { client, pipe, bytes: b"o", wall: Wall::default() });
    driver.end_pipes(0);
    assert_eq!(driver.state(0), State::Backoff);
    assert_eq!(driver.swarm.snapshot(driver.now).totals.stderr_lines, 2);
    let exited = Report::ClientExited {
        client,
        pid: 100,
        status: ExitStatus::Code(1),
        outcome: Outcome::Error,
        uptime: Duration::from_secs(2),
        last_lines: vec!["one".into(), "two".into()],
    };
    assert_eq!(driver.reports()[0], exited);
}

#[test]
fn a_pipe_that_never_ends_is_closed_at_the_deadline() {
    let mut driver = Driver::running(settings(1));
    let (client, pipe) = (client(0), Pipe::Stderr);
    driver.give(Input::Output { client, pipe, bytes: b"tail", wall: Wall::default() });
    driver.give(Input::PipeEnded { client, pipe: Pipe::Stdout });
    assert_eq!(driver.state(0), State::Running);
    driver.exit(0, ExitStatus::Signal(11));
    assert_eq!(driver.next_deadline(), DRAIN_MAX);
    let actions = driver.taken();
    assert_eq!((driver.state(0), &actions[0]), (State::Backoff, &CLOSE_0));
    let Action::Report(Report::ClientExited { outcome, last_lines, .. }) = &actions[1] else {
        panic!("{actions:?}")
    };
    assert_eq!((outcome, &last_lines[..]), (&Outcome::Crashed, &["tail".to_owned()][..]));
}

#[test]
fn a_line_is_reported_when_verbose() {
    let mut driver = Driver::running(Settings { verbose: true, ..settings(1) });
    let pipe = Pipe::Stderr;
    driver.give(Input::Output {
        client: client(0),
        pipe,
        bytes: b"a\xffb\nc",
        wall: Wall::default(),
    });
    let line = Report::Line { client: client(0), pipe, line: "a\u{fffd}b".into() };
    assert_eq!(driver.reports(), [line]);
}

#[test]
fn delays_grow_with_failures_and_are_reset_by_a_good_attempt() {
    let mut driver = Driver::running(settings(1));
    let failed = ExitStatus::Code(1);
    let short = Duration::from_secs(1);
    let clean = ExitStatus::Code(0);
    let almost_clean = CLEAN_EXIT_AFTER - Duration::from_nanos(1);
    let almost_stable = STABLE_AFTER - Duration::from_nanos(1);
    for (row, (uptime, status, base_ms)) in [
        (short, failed, 250),
        (short, failed, 425),
        (almost_clean, clean, 722),
        (almost_stable, failed, 1_228),
        (CLEAN_EXIT_AFTER, clean, 250),
        (short, failed, 425),
        (STABLE_AFTER, failed, 250),
        (short, clean, 425),
    ]
    .into_iter()
    .enumerate()
    {
        driver.wait(uptime);
        driver.die(0, status);
        let backoff = driver.backoff();
        assert!(within(backoff, base_ms), "row {row}: {backoff:?}");
        driver.restart();
    }
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!((totals.started, totals.restarted, totals.late_starts), (9, 8, 0));
}

#[test]
fn a_failed_start_backs_off_and_is_no_restart() {
    let limited = Settings { max_restarts: NonZeroU64::new(1), ..settings(1) };
    let mut driver = Driver::begun(limited);
    driver.next_deadline();
    driver.fail_spawn(0, SpawnFailureReason::NotFound);
    assert!(within(driver.backoff(), 250));
    while driver.state(0) == State::Backoff {
        driver.next_deadline();
    }
    driver.fail_spawn(0, SpawnFailureReason::Processes);
    assert!(within(driver.backoff(), 1_000));
    driver.restart();
    driver.die(0, ExitStatus::Code(1));
    assert_eq!(driver.state(0), State::Backoff);
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!(snapshot.totals.spawn_failures, [0, 1, 0, 1, 0, 0]);
    assert_eq!((snapshot.totals.started, snapshot.totals.restarted), (1, 0));
}

#[test]
fn reports_of_failed_starts_are_limited_and_counts_are_not() {
    let mut driver = Driver::begun(Settings { ramp_rate: 1e6, ..settings(500) });
    driver.wait(Duration::from_millis(10));
    while driver.swarm.next_deadline().is_some_and(|next| next <= driver.now) {
        driver.give(Input::DeadlineReached);
    }
    driver.actions.clear();
    (0..500).for_each(|n| driver.fail_spawn(n, SpawnFailureReason::Memory));
    assert_eq!(driver.reports().len(), SPAWN_FAILURE_REPORTS_PER_SEC as usize);
    assert_eq!(driver.swarm.snapshot(driver.now).totals.spawn_failures[2], 500);
}

#[test]
fn the_reminder_comes_every_minute() {
    let mut driver = Driver::running(Settings { dangerous: true, ..settings(1) });
    for minute in 1..=3 {
        driver.next_deadline();
        assert_eq!(driver.reports(), [Report::Dangerous]);
        assert_eq!(driver.now, Tick::from_millis(1_000 + minute * 60_000));
    }
}

#[test]
fn samples_count_while_the_process_lives() {
    let mut driver = Driver::running(settings(2));
    let sample = Sample { cpu: Duration::from_secs(2), resident_bytes: 50 };
    driver.give(Input::Sampled { client: client(0), sample });
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!(snapshot.children_cpu, Duration::from_secs(2));
    assert_eq!(snapshot.children_resident_bytes, Some(100));
    driver.die(0, ExitStatus::Code(1));
    driver.give(Input::Sampled { client: client(0), sample });
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!(snapshot.children_cpu, Duration::from_secs(2));
    assert_eq!(snapshot.children_resident_bytes, None);
}

#[test]
fn media_of_a_client_is_counted_once_over_its_attempts() {
    let mut driver = Driver::running(Settings { stats: true, ..settings(1) });
    let played = Input::Output {
        client: client(0),
        pipe: Pipe::Stdout,
        bytes: b"out_time_us=2000000\nprogress=continue\n",
        wall: Wall::default(),
    };
    let media = |driver: &Driver| driver.swarm.figures().next().unwrap().media.as_secs();
    driver.wait(Duration::from_secs(2));
    driver.give(played);
    assert_eq!(media(&driver), 2);
    driver.die(0, ExitStatus::Code(1));
    assert_eq!(media(&driver), 2);
    driver.restart();
    assert_eq!(media(&driver), 2);
    driver.wait(Duration::from_secs(2));
    driver.give(played);
    assert_eq!(media(&driver), 4);
}
