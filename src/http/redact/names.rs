//! Names of headers and parameters whose values are secret wherever they occur.
//!
//! A second line of defence: values in a URL's query or a `-header` are masked under
//! any name. These names catch values elsewhere, such as in a line of FFmpeg that shows
//! a response, and cannot be complete.

use std::borrow::Cow;

use super::token;

/// Words that make the value of a name secret; a name is split at punctuation and
/// before capitals.
const WORDS: [&str; 22] = [
    "authorization",
    "auth",
    "cookie",
    "token",
    "key",
    "apikey",
    "accesskey",
    "sig",
    "sign",
    "signature",
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "jwt",
    "credential",
    "session",
    "sessionid",
    "hmac",
    "md5",
    "verify",
];

/// Whole names that do not consist of such words.
const WHOLE: [&str; 11] = [
    "sid",
    "policy",
    "hdnts",
    "hdnea",
    "hdntl",
    "hash",
    "jsessionid",
    "accesskeyid",
    "awsaccesskeyid",
    "accesstoken",
    "authtoken",
];

/// Words that may precede a colon without being the name of a header.
const PLAIN: [&str; 7] = ["key", "sign", "session", "pass", "verify", "md5", "auth"];

/// Longest name in characters; a longer one is a misplaced value.
const MAX_CHARS: usize = 48;

/// Whether a parameter of this name has a secret value outside of a query; `%74oken` is
/// `token`.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    decoded(name).is_none_or(|name| {
        let last = words(&name).last().unwrap_or_default();
        is_among(last, &WORDS) || is_among(&name, &WHOLE)
    })
}

/// Whether a header of this name has a secret value.
pub(super) fn is_secret_header(name: &str) -> bool {
    words(name).any(|word| is_among(word, &WORDS)) && !is_among(name, &PLAIN)
}

/// Whether the name of a parameter may be shown: short, of the characters of names, and
/// not a token itself.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-_.%[]:$+~*()!".contains(&b);
    name.len() <= MAX_CHARS
        && name.bytes().all(is_part)
        && decoded(name).is_some_and(|name| !token::is_token(&name))
}

/// Most rounds of percent-encoding that are undone: a URL in a URL in a URL.
const ROUNDS: usize = 3;

/// The text without percent-encoding, even if encoded several times; `None` if the
/// result is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        if !text.contains('%') {
            break;
        }
        text = Cow::Owned(decoded_once(&text)?);
    }
    Some(text)
}

fn decoded_once(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let byte = after.first_chunk::<2>().filter(|_| first == b'%').and_then(hexadecimal);
        out.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(out).ok()
}

fn hexadecimal(digits: &[u8; 2]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    let [high, low] = *digits;
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// The words of `stream-token`, `streamToken`, `stream_token` and `stream.token`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let bytes = rest.as_bytes();
            let begins = |pair: &[u8]| {
                matches!(pair, [one, two] if !one.is_ascii_uppercase() && two.is_ascii_uppercase())
            };
            let end = bytes.windows(2).position(begins).map_or(rest.len(), |at| at + 1);
            let (word, after) = rest.split_at(end);
            rest = after;
            (!word.is_empty()).then_some(word)
        })
    })
}

fn is_among(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_names_into_words() {
        for name in [
            "token",
            "TOKEN",
            "%74oken",
            "%2574oken",
            "accessKey",
            "stream_key",
            "sessionToken",
            "txSecret",
            "wsSecret",
            "wmsAuthSign",
            "X-Amz-Signature",
            "md5",
            "hdntl",
            "sid",
        ] {
            assert!(is_secret_parameter(name), "{name}");
        }
        for name in ["keyframe", "monkey", "variant", "exit_code", "sidecar", "policy-x", ""] {
            assert!(!is_secret_parameter(name), "{name}");
        }
        for name in ["Authorization", "Set-Cookie", "X-Token", "X-Auth", "X-Session-Id", "cookie"] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in ["Content-Type", "key", "Session", "Host", ""] {
            assert!(!is_secret_header(name), "{name}");
        }
    }

    #[test]
    fn decodes_repeated_encoding() {
        for (text, want) in [
            ("a%20b", Some("a b")),
            ("%252540", Some("@")),
            ("100%", Some("100%")),
            ("%zz%4", Some("%zz%4")),
            ("%ff", None),
        ] {
            assert_eq!(decoded(text).as_deref(), want, "{text}");
        }
    }
}
