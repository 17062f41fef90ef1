//! Recognizes a token in a path or a word: long, and not composed as names are.
//!
//! A name (`stream_1080p_6000k`) consists of words and numbers, a token of characters
//! drawn at random. The measure is the share of adjacent characters that are common in
//! names: two digits, or two letters of one case that often follow each other.
//!
//! Measured on 5,000 random tokens of each kind with 22 to 86 characters: of base64 and
//! base62 none is missed, of base32 and of lower case with digits under 0.3 %, of lower
//! case alone under 2 %, of hexadecimal numbers and UUIDs, which are recognized by
//! their alphabet, under 0.1 %.

/// Shortest token, in characters: MD5 in base64, as nginx's `secure_link` has it.
pub(super) const MIN_CHARS: usize = 22;

/// Shortest run of digits that is a token: longer than a time in nanoseconds.
const MIN_DIGITS: usize = 24;

/// Fewest pairs for a judgement; with fewer, a short name among punctuation could look
/// random.
const MIN_PAIRS: usize = 10;

/// Smallest share of common pairs in a name, in percent.
const NAME_PERCENT: usize = 58;

/// Fewest distinct characters of a token; a line of dashes or of one letter is none.
const MIN_DIFFERENT: u32 = 8;

/// Start of a JSON Web Token: `{"` in base64url (RFC 7519 §3.1).
const JWT_HEAD: &str = "eyJ";

/// Shortest text with this start that is a JSON Web Token or a part of one.
const JWT_MIN_CHARS: usize = 12;

/// The letters that often follow `a`, `b`, `c`, …: the 226 pairs that make up 80 % of
/// all pairs in 16,731 words of English technical texts.
const FOLLOWERS: [&str; 26] = [
    "bcdgiklmnprstuvwy",
    "aeilou",
    "aehiklortu",
    "aeiosu",
    "abcdefgilmnopqrstvwxy",
    "aefioru",
    "aeioru",
    "aeiou",
    "abcdefgklmnoprstvxz",
    "aeou",
    "aeio",
    "adeilostuy",
    "aeiopu",
    "acdefginostuy",
    "abcdfgiklmnoprstuvw",
    "aehiloprtuy",
    "u",
    "acdeimnorstuy",
    "acehiopstuy",
    "aehiorstuy",
    "abcdegilmnprst",
    "aeio",
    "aeio",
    "ei",
    "ps",
    "e",
];

/// File name extensions in HLS, which are kept when the rest is masked.
const EXTENSIONS: [&str; 18] = [
    ".m3u8", ".m3u", ".ts", ".m4s", ".mp4", ".m4a", ".m4v", ".m4i", ".cmfv", ".cmfa", ".cmft",
    ".aac", ".mp3", ".ac3", ".ec3", ".vtt", ".key", ".init",
];

/// Length of a piece without its file name extension.
pub(super) fn stem_length(piece: &str) -> usize {
    let known = EXTENSIONS.iter().find(|extension| piece.ends_with(**extension));
    piece.len() - known.map_or(0, |extension| extension.len())
}

/// Whether the text, or a part of it between punctuation, is a token.
pub(super) fn is_token(text: &str) -> bool {
    let parts = |splits: fn(char) -> bool| text.split(splits);
    let is_sign = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if parts(is_sign).any(|part| part.starts_with(JWT_HEAD) && part.len() >= JWT_MIN_CHARS) {
        return true;
    }
    text.len() >= MIN_CHARS
        && (is_hexadecimal(text)
            || looks_random(text)
            || parts(is_sign).any(looks_random)
            || parts(|c| !c.is_ascii_alphanumeric()).any(|run| looks_random(run) || is_digits(run)))
}

/// Whether the text is a hexadecimal number, whole or in groups: letters and digits,
/// the letters of one case.
fn is_hexadecimal(text: &str) -> bool {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is = |run: &&str| {
        let letters = |of: fn(&u8) -> bool| run.bytes().any(|b| of(&b));
        let one_case = !(letters(u8::is_ascii_lowercase) && letters(u8::is_ascii_uppercase));
        run.bytes().all(|b| b.is_ascii_hexdigit()) && one_case
    };
    let (mut chars, mut letters, mut digits) = (0, 0, 0);
    for run in runs.filter(is) {
        chars += run.len();
        digits += run.bytes().filter(u8::is_ascii_digit).count();
    }
    letters += chars - digits;
    chars >= MIN_CHARS && letters > 0 && digits > 0 && letters * 12 >= chars
}

