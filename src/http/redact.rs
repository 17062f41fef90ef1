//! Masks secrets in text that is about to be printed.
//!
//! Names remain and values are masked: every value of a query, every value of a header
//! that the user gave, the user part of a URL, its fragment, and anything in its path
//! that looks like a token. A parameter's name does not show whether its value is a
//! secret, so all values are masked; `-show-query` names those that are shown. If the
//! end of a secret is uncertain, more is masked rather than less. Works on the text
//! itself, so it must run before the text is quoted or escaped.

mod names;
mod token;
mod url;

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memmem};

/// Replaces a secret.
pub const MASK: &str = "***";

/// Ends a text that was cut, so that the start of a token is masked although it is too
/// short for one.
pub const CUT: char = '…';

/// Shortest secret value, in bytes, that is masked wherever it occurs; a shorter one
/// may be an ordinary word.
const VALUE_MIN_BYTES: usize = 10;

/// What is masked and what is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Masking {
    /// Names of query parameters whose values are shown, without percent-encoding.
    shown: Vec<String>,
    /// Names of the headers that the user gave.
    headers: Vec<String>,
    /// Values that are masked wherever they occur.
    values: Vec<String>,
}

/// The text with every secret masked; borrowed if there is none. Shows no value of a
/// query and knows no header of the user.
///
/// Linear in the length of the text. Masking twice has the effect of masking once.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    static NOTHING_SHOWN: Masking =
        Masking { shown: Vec::new(), headers: Vec::new(), values: Vec::new() };
    NOTHING_SHOWN.text(text)
}

impl Masking {
    /// Shows the values of these query parameters, and no others.
    #[must_use]
    pub fn showing(names: Vec<String>) -> Self {
        let decoded = |name: String| names::decoded(&name).map(Cow::into_owned);
        let shown = names.into_iter().filter_map(decoded).collect();
        Self { shown, ..Self::default() }
    }

    /// Masks the values of the user's headers, each `Name: value`, wherever FFmpeg
    /// prints them.
    #[must_use]
    pub fn with_headers(mut self, headers: &[String]) -> Self {
        for (name, value) in headers.iter().filter_map(|header| header.split_once(':')) {
            self.headers.push(name.trim().to_owned());
            self.push_value(value.trim());
        }
        self
    }

