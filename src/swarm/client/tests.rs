//! The life of a client: which ways lead from state to state, and no other.

use super::*;

/// The life of a client as a person would tell it.
const LIFE: [(State, Event, Desired, State); 20] = {
    use Desired::{Down, Up};
    [
        (State::Idle, Event::Due, Up, State::Starting),
        (State::Idle, Event::Stop, Down, State::Stopped),
        (State::Starting, Event::Spawned, Up, State::Running),
        (State::Starting, Event::Spawned, Down, State::Stopping),
        (State::Starting, Event::SpawnFailed, Up, State::Backoff),
        (State::Starting, Event::SpawnFailed, Down, State::Stopped),
        (State::Starting, Event::Stop, Down, State::Starting),
        (State::Running, Event::Stalled, Up, State::Stopping),
        (State::Running, Event::TooLarge, Up, State::Stopping),
        (State::Running, Event::Exited, Up, State::Draining),
        (State::Running, Event::Stop, Down, State::Stopping),
        (State::Draining, Event::Drained, Up, State::Backoff),
        (State::Draining, Event::Drained, Down, State::Stopped),
        (State::Draining, Event::Stop, Down, State::Draining),
        (State::Backoff, Event::Due, Up, State::Starting),
        (State::Backoff, Event::Stop, Down, State::Stopped),
        (State::Stopping, Event::Exited, Up, State::Draining),
        (State::Stopping, Event::Exited, Down, State::Draining),
        (State::Stopping, Event::Stop, Down, State::Stopping),
        (State::Stopped, Event::Raised, Up, State::Idle),
    ]
};

#[test]
fn the_table_admits_this_life_and_nothing_else() {
    for state in State::ALL {
        for event in Event::ALL {
            for desired in [Desired::Up, Desired::Down] {
                let told = LIFE.iter().find(|row| (row.0, row.1, row.2) == (state, event, desired));
                assert_eq!(
                    next(state, event, desired),
                    told.map(|row| row.3),
                    "{state:?} {event:?} {desired:?}"
                );
            }
        }
    }
}

#[test]
fn every_state_leads_to_stopped_and_only_being_wanted_again_leads_out_of_it() {
    let mut leads_there = vec![State::Stopped];
    for _ in State::ALL {
        for state in State::ALL {
            let mut nexts = Event::ALL.iter().filter_map(|&e| next(state, e, Desired::Down));
            if nexts.any(|to| leads_there.contains(&to)) && !leads_there.contains(&state) {
                leads_there.push(state);
            }
        }
    }
    assert_eq!(leads_there.len(), State::ALL.len());
    for event in Event::ALL {
        let to = next(State::Stopped, event, Desired::Up);
        assert_eq!(to.is_some(), event == Event::Raised);
        assert_eq!(next(State::Stopped, event, Desired::Down), None);
    }
}

/// Ten thousand clients are to cost a few megabytes.
#[test]
fn a_client_is_small() {
    let bytes = size_of::<Client>();
    assert!(bytes <= 704, "{bytes} bytes");
}
