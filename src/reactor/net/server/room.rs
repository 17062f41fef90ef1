//! Room for one more connection: which ones are closed if there is none, and how often
//! that is logged.
//!
//! Knows no socket.

use std::time::Duration;

use crate::http::Connection;
use crate::units::Tick;

/// Shortest time between two warnings of the same kind: many connections must not cause
/// many lines.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// Counts an event that is logged at intervals.
#[derive(Debug, Default)]
pub(super) struct Tally {
    count: u64,
    reported: u64,
    next_report: Tick,
}

impl Tally {
    /// The count.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Counts one more. If a line is due, returns the count since the last line.
    pub(super) fn add(&mut self, now: Tick) -> Option<u64> {
        self.count += 1;
        if now < self.next_report {
            return None;
        }
        self.next_report = now.after(WARN_EVERY);
        Some(self.count - std::mem::replace(&mut self.reported, self.count))
    }
}

/// The connections to close in one turn, by their keys. Connections accepted in the same
/// turn are excluded: they had no chance to send a request.
#[derive(Debug, Default)]
pub(super) struct Leaving(Option<Vec<usize>>);

impl Leaving {
    /// Whether one was requested.
    pub(super) const fn is_begun(&self) -> bool {
        self.0.is_some()
    }

    /// Whether one was requested and none is left.
    pub(super) fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(Vec::is_empty)
    }

    /// The next one, of at most `most` in all: the one that has kept us waiting for
    /// longest. Connections that wait for us come after all others.
    pub(super) fn next<'a>(
        &mut self,
        connections: impl Iterator<Item = (usize, &'a Connection)>,
        most: usize,
    ) -> Option<usize> {
        let keys = self.0.get_or_insert_with(|| {
            let order = |(key, connection): (usize, &Connection)| {
                (connection.holds_back(), connection.waits_since(), key)
            };
            let mut all: Vec<_> = connections.map(order).collect();
            if all.len() > most {
                all.select_nth_unstable(most);
                all.truncate(most);
            }
            all.sort_unstable_by(|one, other| other.cmp(one));
            all.into_iter().map(|(.., key)| key).collect()
        });
        keys.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Limits;

    #[test]
    fn logs_at_once_and_then_once_a_minute() {
        let mut tally = Tally::default();
        let at = |secs: u64| Tick::from_millis(secs * 1_000);
        let lines: Vec<_> = [0, 1, 59, 60, 61, 300].map(|secs| tally.add(at(secs))).into();
        assert_eq!(lines, [Some(1), None, None, Some(3), None, Some(2)]);
        assert_eq!(tally.count(), 6);
    }

    #[test]
    fn the_idlest_leave_first_and_new_ones_stay() {
        let limits = std::rc::Rc::new(Limits::default());
        let connections: Vec<_> = [30, 10, 50, 20, 40]
            .map(|millis| Connection::new(Tick::from_millis(millis), std::rc::Rc::clone(&limits)))
            .into();
        for most in [1, 3, 5, 64] {
            let mut leaving = Leaving::default();
            assert!(!leaving.is_begun() && !leaving.is_over());
            let mut next = || leaving.next(connections.iter().enumerate(), most);
            let went: Vec<_> = std::iter::from_fn(&mut next).collect();
            assert_eq!(went, [1, 3, 0, 4, 2][..most.min(5)]);
            assert!(leaving.is_over());
        }
    }
}
