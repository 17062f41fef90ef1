//! Masks credentials in any text that is about to be printed.
//!
//! Three shapes are known: the user part of a URL, the value of a header that
//! carries a credential, and the value of a token-like query parameter. Where
//! the end of a secret cannot be told, more is masked rather than less. Masks
//! the text itself, so it is to be used before the text is quoted or escaped.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr2, memrchr};

/// What stands for a secret.
const MASK: &str = "***";

/// Ends of header names whose value is a credential.
const HEADER_ENDS: [&str; 6] =
    ["authorization", "cookie", "api-key", "auth-token", "access-token", "security-token"];

/// Query parameters whose value is a credential: generic, CloudFront's, AWS's and
/// Akamai's.
const PARAMETERS: [&str; 16] = [
    "auth",
    "session",
    "sessionid",
    "session_id",
    "jsessionid",
    "sid",
    "policy",
    "key-pair-id",
    "x-amz-credential",
    "accesskeyid",
    "awsaccesskeyid",
    "hdnts",
    "hdnea",
    "hdntl",
    "hmac",
    "hash",
];

/// Last parts of names of query parameters (`stream_token`, `api-key`) whose
/// value is a credential.
const PARAMETER_ENDS: [&str; 13] = [
    "token",
    "key",
    "apikey",
    "accesstoken",
    "authtoken",
    "sig",
    "signature",
    "password",
    "passwd",
    "pwd",
    "secret",
    "jwt",
    "credential",
];

/// The text with every credential masked; borrowed if there is none.
///
/// Idempotent, and linear in the length of the text.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = memchr2(b':', b'=', rest(text, at).as_bytes()) {
        let mark = at + found;
        at = mark + 1;
        let Some(secret) = secret_at(text, mark, copied) else { continue };
        at = secret.end.max(at);
        let masked = text.get(secret.clone()).unwrap_or_default();
        if masked.is_empty() || masked == MASK {
            continue;
        }
        let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
        out.push_str(text.get(copied..secret.start).unwrap_or_default());
        out.push_str(MASK);
        copied = secret.end;
    }
    match out {
        Some(mut out) => {
            out.push_str(rest(text, copied));
            Cow::Owned(out)
        }
        None => Cow::Borrowed(text),
    }
}

/// The secret that the `:` or `=` at `mark` announces, if any.
fn secret_at(text: &str, mark: usize, from: usize) -> Option<Range<usize>> {
    let before = text.get(from..mark)?;
    if text.as_bytes().get(mark) == Some(&b'=') {
        return is_secret_parameter(name_at_end(before)).then(|| parameter_value(text, mark + 1));
    }
    if rest(text, mark).starts_with("://") {
        return user_part(text, mark + 3);
    }
    let before = before.trim_end_matches([' ', '\t']);
    let unquoted = before.strip_suffix(['"', '\'']).unwrap_or(before);
    let name = name_at_end(unquoted);
    if !ends_with_any(name, &HEADER_ENDS) {
        return None;
    }
    let opening = unquoted.strip_suffix(name).and_then(|start| start.bytes().next_back());
    // A quote that closes before the mark quotes the name alone, as in JSON.
    let quote = opening.filter(|q| matches!(q, b'"' | b'\'') && unquoted.len() == before.len());
    Some(header_value(text, mark + 1, quote))
}

/// The part of a URL before `@`; the authority begins at `start` (RFC 3986 §3.2).
fn user_part(text: &str, start: usize) -> Option<Range<usize>> {
    let authority = rest(text, start);
    let ends = |b: u8| matches!(b, b'/' | b'?' | b'#' | b'"' | b'<' | b'>') || is_blank(b);
    let end = authority.bytes().position(ends).unwrap_or(authority.len());
    let user = memrchr(b'@', authority.as_bytes().get(..end)?)?;
    Some(start..start + user)
}

/// The value of a header, to the end of its line; if a quote stands before the
/// name, to the quote that closes it.
fn header_value(text: &str, start: usize, quote: Option<u8>) -> Range<usize> {
    let value = rest(text, start);
    let blanks = value.len() - value.trim_start_matches([' ', '\t']).len();
    let end = value
        .bytes()
        .enumerate()
        .skip(blanks)
        .find(|&(i, b)| matches!(b, b'\r' | b'\n') || (Some(b) == quote && closes(value, i, b)))
        .map_or(value.len(), |(i, _)| i);
    start + blanks..start + end
}

/// Whether the quote at `i` closes its string: it is not escaped by `\`, nor a
/// shell's `'\''`.
fn closes(value: &str, i: usize, quote: u8) -> bool {
    let before = value.get(..i).unwrap_or_default();
    let reopens = rest(value, i).starts_with("'\\''") || before.ends_with("'\\'");
    !(before.ends_with('\\') || (quote == b'\'' && reopens))
}

/// The value of a query parameter. A `'` belongs to it unless it closes a
/// quotation.
fn parameter_value(text: &str, start: usize) -> Range<usize> {
    let value = rest(text, start);
    let ends = |b: u8| matches!(b, b'&' | b'#' | b'"' | b'<' | b'>') || is_blank(b);
    let end = value.bytes().position(ends).unwrap_or(value.len());
    let value = value.get(..end).unwrap_or_default();
    let closing = value.trim_end_matches([',', '.', ';', ':', ')']);
    let end = closing.strip_suffix('\'').map_or(end, str::len);
    start..start + end
}

