//! Splits a byte stream into lines of bounded length, and keeps the last of them.
//!
//! FFmpeg's stderr is unbuffered: a line can come in several reads, several lines
//! in one. It ends lines with LF, and its statistics with CR. Lines that lie
//! within one read are handed on as slices of it; only the unfinished end of a
//! read is copied, so thousands of clients need next to no memory for this.

use std::ops::Range;

use memchr::memchr2_iter;

use super::log::Level;
use crate::http::redact::CUT;

/// Longest line that is handed on, in bytes; the rest of a longer one is dropped.
/// FFmpeg's longest are URLs, which origins bound at about 8 KiB, and nothing
/// that is read from a line stands behind its URL.
pub const LINE_LIMIT_BYTES: usize = 4096;

/// A buffer up to this size is kept between unfinished lines; a larger one is
/// given back.
const TAIL_KEPT_BYTES: usize = 512;

/// Joins reads into lines.
#[derive(Debug, Default)]
pub struct LineSplitter {
    /// The unfinished line, at most [`LINE_LIMIT_BYTES`].
    tail: Vec<u8>,
    /// Whether the unfinished line is longer than what is kept of it.
    cut: bool,
}

impl LineSplitter {
    /// A splitter at the start of a stream. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { tail: Vec::new(), cut: false }
    }

    /// Takes the next bytes of the stream and hands every line that they complete
    /// to `each`, without its end; empty lines are left out. The second argument
    /// says whether the line was longer than [`LINE_LIMIT_BYTES`] and was cut.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8], bool)) {
        let mut start = 0;
        for end in memchr2_iter(b'\n', b'\r', bytes) {
            let piece = bytes.get(start..end).unwrap_or_default();
            start = end + 1;
            if self.tail.is_empty() {
                hand_on(piece, &mut each);
            } else {
                self.keep(piece);
                self.finish(&mut each);
            }
        }
        self.keep(bytes.get(start..).unwrap_or_default());
    }

    /// The stream has ended: hands on the line that was left unfinished.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8], bool)) {
        if !self.tail.is_empty() {
            each(&self.tail, self.cut);
        }
        self.cut = false;
        if self.tail.capacity() > TAIL_KEPT_BYTES {
            self.tail = Vec::new();
        } else {
            self.tail.clear();
        }
    }

    /// Adds to the unfinished line what still fits.
    fn keep(&mut self, piece: &[u8]) {
        let room = LINE_LIMIT_BYTES.saturating_sub(self.tail.len());
        self.cut |= piece.len() > room;
        self.tail.extend_from_slice(piece.get(..room).unwrap_or(piece));
    }
}

fn hand_on(line: &[u8], each: &mut impl FnMut(&[u8], bool)) {
    match line.get(..LINE_LIMIT_BYTES) {
        _ if line.is_empty() => {}
        Some(head) => each(head, line.len() > LINE_LIMIT_BYTES),
        None => each(line, false),
    }
}

/// Bytes of last lines kept for a client. Thousands of clients have this much.
pub const LAST_LINES_BYTES: usize = 1280;

/// Last lines kept for a client: FFmpeg needs two to four to tell a failure.
pub const LAST_LINES: usize = 8;

/// Bytes kept of one of the last lines, so that one cannot drive out all others.
pub const LAST_LINE_BYTES: usize = 400;

/// The last lines of a client's stderr: those that tell trouble, else those of level
/// info, such as what it opened last.
///
/// Of verbose and debug lines there are many, and they are read once, for what they
/// count; to keep each would cost as much as to read it. What people want to see of a
/// client that failed are its errors. So the first line of trouble drives out the
/// others, and from then on only trouble is kept. Allocates once, on the first line. Each client's lines are cold when the next comes, so a line is
/// written once, over the oldest, and nothing is moved.
#[derive(Debug, Default)]
pub struct LastLines {
    /// Lines, each whole; a new one goes behind the newest, or to the front where
    /// it does not fit there.
    bytes: Vec<u8>,
    /// Where the lines are; those kept begin at `oldest` and go round.
    places: [Place; LAST_LINES],
    oldest: u8,
    count: u8,
    trouble: bool,
    /// What the last line was that had a level. Before the first it is not FFmpeg that
    /// speaks: the dynamic linker says why the process dies.
    last: Weight,
}

/// What a line is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Weight {
    #[default]
    Trouble,
    Calm,
    /// It is not kept.
    Chatter,
}

