//! Stalls: when they are checked, how they are reported, and how they end.

use super::*;
use crate::swarm::stopping::{KILL_AFTER, TERMINATE_AGAIN_AFTER};

const TERMINATE_0: Action = Action::Signal { client: client(0), signal: Signal::Terminate };
const KILL_0: Action = Action::Signal { client: client(0), signal: Signal::Kill };

fn watched(clients: u32) -> Settings {
    Settings { stats: true, ..settings(clients) }
}

impl Driver {
    fn progress(&mut self, number: u32, media_ms: u64) {
        let text = format!("frame=1\nout_time_us={media_ms}000\nprogress=continue\n");
        let (client, pipe) = (client(number), Pipe::Stdout);
        self.give(Input::Output { client, pipe, bytes: text.as_bytes(), wall: Wall::default() });
        // Of all deadlines only those of stalls matter here.
        self.swarm.common.deadlines.clear(Key::Run(RunKey::Progress));
    }

    fn quiet(clients: u32) -> Self {
        let mut driver = Self::running(watched(clients));
        driver.swarm.common.deadlines.clear(Key::Run(RunKey::Progress));
        driver
    }

    fn outcome(&mut self) -> Outcome {
        let exited = self.reports().into_iter().find_map(|report| match report {
            Report::ClientExited { outcome, .. } => Some(outcome),
            _ => None,
        });
        exited.unwrap()
    }
}

#[test]
fn a_line_of_progress_moves_no_deadline() {
    let mut driver = Driver::quiet(1);
    let check = Tick::from_millis(13_000);
    assert_eq!(driver.swarm.next_deadline(), Some(check));
    for second in 2..=10 {
        driver.wait(Duration::from_millis(1_003));
        driver.progress(0, second * 1_000);
        assert_eq!(driver.swarm.next_deadline(), Some(check));
    }
    driver.next_deadline();
    // The last movement was at 10.027 s.
    assert_eq!(driver.swarm.next_deadline(), Some(Tick::from_millis(23_000)));
    assert_eq!((driver.reports(), driver.swarm.snapshot(driver.now).stalled), (vec![], 0));
}

#[test]
fn a_stall_is_noted_once_and_has_speeds_of_0_until_it_ends() {
    let mut driver = Driver::quiet(1);
    driver.wait(Duration::from_millis(1_500));
    driver.progress(0, 18_000);
    driver.next_deadline();
    driver.next_deadline();
    assert_eq!(driver.now, Tick::from_millis(15_000));
    let still_for = Duration::from_millis(12_500);
    assert_eq!(driver.reports(), [Report::ClientStalled { client: client(0), still_for }]);
    let speeds = |driver: &Driver| {
        let playback = &driver.swarm.snapshot(driver.now).totals.playback;
        (playback.speed.count(), playback.speed.quantile(0.5))
    };
    let zero = Some(Duration::ZERO);
    assert_eq!(speeds(&driver), (1, zero));
    // The stall began at 14.5 s, and its first window is over at 19.5 s.
    assert_eq!(driver.swarm.next_deadline(), Some(Tick::from_millis(20_000)));
    driver.next_deadline();
    assert_eq!((driver.reports(), speeds(&driver)), (vec![], (2, zero)));
    assert_eq!(driver.swarm.next_deadline(), Some(Tick::from_millis(25_000)));
    driver.wait(Duration::from_secs(5));
    driver.progress(0, 18_000);
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!((snapshot.stalled, snapshot.below_realtime), (1, 1));
    assert_eq!(
        (snapshot.totals.playback.stalls, snapshot.totals.playback.stalled.as_secs()),
        (1, 0)
    );
    assert_eq!(snapshot.stall_time, Duration::from_millis(10_500));
    driver.progress(0, 19_000);
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!((snapshot.stalled, snapshot.totals.playback.startup.count()), (0, 1));
    assert_eq!(driver.swarm.next_deadline(), Some(Tick::from_millis(37_000)));
}

#[test]
fn a_stalled_client_that_never_played_has_no_deadline() {
    let mut driver = Driver::quiet(1);
    driver.next_deadline();
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!((snapshot.stalled, snapshot.totals.playback.speed.count()), (1, 0));
    assert_eq!(driver.swarm.next_deadline(), None);
}

