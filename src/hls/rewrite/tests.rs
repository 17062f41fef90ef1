//! Rewriting of realistic playlists and of arbitrary bytes.

use proptest::prelude::*;

use super::*;
use crate::hls::{Scheme, without_tls};

fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    rewrite(text, |uri| without_tls(uri, Scheme::Https))
}

/// Puts `[` and `]` around every URI.
fn marked(text: &str) -> String {
    let mark = |uri: &[u8]| Some([b"[", uri, b"]"].concat());
    String::from_utf8(rewrite(text.as_bytes(), mark).into_owned()).unwrap()
}

/// Every URI in the order of the text.
fn uris(text: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    rewrite(text, |uri| -> Option<&[u8]> {
        found.push(uri.to_vec());
        None
    });
    found
}

#[test]
fn replaces_every_uri_and_nothing_else() {
    for (text, want) in [
        ("#EXTM3U", "#EXTM3U"),
        ("#EXTM3U\na.ts", "#EXTM3U\n[a.ts]"),
        ("\u{feff}#EXTM3U\r\n\r\n#EXTINF:2,a.ts\r\n \ta b.ts?c=\"d\", \r\n", {
            "\u{feff}#EXTM3U\r\n\r\n#EXTINF:2,a.ts\r\n \t[a b.ts?c=\"d\",] \r\n"
        }),
        ("#EXTM3U\r#EXTINF:2,\ra.ts\r\rb.ts", "#EXTM3U\r#EXTINF:2,\r[a.ts]\r\r[b.ts]"),
        ("#EXTM3U x-url=\"a\"\n# b\n#\n##c\n", "#EXTM3U x-url=\"a\"\n# b\n#\n##c\n"),
        ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0xaB\n", {
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"[k]\",IV=0xaB\n"
        }),
        ("#EXTM3U\n#EXT-X-KEY:METHOD=NONE\na", "#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n[a]"),
        ("#EXTM3U\n#EXT-X-MAP: URI=i.mp4 , BYTERANGE=\"7@0\"\n", {
            "#EXTM3U\n#EXT-X-MAP: URI=[i.mp4] , BYTERANGE=\"7@0\"\n"
        }),
        ("#EXTM3U\n#EXT-X-MEDIA:NAME=\"URI=x\",URI=\"a,b\",X-URI=\"c\"\n", {
            "#EXTM3U\n#EXT-X-MEDIA:NAME=\"URI=x\",URI=\"[a,b]\",X-URI=\"c\"\n"
        }),
        ("#EXTM3U\n#EXT-X-STREAM-INF:CODECS=\"a,b\",AUDIO=\"a\"\n#c\n\nv/a\n", {
            "#EXTM3U\n#EXT-X-STREAM-INF:CODECS=\"a,b\",AUDIO=\"a\"\n#c\n\n[v/a]\n"
        }),
        ("#EXTM3U\n#EXT-X-NEW:URI=\"a\",URI=b,C\n#EXTOLD:URI=\"a\"\n#URI=\"a\"\n", {
            "#EXTM3U\n#EXT-X-NEW:URI=\"[a]\",URI=[b],C\n#EXTOLD:URI=\"a\"\n#URI=\"a\"\n"
        }),
        ("#EXTM3U\n#EXT-X-KEY:URI=\"open\nb\n", "#EXTM3U\n#EXT-X-KEY:URI=\"[open]\n[b]\n"),
        ("#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:00:00Z\na\n", {
            "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:00:00Z\n[a]\n"
        }),
        ("<html>\nhttps://h/a\n", "<html>\nhttps://h/a\n"),
    ] {
        assert_eq!(marked(text), want);
    }
}

#[test]
fn knows_every_tag_of_the_rfc_with_a_uri() {
    for tag in [
        "KEY:METHOD=AES-128",
        "MAP:BYTERANGE=\"1@0\"",
        "MEDIA:TYPE=AUDIO",
        "I-FRAME-STREAM-INF:BANDWIDTH=1",
        "SESSION-KEY:METHOD=AES-128",
        "SESSION-DATA:DATA-ID=\"a.b\"",
        "PART:DURATION=0.3",
        "PRELOAD-HINT:TYPE=PART",
        "RENDITION-REPORT:LAST-MSN=1",
    ] {
        let text = format!("#EXTM3U\n#EXT-X-{tag},URI=\"https://h/x\",LAST=1\n");
        let want = text.replace("https://h/", "http://h:443/");
        assert_eq!(plain(text.as_bytes()), want.as_bytes(), "{tag}");
    }
}

