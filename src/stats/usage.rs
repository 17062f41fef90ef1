//! What the clients' processes use of this host: CPU and memory.

use std::time::Duration;

/// What one live process used at its last sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveUse {
    /// CPU time counted so far.
    cpu: Duration,
    /// Resident memory in bytes; `None` before the first sample.
    resident_bytes: Option<u64>,
}

/// Running sums over all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChildrenUse {
    cpu: Duration,
    resident_bytes: u64,
    sampled: u32,
}

impl ChildrenUse {
    /// A live process was sampled.
    pub fn sample(&mut self, process: &mut LiveUse, cpu: Duration, resident_bytes: u64) {
        self.add_cpu(process, cpu);
        self.forget_resident(process);
        process.resident_bytes = Some(resident_bytes);
        self.resident_bytes = self.resident_bytes.saturating_add(resident_bytes);
        self.sampled += 1;
    }

    /// A process was reaped; `cpu` is what it used in all.
    pub fn reap(&mut self, process: &mut LiveUse, cpu: Duration) {
        self.add_cpu(process, cpu);
        self.forget_resident(process);
        *process = LiveUse::default();
    }

    /// CPU time of all processes: exact for those reaped, the last sample for those
    /// alive. Never decreases.
    #[must_use]
    pub const fn cpu(&self) -> Duration {
        self.cpu
    }

    /// Resident memory of `live` processes in bytes: the mean of those sampled
    /// times `live`; `None` if none alive was sampled.
    #[must_use]
    pub fn resident_bytes(&self, live: u32) -> Option<u64> {
        let all = u128::from(self.resident_bytes) * u128::from(live);
        let mean_of_all = all.checked_div(u128::from(self.sampled))?;
        Some(u64::try_from(mean_of_all).unwrap_or(u64::MAX))
    }

    /// A number smaller than the last one comes from the kernel's rounding: the larger
    /// one stays, so that the sum never decreases.
    fn add_cpu(&mut self, process: &mut LiveUse, cpu: Duration) {
        self.cpu = self.cpu.saturating_add(cpu.saturating_sub(process.cpu));
        process.cpu = process.cpu.max(cpu);
    }

    fn forget_resident(&mut self, process: &mut LiveUse) {
        if let Some(old_bytes) = process.resident_bytes.take() {
            self.resident_bytes = self.resident_bytes.saturating_sub(old_bytes);
            self.sampled = self.sampled.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_exact_cpu_replaces_the_sample() {
        let (mut all, mut a, mut b) =
            (ChildrenUse::default(), LiveUse::default(), LiveUse::default());
        all.sample(&mut a, ms(100), 10);
        all.sample(&mut b, ms(50), 10);
        all.sample(&mut a, ms(120), 10);
        assert_eq!(all.cpu(), ms(170));
        all.reap(&mut a, ms(130));
        assert_eq!(all.cpu(), ms(180));
        all.sample(&mut a, ms(5), 10);
        assert_eq!(all.cpu(), ms(185), "the next process of a client begins at 0");
    }

    #[test]
    fn cpu_never_goes_back() {
        let (mut all, mut a) = (ChildrenUse::default(), LiveUse::default());
        all.sample(&mut a, ms(100), 10);
        all.sample(&mut a, ms(90), 10);
        all.reap(&mut a, ms(99));
        assert_eq!(all.cpu(), ms(100));
    }

    #[test]
    fn memory_is_the_mean_of_those_sampled_times_those_alive() {
        let (mut all, mut a, mut b) =
            (ChildrenUse::default(), LiveUse::default(), LiveUse::default());
        assert_eq!(all.resident_bytes(10), None);
        all.sample(&mut a, ms(0), 100);
        all.sample(&mut b, ms(0), 300);
        assert_eq!(all.resident_bytes(10), Some(2_000));
        all.sample(&mut b, ms(0), 200);
        assert_eq!(all.resident_bytes(10), Some(1_500));
        all.reap(&mut a, ms(0));
        assert_eq!(all.resident_bytes(3), Some(600));
        all.reap(&mut b, ms(0));
        assert_eq!(all.resident_bytes(0), None);
    }
}