    /// Masks these values wherever they occur, if they have 10 bytes or more.
    #[must_use]
    pub fn with_values<'v>(mut self, values: impl IntoIterator<Item = &'v str>) -> Self {
        values.into_iter().for_each(|value| self.push_value(value));
        self
    }

    fn push_value(&mut self, value: &str) {
        if value.len() >= VALUE_MIN_BYTES && !value.contains(MASK) {
            self.values.push(value.to_owned());
        }
    }

    /// The text with every secret masked; borrowed if there is none.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut out = Output::new(text);
        let (mut at, mut after_bearer) = (0, false);
        while let Some(word) = next_word(text, at) {
            at = word.end;
            if after_bearer {
                out.mask(bare(text, word));
                after_bearer = false;
            } else {
                after_bearer = out.part(word.clone()).eq_ignore_ascii_case("bearer");
                at = self.mask_word(&mut out, word);
            }
        }
        self.without_values(out.finish())
    }

    /// A URL with every secret masked.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        let mut out = Output::new(url);
        match url.find("://") {
            Some(mark) => self.mask_url(&mut out, mark + 3, url.len()),
            None => self.mask_target(&mut out, 0, url.len()),
        }
        out.finish().into_owned()
    }

    /// Header fields, one a line, with every value masked.
    #[must_use]
    pub fn headers(&self, fields: &str) -> String {
        let mut out = Output::new(fields);
        let mut at = 0;
        for line in fields.split_inclusive('\n') {
            let end = at + line.trim_ascii_end().len();
            let value = memchr(b':', line.as_bytes()).map_or(at, |colon| at + colon + 1);
            let blanks = out.part(value..end).len() - out.part(value..end).trim_start().len();
            out.mask(value + blanks..end.max(value + blanks));
            at += line.len();
        }
        out.finish().into_owned()
    }

    fn shows(&self, name: &str) -> bool {
        !self.shown.is_empty()
            && names::decoded(name)
                .is_some_and(|name| self.shown.iter().any(|shown| *shown == name))
    }

    /// Masks the secrets in a word, and in what follows if they extend beyond it;
    /// returns where to continue.
    fn mask_word(&self, out: &mut Output<'_>, word: Range<usize>) -> usize {
        let text = out.text;
        let Range { start, end } = bare(text, word.clone());
        let bytes = out.part(start..end).as_bytes();
        let is_path = bytes.first() == Some(&b'/');
        // A query does not begin after `#` (RFC 3986 §3.4).
        let query = memchr2(b'?', b'#', bytes)
            .filter(|&mark| bytes.get(mark) == Some(&b'?') && mark + 1 < bytes.len());
        let rest_of_query = memchr(b'&', bytes).filter(|_| bytes.contains(&b'='));
        let first = |mark: &usize| {
            !is_path && [query, rest_of_query].iter().flatten().all(|other| mark < other)
        };
        // A later one belongs to a value.
        if let Some(mark) = memmem::find(bytes, b"://").filter(first) {
            let mark = start + mark;
            let is_scheme = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
            let before = out.part(start..mark).bytes().rev().take_while(is_scheme).count();
            mask_plain(out, start..mark - before);
            self.mask_url(out, mark + 3, end);
            return word.end;
        }
        // The name of a header precedes everything that belongs to a URL.
        let ends = [query, rest_of_query].into_iter().flatten().min().map(|mark| start + mark);
        let head = word.start..if is_path { word.start } else { ends.unwrap_or(word.end) };
        for mark in memchr_iter(b':', out.part(head).as_bytes()) {
            let mark = word.start + mark;
            if let Some(value) = self.header_value(out, mark) {
                let end = value.end.max(mark + 1);
                mask_plain(out, start..mark);
                out.mask(value);
                return end;
            }
        }
        match rest_of_query {
            _ if query.is_some() || is_path => self.mask_target(out, start, end),
            Some(mark) => {
                mask_plain(out, start..start + mark);
                self.mask_query(out, start + mark + 1, end);
            }
            None => mask_plain(out, start..end),
        }
        word.end
    }

    /// The value of the header whose name the `:` at `mark` ends, if it is a secret.
    fn header_value(&self, out: &Output<'_>, mark: usize) -> Option<Range<usize>> {
        let text = out.text;
        let before = out.part(out.copied..mark).trim_end_matches([' ', '\t']);
        let unquoted = before.strip_suffix(['"', '\'']).unwrap_or(before);
        let name = name_at_end(unquoted);
        let is_given = self.headers.iter().any(|given| given.eq_ignore_ascii_case(name));
        // A tag of a playlist is not a header (RFC 8216 §4.3).
        if !is_given && (!names::is_secret_header(name) || name.starts_with("EXT-X-")) {
            return None;
        }
        let opening = unquoted.strip_suffix(name).and_then(|start| start.bytes().next_back());
        // A quote that closes before the colon encloses the name alone, as in JSON.
        let quote = opening.filter(|q| matches!(q, b'"' | b'\'') && unquoted.len() == before.len());
        Some(value_after(text, mark + 1, quote))
    }

    /// Masks the known secret values.
    fn without_values<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        self.values.iter().fold(text, |text, value| {
            if text.contains(value.as_str()) {
                text.replace(value.as_str(), MASK).into()
            } else {
                text
            }
        })
    }
}

/// The masked text, built from the start.
struct Output<'t> {
    text: &'t str,
    masked: Option<String>,
    /// Bytes of the text that are in `masked`.
    copied: usize,
}

impl<'t> Output<'t> {
    const fn new(text: &'t str) -> Self {
        Self { text, masked: None, copied: 0 }
    }

