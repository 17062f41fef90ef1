//! Which parts of a URL are masked: the user part, every value of the query, the
//! fragment, and the pieces of the path that look like tokens.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::{CUT, Masking, Output, names, token};

/// Shortest value of `name=value` in a path, in characters, that is masked whatever its
/// name.
const LONG_VALUE_CHARS: usize = 8;

/// Text that, if percent-encoding hides it, shows that a piece of a path is itself a
/// URL or a query.
const ENCODED: [&str; 6] = ["=", "?", "&", "@", "#", "://"];

impl Masking {
    /// Masks a URL whose authority begins at `start` (RFC 3986 §3.2).
    pub(super) fn mask_url(&self, out: &mut Output<'_>, start: usize, end: usize) {
        let rest = out.part(start..end).as_bytes();
        let length = rest.iter().position(|b| b"/?#".contains(b)).unwrap_or(rest.len());
        if let Some(user) = memrchr(b'@', rest.get(..length).unwrap_or_default()) {
            out.mask(start..start + user);
        }
        self.mask_target(out, start + length, end);
    }

    /// Masks a path with its query and its fragment.
    pub(super) fn mask_target(&self, out: &mut Output<'_>, start: usize, end: usize) {
        let text = out.part(start..end).as_bytes();
        let fragment = memchr(b'#', text).map_or(end, |at| start + at);
        let query = memchr(b'?', out.part(start..fragment).as_bytes());
        let query = query.map_or(fragment, |at| start + at);
        let mut at = start;
        for piece in out.part(start..query).split('/') {
            mask_segment(out, at..at + piece.len());
            at += piece.len() + 1;
        }
        if query < fragment {
            self.mask_query(out, query + 1, fragment);
        }
        if fragment < end {
            out.mask(fragment + 1..end);
        }
    }

    /// Masks the values of a query; a piece without a name is a value.
    pub(super) fn mask_query(&self, out: &mut Output<'_>, start: usize, end: usize) {
        let mut at = start;
        for piece in out.part(start..end).split('&') {
            let whole = at..at + piece.len();
            at = whole.end + 1;
            let Some((name, value)) = piece.split_once('=') else {
                out.mask(whole);
                continue;
            };
            // Base64 without a name ends in `=` as well.
            let is_flag = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let is_value = value == "=" || (value.is_empty() && !is_flag(name));
            if is_value || !names::is_name(name) {
                out.mask(whole.start..whole.start + name.len());
            }
            if value != "=" && !self.shows(name) {
                out.mask(whole.end - value.len()..whole.end);
            }
        }
    }
}

/// Masks the secrets in a piece of a path between slashes.
fn mask_segment(out: &mut Output<'_>, mut range: Range<usize>) {
    // A URL within the path has an authority of its own.
    let is_authority = out.part(0..range.start).ends_with("//");
    if let Some(user) = memrchr(b'@', out.part(range.clone()).as_bytes()).filter(|_| is_authority) {
        out.mask(range.start..range.start + user);
        range.start += user;
    }
    let mut at = range.start;
    for (nth, piece) in out.part(range).split(';').enumerate() {
        let whole = at..at + piece.len();
        at = whole.end + 1;
        match piece.split_once('=') {
            // Parameters of a segment (RFC 3986 §3.3), such as `;jsessionid=`.
            Some((_, value)) if nth > 0 => out.mask(whole.end - value.len()..whole.end),
            _ => mask_piece(out, whole),
        }
    }
}

fn mask_piece(out: &mut Output<'_>, range: Range<usize>) {
    let piece = out.part(range.clone());
    if let Some(known) = piece.strip_suffix(CUT) {
        // A cut piece may be the start of a token.
        out.mask(range.start..range.start + known.len());
        return;
    }
    let Some(decoded) = names::decoded(piece) else {
        out.mask(range);
        return;
    };
    let hides = |sign: &&str| decoded.matches(*sign).count() > piece.matches(*sign).count();
    if ENCODED.iter().any(hides) {
        out.mask(range);
        return;
    }
    match piece.split_once('=') {
        Some((name, value)) => {
            let value_start = range.end - value.len();
            if !names::is_name(name) {
                out.mask(range.start..value_start - 1);
            }
            if value.len() >= LONG_VALUE_CHARS || names::is_secret_parameter(name) {
                out.mask(value_start..range.end);
            }
        }
        None if token::is_token(&decoded) => {
            out.mask(range.start..range.start + token::stem_length(piece));
        }
        None => {}
    }
}
