//! The most frequent error patterns of FFmpeg's log, in bounded memory.
//!
//! A line is folded into a pattern: what differs from client to client and from
//! segment to segment (numbers, addresses, hashes, queries) becomes a placeholder, so
//! that equal errors are counted together. Patterns are counted by the Space-Saving scheme
//! (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k
//! Elements in Data Streams, 2005). The caller
//! decides which lines are errors. Secrets are masked before a line is folded.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hasher};

use memchr::memchr;

use crate::http::redact::redact;

/// Patterns counted at the same time. Every pattern with more than one line in 64 is
/// among them, and no count is too high by more than that share.
pub const MAX_PATTERNS: usize = 64;

/// Bytes of a pattern; lines that differ only beyond them are one pattern.
pub const PATTERN_BYTES: usize = 160;

/// Hexadecimal digits from which on a word is taken for a hash or an id.
const ID_DIGITS: usize = 8;

/// Shape of FFmpeg's own clock before a line (`datetime` of `-loglevel`); `0`
/// stands for any digit.
const CLOCK: &[u8] = b"0000-00-00 00:00:00.000 ";

/// Counts of patterns. A known pattern allocates nothing, and none does once
/// [`MAX_PATTERNS`] of full length were seen.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    slots: Vec<Slot>,
    lines: u64,
    /// The pattern of the current line.
    folded: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Slot {
    hash: u64,
    count: u64,
    /// How much of `count` may belong to patterns that had this slot before.
    overcount: u64,
    pattern: Vec<u8>,
}

/// A pattern and its count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frequent<'a> {
    /// The folded line, secrets masked; bytes of the log, not yet escaped.
    pub pattern: &'a [u8],
    /// Lines of this pattern, at most `overcount` too many.
    pub count: u64,
    /// Limit of the error of `count`; 0 until more than [`MAX_PATTERNS`] patterns were
    /// seen.
    pub overcount: u64,
}

impl Patterns {
    /// Counts a line, given without its end. A line without a word, such as `[error]`
    /// alone, is no pattern.
    pub fn add(&mut self, line: &[u8]) {
        // Masked before it is folded: with placeholders for its digits a token could
        // not be recognized.
        let text = String::from_utf8_lossy(line);
        fold(redact(&text).as_bytes(), &mut self.folded);
        self.lines += 1;
        if says_nothing(&self.folded) {
            return;
        }
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.folded);
        let hash = hasher.finish();
        let known = |slot: &&mut Slot| slot.hash == hash && slot.pattern == self.folded;
        if let Some(slot) = self.slots.iter_mut().find(known) {
            slot.count += 1;
        } else if self.slots.len() < MAX_PATTERNS {
            self.slots.push(Slot { hash, count: 1, overcount: 0, pattern: self.folded.clone() });
        } else if let Some(rarest) = self.slots.iter_mut().min_by_key(|slot| slot.count) {
            rarest.hash = hash;
            rarest.overcount = rarest.count;
            rarest.count += 1;
            rarest.pattern.clone_from(&self.folded);
        }
    }

    /// Lines counted.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// The `most` most frequent patterns, the most frequent first.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<Frequent<'_>> {
        let mut all: Vec<_> = self
            .slots
            .iter()
            .map(|slot| Frequent {
                pattern: &slot.pattern,
                count: slot.count,
                overcount: slot.overcount,
            })
            .collect();
        all.sort_unstable_by_key(|frequent| (Reverse(frequent.count), frequent.pattern));
        all.truncate(most);
        all
    }
}

/// Writes the pattern of `line` into `out`.
///
/// - Numbers, and words of eight hexadecimal digits or more with a digit among
///   them, become `#`, an address becomes `0x#`.
/// - Of a URL the scheme, host and port stay, the user part goes, the path is
///   folded like text and the query becomes `?*`.
/// - FFmpeg's clock at the beginning goes.
fn fold(line: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.reserve_exact(PATTERN_BYTES);
    let mut rest = without_clock(line);
    let mut in_url = false;
    while let Some(&first) = rest.first().filter(|_| out.len() < PATTERN_BYTES) {
        let (taken, shown) = if let Some(after) = rest.strip_prefix(b"://") {
            in_url = true;
            let authority = length(after, |b| !ends_url(b) && !b"/?#".contains(&b));
            push(out, b"://");
            (3 + authority, without_user(after.get(..authority).unwrap_or_default()))
        } else if first == b'?' && in_url {
            (length(rest, |b| !ends_url(b)), &b"?*"[..])
        } else if first.is_ascii_alphanumeric() {
            fold_word(rest, out)
        } else {
            in_url &= !ends_url(first);
            (1, rest.get(..1).unwrap_or_default())
        };
        push(out, shown);
        rest = rest.get(taken..).unwrap_or_default();
    }
}

