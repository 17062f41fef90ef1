//! Segments that were made already.
//!
//! Holds what lies in the range of indices given with each question and nothing
//! else, so it is as bounded as that range. Knows neither clock nor media.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// Segments by index and number of the variant.
#[derive(Debug, Default)]
pub(super) struct Cache {
    segments: BTreeMap<(u64, usize), Rc<[u8]>>,
}

impl Cache {
    /// Segment `index` of a variant; made if it is not there, whereupon all those
    /// whose index is not among `kept` are dropped.
    pub(super) fn get(
        &mut self,
        variant: usize,
        index: u64,
        kept: &Range<u64>,
        make: impl FnOnce() -> Vec<u8>,
    ) -> Rc<[u8]> {
        if let Some(segment) = self.segments.get(&(index, variant)) {
            return Rc::clone(segment);
        }
        self.segments.retain(|(index, _), _| kept.contains(index));
        let segment: Rc<[u8]> = make().into();
        self.segments.insert((index, variant), Rc::clone(&segment));
        segment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_made_once_while_it_is_kept() {
        let mut cache = Cache::default();
        let first = cache.get(0, 5, &(3..9), || vec![1]);
        let again = cache.get(0, 5, &(3..9), || panic!("made twice"));
        assert!(Rc::ptr_eq(&first, &again));
        let other = cache.get(1, 5, &(3..9), || vec![2]);
        assert_eq!(*other, [2]);
    }

    #[test]
    fn what_is_no_longer_kept_is_dropped() {
        let mut cache = Cache::default();
        for index in 0..100 {
            let kept = index..index + 4;
            for variant in 0..3 {
                cache.get(variant, index + 3, &kept, Vec::new);
            }
            assert!(cache.segments.len() <= 4 * 3);
        }
        // The clock was set back.
        cache.get(0, 10, &(8..12), Vec::new);
        assert_eq!(cache.segments.len(), 1);
    }
}
