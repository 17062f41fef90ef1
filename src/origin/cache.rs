//! A cache of generated segments.
//!
//! Holds segments in the range of indices given with each lookup, up to a number of
//! bytes. Segments are generated on request, so the least recently used one is evicted
//! first. Knows neither clock nor media.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use super::form::{Form, Timing};

/// Identifies a segment: its form, its index and the number of its variant.
type Name = (Form, u64, usize);

/// Segments of all forms.
#[derive(Debug)]
pub(super) struct Cache {
    segments: BTreeMap<Name, Held>,
    bytes: u64,
    bytes_max: u64,
    questions: u64,
}

/// A cached segment.
#[derive(Debug)]
struct Held {
    bytes: Rc<[u8]>,
    /// Number of the last lookup that returned it.
    last_use: u64,
}

impl Cache {
    /// A cache of at most `bytes_max` bytes, or of one segment that is larger.
    pub(super) const fn new(bytes_max: u64) -> Self {
        Self { segments: BTreeMap::new(), bytes: 0, bytes_max, questions: 0 }
    }

    /// Segment `index` of a variant, generated if it is not cached. Generating one
    /// drops all segments of its timing whose index is not among `kept`, and evicts
    /// others to make room.
    pub(super) fn get(
        &mut self,
        form: Form,
        variant: usize,
        index: u64,
        kept: &Range<u64>,
        make: impl FnOnce() -> Vec<u8>,
    ) -> Rc<[u8]> {
        self.questions += 1;
        let name = (form, index, variant);
        if let Some(held) = self.segments.get_mut(&name) {
            held.last_use = self.questions;
            return Rc::clone(&held.bytes);
        }
        self.drop_expired(form.timing, kept);
        let segment: Rc<[u8]> = make().into();
        self.make_room(segment.len() as u64);
        self.bytes += segment.len() as u64;
        let held = Held { bytes: Rc::clone(&segment), last_use: self.questions };
        self.segments.insert(name, held);
        segment
    }

    /// Bytes in the cache.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn drop_expired(&mut self, timing: Timing, kept: &Range<u64>) {
        let bytes = &mut self.bytes;
        self.segments.retain(|(form, index, _), held| {
            let stays = form.timing != timing || kept.contains(index);
            if !stays {
                *bytes -= held.bytes.len() as u64;
            }
            stays
        });
    }

    fn make_room(&mut self, bytes: u64) {
        while self.bytes + bytes > self.bytes_max {
            let oldest = self.segments.iter().min_by_key(|(_, held)| held.last_use);
            let Some(name) = oldest.map(|(name, _)| *name) else { return };
            if let Some(dropped) = self.segments.remove(&name) {
                self.bytes -= dropped.bytes.len() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Container;
    use super::*;

    const FMP4: Form = Form { container: Container::Fmp4, ..Form::LIVE };

    #[test]
    fn makes_a_segment_once_while_it_is_kept() {
        let mut cache = Cache::new(1_000);
        let first = cache.get(Form::LIVE, 0, 5, &(3..9), || vec![1]);
        let again = cache.get(Form::LIVE, 0, 5, &(3..9), || panic!("made twice"));
        assert!(Rc::ptr_eq(&first, &again));
        let other = cache.get(Form::LIVE, 1, 5, &(3..9), || vec![2]);
        assert_eq!(*other, [2]);
        assert_eq!(*cache.get(FMP4, 1, 5, &(3..9), || vec![3]), [3]);
        assert_eq!(*cache.get(Form::VOD, 1, 5, &(3..9), || vec![4]), [4]);
    }

    #[test]
    fn drops_segments_outside_of_the_kept_range() {
        let mut cache = Cache::new(1_000);
        cache.get(Form::VOD, 0, 0, &(0..30), || vec![0]);
        for index in 0..100 {
            let kept = index..index + 4;
            for variant in 0..3 {
                cache.get(Form::LIVE, variant, index + 3, &kept, || vec![0]);
            }
            assert!(cache.segments.len() <= 4 * 3 + 1);
            assert_eq!(cache.bytes, cache.segments.len() as u64);
        }
        // The clock was set back; segments on demand stay.
        cache.get(FMP4, 0, 10, &(8..12), || vec![0]);
        assert_eq!(cache.segments.len(), 2);
    }

    #[test]
    fn evicts_the_least_recently_used() {
        let mut cache = Cache::new(10);
        let kept = 0..9;
        for index in 0..3 {
            cache.get(Form::LIVE, 0, index, &kept, || vec![0; 3]);
        }
        cache.get(Form::LIVE, 0, 0, &kept, || panic!("it is there"));
        cache.get(FMP4, 0, 0, &kept, || vec![0; 4]);
        assert_eq!(cache.bytes, 10);
        let names: Vec<Name> = cache.segments.keys().copied().collect();
        assert_eq!(names, [(Form::LIVE, 0, 0), (Form::LIVE, 2, 0), (FMP4, 0, 0)]);
        // A segment larger than the limit is made and held alone.
        assert_eq!(cache.get(FMP4, 0, 1, &kept, || vec![0; 11]).len(), 11);
        assert_eq!((cache.segments.len(), cache.bytes), (1, 11));
    }
}
