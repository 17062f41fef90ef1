//! Limits how many events a second pass.

use std::time::Duration;

use crate::units::Tick;

const WINDOW: Duration = Duration::from_secs(1);

/// Lets `per_window` through in each second, counted from the first.
#[derive(Debug)]
pub(super) struct RateLimit {
    per_window: u32,
    used: u32,
    window_began: Tick,
}

impl RateLimit {
    /// Lets `per_sec` through a second.
    #[must_use]
    pub(super) const fn new(per_sec: u32) -> Self {
        Self { per_window: per_sec, used: 0, window_began: Tick::ZERO }
    }

    /// Whether one more may pass at `now`.
    pub(super) fn allows(&mut self, now: Tick) -> bool {
        if self.used == 0 || now.since(self.window_began) >= WINDOW {
            self.window_began = now;
            self.used = 0;
        }
        if self.used >= self.per_window {
            return false;
        }
        self.used += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_so_many_through_a_second() {
        let mut limit = RateLimit::new(2);
        let passed = [10_000, 10_001, 10_002, 10_999, 11_000, 11_001, 11_002, 60_000]
            .map(|ms| limit.allows(Tick::from_millis(ms)));
        assert_eq!(passed, [true, true, false, false, true, true, false, true]);
    }
}
