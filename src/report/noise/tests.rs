//! What is called a difference, of counts and of values.

use super::*;

/// One value for each of so many clients, evenly from `from` on.
fn values(from: u64, count: u64) -> Distribution {
    Distribution {
        unit: "seconds".to_owned(),
        count,
        sum: 0.0,
        percentiles: None,
        buckets: Vec::new(),
        recorded: (0..count).map(|step| [from + step, 1]).collect(),
    }
}

fn alone(comparison: Comparison) -> Difference {
    judge(&[comparison])[0].difference
}

#[test]
fn counts_differ_where_chance_does_not_explain_it() {
    use Difference::{Larger, Smaller, TooFew, Unclear};
    const MANY: [u64; 2] = [100_000; 2];
    let cases = [
        ([0, 0], [1_000.0; 2], MANY, Unclear),
        ([0, 5], [1_000.0; 2], MANY, TooFew(5)),
        ([0, 19], [1_000.0; 2], MANY, Larger),
        ([100, 120], [1_000.0; 2], MANY, Unclear),
        ([100, 20], [1_000.0; 2], MANY, Smaller),
        ([100, 20], [5_000.0, 1_000.0], MANY, Unclear),
        // Less than 5 %.
        ([1_000_000, 1_040_000], [1e8; 2], MANY, Unclear),
        ([50, 50], [0.0, 1.0], MANY, TooFew(100)),
        ([50, 50], [-1.0, 1.0], MANY, TooFew(100)),
        ([50, 50], [f64::MAX; 2], MANY, TooFew(100)),
        // Ten clients may have had ten each by one cause.
        ([100, 200], [1_000.0; 2], [10; 2], Unclear),
        ([0, 200], [1_000.0; 2], [10; 2], Larger),
        ([0, 200], [1_000.0; 2], [2; 2], TooFew(4)),
        ([u64::MAX, 1], [1.0; 2], MANY, Smaller),
    ];
    for (counts, of, clients, want) in cases {
        assert_eq!(alone(by_events(counts, of, clients)), want, "{counts:?} {of:?} {clients:?}");
    }
}

#[test]
fn a_sample_has_as_many_values_as_clients() {
    let all = Distribution { recorded: vec![[1, 50], [2, 30], [9, 20]], ..values(0, 100) };
    let of = |clients| Sample::of(&all, clients).0;
    assert_eq!(of(10), [1, 1, 1, 1, 1, 2, 2, 2, 9, 9]);
    assert_eq!(of(0), [0; 0]);
    assert_eq!(of(100).len(), 100);
    assert_eq!(of(1_000), of(100));
    let many = Distribution { recorded: vec![[1, u64::MAX], [2, u64::MAX]], ..values(0, 0) };
    assert_eq!(Sample::of(&many, u64::MAX).0.len() as u64, SIZE_MAX);
}

#[test]
fn values_differ_where_ranks_or_bounds_do() {
    let sample = |from, count| Sample::of(&values(from, count), u64::MAX);
    let medians = [1.0, 2.0];
    let ranks = |a, b| alone(by_ranks([&a, &b], medians));
    assert_eq!(ranks(sample(0, 10), sample(10, 10)), Difference::Larger);
    assert_eq!(ranks(sample(0, 10), sample(2, 10)), Difference::Unclear);
    assert_eq!(ranks(sample(0, 3), sample(10, 10)), Difference::TooFew(3));
    assert_eq!(ranks(sample(0, 0), sample(10, 10)), Difference::TooFew(0));
    // What is shown says the opposite.
    assert_eq!(ranks(sample(10, 10), sample(0, 10)), Difference::Unclear);
    let p95 = |a, b, shown| alone(by_quantile([&a, &b], 0.95, shown));
    assert_eq!(p95(sample(0, 1_000), sample(500, 1_000), medians), Difference::Larger);
    assert_eq!(p95(sample(0, 1_000), sample(10, 1_000), medians), Difference::Unclear);
    assert_eq!(p95(sample(0, 1_000), sample(500, 1_000), [1.0, 1.04]), Difference::Unclear);
    assert_eq!(p95(sample(0, 100), sample(500, 1_000), medians), Difference::TooFew(100));
    assert_eq!(sample(0, 1_000).interval(0.5), Some([468, 531]));
}

#[test]
fn a_p_counts_for_less_among_others() {
    let [low, high] = [0, 6].map(|from| Sample::of(&values(from, 10), u64::MAX));
    let row = by_ranks([&low, &high], [1.0, 2.0]);
    assert_eq!(judge(&[row])[0].difference, Difference::Larger);
    let other = by_ranks([&low, &low], [1.0, 1.0]);
    let judged = judge(&[&[row][..], &[other; 15]].concat());
    assert!(judged[0].p > judge(&[row])[0].p);
    assert_eq!(judged[0].difference, Difference::Larger);
    let judged = judge(&[by_ranks([&low, &Sample::of(&values(4, 10), 10)], [1.0, 2.0]); 16]);
    assert!(judged.iter().all(|row| row.difference == Difference::Unclear), "{judged:?}");
}
