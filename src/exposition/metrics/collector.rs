//! Families of a scrape, put together from values.
//!
//! Knows the library's types and not what is shown. A family without a sample is
//! left out.

use prometheus::proto;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use crate::measures::value::{Counts, Names};
use crate::measures::{Family, Value, Zeros};
use crate::stats::Histogram;
use crate::units::text::visible;

/// Families that a run has, more or less.
const FAMILIES: usize = 96;

/// Families in the order in which they are added.
pub(super) struct Collector {
    pub(super) families: Vec<MetricFamily>,
}

impl Collector {
    /// Without any family, but with room for most runs: they are large to move.
    pub(super) fn new() -> Self {
        Self { families: Vec::with_capacity(FAMILIES) }
    }

    /// Adds a value to its family, which is the last one or begins here.
    pub(super) fn add(&mut self, family: &Family, value: &Value<'_>) {
        match value {
            Value::Whole(value) => self.push(family, vec![number(family, *value as f64)]),
            Value::Number(value) => self.push(family, vec![number(family, *value)]),
            Value::Times(times) => self.push(family, vec![histogram(family, times)]),
            Value::Counts(counts) => self.push(family, by_name(family, counts)),
            Value::Samples(samples) => {
                let samples = samples.iter().map(|(labels, value)| {
                    let labels = labels.iter().map(|label| visible(label).into_owned());
                    sample(family, labels, *value)
                });
                self.push(family, samples.collect());
            }
            Value::Absent
            | Value::Flag(_)
            | Value::Text(_)
            | Value::Texts(_)
            | Value::Patterns(_) => {}
        }
    }

    /// Adds numbers by one label.
    pub(super) fn add_numbers<'n>(
        &mut self,
        family: &Family,
        numbers: impl Iterator<Item = (&'n String, f64)>,
    ) {
        let samples = numbers.map(|(name, value)| sample(family, [name.clone()], value));
        self.push(family, samples.collect());
    }

    fn push(&mut self, family: &Family, mut metrics: Vec<Metric>) {
        if metrics.is_empty() {
            return;
        }
        if let Some(last) = self.families.last_mut().filter(|last| last.name() == family.name) {
            let mut all = last.take_metric();
            all.append(&mut metrics);
            last.set_metric(all);
            return;
        }
        let mut filled = MetricFamily::default();
        filled.set_name(family.name.to_owned());
        filled.set_help(family.help.to_owned());
        filled.set_field_type(family.kind);
        filled.set_metric(metrics);
        self.families.push(filled);
    }
}

/// A sample for each count that is shown.
fn by_name(family: &Family, counts: &Counts<'_>) -> Vec<Metric> {
    let all = counts.counts.all();
    match counts.names {
        Names::One(name) => {
            let named = all.iter().enumerate();
            named
                .map(|(place, &count)| sample(family, [name(place).to_owned()], count as f64))
                .collect()
        }
        Names::Two(names) => {
            let named = all.iter().enumerate();
            named
                .map(|(place, &count)| {
                    sample(family, names(place).map(str::to_owned), count as f64)
                })
                .collect()
        }
        Names::Numbers(first) => {
            let numbered = (first..).zip(all);
            let shown =
                numbered.filter(|&(number, &count)| count > 0 || shows_zero(family, number));
            shown
                .map(|(number, &count)| sample(family, [number.to_string()], count as f64))
                .collect()
        }
    }
}

fn shows_zero(family: &Family, number: u16) -> bool {
    match family.zeros {
        Zeros::Shown => true,
        Zeros::ShownOf(numbers) => numbers.contains(&number),
    }
}

/// A number, labelled by what is fixed of its family.
fn number(family: &Family, value: f64) -> Metric {
    sample(family, [], value)
}

/// A number with the values of labels beside those that are fixed, in the order of the
/// family's label names. What comes from outside the program must be escaped before.
fn sample(family: &Family, labels: impl IntoIterator<Item = String>, value: f64) -> Metric {
    let mut metric = Metric::default();
    if family.kind == MetricType::COUNTER {
        let mut counter = proto::Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = proto::Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    if !family.labels.is_empty() {
        let mut pairs = Vec::with_capacity(family.labels.len());
        let fixed = family.labels.iter().zip(family.fixed);
        pairs.extend(fixed.map(|(name, &value)| label(name, value.to_owned())));
        let names = family.labels.iter().skip(pairs.len());
        pairs.extend(names.zip(labels).map(|(name, value)| label(name, value)));
        metric.set_label(pairs);
    }
    metric
}

fn histogram(family: &Family, counts: &Histogram) -> Metric {
    let mut filled = proto::Histogram::default();
    filled.set_sample_count(counts.count());
    filled.set_sample_sum(counts.sum_secs());
    let buckets = counts.cumulative().map(|(bound, count)| {
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(count);
        bucket
    });
    filled.set_bucket(buckets.collect());
    let mut metric = Metric::default();
    metric.set_histogram(filled);
    let pairs = family.labels.iter().zip(family.fixed);
    metric.set_label(pairs.map(|(name, &value)| label(name, value.to_owned())).collect());
    metric
}

fn label(name: &str, value: String) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value);
    pair
}