/// The name that ends the text: letters, digits, `-`, `_`, `.`.
fn name_at_end(text: &str) -> &str {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let length = text.bytes().rev().take_while(|b| is_name(b)).count();
    rest(text, text.len() - length)
}

fn is_secret_parameter(name: &str) -> bool {
    let last = name.rsplit(['-', '_', '.']).next().unwrap_or(name);
    PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
        || PARAMETER_ENDS.iter().any(|known| last.eq_ignore_ascii_case(known))
}

/// Whether the name ends with one of these, compared without case.
fn ends_with_any(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| {
        let start = name.len().checked_sub(end.len());
        start.and_then(|start| name.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    })
}

/// White space and control characters end what is written without quotes.
fn is_blank(b: u8) -> bool {
    b <= b' ' || b == 0x7f
}

fn rest(text: &str, from: usize) -> &str {
    text.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn masks_credentials() {
        let cases = [
            ("http://user:pass@host/a", "http://***@host/a"),
            ("https://user@host", "https://***@host"),
            ("http://u:p@w@host:80/a@b", "http://***@host:80/a@b"),
            ("http://u:p@h http://x:y@i", "http://***@h http://***@i"),
            ("Authorization: Bearer abc.def", "Authorization: ***"),
            ("authorization:abc", "authorization:***"),
            ("Proxy-Authorization : Basic YTpi", "Proxy-Authorization : ***"),
            ("A: b\r\nCookie: sid=1; x=2\r\nC: d", "A: b\r\nCookie: ***\r\nC: d"),
            ("Set-Cookie:\ta=b", "Set-Cookie:\t***"),
            ("X-Api-Key: 123", "X-Api-Key: ***"),
            ("-header 'Cookie: a=b' http://h", "-header 'Cookie: ***' http://h"),
            (r"'Cookie: it'\''s' -v", "'Cookie: ***' -v"),
            (r#""Authorization: Digest u=\"x\"" y"#, r#""Authorization: ***" y"#),
            (r#"Authorization: Digest username="x", a"#, "Authorization: ***"),
            (r#"{"Cookie": "a=b"}"#, r#"{"Cookie": ***"#),
            ("http://h/a?token=abc&x=1", "http://h/a?token=***&x=1"),
            ("http://h/a?x=1&ACCESS_TOKEN=abc#f", "http://h/a?x=1&ACCESS_TOKEN=***#f"),
            ("?stream-token=a&sig=b&api_key=c", "?stream-token=***&sig=***&api_key=***"),
            ("?hdnts=exp=1~acl=/*~hmac=ab", "?hdnts=***"),
            ("?Policy=a&Signature=b&Key-Pair-Id=c", "?Policy=***&Signature=***&Key-Pair-Id=***"),
            ("?X-Amz-Signature=a&X-Amz-Credential=b", "?X-Amz-Signature=***&X-Amz-Credential=***"),
            ("?X-Amz-Security-Token=a&auth=b", "?X-Amz-Security-Token=***&auth=***"),
            ("Opening 'http://h/?token=abc' for", "Opening 'http://h/?token=***' for"),
            ("('?token=it's'),", "('?token=***'),"),
            ("password=hunter2 jwt=x", "password=*** jwt=***"),
            ("http://h/?token=\u{e9}\u{1f600}&a", "http://h/?token=***&a"),
        ];
        for (text, want) in cases {
            assert_eq!(redact(text), want);
            assert!(matches!(redact(want), Cow::Borrowed(_)), "{want} is masked again");
        }
    }

    #[test]
    fn leaves_the_rest_alone() {
        let cases = [
            "",
            "http://host:80/a@b?c=d&keyframe=1",
            "HTTP error 404 Not Found",
            "Unable to open key file: No such file",
            "[hls @ 0x1] Opening 'http://h/s.ts' for reading",
            "-probe-failure-policy=x",
            "-variant=all -clients=5 -seed=1",
            "monkey=1 ?token= ?token=&a=b",
            "::==://@",
            "mail u:p@h",
        ];
        for text in cases {
            assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}: {}", redact(text));
        }
    }

    proptest! {
        #[test]
        fn is_idempotent(text in any::<String>()) {
            let once = redact(&text).into_owned();
            prop_assert_eq!(redact(&once), once.as_str());
        }

        #[test]
        fn is_idempotent_on_its_own_alphabet(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "http", "://", ":", "@", "/", "?", "&", "=", "token", "Cookie", "authorization",
                    "key", "a", " ", "\t", "\r\n", "'", "\"", "\\", "\\'", "***", "*", "-", "_", ";",
                    "\u{e9}", "#", ",",
                ]),
                0..24,
            ),
        ) {
            let once = redact(&parts.concat()).into_owned();
            prop_assert_eq!(redact(&once), once.as_str());
        }

        #[test]
        fn no_secret_survives(
            before in "[ -~\r\n]{0,20}",
            secret in "SECRET[A-Za-z0-9+/=._~%-]{0,20}SECRET",
            after in "[ -~\r\n]{0,20}",
            shape in 0_usize..5,
        ) {
            let middle = match shape {
                0 => format!("http://user:{}@host/", secret.replace('/', "")),
                1 => format!("\nAuthorization: Bearer {secret}\r\n"),
                2 => format!("\nset-cookie: a=b; c={secret}\r\n"),
                3 => format!("?token={secret}&"),
                _ => format!("&a=b&X-Amz-Signature={secret} "),
            };
            let text = format!("{before}{middle}{after}");
            prop_assert!(!redact(&text).contains("SECRET"), "{} in {text:?}", redact(&text));
        }
    }
}
