//! The target changed and the ramp held while it runs.

use super::*;

fn begun_with_room(clients: u32, room: u32) -> Driver {
    let swarm = Swarm::with_room(settings(clients), room);
    let mut driver = Driver { swarm, now: Tick::from_millis(1_000), actions: Vec::new() };
    driver.give(Input::Started);
    driver
}

/// Starts all that is due up to `now`, and returns the numbers of the clients.
fn starts(driver: &mut Driver) -> Vec<u32> {
    let mut started = Vec::new();
    driver.taken();
    driver.give(Input::DeadlineReached);
    for action in driver.taken() {
        if let Action::Spawn { client } = action {
            started.push(client.number());
            driver.give(Input::Spawned { client, pid: 100 + client.number() });
        }
    }
    started
}

fn ask(driver: &mut Driver, clients: u32) {
    driver.give(Input::TargetAsked { clients });
}

#[test]
fn a_resumed_ramp_keeps_its_distances_and_nothing_is_late() {
    let mut driver = begun_with_room(5, 5);
    assert_eq!(starts(&mut driver), [0]);
    driver.wait(Duration::from_millis(110));
    driver.give(Input::RampHeld(true));
    driver.give(Input::RampHeld(true));
    assert!(driver.swarm.snapshot(driver.now).ramp_held);
    driver.wait(Duration::from_secs(60));
    assert!(starts(&mut driver).is_empty());
    driver.give(Input::RampHeld(false));
    // Client 1 was due before, and is due now; client 2 was due 90 ms later.
    assert_eq!(starts(&mut driver), [1]);
    assert_eq!(driver.next_deadline(), Duration::from_millis(90));
    let late = driver.swarm.snapshot(driver.now).totals.late_starts;
    assert_eq!((driver.state(2), late), (State::Starting, 0));
}

#[test]
fn a_lowered_target_ends_the_highest_numbers_by_the_usual_signals() {
    let mut driver = Driver::running(settings(3));
    ask(&mut driver, 2);
    let terminate = Action::Signal { client: client(2), signal: Signal::Terminate };
    assert!(driver.taken().contains(&terminate));
    assert_eq!((driver.state(1), driver.state(2)), (State::Running, State::Stopping));
    assert_eq!(driver.swarm.snapshot(driver.now).target, 2);
    assert_eq!(driver.next_deadline(), stopping::TERMINATE_AGAIN_AFTER);
    assert_eq!(driver.taken(), [terminate]);
    driver.next_deadline();
    assert_eq!(driver.taken(), [Action::Signal { client: client(2), signal: Signal::Kill }]);
    driver.die(2, ExitStatus::Signal(9));
    assert_eq!(driver.state(2), State::Stopped);
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!(snapshot.totals.outcomes[Outcome::Stopped.index()], 1);
}

#[test]
fn a_raised_target_adds_higher_numbers_at_the_rate_of_the_ramp() {
    let mut driver = begun_with_room(1, 4);
    assert_eq!(starts(&mut driver), [0]);
    ask(&mut driver, 99);
    let snapshot = driver.swarm.snapshot(driver.now);
    assert_eq!((snapshot.target, snapshot.phase), (4, Phase::Ramp));
    let mut started = starts(&mut driver);
    for _ in 0..2 {
        driver.wait(Duration::from_millis(99));
        assert!(starts(&mut driver).is_empty());
        driver.wait(Duration::from_millis(1));
        started.extend(starts(&mut driver));
    }
    assert_eq!(started, [1, 2, 3]);
    assert_eq!(driver.swarm.snapshot(driver.now).phase, Phase::Hold);
}

#[test]
fn a_client_that_went_down_comes_back_with_its_number() {
    let mut driver = Driver::running(settings(2));
    ask(&mut driver, 0);
    assert_eq!(driver.swarm.snapshot(driver.now).target, 1);
    driver.die(1, ExitStatus::Code(255));
    assert_eq!(driver.state(1), State::Stopped);
    ask(&mut driver, 2);
    assert_eq!(driver.state(1), State::Idle);
    assert_eq!(starts(&mut driver), [1]);
    // One that is still going down comes back once it is down.
    ask(&mut driver, 1);
    ask(&mut driver, 2);
    assert_eq!(driver.state(1), State::Stopping);
    driver.die(1, ExitStatus::Code(255));
    assert_eq!(driver.state(1), State::Backoff);
}

#[test]
fn a_hold_applies_to_added_clients() {
    let mut driver = begun_with_room(1, 3);
    starts(&mut driver);
    driver.give(Input::RampHeld(true));
    ask(&mut driver, 3);
    driver.wait(Duration::from_secs(9));
    assert!(starts(&mut driver).is_empty());
    driver.give(Input::RampHeld(false));
    assert_eq!(starts(&mut driver), [1]);
    driver.wait(Duration::from_millis(100));
    assert_eq!(starts(&mut driver), [2]);
}

#[test]
fn a_run_that_stops_cannot_be_changed() {
    let mut driver = Driver::running(settings(2));
    driver.give(Input::StopAsked);
    driver.taken();
    ask(&mut driver, 1);
    driver.give(Input::RampHeld(true));
    assert!(driver.taken().is_empty());
    assert_eq!(driver.swarm.snapshot(driver.now).target, 2);
}

#[test]
fn a_shard_raises_its_own_share_by_its_own_numbers() {
    let shard = Shard::new(1, 3).unwrap();
    let settings = Settings { shard, ..settings(6) };
    let swarm = Swarm::with_room(settings, 3);
    let mut driver = Driver { swarm, now: Tick::from_millis(1_000), actions: Vec::new() };
    driver.give(Input::Started);
    driver.wait(Duration::from_secs(60));
    driver.taken();
    driver.give(Input::DeadlineReached);
    driver.taken();
    let target = |driver: &Driver| driver.swarm.snapshot(driver.now).target;
    assert_eq!(target(&driver), 2);
    ask(&mut driver, 9);
    assert_eq!(target(&driver), 3);
    driver.give(Input::DeadlineReached);
    let spawn = Action::Spawn { client: shard.client(2) };
    assert!(driver.taken().contains(&spawn));
    let numbers: Vec<u32> = driver.swarm.clients().map(|view| view.client.number()).collect();
    assert_eq!(numbers, [1, 4, 7]);
}