#[test]
fn a_second_attempt_without_media_is_a_speed_of_0() {
    let mut driver = Driver::running(watched(1));
    driver.progress(0, 1_000);
    driver.die(0, ExitStatus::Code(1));
    driver.restart();
    driver.wait(Duration::from_secs(18));
    driver.give(Input::DeadlineReached);
    let snapshot = driver.swarm.snapshot(driver.now);
    let speed = &snapshot.totals.playback.speed;
    assert_eq!((speed.count(), speed.quantile(1.0)), (2, Some(Duration::ZERO)));
    assert_eq!((snapshot.stalled, snapshot.below_realtime), (1, 1));
}

#[test]
fn the_end_of_the_process_ends_its_stall() {
    for stop in [false, true] {
        let mut driver = Driver::quiet(1);
        driver.next_deadline();
        assert_eq!(driver.swarm.snapshot(driver.now).stalled, 1);
        driver.wait(Duration::from_secs(3));
        if stop {
            driver.give(Input::StopAsked);
        } else {
            driver.exit(0, ExitStatus::Code(1));
        }
        let snapshot = driver.swarm.snapshot(driver.now.after(DRAIN_MAX));
        assert_eq!(snapshot.totals.playback.viewers.stalled(), 0);
        assert_eq!(snapshot.stall_time, Duration::from_secs(3));
    }
}

#[test]
fn the_stop_keeps_the_gauges_of_its_start() {
    let mut driver = Driver::quiet(4);
    for number in 1..3 {
        driver.progress(number, 1_000);
        driver.wait(Duration::from_secs(1));
        driver.progress(number, 2_000);
    }
    driver.wait(Duration::from_secs(10));
    driver.progress(1, 12_000);
    driver.progress(2, 7_000);
    driver.wait(Duration::from_millis(500));
    let doing = |driver: &Driver| {
        let snapshot = driver.swarm.snapshot(driver.now);
        (snapshot.stalled, snapshot.below_realtime, snapshot.above_realtime)
    };
    // The stalls of clients 0 and 3 have begun, and no check has noted them yet.
    assert_eq!(doing(&driver), (0, 1, 1));
    driver.give(Input::StopAsked);
    assert_eq!(doing(&driver), (2, 1, 1));
    (0..4).for_each(|number| driver.die(number, ExitStatus::Code(255)));
    assert_eq!(driver.taken().last(), Some(&Action::Finish));
    assert_eq!(doing(&driver), (2, 1, 1));
    assert_eq!(driver.swarm.snapshot(driver.now).totals.playback.stalls, 2);
}

#[test]
fn clients_that_ended_by_themselves_are_not_stalled_at_the_end() {
    let max_restarts = NonZeroU64::new(1);
    let mut driver = Driver::running(Settings { max_restarts, ..watched(1) });
    for _ in 0..2 {
        driver.wait(Duration::from_secs(20));
        driver.give(Input::DeadlineReached);
        assert_eq!(driver.swarm.snapshot(driver.now).stalled, 1);
        driver.die(0, ExitStatus::Code(1));
        if driver.state(0) == State::Backoff {
            driver.restart();
        }
    }
    assert_eq!(driver.taken().last(), Some(&Action::Finish));
    assert_eq!(driver.swarm.snapshot(driver.now).stalled, 0);
}

#[test]
fn many_stalls_wake_the_loop_once_a_second_and_have_few_reports() {
    let clients = 500;
    let mut driver = Driver::begun(Settings { ramp_rate: 100.0, ..watched(clients) });
    for number in 0..clients {
        driver.next_deadline();
        driver.give(Input::Spawned { client: client(number), pid: number });
    }
    driver.swarm.common.deadlines.clear(Key::Run(RunKey::Progress));
    driver.actions.clear();
    let mut wakes = 0;
    while driver.swarm.next_deadline().is_some() {
        driver.next_deadline();
        wakes += 1;
    }
    assert!(wakes <= 6, "{wakes} wake-ups for starts over 5 s");
    // The first wake-up notes the one client that was started at once.
    assert_eq!(driver.reports().len(), 1 + 5 * STALL_REPORTS_PER_SEC as usize);
    assert_eq!(driver.swarm.snapshot(driver.now).stalled, clients);
}

