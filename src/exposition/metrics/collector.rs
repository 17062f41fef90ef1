//! Families of a scrape, put together from numbers.
//!
//! Knows the library's types and not what is shown. A family without a sample is
//! left out.

use prometheus::proto;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use crate::measures::families::{Family, Kind};
use crate::stats::Histogram;
use crate::units::text::visible;

/// Families in the order in which they are added.
pub(crate) struct Collector {
    pub(crate) families: Vec<MetricFamily>,
}

impl Collector {
    fn push(&mut self, family: Family, metrics: Vec<Metric>) {
        if metrics.is_empty() {
            return;
        }
        let mut filled = MetricFamily::default();
        filled.set_name(family.name.to_owned());
        filled.set_help(family.help.to_owned());
        filled.set_field_type(match family.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        filled.set_metric(metrics);
        self.families.push(filled);
    }

    /// A family of one sample without labels.
    pub(crate) fn single(&mut self, family: Family, value: f64) {
        self.push(family, vec![sample(family.kind, value)]);
    }

    /// One sample for each list of label values, in the order of the family's
    /// label names.
    pub(crate) fn labelled<'v>(
        &mut self,
        family: Family,
        samples: impl IntoIterator<Item = (Vec<&'v str>, f64)>,
    ) {
        let labelled = samples.into_iter().map(|(values, value)| {
            let mut metric = sample(family.kind, value);
            let pairs = family.labels.iter().zip(values);
            metric.set_label(pairs.map(|(name, value)| label(name, value)).collect());
            metric
        });
        let metrics = labelled.collect();
        self.push(family, metrics);
    }

    /// A family of one histogram without labels.
    pub(crate) fn histogram(&mut self, family: Family, counts: &Histogram) {
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
        self.push(family, vec![metric]);
    }
}

fn sample(kind: Kind, value: f64) -> Metric {
    let mut metric = Metric::default();
    match kind {
        Kind::Counter => {
            let mut counter = proto::Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        }
        Kind::Gauge | Kind::Histogram => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
    }
    metric
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(visible(value).into_owned());
    pair
}
