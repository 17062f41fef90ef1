//! The last lines of a client's stderr, in a fixed number of bytes.
//!
//! Keeps and orders lines; does not interpret them beyond their level.

use std::ops::Range;

use super::log::Level;
use crate::http::redact::CUT;

/// Bytes of last lines kept for each of thousands of clients.
pub const LAST_LINES_BYTES: usize = 1280;

/// Last lines kept for a client: a failure takes FFmpeg two to four lines.
pub const LAST_LINES: usize = 8;

/// Bytes kept of one line, so that it cannot displace all others.
pub const LAST_LINE_BYTES: usize = 400;

/// The last lines of a client's stderr: warnings and errors if there are any, otherwise
/// lines of level info, such as what it opened last.
///
/// Verbose and debug lines are frequent and are only counted: keeping each would cost
/// as much as parsing it. The errors of a failed client are what matters, so the first
/// warning or error displaces the other lines, and from then on only warnings and
/// errors are kept. Allocates once, on the first line. The lines of a client are rarely
/// in the CPU cache when the next one arrives, so a line is written once, over the
/// oldest, and nothing is moved.
#[derive(Debug, Default)]
pub struct LastLines {
    /// Whole lines; a new one is placed after the newest, or at the front if it does
    /// not fit there.
    bytes: Vec<u8>,
    /// Positions of the lines; those kept start at `oldest` and wrap around.
    places: [Place; LAST_LINES],
    oldest: u8,
    count: u8,
    trouble: bool,
    /// The weight of the last line with a level. Lines before the first one come from
    /// the dynamic linker, which says why the process dies.
    last: Weight,
}

/// The importance of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Weight {
    #[default]
    Trouble,
    Calm,
    /// Not kept.
    Chatter,
}

/// The position of a line.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    start: u16,
    length: u16,
}

impl Place {
    fn range(self) -> Range<usize> {
        let start = usize::from(self.start);
        start..start + usize::from(self.length)
    }
}

impl LastLines {
    /// No lines. Allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a line, given without its end.
    pub fn push(&mut self, line: &[u8], level: Level) {
        self.last = match level {
            Level::Fatal | Level::Error | Level::Warning => Weight::Trouble,
            Level::Info => Weight::Calm,
            Level::Verbose | Level::Debug => Weight::Chatter,
            // A line without a level continues the line before.
            Level::Unknown => self.last,
        };
        match self.last {
            Weight::Trouble if !self.trouble => {
                self.clear();
                self.trouble = true;
            }
            Weight::Trouble => {}
            Weight::Calm if !self.trouble => {}
            Weight::Calm | Weight::Chatter => return,
        }
        self.keep(line.get(..LAST_LINE_BYTES).unwrap_or(line));
    }

