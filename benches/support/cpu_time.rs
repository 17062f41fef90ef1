//! Measures time as the CPU time of this process, so that other load of the machine has
//! almost no effect: the benches never sleep, or must not be charged for it.

use std::time::Duration;

use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};

/// Measures CPU time, user and system.
pub(crate) struct CpuTime;

/// Measures each bench for this long, after half of that for warm-up.
pub(crate) fn criterion(measured: Duration) -> Criterion<CpuTime> {
    Criterion::default()
        .measurement_time(measured)
        .warm_up_time(measured / 2)
        .with_measurement(CpuTime)
}

/// The CPU time of this process so far.
pub(crate) fn now() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        now()
    }

    fn end(&self, start: Duration) -> Duration {
        now() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
