//! Rates of the last minutes, computed from two readings of the running totals.

use std::collections::VecDeque;
use std::time::Duration;

use crate::stats::{Health, Snapshot};
use crate::units::Tick;

/// Rates kept, one per second: more than the widest terminal shows.
const RATES: usize = 300;

/// Minimum time between two readings: over less, rates are too noisy.
const APART: Duration = Duration::from_millis(900);

/// The rates of one interval, and the gauges at its end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rates {
    /// Clients with a running process.
    pub active: f64,
    /// Requests per second.
    pub requests: f64,
    /// Segments per second.
    pub segments: f64,
    /// Bytes per second.
    pub bytes: f64,
    /// Failed requests per second.
    pub failed: f64,
    /// CPU of this process, in cores.
    pub own_cpu: f64,
    /// CPU of the clients, in cores.
    pub children_cpu: f64,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    now: Tick,
    totals: Rates,
}

/// The last minutes.
#[derive(Debug, Clone, Default)]
pub struct History {
    last: Option<Look>,
    rates: VecDeque<Rates>,
}

impl History {
    /// Reads the totals, if the last reading was long enough ago.
    pub fn look(&mut self, snapshot: &Snapshot<'_>, health: &Health) {
        let requests = &snapshot.totals.requests;
        let totals = Rates {
            active: f64::from(snapshot.active()),
            requests: requests.made() as f64,
            segments: requests.segments_downloaded as f64,
            bytes: requests.bytes as f64,
            failed: requests.failed() as f64,
            own_cpu: health.process.cpu.as_secs_f64(),
            children_cpu: snapshot.children_cpu.as_secs_f64(),
        };
        let look = Look { now: snapshot.now, totals };
        let Some(before) = self.last else {
            self.last = Some(look);
            return;
        };
        let span = look.now.since(before.now);
        if span < APART {
            return;
        }
        self.last = Some(look);
        let secs = span.as_secs_f64();
        let rate = |of: fn(&Rates) -> f64| ((of(&totals) - of(&before.totals)) / secs).max(0.0);
        if self.rates.len() == RATES {
            self.rates.pop_front();
        }
        self.rates.push_back(Rates {
            active: totals.active,
            requests: rate(|of| of.requests),
            segments: rate(|of| of.segments),
            bytes: rate(|of| of.bytes),
            failed: rate(|of| of.failed),
            own_cpu: rate(|of| of.own_cpu),
            children_cpu: rate(|of| of.children_cpu),
        });
    }

    /// The newest rates; `None` before the second reading.
    #[must_use]
    pub fn newest(&self) -> Option<Rates> {
        self.rates.back().copied()
    }

    /// The last `most` values of a rate, oldest first.
    pub fn last(
        &self,
        most: usize,
        of: fn(&Rates) -> f64,
    ) -> impl Iterator<Item = f64> + Clone + '_ {
        let skipped = self.rates.len().saturating_sub(most);
        self.rates.iter().skip(skipped).map(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measures::fixture::Numbers;
    use crate::stats::Totals;

    #[test]
    fn rates_need_readings_that_are_far_enough_apart() {
        let (mut history, mut totals) = (History::default(), Totals::default());
        for (ms, bytes) in [(1_000, 100), (1_100, 500), (3_000, 900), (3_500, 950), (4_000, 900)] {
            totals.requests.bytes = bytes;
            let numbers = Numbers::new(totals.clone(), Health::default());
            let snapshot = Snapshot { now: Tick::from_millis(ms), ..numbers.snapshot() };
            history.look(&snapshot, &numbers.health);
        }
        let bytes: Vec<f64> = history.last(9, |rates| rates.bytes).collect();
        assert_eq!(bytes, [400.0, 0.0]);
        assert_eq!(history.newest().map(|rates| rates.active), Some(9.0));
        assert_eq!(history.last(1, |rates| rates.bytes).count(), 1);
    }
}
