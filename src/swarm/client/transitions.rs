//! The transitions between the states of a client.

use crate::stats::State;
use crate::swarm::deadlines::Timer;

/// The state that a client is meant to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desired {
    /// Kept running.
    Up,
    /// Stopped: the run stops, its restarts are used up, or the target was lowered.
    Down,
}

/// What moves a client from state to state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// It is due to start.
    Due,
    /// Its process runs.
    Spawned,
    /// Its process could not be started.
    SpawnFailed,
    /// It is stalled, and its process is ended for that.
    Stalled,
    /// Its process has too much memory, and is killed for that.
    TooLarge,
    /// Its process was reaped.
    Exited,
    /// After the exit: both pipes ended, or the wait for that is over.
    Drained,
    /// It shall go down.
    Stop,
    /// It is wanted again, after the target was lowered and raised.
    Raised,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 9] = [
        Self::Due,
        Self::Spawned,
        Self::SpawnFailed,
        Self::Stalled,
        Self::TooLarge,
        Self::Exited,
        Self::Drained,
        Self::Stop,
        Self::Raised,
    ];
}

/// The transition table: the state that follows, or `None` if the event does not fit
/// the state and is dropped.
///
/// A stop sets the desired state to down before its event; so does the last restart
/// before the drain of that attempt ends.
#[must_use]
pub const fn next(state: State, event: Event, desired: Desired) -> Option<State> {
    use Desired::{Down, Up};
    use Event::{Drained, Due, Exited, Raised, SpawnFailed, Spawned, Stalled, Stop, TooLarge};
    use State::{Backoff, Draining, Idle, Running, Starting, Stopped, Stopping};
    Some(match (state, event, desired) {
        (Idle, Due, Up) => Starting,
        (Idle, Stop, Down) => Stopped,
        (Starting, Spawned, Up) => Running,
        (Starting, Spawned, Down) => Stopping,
        (Starting, SpawnFailed, Up) => Backoff,
        (Starting, SpawnFailed, Down) => Stopped,
        (Starting, Stop, Down) => Starting,
        (Running, Stalled | TooLarge, Up) => Stopping,
        (Running, Exited, Up) => Draining,
        (Running, Stop, Down) => Stopping,
        (Draining, Drained, Up) => Backoff,
        (Draining, Drained, Down) => Stopped,
        (Draining, Stop, Down) => Draining,
        (Backoff, Due, Up) => Starting,
        (Backoff, Stop, Down) => Stopped,
        (Stopping, Exited, Up | Down) => Draining,
        (Stopping, Stop, Down) => Stopping,
        (Stopped, Raised, Up) => Idle,
        _ => return None,
    })
}

/// The timer that a client in this state may wait for.
pub(super) const fn timer_of(state: State) -> Option<Timer> {
    match state {
        State::Idle | State::Backoff => Some(Timer::Start),
        State::Running => Some(Timer::StallCheck),
        State::Stopping => Some(Timer::Signal),
        State::Draining => Some(Timer::Drain),
        State::Starting | State::Stopped => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transitions, written down a second time.
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
    fn the_table_has_these_transitions_and_no_other() {
        for state in State::ALL {
            for event in Event::ALL {
                for desired in [Desired::Up, Desired::Down] {
                    let row =
                        LIFE.iter().find(|row| (row.0, row.1, row.2) == (state, event, desired));
                    assert_eq!(
                        next(state, event, desired),
                        row.map(|row| row.3),
                        "{state:?} {event:?} {desired:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_state_leads_to_stopped_and_only_raised_leads_out_of_it() {
        let mut leading = vec![State::Stopped];
        for _ in State::ALL {
            for state in State::ALL {
                let mut nexts = Event::ALL.iter().filter_map(|&e| next(state, e, Desired::Down));
                if nexts.any(|to| leading.contains(&to)) && !leading.contains(&state) {
                    leading.push(state);
                }
            }
        }
        assert_eq!(leading.len(), State::ALL.len());
        for event in Event::ALL {
            let to = next(State::Stopped, event, Desired::Up);
            assert_eq!(to.is_some(), event == Event::Raised);
            assert_eq!(next(State::Stopped, event, Desired::Down), None);
        }
    }
}
