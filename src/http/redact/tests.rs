//! Tests of redaction: every secret is masked, and nothing else.

use proptest::prelude::*;

use super::*;

#[test]
fn masks_every_value_of_a_url_and_keeps_every_name() {
    let cases = [
        ("http://user:pass@host/a", "http://***@host/a"),
        ("https://user@host", "https://***@host"),
        ("http://u:p@w@host:80/a@b", "http://***@host:80/a@b"),
        ("http://u:p@h http://x:y@i", "http://***@h http://***@i"),
        ("http://h/a?token=abc&x=1", "http://h/a?token=***&x=***"),
        ("http://h/a?accessKey=a&%74oken=b#f", "http://h/a?accessKey=***&%74oken=***#***"),
        ("http://h/a?x", "http://h/a?***"),
        ("http://h/a?dGVzdA==", "http://h/a?***=="),
        ("http://h/a?dGVzdA=", "http://h/a?***="),
        ("http://h/a?live=&b=1", "http://h/a?live=&b=***"),
        ("http://h/a?u=http://i/b?c=d&e=f", "http://h/a?u=***&e=***"),
        ("http://h/a?u=http%3A%2F%2Fi%3Ftoken%3Dx", "http://h/a?u=***"),
        ("?hdnts=exp=1~acl=/*~hmac=ab", "?hdnts=***"),
        ("GET /live/a.m3u8?st=abc&e=1 HTTP/1.1", "GET /live/a.m3u8?st=***&e=*** HTTP/1.1"),
        ("a.m3u8?sign=abc", "a.m3u8?sign=***"),
        ("Opening 'http://h/?token=abc' for", "Opening 'http://h/?token=***' for"),
        ("('?token=it's'),", "('?token=***'),"),
        ("http://h/?token=\u{e9}\u{1f600}&a=b", "http://h/?token=***&a=***"),
        ("http://h/?a=b: Connection refused", "http://h/?a=*** Connection refused"),
        ("x&st=abc&e=1", "x&st=***&e=***"),
        ("/a.m3u8?md5=a+SECRET: refused", "/a.m3u8?md5=*** refused"),
        ("/a.m3u8?u=http://i/?k=v&w=x", "/a.m3u8?u=***&w=***"),
        ("/a#b?c", "/a#***"),
    ];
    for (text, want) in cases {
        assert_eq!(redact(text), want);
        assert!(matches!(redact(want), Cow::Borrowed(_)), "{want} is masked again");
    }
}

#[test]
fn masks_tokens_in_a_path_and_keeps_names() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
    let cases = [
        ("http://h/hdntl=exp=1~acl=%2f*~hmac=abc/a/b.ts", "http://h/hdntl=***/a/b.ts"),
        ("http://h/exp=1700000000~acl=~hmac=ab/b.ts", "http://h/exp=***/b.ts"),
        ("http://h/token=x/b.ts", "http://h/token=***/b.ts"),
        ("http://h/q=high/b.ts", "http://h/q=high/b.ts"),
        ("http://h/a;jsessionid=1A2B/b;v=1", "http://h/a;jsessionid=***/b;v=***"),
        (&format!("http://h/{jwt}/b.ts"), "http://h/***/b.ts"),
        ("http://h/s/_e4Nc3iduzkWRm01TBBNYw/1700000000/b.ts", "http://h/s/***/1700000000/b.ts"),
        ("http://h/5d41402abc4b2a76b9719d911017c592.ts", "http://h/***.ts"),
        ("http://h/p/http://u:p@i/b", "http://h/p/http://***@i/b"),
        ("http://h/p/http%3A%2F%2Fu%3Ap%40i/b", "http://h/p/***/b"),
        ("http://h/p/%3Ftoken%3Dx", "http://h/p/***"),
        (
            "http://h/Live%20TV/stream_1080p_6000k/seg00018.ts",
            "http://h/Live%20TV/stream_1080p_6000k/seg00018.ts",
        ),
        ("GET /hdntl=exp=1~hmac=abcdefgh/a.ts HTTP/1.1", "GET /hdntl=***/a.ts HTTP/1.1"),
        (&format!("cannot read {jwt}, ended"), "cannot read ***, ended"),
        ("http://h/live/abc…", "http://h/live/***…"),
    ];
    for (text, want) in cases {
        assert_eq!(redact(text), want);
        assert!(matches!(redact(want), Cow::Borrowed(_)), "{want} is masked again");
    }
}