/// Folds the word at the start of `rest`, or its part before the next run of digits.
/// Returns how many bytes were taken, and what replaces them. `out` shows whether a
/// word begins here.
fn fold_word<'a>(rest: &'a [u8], out: &[u8]) -> (usize, &'a [u8]) {
    let begins = !out.last().is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'#');
    let word = rest.get(..length(rest, |b| b.is_ascii_alphanumeric())).unwrap_or_default();
    let is_hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
    if let Some(address) = word.strip_prefix(b"0x").filter(|_| begins)
        && !address.is_empty()
        && is_hex(address)
    {
        return (word.len(), b"0x#");
    }
    let is_id = word.len() >= ID_DIGITS && is_hex(word) && word.iter().any(u8::is_ascii_digit);
    if begins && is_id {
        return (word.len(), b"#");
    }
    match length(word, |b| b.is_ascii_digit()) {
        0 => {
            let letters = length(word, |b| b.is_ascii_alphabetic());
            (letters, word.get(..letters).unwrap_or_default())
        }
        digits => (digits, b"#"),
    }
}

/// Whether a pattern has no word after FFmpeg's prefixes (`[hls @ 0x#] [error] `).
fn says_nothing(pattern: &[u8]) -> bool {
    let mut rest = pattern.trim_ascii_start();
    while let Some(end) = rest.strip_prefix(b"[").and_then(|_| memchr(b']', rest)) {
        rest = rest.get(end + 1..).unwrap_or_default().trim_ascii_start();
    }
    !rest.iter().any(|b| b.is_ascii_alphabetic() || !b.is_ascii())
}

/// How many bytes at the start satisfy `of`.
fn length(text: &[u8], of: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|&b| !of(b)).unwrap_or(text.len())
}

/// Whether a URL in a log ends at this byte.
fn ends_url(byte: u8) -> bool {
    byte <= b' ' || b"'\"<>".contains(&byte)
}

/// The host and port of an authority (RFC 3986 §3.2).
fn without_user(authority: &[u8]) -> &[u8] {
    authority.rsplit(|&b| b == b'@').next().unwrap_or_default()
}

fn without_clock(line: &[u8]) -> &[u8] {
    let fits = |(&shape, &byte): (&u8, &u8)| {
        if shape == b'0' { byte.is_ascii_digit() } else { byte == shape }
    };
    match line.split_at_checked(CLOCK.len()) {
        Some((clock, rest)) if CLOCK.iter().zip(clock).all(fits) => rest,
        _ => line,
    }
}

