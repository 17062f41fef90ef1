//! Inputs in any order: those that do not fit change nothing.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Any {
    Spawned(u32),
    SpawnFailed(u32),
    Output(u32, bool),
    PipeEnded(u32, bool),
    Exited(u32),
    Sampled(u32),
    Deadline(u64),
    Stop(bool),
}

fn any_input() -> impl Strategy<Value = Any> {
    let id = 0..5_u32;
    prop_oneof![
        4 => id.clone().prop_map(Any::Spawned),
        2 => id.clone().prop_map(Any::SpawnFailed),
        2 => (id.clone(), any::<bool>()).prop_map(|(n, s)| Any::Output(n, s)),
        4 => (id.clone(), any::<bool>()).prop_map(|(n, s)| Any::PipeEnded(n, s)),
        4 => id.clone().prop_map(Any::Exited),
        1 => id.prop_map(Any::Sampled),
        4 => (0..2_000_u64).prop_map(Any::Deadline),
        1 => prop::bool::weighted(0.1).prop_map(Any::Stop),
    ]
}

fn give_any(driver: &mut Driver, any: &Any) {
    let pipe = |s: bool| if s { Pipe::Stderr } else { Pipe::Stdout };
    match *any {
        Any::Spawned(n) => driver.give(Input::Spawned { client: client(n), pid: n }),
        Any::SpawnFailed(n) => driver.fail_spawn(n, SpawnFailureReason::Other),
        Any::Output(n, s) => {
            let (client, pipe) = (client(n), pipe(s));
            let bytes = match pipe {
                Pipe::Stderr => b"a\nb".to_vec(),
                Pipe::Stdout => {
                    let media_us = driver.now.as_nanos() % 5 * 1_000_000;
                    format!("out_time_us={media_us}\nprogress=continue\nx").into_bytes()
                }
            };
            driver.give(Input::Output { client, pipe, bytes: &bytes, wall: Wall::default() });
        }
        Any::PipeEnded(n, s) => {
            driver.give(Input::PipeEnded { client: client(n), pipe: pipe(s) });
        }
        Any::Exited(n) => driver.exit(n, ExitStatus::Code(1)),
        Any::Sampled(n) => {
            let sample = Sample { cpu: Duration::from_secs(1), resident_bytes: 9 };
            driver.give(Input::Sampled { client: client(n), sample });
        }
        Any::Deadline(ms) => {
            driver.wait(Duration::from_millis(ms));
            driver.give(Input::DeadlineReached);
        }
        Any::Stop(kill) => driver.give(if kill { Input::KillAsked } else { Input::StopAsked }),
    }
}

proptest! {
    /// Whatever the inputs and their order, the counts agree with the clients.
    #[test]
    fn inputs_that_do_not_fit_are_dropped(
        inputs in prop::collection::vec(any_input(), 0..200),
        restart_on_stall: bool,
    ) {
        let target_duration = Duration::from_secs(1);
        let watched = Settings { stats: true, restart_on_stall, target_duration, ..settings(4) };
        let mut driver = Driver::begun(watched);
        for any in &inputs {
            give_any(&mut driver, any);
            let snapshot = driver.swarm.snapshot(driver.now);
            let mut recount = [0; State::ALL.len()];
            driver.swarm.clients().for_each(|c| recount[c.state.index()] += 1);
            prop_assert_eq!(snapshot.by_state, recount);
            let stalled = driver.swarm.clients().filter(|client| client.stalled).count();
            prop_assert_eq!(snapshot.totals.playback.viewers.stalled() as usize, stalled);
            let exits = snapshot.totals.exits.iter().sum::<u64>();
            prop_assert_eq!(snapshot.totals.started, exits + u64::from(snapshot.live()));
        }
    }
}