fn is_digits(run: &str) -> bool {
    run.len() >= MIN_DIGITS && run.bytes().all(|b| b.is_ascii_digit())
}

/// Whether too few adjacent characters are common in names.
fn looks_random(text: &str) -> bool {
    if text.len() < MIN_CHARS {
        return false;
    }
    let (mut pairs, mut usual, mut different) = (0, 0, 0_u128);
    let mut before = [b' ', b' '];
    for byte in text.bytes() {
        let [earlier, last] = before;
        different |= 1_u128.checked_shl(byte.into()).unwrap_or_default();
        if last.is_ascii_alphanumeric() && byte.is_ascii_alphanumeric() {
            pairs += 1;
            usual += usize::from(is_usual(earlier, last, byte));
        }
        before = [last, byte];
    }
    pairs >= MIN_PAIRS
        && different.count_ones() >= MIN_DIFFERENT
        && usual * 100 < pairs * NAME_PERCENT
}

/// Whether `next` often follows `last` in names; `earlier` shows whether `last` may be
/// the capital of a word.
fn is_usual(earlier: u8, last: u8, next: u8) -> bool {
    if last.is_ascii_digit() && next.is_ascii_digit() {
        return true;
    }
    let is_capital = last.is_ascii_uppercase() && !earlier.is_ascii_uppercase();
    let fits = last.is_ascii_uppercase() == next.is_ascii_uppercase() || is_capital;
    let place = usize::from(last.to_ascii_lowercase().wrapping_sub(b'a'));
    let followers = FOLLOWERS.get(place).copied().unwrap_or_default();
    fits && followers.as_bytes().contains(&next.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

    use super::*;

    const NAMES: &str = include_str!("../../../tests/data/names_of_streams.txt");

    #[test]
    fn names_of_streams_and_segments_are_not_tokens() {
        for name in NAMES.lines() {
            assert!(!is_token(name), "{name}");
        }
        assert!(NAMES.lines().filter(|name| name.len() >= MIN_CHARS).count() > 30);
    }

    #[test]
    fn recognizes_known_tokens() {
        for token in [
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "_e4Nc3iduzkWRm01TBBNYw",
            "5d41402abc4b2a76b9719d911017c592",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "f08e80da-bf1d-4e3d-8899-f0f6155f6efa",
            "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY",
            "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "playlist_5d41402abc4b2a76b9719d911017c592",
            "123456789012345678901234",
        ] {
            assert!(is_token(token), "{token}");
        }
    }

    #[test]
    fn misses_few_random_tokens() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let lower = letters.to_lowercase();
        let kinds = [
            (format!("{letters}{lower}0123456789-_"), 22, 2),
            (format!("{letters}{lower}0123456789"), 24, 2),
            ("0123456789abcdef".to_owned(), 24, 3),
            ("0123456789ABCDEF".to_owned(), 40, 0),
            (format!("{letters}234567"), 26, 15),
            (format!("{lower}0123456789"), 24, 15),
            (lower.clone(), 24, 120),
        ];
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        for (alphabet, length, missed_of_5000) in kinds {
            let alphabet = alphabet.as_bytes();
            let mut missed = 0;
            for _ in 0..5_000 {
                let pick = |_| char::from(alphabet[random.next_u32() as usize % alphabet.len()]);
                let token: String = (0..length).map(pick).collect();
                missed += usize::from(!is_token(&token));
            }
            assert!(missed <= missed_of_5000, "{missed} of {}", String::from_utf8_lossy(alphabet));
        }
    }

    #[test]
    fn stem_excludes_the_extension() {
        for (piece, stem) in [("a.m3u8", 1), ("a.b", 3), ("", 0), (".ts", 0)] {
            assert_eq!(stem_length(piece), stem, "{piece}");
        }
    }
}
