//! The numbers that are kept over time.

use super::columns;
use super::measure::Kind;
use super::scene::Scene;
use super::unit::Unit;
use super::value::Value;
use crate::stats::series::ColumnValues;

/// Numbers that need not be whole are kept in millionths.
const SCALE: f64 = 1e6;

/// The numbers in a scene, in the order of [`columns`]; what is not known is 0, and its
/// column is left out of the summary.
#[must_use]
pub fn column_values<'s>(scene: &'s Scene<'s>) -> ColumnValues<'s> {
    let mut values = ColumnValues::default();
    for (measure, _) in columns() {
        let value = measure.value(scene);
        if measure.kind == Kind::Times {
            let times = if let Value::Times(times) = value { Some(times) } else { None };
            values.timings.push(times);
            continue;
        }
        let number = match value {
            Value::Whole(value) => value,
            Value::Number(value) if measure.unit == Unit::Seconds => (value * SCALE) as u64,
            Value::Counts(counts) => counts.total(),
            _ => 0,
        };
        if measure.grows { &mut values.counters } else { &mut values.gauges }.push(number);
    }
    values
}
