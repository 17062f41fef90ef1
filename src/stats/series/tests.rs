//! The series is bounded, loses nothing, and includes the intervals between two events.

use proptest::prelude::*;

use super::*;

const BOUNDS: &[f64] = &[1.0];

/// Counts of requests and of bytes, and the times of segments.
struct Numbers {
    requests: u64,
    bytes: u64,
    times: Histogram,
}

impl Numbers {
    fn new() -> Self {
        Self { requests: 0, bytes: 0, times: Histogram::new(BOUNDS) }
    }

    fn values(&self, active: u64) -> ColumnValues<'_> {
        ColumnValues {
            gauges: vec![active],
            counters: vec![self.requests, self.bytes],
            timings: vec![None, Some(&self.times)],
        }
    }
}

/// A series of events: each so many ms after the one before, with a request whose
/// segment took so many µs.
fn played(events: &[(u64, u64)]) -> (Series, Numbers, u64) {
    let mut numbers = Numbers::new();
    let mut series = Series::new(Tick::ZERO);
    let mut at_ms = 0;
    for &(after_ms, took_us) in events {
        at_ms += after_ms;
        let now = Tick::from_millis(at_ms);
        series.observe(now, &numbers.values(1));
        numbers.requests += 1;
        numbers.bytes += took_us;
        numbers.times.record(Duration::from_micros(took_us));
    }
    series.finish(Tick::from_millis(at_ms), &numbers.values(0));
    (series, numbers, at_ms)
}

/// The requests and the bytes of all intervals.
fn sum(series: &Series, place: usize) -> u64 {
    series.points().iter().map(|point| point.counters[place]).sum()
}

proptest! {
    #[test]
    fn a_series_is_bounded_and_loses_nothing(
        events in prop::collection::vec((0_u64..200_000, 0_u64..100_000_000), 1..300),
    ) {
        let (series, numbers, ended_ms) = played(&events);
        prop_assert!(series.points().len() <= POINTS_MAX);
        prop_assert_eq!(series.covered(), Duration::from_millis(ended_ms));
        if ended_ms > 0 {
            prop_assert_eq!(sum(&series, 0), numbers.requests);
            prop_assert_eq!(sum(&series, 1), numbers.bytes);
            let mut all = Values::new();
            series.points().iter().for_each(|point| add(&mut all, &point.timings[1]));
            prop_assert_eq!(all, coarse(&numbers.times));
        }
        let (length, points) = (series.interval(), u32::try_from(series.points().len()).unwrap());
        prop_assert!(series.covered() <= length * points + length / 2);
        prop_assert!(points == 0 || series.covered() > length * (points - 1));
    }

    #[test]
    fn a_time_is_rounded_up_by_a_sixteenth_at_most(us in 0_u64..1 << 42) {
        let up = rounded_up(us);
        prop_assert!(up >= us && up - us <= us / 16, "{us} is {up}");
        prop_assert_eq!(rounded_up(up), up);
        prop_assert!(rounded_up(us + 1) >= up);
    }
}

#[test]
fn intervals_between_two_events_are_flat() {
    let numbers = Numbers::new();
    let later = Numbers { bytes: 700, ..Numbers::new() };
    let mut series = Series::new(Tick::from_millis(500));
    assert!(!series.is_due(Tick::from_millis(1_499)));
    series.observe(Tick::from_millis(1_500), &numbers.values(2));
    assert!(!series.is_due(Tick::from_millis(2_499)));
    series.observe(Tick::from_millis(4_900), &later.values(3));
    series.finish(Tick::from_millis(5_000), &later.values(0));
    let column = |place: usize| -> Vec<u64> {
        series.points().iter().map(|point| point.counters[place]).collect()
    };
    assert_eq!(column(1), [0, 700, 0, 0, 0]);
    let active: Vec<u64> = series.points().iter().map(|point| point.gauges[0]).collect();
    assert_eq!(active, [2, 3, 3, 3, 0]);
    assert_eq!(series.covered(), Duration::from_millis(4_500));
}

#[test]
fn a_short_rest_belongs_to_the_interval_before() {
    for rest_ms in [0, 400] {
        let (series, _, _) = played(&[(0, 5), (1_000, 5), (rest_ms, 7)]);
        assert_eq!(series.points().len(), 1);
        assert_eq!(sum(&series, 0), 3);
    }
}

#[test]
fn a_month_of_silence_costs_no_more_than_a_minute() {
    let month_ms = 30 * 24 * 3_600 * 1_000;
    let (series, _, _) = played(&[(0, 1), (month_ms, 1)]);
    assert!((POINTS_MAX / 2..=POINTS_MAX).contains(&series.points().len()));
    assert_eq!(sum(&series, 0), 2);
    assert_eq!(series.interval(), Duration::from_secs(8_192));
}
