//! How a run ends: by signals, by its duration, and when no client is left.

use super::*;
use crate::swarm::client::{DRAIN_MAX, DRAIN_MAX_STOPPING};
use crate::swarm::stopping::{FORCED_FINISH_AFTER_KILL, KILL_AFTER, TERMINATE_AGAIN_AFTER};

const TERMINATE_0: Action = Action::Signal { client: client(0), signal: Signal::Terminate };
const KILL_0: Action = Action::Signal { client: client(0), signal: Signal::Kill };

#[test]
fn the_run_ends_when_every_client_used_up_its_restarts() {
    let limited = Settings { max_restarts: NonZeroU64::new(2), ..settings(1) };
    let mut driver = Driver::running(limited);
    for _ in 0..2 {
        driver.die(0, ExitStatus::Code(1));
        driver.restart();
    }
    driver.actions.clear();
    driver.die(0, ExitStatus::Code(1));
    let actions = driver.taken();
    assert_eq!(
        actions[1..],
        [
            Action::Report(Report::MaxRestartsReached { client: client(0) }),
            Action::Report(Report::Stopping { live: 0 }),
            Action::Finish
        ]
    );
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!(snapshot.phase, Phase::Finished);
    assert_eq!((snapshot.totals.max_restarts_reached, snapshot.totals.started), (1, 3));
    assert_eq!(driver.swarm.next_deadline(), None);
}

#[test]
fn a_process_that_ignores_signals_gets_every_stage_of_the_stop() {
    let mut driver = Driver::running(settings(1));
    driver.give(Input::StopAsked);
    let stopping = Action::Report(Report::Stopping { live: 1 });
    assert_eq!(driver.taken(), [stopping, TERMINATE_0]);
    driver.give(Input::StopAsked);
    assert_eq!(driver.taken(), []);
    assert_eq!(
        (driver.next_deadline(), driver.taken()),
        (TERMINATE_AGAIN_AFTER, vec![TERMINATE_0])
    );
    let until_kill = KILL_AFTER - TERMINATE_AGAIN_AFTER;
    assert_eq!((driver.next_deadline(), driver.taken()), (until_kill, vec![KILL_0]));
    assert_eq!(driver.next_deadline(), FORCED_FINISH_AFTER_KILL);
    assert_eq!(driver.taken(), [CLOSE_0, Action::Finish]);
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!((snapshot.phase, snapshot.live()), (Phase::Finished, 1));
    driver.give(Input::KillAsked);
    assert_eq!((driver.taken(), driver.swarm.next_deadline()), (vec![], None));
}

#[test]
fn the_end_of_the_duration_stops_gracefully() {
    let timed =
        Settings { duration: Some(Duration::from_secs(60)), dangerous: true, ..settings(1) };
    let mut driver = Driver::running(timed);
    driver.next_deadline();
    assert_eq!(driver.now, Tick::from_millis(61_000));
    assert_eq!(driver.taken()[1..], [TERMINATE_0]);
    driver.exit(0, ExitStatus::Code(255));
    assert_eq!(driver.next_deadline(), DRAIN_MAX_STOPPING);
    let reports = driver.taken();
    assert_eq!((&reports[0], reports.last()), (&CLOSE_0, Some(&Action::Finish)));
    let Action::Report(Report::ClientExited { outcome, last_lines, .. }) = &reports[1] else {
        panic!("{reports:?}")
    };
    assert_eq!((outcome, last_lines.len()), (&Outcome::Stopped, 0));
}

#[test]
fn a_process_spawned_during_the_stop_is_signalled_at_once() {
    for (asked, signal) in [(Input::StopAsked, TERMINATE_0), (Input::KillAsked, KILL_0)] {
        let mut driver = Driver::begun(settings(1));
        driver.next_deadline();
        assert_eq!(driver.taken().last(), Some(&SPAWN_0));
        driver.give(asked);
        assert_eq!((driver.state(0), driver.taken().len()), (State::Starting, 1));
        driver.give(Input::Spawned { client: client(0), pid: 9 });
        assert_eq!((driver.state(0), driver.taken().last()), (State::Stopping, Some(&signal)));
        driver.die(0, ExitStatus::Signal(15));
        assert_eq!(driver.taken().last(), Some(&Action::Finish));
    }
}

#[test]
fn a_stop_before_the_ramp_or_in_backoff_ends_at_once() {
    let mut driver = Driver::running(settings(1));
    driver.die(0, ExitStatus::Code(1));
    driver.give(Input::StopAsked);
    assert_eq!(driver.taken().last(), Some(&Action::Finish));

    let mut swarm = Swarm::new(settings(3));
    let mut actions = Vec::new();
    swarm.handle(Tick::ZERO, Input::StopAsked, &mut actions);
    assert_eq!(actions.last(), Some(&Action::Finish));
    assert_eq!(swarm.snapshot(Tick::ZERO).totals.started, 0);
}

#[test]
fn a_second_signal_kills_at_once() {
    let mut driver = Driver::running(settings(1));
    driver.give(Input::StopAsked);
    driver.wait(Duration::from_millis(100));
    driver.actions.clear();
    driver.give(Input::KillAsked);
    assert_eq!(driver.taken(), [KILL_0]);
    assert_eq!(driver.next_deadline(), FORCED_FINISH_AFTER_KILL);
}

#[test]
fn a_stop_shortens_the_drain_and_never_extends_it() {
    for (drained_ms, left_ms) in [(100, 250), (900, 100)] {
        let mut driver = Driver::running(settings(1));
        driver.exit(0, ExitStatus::Code(0));
        driver.wait(Duration::from_millis(drained_ms));
        assert_eq!(driver.swarm.next_deadline(), Some(Tick::from_millis(1_000).after(DRAIN_MAX)));
        driver.give(Input::StopAsked);
        assert_eq!(driver.next_deadline(), Duration::from_millis(left_ms));
        assert_eq!(driver.taken().last(), Some(&Action::Finish));
    }
}
