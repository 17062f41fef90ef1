//! Shards together are the whole run: the same clients at the same times with the
//! same delays, whatever the number of shards.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use proptest::prelude::*;

use super::*;

/// How long the run is watched, in milliseconds.
const WATCHED_MS: u64 = 20_000;

/// What a client did, by its number: an attempt and its moment in nanoseconds, a
/// delay in nanoseconds, or the moment that was planned.
type Lived = BTreeSet<(u32, &'static str, u64, u64)>;

/// The end of each attempt follows from client and attempt alone.
fn life(client: ClientId, attempt: u64) -> Duration {
    Duration::from_millis(100 + u64::from(client.number()) * 37 % 500 + attempt * 211 % 700)
}

/// Plays one shard, begun at 1 s plus `behind`, to the end of the time watched.
fn play(settings: Settings, behind: Duration) -> Lived {
    let (mut swarm, mut actions) = (Swarm::new(settings), Vec::new());
    let (mut lived, mut deaths) = (Lived::new(), BinaryHeap::new());
    let mut now = Tick::from_millis(1_000).after(behind);
    swarm.handle(now, Input::StartedLate { behind }, &mut actions);
    let mut backoffs = 0;
    loop {
        for action in std::mem::take(&mut actions) {
            match action {
                Action::Spawn { client } => {
                    swarm.handle(now, Input::Spawned { client, pid: 7 }, &mut actions);
                }
                Action::Report(Report::ClientStarted { client, attempt, scheduled, .. }) => {
                    let number = client.number();
                    lived.insert((number, "attempt", attempt, now.as_nanos()));
                    lived.extend(scheduled.map(|at| (number, "plan", 0, at.as_nanos() as u64)));
                    let died = now.after(life(client, attempt));
                    deaths.push(Reverse((died, number, client)));
                }
                Action::Report(Report::RestartScheduled { client, backoff }) => {
                    backoffs += 1;
                    let delay_ns = backoff.as_nanos() as u64;
                    lived.insert((client.number(), "delay", delay_ns, now.as_nanos()));
                }
                _ => {}
            }
        }
        if !actions.is_empty() {
            continue;
        }
        let death = deaths.peek().map(|&Reverse((at, ..))| at);
        let Some(next) = [swarm.next_deadline(), death].into_iter().flatten().min() else { break };
        now = now.max(next);
        if now > Tick::from_millis(WATCHED_MS) {
            break;
        }
        if death == Some(next) {
            let Some(Reverse((.., client))) = deaths.pop() else { break };
            let status = ExitStatus::Code(1);
            let exit =
                Exit { status, cpu: Duration::ZERO, peak_resident_bytes: 0, oom_suspected: false };
            swarm.handle(now, Input::Exited { client, exit }, &mut actions);
            for pipe in [Pipe::Stdout, Pipe::Stderr] {
                swarm.handle(now, Input::PipeEnded { client, pipe }, &mut actions);
            }
        } else {
            swarm.handle(now, Input::DeadlineReached, &mut actions);
        }
    }
    assert!(backoffs > 0 || lived.is_empty());
    lived
}

fn of_shards(settings: &Settings, count: u32, behind: Duration) -> Vec<Lived> {
    let shards = (0..count).map(|index| Shard::new(index, count).unwrap());
    shards.map(|shard| play(Settings { shard, ..settings.clone() }, behind)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn together_are_the_whole(
        clients in 1..60_u32,
        count in 1..9_u32,
        rate in 1.0..200_f64,
        jitter_ms in 0..900_u64,
        seed: u64,
        behind_ms in prop::option::of(0..6_000_u64),
    ) {
        let jitter = Duration::from_millis(jitter_ms);
        let whole = Settings { seed, ramp_rate: rate, ramp_jitter: jitter, ..settings(clients) };
        let behind = Duration::from_millis(behind_ms.unwrap_or(0));
        let shards = of_shards(&whole, count, behind);
        let together: Lived = shards.iter().flatten().copied().collect();
        prop_assert_eq!(shards.iter().map(Lived::len).sum::<usize>(), together.len());
        prop_assert_eq!(together, play(whole, behind));
    }
}

#[test]
fn a_shard_has_its_clients_alone_and_its_share_as_target() {
    let (shard, clients) = (Shard::new(2, 4).unwrap(), 11);
    let swarm = Swarm::new(Settings { shard, ..settings(clients) });
    let numbers: Vec<u32> = swarm.clients().map(|view| view.client.number()).collect();
    assert_eq!(numbers, [2, 6, 10]);
    assert_eq!(swarm.snapshot(Tick::ZERO).target, 3);
    assert_eq!(swarm.figures().map(|figures| figures.client.number()).sum::<u32>(), 18);
}

#[test]
fn a_late_start_keeps_the_schedule() {
    let (rate, behind) = (10.0, Duration::from_millis(2_550));
    let late = Settings {
        ramp_rate: rate,
        ramp_jitter: Duration::ZERO,
        duration: Some(Duration::from_secs(5)),
        ..settings(40)
    };
    let mut driver = Driver { swarm: Swarm::new(late), now: Tick::ZERO, actions: Vec::new() };
    driver.wait(Duration::from_secs(9));
    driver.give(Input::StartedLate { behind });
    let mut due_at_once = 0;
    while driver.swarm.next_deadline() <= Some(driver.now) {
        driver.give(Input::DeadlineReached);
        let spawns = |action: &&Action| matches!(action, Action::Spawn { .. });
        let starts = driver.taken().iter().filter(spawns).count();
        assert!(starts <= SPAWNS_PER_TURN);
        due_at_once += starts;
    }
    assert_eq!(due_at_once, 26);
    assert_eq!(driver.next_deadline(), Duration::from_millis(50));
    driver.wait(Duration::from_millis(2_400));
    driver.give(Input::DeadlineReached);
    assert!(driver.reports().iter().any(|report| matches!(report, Report::Stopping { .. })));
}

#[test]
fn a_stop_before_the_start_ends_it_at_once() {
    let mut driver = Driver { swarm: Swarm::new(settings(3)), now: Tick::ZERO, actions: vec![] };
    driver.give(Input::StopAsked);
    assert!(driver.actions.contains(&Action::Finish));
    assert_eq!(driver.swarm.snapshot(driver.now).elapsed, Duration::ZERO);
}