/// Where a line is.
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

    /// Takes note of a line, given without its end.
    pub fn push(&mut self, line: &[u8], level: Level) {
        self.last = match level {
            Level::Fatal | Level::Error | Level::Warning => Weight::Trouble,
            Level::Info => Weight::Calm,
            Level::Verbose | Level::Debug => Weight::Chatter,
            // It goes on from the one before.
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

    /// The lines as text, oldest first, not masked. One that was cut says so, since
    /// what it ends with may be the beginning of a secret.
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

    /// Forgets all lines, for the next attempt; keeps the memory.
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
            // Those between the newest and the end of the memory are older than
            // those at its front.
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

    /// Where the place of a line is, counted from the oldest.
    fn position(&self, nth: u8) -> usize {
        (usize::from(self.oldest) + usize::from(nth)) % LAST_LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Lines = Vec<(Vec<u8>, bool)>;

    fn put(last: &mut LastLines, line: &[u8]) {
        last.push(line, super::super::log::parse(line).level);
    }

    fn split(chunks: &[&[u8]]) -> Lines {
        let mut lines = Lines::new();
        let mut splitter = LineSplitter::new();
        for chunk in chunks {
            splitter.feed(chunk, |line, cut| lines.push((line.to_vec(), cut)));
            assert!(splitter.tail.len() <= LINE_LIMIT_BYTES);
        }
        splitter.finish(|line, cut| lines.push((line.to_vec(), cut)));
        assert!(splitter.tail.capacity() <= TAIL_KEPT_BYTES);
        lines
    }

    /// The same by the standard library, from the whole stream at once.
    fn expected(stream: &[u8]) -> Lines {
        stream
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .filter(|line| !line.is_empty())
            .map(|line| match line.get(..LINE_LIMIT_BYTES) {
                Some(head) => (head.to_vec(), line.len() > LINE_LIMIT_BYTES),
                None => (line.to_vec(), false),
            })
            .collect()
    }

    #[test]
    fn lines_end_with_lf_cr_or_both() {
        let long = |length: usize| vec![b'x'; length];
        let cases: [(&[u8], &[&str]); 7] = [
            (b"", &[]),
            (b"\n\r\n\n", &[]),
            (b"one", &["one"]),
            (b"one\n", &["one"]),
            (b"one\r\ntwo", &["one", "two"]),
            (b"frame=1\rframe=2\r[hls] x\n", &["frame=1", "frame=2", "[hls] x"]),
            (b"\none\n\ntwo\n", &["one", "two"]),
        ];
        for (stream, lines) in cases {
            let wanted: Lines =
                lines.iter().map(|line| (line.as_bytes().to_vec(), false)).collect();
            assert_eq!(split(&[stream]), wanted);
        }
        for (length, cut) in [(LINE_LIMIT_BYTES, false), (LINE_LIMIT_BYTES + 1, true)] {
            let wanted = vec![(long(LINE_LIMIT_BYTES), cut), (b"next".to_vec(), false)];
            let stream = [long(length), b"\nnext\n".to_vec()].concat();
            assert_eq!(split(&[&stream]), wanted);
            assert_eq!(split(&stream.chunks(1000).collect::<Vec<_>>()), wanted);
        }
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_lines(
            lines in prop::collection::vec(("[a-z]{0,40}|x{4000,9000}", "\n|\r|\r\n|"), 0..12),
            sizes in prop::collection::vec(1..3000_usize, 1..40),
        ) {
            let stream: Vec<u8> = lines.iter().flat_map(|(line, end)| format!("{line}{end}").into_bytes()).collect();
            let mut rest = stream.as_slice();
            let mut chunks = Vec::new();
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, after) = rest.split_at(rest.len().min(*size));
                chunks.push(chunk);
                rest = after;
            }
            prop_assert_eq!(split(&chunks), expected(&stream));
        }

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
    }

    proptest! {
        #[test]
        fn what_is_kept_is_the_end_of_what_came(
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
    fn trouble_drives_out_chatter() {
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
    fn the_oldest_go_first() {
        let lines: Vec<String> = (0..20).map(|number| format!("[info] {number}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(kept(&lines), lines[20 - LAST_LINES..]);
    }

    #[test]
    fn a_line_without_a_level_goes_on_from_the_one_before() {
        let header = "Connection: keep-alive";
        let (request, error) = ("[http @ 0x1] [debug] request: GET / HTTP/1.1", "[error] x");
        assert_eq!(kept(&[error, request, header]), [error]);
        assert_eq!(kept(&[request, error, header]), [error, header]);
        assert_eq!(kept(&[request, header]), [""; 0]);
        assert_eq!(kept(&["[info] x", header]), ["[info] x", header]);
        assert_eq!(kept(&["ffmpeg: cannot open shared object", request]).len(), 1);
    }

    #[test]
    fn clear_forgets_lines_and_trouble() {
        let mut last = LastLines::new();
        put(&mut last, b"[error] old");
        last.clear();
        assert_eq!(last.iter().count(), 0);
        put(&mut last, b"[info] new");
        assert_eq!(last.iter().collect::<Vec<_>>(), [b"[info] new"]);
    }
}
