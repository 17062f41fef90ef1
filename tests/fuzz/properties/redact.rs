//! Masking only removes, and leaves no value of a URL or a header.
//!
//! An input is a text, and also a secret that is put into every place of secrets.

use ffmpeg_hls_swarm::http::redact::{Masking, redact};

/// Places of secrets: the text before and after one.
const PLACES: [(&str, &str); 7] = [
    ("Opening 'http://h/a?st=", "' for reading"),
    ("http://user:", "@h/a"),
    ("/live/a.m3u8?u=1&%74oken=", " HTTP/1.1"),
    ("/a?u=http://i/?k=", "&v=http://i/"),
    ("http://h/token=", "/a.ts"),
    ("http://h/a;jsessionid=", "/b"),
    ("\nX-Odd: ", "\r\n"),
];

/// Encloses a secret, so that any remaining part of it is found.
const MARK: &str = "7Hunter2";

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let masking = Masking::default().with_headers(&["X-Odd: opensesame1".to_owned()]);
    for masked in [redact(&text), masking.text(&text)] {
        assert!(is_left_of(&masked, &text), "{masked:?} of {text:?}");
        assert!(is_left_of(&redact(&masked), &masked), "{} of {masked:?}", redact(&masked));
    }
    assert!(!masking.headers(&format!("A: {MARK}{text}")).contains(MARK));
    let inside: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || "+~._-".contains(*c)).collect();
    let secret = format!("{MARK}{inside}{MARK}");
    for (before, after) in PLACES {
        let whole = format!("{before}{secret}{after}");
        assert!(!masking.text(&whole).contains(MARK), "{whole} is {}", masking.text(&whole));
    }
}

/// Whether `masked` is `text` with parts of it replaced by the mask.
fn is_left_of(masked: &str, text: &str) -> bool {
    let mut rest = text.chars();
    masked.replace('*', "").chars().all(|left| rest.any(|character| character == left))
}