/// Appends as much as fits into a pattern.
fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    let room = PATTERN_BYTES.saturating_sub(out.len());
    out.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn folded(line: &str) -> String {
        let mut out = Vec::new();
        fold(line.as_bytes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn what_differs_from_line_to_line_is_folded() {
        let cases = [
            (
                "[hls @ 0x55d0c8f3a2c0] [warning] Failed to open segment 18 of playlist 0",
                "[hls @ 0x#] [warning] Failed to open segment # of playlist #",
            ),
            (
                "2026-11-23 01:51:19.937 [https @ 0x7f00] [error] HTTP error 404 Not Found",
                "[https @ 0x#] [error] HTTP error # Not Found",
            ),
            (
                "Opening 'http://u:p@cdn7.example.com:8080/live2/seg00018.ts?t=1&k=ab' for reading",
                "Opening 'http://cdn7.example.com:8080/live#/seg#.ts?*' for reading",
            ),
            ("http://10.0.0.1/?a=b", "http://10.0.0.1/?*"),
            ("http://h?a=b <http://[::1]:80/1>", "http://h?* <http://[::1]:80/#>"),
            (
                "tcp://127.0.0.1:17080: Connection refused",
                "tcp://127.0.0.1:17080: Connection refused",
            ),
            ("Really? Yes, 3.5 times", "Really? Yes, #.# times"),
            ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "id #-#f#-#d#-#a#c-#"),
            ("defaced effaced deadbeef facade12", "defaced effaced deadbeef #"),
            ("x264 0x 0xfg seg12ab", "x# #x #xfg seg#ab"),
            ("", ""),
            ("2026-11-23 nothing", "#-#-# nothing"),
        ];
        for (line, want) in cases {
            assert_eq!(folded(line), want);
        }
    }

    #[test]
    fn a_pattern_has_a_limit_and_no_user_part_survives_it() {
        let long = format!("{} tail", "word ".repeat(100));
        assert_eq!(folded(&long).len(), PATTERN_BYTES);
        let user = format!("http://{}:secret@host/a", "u".repeat(300));
        assert_eq!(folded(&user), "http://host/a");
    }

    #[test]
    fn the_most_frequent_come_first() {
        let mut patterns = Patterns::default();
        for (line, times) in [("b 1", 2), ("a 1", 2), ("c", 3), ("d", 1)] {
            (0..times).for_each(|_| patterns.add(line.as_bytes()));
        }
        let top: Vec<_> = patterns.top(3).iter().map(|f| (f.pattern, f.count)).collect();
        assert_eq!(top, [(&b"c"[..], 3), (b"a #", 2), (b"b #", 2)]);
        assert_eq!((patterns.lines(), patterns.top(9).len()), (8, 4));
    }

    #[test]
    fn a_line_without_a_word_is_counted_and_is_no_pattern() {
        let mut patterns = Patterns::default();
        let silent =
            ["[error] ", "[hls @ 0x55d0c8f3a2c0] [error]", " ", "[error] 12: 7", "[", "[a]]"];
        for line in silent {
            patterns.add(line.as_bytes());
        }
        assert_eq!((patterns.lines(), patterns.top(9).len()), (silent.len() as u64, 0));
        for line in ["[error] x", "[é", "[error] [é"] {
            patterns.add(line.as_bytes());
        }
        assert_eq!(patterns.top(9).len(), 3);
    }

    #[test]
    fn a_flood_of_patterns_allocates_nothing_more() {
        let mut patterns = Patterns::default();
        let mut rooms = Vec::new();
        for round in 0..20_000_u32 {
            let name: String =
                format!("{round:08}").bytes().map(|b| char::from(b - b'0' + b'g')).collect();
            patterns.add(format!("{name} ").repeat(50).as_bytes());
            if round == 1_000 {
                rooms = patterns.slots.iter().map(|slot| slot.pattern.as_ptr()).collect();
            }
        }
        let now: Vec<_> = patterns.slots.iter().map(|slot| slot.pattern.as_ptr()).collect();
        assert_eq!(now, rooms, "a pattern was reallocated");
        assert_eq!((now.len(), patterns.lines()), (MAX_PATTERNS, 20_000));
    }

    proptest! {
        #[test]
        fn any_line_is_folded_within_the_limit(line in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut out = Vec::new();
            fold(&line, &mut out);
            prop_assert!(out.len() <= PATTERN_BYTES);
            prop_assert_eq!(out.capacity(), PATTERN_BYTES);
            prop_assert!(line.is_empty() == out.is_empty() || line.len() == CLOCK.len());
        }

        #[test]
        fn folding_leaves_numbers_in_hosts_only_and_is_idempotent(
            line in "[a-z0-9 :/.?=@'-]{0,120}",
        ) {
            let once = folded(&line);
            if !once.contains("://") {
                prop_assert!(!once.replace("0x#", "").contains(|c: char| c.is_ascii_digit()));
                // An address keeps its prefix, which alone is no address.
                prop_assert!(once.contains("0x#") || folded(&once) == once);
            }
        }

        #[test]
        fn errors_of_counts_stay_within_their_limit(
            picks in prop::collection::vec(0..400_u32, 1..3_000),
        ) {
            let mut patterns = Patterns::default();
            let mut exact: HashMap<Vec<u8>, u64> = HashMap::new();
            for pick in &picks {
                // The square root makes some patterns far more frequent than others.
                let kind = f64::from(*pick).sqrt() as u32 * (pick % 7);
                let name: Vec<u8> = format!("{kind:03}").bytes().map(|b| b - b'0' + b'g').collect();
                patterns.add(&name);
                *exact.entry(name).or_default() += 1;
            }
            let lines = picks.len() as u64;
            let all = patterns.top(MAX_PATTERNS);
            for found in &all {
                let truth = exact.get(found.pattern).copied().unwrap_or(0);
                prop_assert!(truth <= found.count && found.count - found.overcount <= truth);
                prop_assert!(found.overcount * MAX_PATTERNS as u64 <= lines);
            }
            for (name, &times) in &exact {
                let kept = all.iter().any(|found| found.pattern == name.as_slice());
                prop_assert!(kept || times * MAX_PATTERNS as u64 <= lines, "{times} of {lines}");
            }
        }
    }
}