#[test]
fn a_stalled_client_is_restarted_if_requested() {
    let mut driver = Driver::running(Settings { restart_on_stall: true, ..watched(2) });
    driver.swarm.common.deadlines.clear(Key::Run(RunKey::Progress));
    driver.wait(Duration::from_secs(11));
    driver.progress(1, 5_000);
    driver.next_deadline();
    let actions = driver.taken();
    assert!(matches!(actions[0], Action::Report(Report::ClientStalled { .. })));
    assert_eq!((&actions[1..], driver.state(0)), (&[TERMINATE_0][..], State::Stopping));
    assert_eq!(driver.next_deadline(), TERMINATE_AGAIN_AFTER);
    assert_eq!(driver.taken(), [TERMINATE_0]);
    driver.next_deadline();
    assert_eq!((driver.taken(), driver.state(1)), (vec![], State::Running));
    driver.next_deadline();
    assert_eq!(
        (driver.taken(), driver.now),
        (vec![KILL_0], Tick::from_millis(13_000).after(KILL_AFTER))
    );
    driver.die(0, ExitStatus::Signal(9));
    assert_eq!((driver.state(0), driver.outcome()), (State::Backoff, Outcome::Stalled));
    let totals = driver.swarm.snapshot(driver.now).totals;
    assert_eq!(totals.outcomes[Outcome::Stalled.index()], 1);
    driver.restart();
    driver.die(0, ExitStatus::Signal(9));
    assert_eq!(driver.outcome(), Outcome::Crashed);
}

#[test]
fn a_stop_takes_over_a_client_that_is_ended_for_a_stall() {
    let mut driver = Driver::running(Settings { restart_on_stall: true, ..watched(1) });
    driver.next_deadline();
    driver.next_deadline();
    assert_eq!(driver.state(0), State::Stopping);
    driver.actions.clear();
    driver.give(Input::StopAsked);
    assert_eq!(driver.taken().last(), Some(&TERMINATE_0));
    assert_eq!(driver.next_deadline(), TERMINATE_AGAIN_AFTER);
    assert_eq!(driver.taken(), [TERMINATE_0]);
    driver.die(0, ExitStatus::Code(255));
    assert_eq!(driver.taken().last(), Some(&Action::Finish));
}

#[test]
fn without_stats_progress_is_ignored_and_nothing_stalls() {
    let mut driver = Driver::running(settings(1));
    driver.progress(0, 9_000);
    assert_eq!(driver.swarm.next_deadline(), None);
    driver.wait(Duration::from_secs(60));
    let playback = &driver.swarm.snapshot(driver.now).totals.playback;
    assert_eq!((playback.startup.count(), playback.stalls), (0, 0));
}

#[test]
fn an_exit_with_0_without_media_backs_off() {
    let mut driver = Driver::running(watched(1));
    for (media_ms, outcome, base_ms) in [
        (0, Outcome::NoInput, 250),
        (0, Outcome::NoInput, 425),
        (9_000, Outcome::Completed, 250),
        (0, Outcome::NoInput, 425),
    ] {
        driver.taken();
        driver.wait(CLEAN_EXIT_AFTER);
        driver.progress(0, media_ms);
        driver.die(0, ExitStatus::Code(0));
        let reports = driver.reports();
        assert!(matches!(reports[0], Report::ClientExited { outcome: o, .. } if o == outcome));
        let Report::RestartScheduled { backoff, .. } = reports[1] else { panic!("{reports:?}") };
        assert!(within(backoff, base_ms), "{backoff:?}");
        driver.restart();
    }
}

#[test]
fn a_span_that_was_not_observed_is_no_stall() {
    for (seen, stalls) in [(false, 0), (true, 1)] {
        let mut driver = Driver::quiet(2);
        driver.progress(0, 1_000);
        driver.wait(Duration::from_secs(60));
        if !seen {
            driver.give(Input::StoodStill { span: Duration::from_secs(60) });
        }
        driver.progress(0, 61_000);
        driver.give(Input::DeadlineReached);
        let snapshot = driver.swarm.snapshot(driver.now);
        // The second client wrote nothing, and is not stalled yet.
        assert_eq!(u64::from(snapshot.stalled), stalls);
        assert_eq!(snapshot.totals.playback.stalls, 2 * stalls);
        driver.next_deadline();
        assert_eq!(driver.swarm.snapshot(driver.now).stalled, 2, "it is checked again");
    }
}
