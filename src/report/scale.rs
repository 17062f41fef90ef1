//! Axes: where their ticks stand, and what stands beside them.

use std::time::Duration;

use crate::measures::Unit as MeasureUnit;
use crate::measures::{Measure, words};

/// Most intervals between the ticks of a vertical axis.
const STEPS_MAX: f64 = 4.0;

/// Steps of an axis of time, in seconds: what people count time in.
const TIME_STEPS: [f64; 21] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0,
    14_400.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0, 432_000.0, 864_000.0,
];

/// What the numbers of an axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// How many.
    Count,
    /// How many a second.
    PerSecond,
    /// Bits a second.
    BitRate,
    /// Spans, in seconds.
    Seconds,
    /// Parts of a hundred.
    Percent,
    /// Media seconds a wall second.
    Speed,
}

impl Unit {
    /// How the values of a measure are shown.
    pub(super) const fn of(measure: &Measure) -> Self {
        match measure.unit {
            MeasureUnit::Seconds => Self::Seconds,
            MeasureUnit::Ratio => Self::Speed,
            MeasureUnit::BitsPerSecond => Self::BitRate,
            MeasureUnit::RequestsPerSecond => Self::PerSecond,
            _ => Self::Count,
        }
    }

    /// A value with its unit.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Count => words::count(value.max(0.0) as u64),
            Self::PerSecond => format!("{}/s", plain(value)),
            Self::BitRate => words::bit_rate(value),
            Self::Seconds => words::span(span(value)),
            Self::Percent => format!("{value:.1} %"),
            Self::Speed => format!("{value:.2}"),
        }
    }

    /// What an axis up to `most` counts in, as a divisor and a name.
    fn scale(self, most: f64) -> (f64, &'static str) {
        match self {
            Self::Count => (1.0, ""),
            Self::PerSecond => (1.0, "per second"),
            Self::BitRate if most >= 1e9 => (1e9, "Gbit/s"),
            Self::BitRate if most >= 1e6 => (1e6, "Mbit/s"),
            Self::BitRate => (1e3, "kbit/s"),
            Self::Seconds if most < 0.001 => (1e-6, "µs"),
            Self::Seconds if most < 1.0 => (1e-3, "ms"),
            Self::Seconds if most < 600.0 => (1.0, "s"),
            Self::Seconds => (60.0, "min"),
            Self::Percent => (1.0, "%"),
            Self::Speed => (1.0, ""),
        }
    }
}

/// A span from a file, which may be any number.
pub(super) fn span(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or_default()
}

/// An axis from 0 to a round number.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// Its end, in the unit of the values.
    pub(super) end: f64,
    /// Where its ticks stand, and what they say.
    pub(super) ticks: Vec<(f64, String)>,
    /// What its ticks count in.
    pub(super) unit: &'static str,
}

impl Axis {
    /// A vertical axis for values up to `most`.
    pub(super) fn vertical(unit: Unit, most: f64) -> Self {
        let least = if unit == Unit::Count { 1.0 } else { 0.0 };
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        let (divisor, name) = unit.scale(most);
        let step = round_step(most / divisor / STEPS_MAX).max(least);
        let steps = (most / divisor / step).ceil().clamp(1.0, 2.0 * STEPS_MAX);
        let ticks = (0..=steps as u32).map(|place| {
            let value = f64::from(place) * step;
            (value * divisor, plain(value))
        });
        Self { end: steps * step * divisor, ticks: ticks.collect(), unit: name }
    }

    /// A horizontal axis of time; it ends where the run does.
    pub(super) fn time(end: f64) -> Self {
        let end = if end.is_finite() && end > 0.0 { end } else { 1.0 };
        let found = TIME_STEPS.into_iter().find(|step| end / step <= 6.5);
        let step = found.unwrap_or(end / 6.0);
        let ticks = (0..=(end / step) as u32).map(|place| {
            let at = f64::from(place) * step;
            (at, clock(at))
        });
        let unit = if end < 3_600.0 { "min:s" } else { "h:min" };
        let ticks =
            ticks.map(|(at, text)| if end < 3_600.0 { (at, text) } else { (at, hours(at)) });
        Self { end, ticks: ticks.collect(), unit }
    }
}