    fn part(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    fn mask(&mut self, range: Range<usize>) {
        let secret = self.part(range.clone());
        if secret.is_empty() || secret == MASK || range.start < self.copied {
            return;
        }
        let masked = self.masked.get_or_insert_with(|| String::with_capacity(self.text.len()));
        masked.push_str(self.text.get(self.copied..range.start).unwrap_or_default());
        masked.push_str(MASK);
        self.copied = range.end;
    }

    fn finish(self) -> Cow<'t, str> {
        match self.masked {
            Some(mut masked) => {
                masked.push_str(self.text.get(self.copied..).unwrap_or_default());
                Cow::Owned(masked)
            }
            None => Cow::Borrowed(self.text),
        }
    }
}

/// Masks the secrets in a word that is neither URL nor header: the values of known
/// names, and tokens.
fn mask_plain(out: &mut Output<'_>, range: Range<usize>) {
    let mut at = range.start;
    for piece in out.part(range.clone()).split(['/', ',', ';', '|', '\'', '#']) {
        let whole = at..at + piece.len();
        at = whole.end + 1;
        let (name, value) = piece.split_once('=').unwrap_or(("", piece));
        let value_start = whole.end - value.len();
        if !name.is_empty() && names::is_secret_parameter(name) {
            // Such a value may contain any character, as Akamai's tokens do.
            let rest = out.part(value_start..range.end).trim_end_matches(':');
            out.mask(value_start..value_start + rest.len());
            return;
        }
        if token::is_token(value) {
            out.mask(value_start..value_start + token::stem_length(value));
        }
    }
}

/// The next word: text between blanks, control characters, `"`, `<` and `>`.
fn next_word(text: &str, from: usize) -> Option<Range<usize>> {
    let ends = |b: &u8| *b <= b' ' || *b == 0x7f || b"\"<>".contains(b);
    let rest = text.get(from..)?.as_bytes();
    let start = rest.iter().position(|b| !ends(b))?;
    let length = rest.get(start..)?.iter().position(ends).unwrap_or(rest.len() - start);
    Some(from + start..from + start + length)
}

/// A word without opening and closing punctuation. A `'` belongs to the word unless it
/// closes a quotation.
fn bare(text: &str, word: Range<usize>) -> Range<usize> {
    let whole = text.get(word.clone()).unwrap_or_default();
    let tail = whole.trim_start_matches(['(', '[', '{', '\'', '`']);
    let start = word.end - tail.len();
    let closed = tail.trim_end_matches([',', '.', ';', ':', ')', ']', '}', '`']);
    let closed = closed.strip_suffix('\'').unwrap_or(tail);
    start..start + closed.len()
}

/// The value of a header: to the end of its line, or to the closing quote if a quote
/// precedes the name.
fn value_after(text: &str, start: usize, quote: Option<u8>) -> Range<usize> {
    let value = text.get(start..).unwrap_or_default();
    let blanks = value.len() - value.trim_start_matches([' ', '\t']).len();
    let end = value
        .bytes()
        .enumerate()
        .skip(blanks)
        .find(|&(i, b)| matches!(b, b'\r' | b'\n') || (Some(b) == quote && closes(value, i, b)))
        .map_or(value.len(), |(i, _)| i);
    start + blanks..start + end
}

/// Whether the quote at `i` closes its string: it is neither escaped by `\` nor part of
/// a shell's `'\''`.
fn closes(value: &str, i: usize, quote: u8) -> bool {
    let before = value.get(..i).unwrap_or_default();
    let rest = value.get(i..).unwrap_or_default();
    let reopens = rest.starts_with("'\\''") || before.ends_with("'\\'");
    !(before.ends_with('\\') || (quote == b'\'' && reopens))
}

/// The name at the end of the text: letters, digits, `-`, `_`, `.`.
fn name_at_end(text: &str) -> &str {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let length = text.bytes().rev().take_while(|b| is_name(b)).count();
    text.get(text.len() - length..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
