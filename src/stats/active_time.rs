//! How long how many clients were active: peak and exact median over time.

use std::time::Duration;

use crate::units::Tick;

/// Time spent at each number of active clients.
#[derive(Debug, Clone)]
pub struct ActiveTime {
    /// Nanoseconds at 0, 1, 2, … active clients.
    levels_ns: Vec<u64>,
    active: u32,
    peak: u32,
    /// Since when `active` holds; `None` while no time is counted.
    since: Option<Tick>,
}

impl ActiveTime {
    /// Nothing is counted yet; at most `target` clients can be active.
    #[must_use]
    pub fn new(target: u32) -> Self {
        Self { levels_ns: vec![0; target as usize + 1], active: 0, peak: 0, since: None }
    }

    /// Time counts from now on.
    pub fn begin(&mut self, now: Tick) {
        self.since = Some(now);
    }

    /// The number of active clients changed.
    pub fn change(&mut self, now: Tick, active: u32) {
        self.settle(now);
        self.active = active;
        self.peak = self.peak.max(active);
    }

    /// Time no longer counts.
    pub fn end(&mut self, now: Tick) {
        self.settle(now);
        self.since = None;
    }

    /// Most clients active at once.
    #[must_use]
    pub const fn peak(&self) -> u32 {
        self.peak
    }

    /// The median of the active clients, weighted by time: the least number that was
    /// not exceeded for half of the time counted; 0 if no time was counted.
    ///
    /// Takes O(target); for a summary, not for a scrape.
    #[must_use]
    pub fn median(&self, now: Tick) -> u32 {
        let open_ns = self.open_ns(now);
        let total_ns = self.levels_ns.iter().sum::<u64>() + open_ns;
        let mut below_ns = 0;
        for (level, &level_ns) in (0_u32..).zip(&self.levels_ns) {
            below_ns += level_ns + if level == self.active { open_ns } else { 0 };
            if below_ns >= total_ns.div_ceil(2) {
                return level;
            }
        }
        0
    }

    /// Time that all clients together were active.
    ///
    /// Takes O(target); for a summary, not for a scrape.
    #[must_use]
    pub fn client_time(&self, now: Tick) -> Duration {
        let open = u128::from(self.open_ns(now)) * u128::from(self.active);
        let settled = self.levels_ns.iter().zip(0_u128..);
        let ns = open + settled.map(|(&ns, level)| u128::from(ns) * level).sum::<u128>();
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    fn settle(&mut self, now: Tick) {
        let open_ns = self.open_ns(now);
        if let Some(level_ns) = self.levels_ns.get_mut(self.active as usize) {
            *level_ns += open_ns;
        }
        self.since = self.since.map(|_| now);
    }

    fn open_ns(&self, now: Tick) -> u64 {
        self.since.map_or(0, |since| now.as_nanos().saturating_sub(since.as_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(ms: u64) -> Tick {
        Tick::from_millis(ms)
    }

    #[test]
    fn the_median_is_weighted_by_time() {
        let mut active = ActiveTime::new(10);
        active.begin(at(1_000));
        active.change(at(1_010), 9);
        active.change(at(1_020), 1);
        assert_eq!(active.median(at(1_021)), 1);
        assert_eq!(active.median(at(1_030)), 1);
        active.change(at(1_030), 5);
        assert_eq!(active.median(at(1_049)), 5);
        active.change(at(1_100), 0);
        assert_eq!(active.median(at(1_100)), 5);
        assert_eq!(active.peak(), 9);
        assert_eq!(active.client_time(at(1_100)), Duration::from_millis(9 * 10 + 10 + 5 * 70));
        active.change(at(1_100), 2);
        assert_eq!(active.client_time(at(1_150)), Duration::from_millis(450 + 2 * 50));
    }

    #[test]
    fn no_time_counts_before_the_start_or_after_the_end() {
        let mut active = ActiveTime::new(4);
        active.change(at(100), 4);
        assert_eq!(active.median(at(200)), 0);
        active.begin(at(200));
        active.change(at(201), 2);
        active.end(at(203));
        active.change(at(204), 0);
        assert_eq!(active.median(at(9_000)), 2);
    }

    proptest! {
        #[test]
        fn equals_the_median_of_every_millisecond(
            spans in prop::collection::vec((0..=8_u32, 1..30_u64), 1..20),
        ) {
            let mut active = ActiveTime::new(8);
            active.begin(at(0));
            let mut every_ms = Vec::new();
            for (level, span_ms) in spans {
                active.change(at(every_ms.len() as u64), level);
                every_ms.extend(std::iter::repeat_n(level, span_ms as usize));
            }
            let end = at(every_ms.len() as u64);
            every_ms.sort_unstable();
            prop_assert_eq!(active.median(end), every_ms[(every_ms.len() - 1) / 2]);
        }
    }
}