#[test]
fn borrows_an_unchanged_text() {
    let text = b"#EXTM3U\n#EXT-X-MAP:URI=\"i\"\na.ts\n//h/b\nhttp://h/c\n";
    let own = |uri: &[u8]| Some(uri.to_vec());
    assert!(matches!(rewrite(text, own), Cow::Borrowed(_)));
    assert!(matches!(rewrite(text, |uri| without_tls(uri, Scheme::Http)), Cow::Borrowed(_)));
    assert!(matches!(plain(text), Cow::Owned(_)));
}

#[test]
fn encodes_bytes_that_would_end_a_uri() {
    let text = b"#EXTM3U\n#EXT-X-A:URI=\"a\",URI=b,C=1\nc\n";
    let new = rewrite(text, |_| Some("#\" ,\r\n\0y"));
    let want = "#EXTM3U\n#EXT-X-A:URI=\"#%22 ,%0D%0A%00y\",URI=#\"%20%2C%0D%0A%00y,C=1\n\
                %23\" ,%0D%0A%00y\n";
    assert_eq!(String::from_utf8_lossy(&new), want);
    let new = rewrite(text, |_| Some("\"#"));
    let want = "#EXTM3U\n#EXT-X-A:URI=\"%22#\",URI=%22#,C=1\n\"#\n";
    assert_eq!(String::from_utf8_lossy(&new), want);
}

/// Valid and invalid parts, from which random playlists are made.
const PARTS: [&str; 20] = [
    "#EXTM3U",
    "\n",
    "\r\n",
    "\r",
    "\0",
    " ",
    "#EXT-X-KEY:",
    "URI=",
    "\"",
    ",",
    "=",
    "https://h/a",
    "//h:1/b",
    "c.ts",
    "#EXTINF:2,",
    "#EXT-X-STREAM-INF:",
    "METHOD=AES-128",
    "\u{feff}",
    "#",
    ":",
];

fn any_playlist() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        9 => prop::sample::select(&PARTS[..]).prop_map(|part| part.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    let body = prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat());
    body.prop_map(|body| [b"#EXTM3U\n", body.as_slice()].concat())
}

proptest! {
    #[test]
    fn identity_changes_no_byte(text in any_playlist()) {
        // As a copy: each URI is cut out and inserted again.
        let copied = rewrite(&text, |uri| Some(uri.to_vec()));
        prop_assert_eq!(&*copied, &text[..]);
        prop_assert!(matches!(copied, Cow::Borrowed(_)));
    }

    #[test]
    fn rewritten_text_has_the_new_uris(text in any_playlist()) {
        let new = rewrite(&text, |uri| Some([b"x", uri, b"y"].concat()));
        let want: Vec<_> = uris(&text).iter().map(|uri| [b"x", &uri[..], b"y"].concat()).collect();
        prop_assert_eq!(uris(&new), want);
        let back = rewrite(&new, |uri| Some(uri[1..uri.len() - 1].to_vec()));
        prop_assert_eq!(&*back, &text[..]);
    }

    #[test]
    fn leaves_no_https(text in any_playlist()) {
        let new = plain(&text);
        prop_assert!(uris(&new).iter().all(|uri| without_tls(uri, Scheme::Https).is_none()));
        prop_assert!(matches!(plain(&new), Cow::Borrowed(_)));
    }

    #[test]
    fn accepts_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(&*rewrite(&bytes, |uri| Some(uri.to_vec())), &bytes[..]);
        let text = [b"#EXTM3U\n#EXT-X-A:", bytes.as_slice()].concat();
        prop_assert_eq!(&*rewrite(&text, |uri| Some(uri.to_vec())), &text[..]);
    }
}