    /// The lines, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let kept = self.places.iter().cycle().skip(self.oldest.into()).take(self.count.into());
        kept.filter_map(|place| self.bytes.get(place.range()))
    }

    /// The lines as text, oldest first, not masked. A cut line is marked, since it may
    /// end with the start of a secret.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let text = |line: &[u8]| {
            let mut text = String::from_utf8_lossy(line).into_owned();
            if line.len() == LAST_LINE_BYTES {
                text.push(CUT);
            }
            text
        };
        self.iter().map(text).collect()
    }

    /// Removes all lines, for the next attempt; keeps the memory.
    pub fn clear(&mut self) {
        self.count = 0;
        self.trouble = false;
    }

    fn keep(&mut self, line: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes = vec![0; LAST_LINES_BYTES];
        }
        let behind = self.newest().map_or(0, |place| place.range().end);
        let start = if behind + line.len() <= LAST_LINES_BYTES { behind } else { 0 };
        let taken = start..start + line.len();
        while let Some(oldest) = self.places.get(self.position(0)).filter(|_| self.count > 0) {
            let old = oldest.range();
            let overlaps = old.start < taken.end && taken.start < old.end;
            // Lines between the newest and the end of the buffer are older than those
            // at its front.
            let skipped = start == 0 && old.start >= behind;
            if usize::from(self.count) < LAST_LINES && !overlaps && !skipped {
                break;
            }
            self.oldest = self.position(1) as u8;
            self.count -= 1;
        }
        if let Some(room) = self.bytes.get_mut(taken) {
            room.copy_from_slice(line);
        }
        let place = Place { start: start as u16, length: line.len() as u16 };
        let free = self.position(self.count);
        if let Some(free) = self.places.get_mut(free) {
            *free = place;
            self.count += 1;
        }
    }

    fn newest(&self) -> Option<Place> {
        let last = self.count.checked_sub(1)?;
        self.places.get(self.position(last)).copied()
    }

    /// The index of a line in `places`, counted from the oldest.
    fn position(&self, nth: u8) -> usize {
        (usize::from(self.oldest) + usize::from(nth)) % LAST_LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(last: &mut LastLines, line: &[u8]) {
        last.push(line, crate::ffmpeg::log::parse(line).level);
    }

    proptest! {
        #[test]
        fn last_lines_stay_within_their_limits(
            lines in prop::collection::vec(("(\\[error\\] |\\[info\\] |)", "[a-z]{0,60}|x{300,900}"), 0..60),
        ) {
            let mut last = LastLines::new();
            for (level, text) in &lines {
                let line = format!("{level}{text}");
                put(&mut last, line.as_bytes());
                prop_assert_eq!(last.bytes.capacity(), LAST_LINES_BYTES);
                prop_assert_eq!(last.iter().count(), usize::from(last.count));
                prop_assert!((1..=LAST_LINES).contains(&last.count.into()));
                prop_assert!(last.iter().all(|kept| kept.len() <= LAST_LINE_BYTES));
                if level == "[error] " {
                    let newest = last.iter().last().unwrap();
                    prop_assert!(line.as_bytes().starts_with(newest) && newest.len() == line.len().min(LAST_LINE_BYTES));
                }
            }
        }

        #[test]
        fn keeps_the_most_recent_lines(
            lengths in prop::collection::vec(prop_oneof![1..140_usize, 1..900_usize], 1..60),
        ) {
            let mut last = LastLines::new();
            let mut came: Vec<Vec<u8>> = Vec::new();
            for (number, &length) in lengths.iter().enumerate() {
                let line = vec![number as u8; length];
                last.push(&line, Level::Error);
                came.push(line.iter().copied().take(LAST_LINE_BYTES).collect());
                let kept: Vec<_> = last.iter().collect();
                prop_assert_eq!(&kept, &came[came.len() - kept.len()..]);
                let end = &came[came.len().saturating_sub(LAST_LINES)..];
                if end.iter().all(|line| line.len() < 140) {
                    prop_assert_eq!(kept.len(), end.len());
                }
            }
        }
    }

    fn kept(lines: &[&str]) -> Vec<String> {
        let mut last = LastLines::new();
        lines.iter().for_each(|line| put(&mut last, line.as_bytes()));
        last.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    #[test]
    fn errors_displace_other_lines() {
        let error = "[http @ 0x55d6a5216900] [error] HTTP error 404 Not Found";
        let calm = "[hls @ 0x55d6a519e180] [info] Opening 'http://h/1.ts' for reading";
        let chatter = "[hls @ 0x55d6a519e180] [verbose] HLS request for url 'http://h/1.ts'";
        assert_eq!(kept(&[calm, chatter, calm]), [calm, calm]);
        assert_eq!(kept(&[calm, chatter, error, chatter, calm]), [error]);
        assert_eq!(kept(&[error, "[fatal] x", chatter]), [error, "[fatal] x"]);
        let linker = "ffmpeg: error while loading shared libraries: libx.so: cannot open";
        assert_eq!(kept(&[linker, chatter]), [linker]);
    }

    #[test]
    fn drops_the_oldest_first() {
        let lines: Vec<String> = (0..20).map(|number| format!("[info] {number}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(kept(&lines), lines[20 - LAST_LINES..]);
    }

    #[test]
    fn line_without_a_level_continues_the_one_before() {
        let header = "Connection: keep-alive";
        let (request, error) = ("[http @ 0x1] [debug] request: GET / HTTP/1.1", "[error] x");
        assert_eq!(kept(&[error, request, header]), [error]);
        assert_eq!(kept(&[request, error, header]), [error, header]);
        assert_eq!(kept(&[request, header]), [""; 0]);
        assert_eq!(kept(&["[info] x", header]), ["[info] x", header]);
        assert_eq!(kept(&["ffmpeg: cannot open shared object", request]).len(), 1);
    }

    #[test]
    fn clear_removes_lines_and_state() {
        let mut last = LastLines::new();
        put(&mut last, b"[error] old");
        last.clear();
        assert_eq!(last.iter().count(), 0);
        put(&mut last, b"[info] new");
        assert_eq!(last.iter().collect::<Vec<_>>(), [b"[info] new"]);
    }
}
