//! Splits a byte stream into lines of bounded length.
//!
//! FFmpeg's stderr is unbuffered: a line can arrive in several reads, and several lines
//! in one. FFmpeg ends lines with LF, and its statistics with CR. Lines within one read
//! are passed on as slices of it; only the unfinished end of a read is copied, so
//! thousands of clients need almost no memory for this.

use memchr::memchr2_iter;

/// Longest line that is passed on, in bytes; the rest of a longer one is dropped.
/// FFmpeg's longest lines contain URLs, which origins limit to about 8 KiB, and nothing
/// after the URL of a line is parsed.
pub const LINE_LIMIT_BYTES: usize = 4096;

/// A buffer up to this size in bytes is kept between unfinished lines; a larger one is
/// freed.
const TAIL_KEPT_BYTES: usize = 512;

/// Joins reads into lines.
#[derive(Debug, Default)]
pub struct LineSplitter {
    /// The unfinished line, at most [`LINE_LIMIT_BYTES`].
    tail: Vec<u8>,
    /// Whether the unfinished line is longer than the part that is kept.
    cut: bool,
}

impl LineSplitter {
    /// A splitter at the start of a stream. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { tail: Vec::new(), cut: false }
    }

    /// Takes the next bytes of the stream and calls `each` with every line that they
    /// complete, without its end; empty lines are left out. The second argument says
    /// whether the line exceeded [`LINE_LIMIT_BYTES`] and was cut.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8], bool)) {
        let mut start = 0;
        for end in memchr2_iter(b'\n', b'\r', bytes) {
            let piece = bytes.get(start..end).unwrap_or_default();
            start = end + 1;
            if self.tail.is_empty() {
                pass_on(piece, &mut each);
            } else {
                self.keep(piece);
                self.finish(&mut each);
            }
        }
        self.keep(bytes.get(start..).unwrap_or_default());
    }

    /// The stream has ended: passes on the unfinished line.
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

    /// Appends to the unfinished line as much as fits.
    fn keep(&mut self, piece: &[u8]) {
        let room = LINE_LIMIT_BYTES.saturating_sub(self.tail.len());
        self.cut |= piece.len() > room;
        self.tail.extend_from_slice(piece.get(..room).unwrap_or(piece));
    }
}

fn pass_on(line: &[u8], each: &mut impl FnMut(&[u8], bool)) {
    match line.get(..LINE_LIMIT_BYTES) {
        _ if line.is_empty() => {}
        Some(head) => each(head, line.len() > LINE_LIMIT_BYTES),
        None => each(line, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Lines = Vec<(Vec<u8>, bool)>;

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
    }
}
