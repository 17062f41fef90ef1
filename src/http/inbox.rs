//! Received bytes that are not used yet, and the end of the first request head in them.
//!
//! Examines every byte once, however small the pieces in which it arrives. Does not
//! interpret a head.

/// What the inbox begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// An incomplete head, or nothing.
    Partial,
    /// A complete head of this many bytes, its empty line included.
    Complete(usize),
    /// The start of a head that is longer than the limit.
    TooLong,
}

/// Received bytes that are not used yet. Holds no memory while it is empty.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Bytes at the front that are used.
    used: usize,
    /// Unused bytes known to contain no end of a head.
    scanned: usize,
}

impl Inbox {
    /// Appends what was received.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.used > 0 {
            self.bytes.drain(..self.used.min(self.bytes.len()));
            self.used = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes not yet used.
    #[must_use]
    pub fn unused(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    /// Removes up to `count` bytes from the front; returns how many.
    pub fn consume(&mut self, count: usize) -> usize {
        let taken = count.min(self.unused().len());
        self.used += taken;
        self.scanned = 0;
        if self.used == self.bytes.len() {
            *self = Self::default();
        }
        taken
    }

    /// Searches for the empty line that ends a head of at most `limit` bytes.
    ///
    /// A line may end in LF alone, and empty lines before the request line are
    /// skipped (RFC 9112 §2.2).
    pub fn scan(&mut self, limit: usize) -> Scan {
        self.skip_empty_lines();
        let bytes = self.bytes.get(self.used..).unwrap_or_default();
        if bytes == b"\r" {
            return Scan::Partial;
        }
        let bounded = bytes.get(..limit).unwrap_or(bytes);
        let unseen = bounded.get(self.scanned..).unwrap_or_default();
        let end = memchr::memchr_iter(b'\n', unseen)
            .map(|found| self.scanned + found)
            .find(|&line_end| ends_empty_line(bounded, line_end));
        match end {
            Some(line_end) => Scan::Complete(line_end + 1),
            None if bytes.len() >= limit => Scan::TooLong,
            None => {
                self.scanned = bounded.len();
                Scan::Partial
            }
        }
    }

    fn skip_empty_lines(&mut self) {
        if self.scanned > 0 {
            return;
        }
        let rest = self.unused();
        let mut skipped = 0;
        loop {
            match rest.get(skipped..) {
                Some([b'\r', b'\n', ..]) => skipped += 2,
                Some([b'\n', ..]) => skipped += 1,
                _ => break,
            }
        }
        self.consume(skipped);
    }
}

/// Whether the LF at `line_end` follows the LF of the line before it.
fn ends_empty_line(bytes: &[u8], line_end: usize) -> bool {
    let before = bytes.get(..line_end).unwrap_or_default();
    before.ends_with(b"\n") || before.ends_with(b"\n\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 20;

    fn scan_in_pieces(bytes: &[u8], piece: usize) -> (Scan, usize) {
        let mut inbox = Inbox::default();
        for chunk in bytes.chunks(piece) {
            inbox.push(chunk);
            let scan = inbox.scan(LIMIT);
            if scan != Scan::Partial {
                return (scan, inbox.unused().len());
            }
        }
        (Scan::Partial, inbox.unused().len())
    }

    #[test]
    fn finds_the_end_of_a_head() {
        let cases: [(&[u8], Scan); 12] = [
            (b"", Scan::Partial),
            (b"a", Scan::Partial),
            (b"\r", Scan::Partial),
            (b"\r\n\r\n", Scan::Partial),
            (b"a\r\n\r", Scan::Partial),
            (b"a\r\n\r\n", Scan::Complete(5)),
            (b"a\n\n", Scan::Complete(3)),
            (b"a\n\r\n", Scan::Complete(4)),
            (b"\r\n\na\r\n\r\n", Scan::Complete(5)),
            (b"a\r\r\n\r\n", Scan::Complete(6)),
            (b"0123456789abcdef\r\n\r\n", Scan::Complete(20)),
            (b"0123456789abcdefg\r\n\r\n", Scan::TooLong),
        ];
        for (bytes, want) in cases {
            for piece in 1..=bytes.len().max(1) {
                assert_eq!(scan_in_pieces(bytes, piece).0, want, "{bytes:?} by {piece}");
            }
        }
    }

    #[test]
    fn an_empty_inbox_holds_no_memory() {
        let mut inbox = Inbox::default();
        inbox.push(b"a\n\nrest");
        assert_eq!(inbox.scan(LIMIT), Scan::Complete(3));
        assert_eq!(inbox.consume(3), 3);
        assert_eq!(inbox.unused(), b"rest");
        assert_eq!(inbox.consume(9), 4);
        assert_eq!(inbox.bytes.capacity(), 0);
    }
}
