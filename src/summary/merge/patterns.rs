//! The most frequent error lines of several summaries.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Read;
use crate::measures::log::{ERROR_PATTERNS, SHOWN_PATTERNS};
use crate::measures::value::Pattern;

/// The most frequent patterns of all. A summary holds only the first few of its shard,
/// so a pattern that it lacks may have come there as often as the last that it has: so
/// much may the count be too low.
pub(super) fn merge(read: &[Read<'_>]) -> Vec<Pattern> {
    let mut all: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    let mut unseen_in_all = 0_u64;
    for part in read {
        let shown = part.document.values.patterns(&ERROR_PATTERNS);
        let least = shown.iter().map(|pattern| pattern.count).min();
        let unseen = if shown.len() < SHOWN_PATTERNS { 0 } else { least.unwrap_or(0) };
        unseen_in_all = unseen_in_all.saturating_add(unseen);
        for pattern in shown {
            let [count, over, seen] = all.entry(&pattern.pattern).or_default();
            *count = count.saturating_add(pattern.count);
            *over = over.saturating_add(pattern.overcount);
            *seen = seen.saturating_add(unseen);
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|&(_, [count, ..])| Reverse(count));
    let shown = all.into_iter().take(SHOWN_PATTERNS);
    let shown = shown.map(|(pattern, [count, overcount, seen])| Pattern {
        pattern: pattern.to_owned(),
        count,
        overcount,
        undercount: Some(unseen_in_all.saturating_sub(seen)),
    });
    shown.collect()
}