#[test]
fn masks_values_of_known_names_outside_of_urls() {
    let cases = [
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("authorization:abc", "authorization:***"),
        ("Proxy-Authorization : Basic YTpi", "Proxy-Authorization : ***"),
        ("A: b\r\nCookie: sid=1; x=2\r\nC: d", "A: b\r\nCookie: ***\r\nC: d"),
        ("Set-Cookie:\ta=b", "Set-Cookie:\t***"),
        ("X-Api-Key: 123\nX-Session-Id: 4", "X-Api-Key: ***\nX-Session-Id: ***"),
        ("CloudFront-Signature: 1", "CloudFront-Signature: ***"),
        ("-header 'Cookie: a=b' http://h", "-header 'Cookie: ***' http://h"),
        (r"'Cookie: it'\''s' -v", "'Cookie: ***' -v"),
        (r#""Authorization: Digest u=\"x\"" y"#, r#""Authorization: ***" y"#),
        (r#"Authorization: Digest username="x", a"#, "Authorization: ***"),
        (r#"{"Cookie": "a=b"}"#, r#"{"Cookie": ***"#),
        ("password=hunter2 jwt=x", "password=*** jwt=***"),
        ("hdntl=exp=1~acl=/*~hmac=ab/x.ts", "hdntl=***"),
        ("sent Bearer abc, refused", "sent Bearer *** refused"),
    ];
    for (text, want) in cases {
        assert_eq!(redact(text), want);
        assert!(matches!(redact(want), Cow::Borrowed(_)), "{want} is masked again");
    }
}

#[test]
fn keeps_ordinary_text() {
    let cases = [
        "",
        "http://host:80/a@b",
        "HTTP error 404 Not Found",
        "Really? Yes, 3.5 times",
        "Unable to open key file: No such file",
        "[hls @ 0x55d0c8f3a2c0] Opening 'http://h/s.ts' for reading",
        "[hls @ 0x1] [info] Skip ('#EXT-X-KEY:METHOD=AES-128')",
        "tcp://127.0.0.1:80: Connection refused",
        "-probe-failure-policy=x",
        "-variant=all -clients=5 -seed=1",
        "key: value of session: none",
        "monkey=1 exit_code=143 outcome=http_error",
        "/usr/lib/x86_64-linux-gnu/ffmpeg-7.1/bin/ffmpeg",
        "[in#0/hls @ 0x1] [error] Error during demuxing: Input/output error",
        "::==://@",
        "mail u:p@h",
    ];
    for text in cases {
        assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}: {}", redact(text));
    }
}

#[test]
fn shows_the_values_of_named_parameters_only() {
    let masking = Masking::showing(vec!["quality".to_owned(), "a b".to_owned()]);
    for (text, want) in [
        ("http://h/?quality=high&x=1", "http://h/?quality=high&x=***"),
        ("http://h/?qualit%79=high", "http://h/?qualit%79=high"),
        ("http://h/?a%20b=1&Quality=2", "http://h/?a%20b=1&Quality=***"),
        ("http://u:p@h/?quality=#x", "http://***@h/?quality=#***"),
    ] {
        assert_eq!(masking.text(text), want);
        assert_eq!(masking.url(text), want);
    }
}

#[test]
fn masks_user_headers_by_name_and_value() {
    let given = ["X-Odd: opensesame1".to_owned(), "X-Short: 1".to_owned()];
    let masking = Masking::default().with_headers(&given);
    for (text, want) in [
        ("x-odd: opensesame1", "x-odd: ***"),
        ("X-Short: 1\nHost: h", "X-Short: ***\nHost: h"),
        ("refused opensesame1 of us, 1", "refused *** of us, 1"),
        ("argument 'X-Odd: opensesame1", "argument 'X-Odd: ***"),
    ] {
        assert_eq!(masking.text(text), want);
    }
    let block = "X-Odd: opensesame1\r\nHost:h\r\nbad\r\n";
    assert_eq!(masking.headers(block), "X-Odd: ***\r\nHost:***\r\n***\r\n");
    assert_eq!(masking.headers("A:"), "A:");
}

/// Where secrets occur in the output of FFmpeg and of this program.
const PLACES: [&str; 22] = [
    "http://user:SECRET@host/",
    "http://SECRET@host/a.ts",
    "Opening 'http://h/a?st=SECRET' for reading",
    "http://h/a?x=1&BARE ",
    "http://h/a?BARE= ",
    "http://h/a?%74oken=SECRET&b",
    "http://h/a?u=http://i/?k=SECRET",
    "http://h/a#SECRET",
    "http://h/hdntl=exp=1~hmac=SECRET/b.ts",
    "http://h/a;jsessionid=SECRET/b",
    "/live/x.m3u8?md5=SECRET",
    "x.m3u8?verify=SECRET",
    "/live/x.m3u8?k=SECRET&u=http://i/?k=v",
    "/live/x.m3u8?u=http://i/?k=SECRET",
    "x.m3u8?k=SECRET&u=http://i/",
    "&k=SECRET&u=http://i/?a=b",
    "\nAuthorization: Bearer SECRET\r\n",
    "\nset-cookie: a=b; c=SECRET\r\n",
    "\nX-Odd: SECRET\r\n",
    "&a=b&X-Amz-Signature=SECRET ",
    "http://h/LONG/b.ts",
    "text LONG text",
];

/// Whether `masked` is `text` with parts of it replaced by the mask.
fn is_left_of(masked: &str, text: &str) -> bool {
    let mut rest = text.chars();
    masked.replace('*', "").chars().all(|left| rest.any(|character| character == left))
}

proptest! {
    #[test]
    fn masking_only_removes(text in any::<String>()) {
        let once = redact(&text).into_owned();
        prop_assert!(is_left_of(&once, &text), "{once:?} of {text:?}");
        prop_assert!(is_left_of(&redact(&once), &once), "{} of {once:?}", redact(&once));
    }

    #[test]
    fn masking_only_removes_from_its_own_alphabet(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "http", "://", ":", "@", "/", "?", "&", "=", "token", "Cookie", "authorization",
                "key", "a", " ", "\t", "\r\n", "'", "\"", "\\", "\\'", "***", "*", "-", "_", ";",
                "\u{e9}", "#", ",", "…", "%", "%3D", "eyJhbGciOiJI", ".", "Bearer", ")",
                "5d41402abc4b2a76b9719d911017c592",
            ]),
            0..24,
        ),
    ) {
        let text = parts.concat();
        let once = redact(&text).into_owned();
        prop_assert!(is_left_of(&once, &text), "{once:?} of {text:?}");
        prop_assert!(is_left_of(&redact(&once), &once), "{} of {once:?}", redact(&once));
    }

    #[test]
    fn no_secret_survives(
        before in "[ -~\r\n]{0,20}",
        secret in "SECRET[A-Za-z0-9+=._~%-]{0,20}SECRET",
        long in "[0-9a-f]{32}",
        after in "[ -~\r\n]{0,20}",
        place in prop::sample::select(PLACES.to_vec()),
    ) {
        // The text before must not change what the place is.
        let before = format!("{before} ");
        let bare = secret.replace(['=', '~'], "");
        let middle = place.replace("SECRET", &secret).replace("LONG", &long).replace("BARE", &bare);
        let text = format!("{before}{middle}{after}");
        let masking = Masking::default().with_headers(&["X-Odd: x".to_owned()]);
        let shown = masking.text(&text);
        prop_assert!(!shown.contains("SECRET"), "{shown} of {text:?}");
        prop_assert!(!shown.contains(&long) || before.contains(&long), "{shown} of {text:?}");
    }

    #[test]
    fn a_whole_url_has_no_secret(
        secret in "SECRET[!-~]{0,20}SECRET",
        place in 0_usize..4,
    ) {
        let url = match place {
            0 => format!("http://user:{}@host/", secret.replace(['/', '?', '#'], "")),
            1 => format!("http://h/a?x={secret}"),
            2 => format!("http://h/a?{}", secret.replace(['=', '&', '#'], "")),
            _ => format!("http://h/token={}", secret.replace(['/', '?', '#', ';'], "")),
        };
        let shown = redact(&url);
        let whole = Masking::default().url(&url);
        prop_assert!(!whole.contains("SECRET"), "{whole} of {url:?}");
        prop_assert!(secret.contains(['"', '<', '>']) || !shown.contains("SECRET"), "{shown}");
    }
}