/// The ticks of a logarithmic axis between two values, at 1, 2 and 5 of each
/// power of ten, or at the powers alone where those would be many.
pub(super) fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    let between = |steps: &[f64]| -> Vec<f64> {
        let powers = -6_i32..=7;
        let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
        all.filter(|&at| at >= from * 0.999 && at <= to * 1.001).collect()
    };
    let fine = between(&[1.0, 2.0, 5.0]);
    if fine.len() <= 7 { fine } else { between(&[1.0]) }
}

/// The ticks of a linear axis between two values.
pub(super) fn linear_ticks(from: f64, to: f64) -> Vec<f64> {
    let step = round_step((to - from) / 5.0);
    if !(step.is_finite() && step > 0.0) {
        return vec![from];
    }
    let first = (from / step).ceil();
    (0_i32..8)
        .map(|place| (first + f64::from(place)) * step)
        .filter(|&at| at <= to * 1.001)
        .collect()
}

/// A time since the start: `2:05`, `1:02:05`.
pub(super) fn clock(secs: f64) -> String {
    let secs = span(secs).as_secs_f64().round() as u64;
    let (hours, minutes, rest) = (secs / 3_600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

fn hours(secs: f64) -> String {
    let minutes = (span(secs).as_secs_f64() / 60.0).round() as u64;
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|&step| step >= least * 0.999_999).unwrap_or(least)
}

/// A number with no more digits than it needs.
pub(super) fn plain(value: f64) -> String {
    if value >= 1_000.0 {
        return words::count(value.round() as u64);
    }
    // Three digits that count, down to a millionth.
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if !(1e-9..1.0).contains(&size) => 2,
        size => (2.0 - size.log10().floor()).min(6.0) as usize,
    };
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some((whole, rest)) => match rest.trim_end_matches('0') {
            "" => whole.to_owned(),
            rest => format!("{whole}.{rest}"),
        },
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_in_a_unit_that_fits() {
        let cases: [(Unit, f64, &[&str], &str); 7] = [
            (Unit::Count, 300.0, &["0", "100", "200", "300"], ""),
            (Unit::Count, 1.0, &["0", "1"], ""),
            (Unit::Seconds, 0.0417, &["0", "20", "40", "60"], "ms"),
            (Unit::Seconds, 7.2, &["0", "2", "4", "6", "8"], "s"),
            (Unit::BitRate, 79_000_000.0, &["0", "20", "40", "60", "80"], "Mbit/s"),
            (Unit::Percent, 0.019, &["0", "0.005", "0.01", "0.015", "0.02"], "%"),
            (Unit::PerSecond, 0.3, &["0", "0.1", "0.2", "0.3"], "per second"),
        ];
        for (unit, most, want, name) in cases {
            let axis = Axis::vertical(unit, most);
            assert_eq!((labels(&axis), axis.unit), (want.to_vec(), name), "{unit:?} {most}");
        }
    }

    #[test]
    fn time_is_counted_as_people_do() {
        let cases: [(f64, &[&str]); 3] = [
            (31.4, &["0:00", "0:05", "0:10", "0:15", "0:20", "0:25", "0:30"]),
            (600.0, &["0:00", "2:00", "4:00", "6:00", "8:00", "10:00"]),
            (36_000.0, &["0:00", "2:00", "4:00", "6:00", "8:00", "10:00"]),
        ];
        for (end, want) in cases {
            assert_eq!(labels(&Axis::time(end)), want, "{end}");
        }
        assert_eq!(clock(3_725.2), "1:02:05");
        assert_eq!(log_ticks(0.004, 0.3), [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]);
        assert_eq!(log_ticks(0.000_1, 10.0).len(), 6);
    }

    proptest! {
        #[test]
        fn every_axis_is_bounded(value in proptest::num::f64::ANY) {
            for axis in [
                Axis::vertical(Unit::Count, value),
                Axis::vertical(Unit::Seconds, value),
                Axis::vertical(Unit::BitRate, value),
                Axis::time(value),
            ] {
                prop_assert!((1..=10).contains(&axis.ticks.len()), "{value}: {axis:?}");
                prop_assert!(axis.end > 0.0);
                prop_assert!(!value.is_finite() || axis.end >= value * 0.999 || value > 1e300);
            }
            prop_assert!(log_ticks(value, value * 1e3).len() <= 14);
            prop_assert!(linear_ticks(value, value + 1.0).len() <= 8);
        }
    }
}
