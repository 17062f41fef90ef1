//! The known word that a mistyped one most likely stands for.
//!
//! Knows only words; the message is the caller's.

/// Longest word considered, in characters: every known one has less than half, and the
/// cost grows with the square.
const MAX_CHARS: usize = 40;

/// Fewest characters that count as the start of a word.
const MIN_PREFIX_CHARS: usize = 2;

/// The known word nearest to the typed one, if it starts with it or is at most one
/// mistake in three letters away, ignoring case.
pub(super) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = typed.chars().count();
    if length > MAX_CHARS {
        return None;
    }
    let typed = typed.to_lowercase();
    let mistakes = |word: &str| {
        let begun = length >= MIN_PREFIX_CHARS && word.starts_with(&typed);
        if begun { 0 } else { distance(&typed, word) }
    };
    let measured = known.into_iter().map(|word| (mistakes(word), word));
    let (mistakes, word) = measured.min_by_key(|&(mistakes, _)| mistakes)?;
    (mistakes <= (length / 3).clamp(1, 3)).then_some(word)
}

/// Mistakes between two words: an extra, a missing, a wrong or two swapped letters
/// (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
        let mut beside = None;
        for (j, &y) in b.iter().enumerate() {
            let other = at(&row, j) + usize::from(x != y);
            let mut least = other.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if last == Some(y) && beside == Some(x) && j > 0 {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
            beside = Some(y);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(x);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_mistakes() {
        let cases = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("json", "json", 0),
            ("jsno", "json", 1),
            ("jason", "json", 1),
            ("son", "json", 1),
            ("jzon", "json", 1),
            ("ab", "ba", 1),
            ("warn", "error", 4),
        ];
        for (a, b, mistakes) in cases {
            assert_eq!(distance(a, b), mistakes, "{a} {b}");
            assert_eq!(distance(b, a), mistakes, "{b} {a}");
        }
    }

    #[test]
    fn suggests_near_words_only() {
        let known = ["all", "highest", "lowest", "first"];
        let cases = [
            ("hihgest", Some("highest")),
            ("high", Some("highest")),
            ("HIGHEST", Some("highest")),
            ("frist", Some("first")),
            ("al", Some("all")),
            ("best", None),
            ("q", None),
            ("", None),
            ("everything", None),
        ];
        for (typed, meant) in cases {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(MAX_CHARS + 1), known), None);
    }
}
