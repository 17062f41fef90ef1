//! The origin's responses to the requests of clients at chosen points in time.

use std::time::Duration;

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};

use super::*;
use crate::hls::{Document, rewrite};
use crate::http::Status;

/// 2026-11-23 07:00 UTC: segment 897,708,600 begins.
const NOW_SECS: u64 = 1_795_417_200;
const NOW_INDEX: u64 = 897_708_600;

fn origin() -> Origin {
    Origin::new(StreamSettings::default()).unwrap()
}

fn moment(secs: u64) -> Moment {
    Moment { wall: Wall::from_unix_nanos(secs * 1_000_000_000), ..Moment::default() }
}

fn ask(origin: &mut Origin, secs: u64, path: &str, fields: &[(&'static str, &str)]) -> Response {
    ask_by(origin, Method::Get, secs, path, fields)
}

fn ask_by(
    origin: &mut Origin,
    method: Method,
    secs: u64,
    path: &str,
    fields: &[(&'static str, &str)],
) -> Response {
    let headers: Vec<_> = fields
        .iter()
        .map(|(name, value)| httparse::Header { name, value: value.as_bytes() })
        .collect();
    let request = Request::new(method, path, &headers);
    origin.respond(moment(secs), &request)
}

fn status(path: &str, secs: u64) -> u16 {
    ask(&mut origin(), secs, path, &[]).status.0
}

fn bytes(response: &Response) -> &[u8] {
    response.body.bytes()
}

fn field<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_ref())
}

fn document(playlist: &Response) -> Document<'_> {
    Document::read(bytes(playlist)).unwrap()
}

fn text(uri: &[u8]) -> String {
    String::from_utf8(uri.to_vec()).unwrap()
}

/// The URIs of the variants or segments of a playlist.
fn names(playlist: &Response) -> Vec<String> {
    match document(playlist) {
        Document::Master(master) => master.variants.iter().map(|v| text(v.uri)).collect(),
        Document::Media(media) => media.segments.iter().map(|s| text(s.uri)).collect(),
    }
}

/// The URIs of the key and the initialization section that all segments share.
fn key_and_init(playlist: &Response) -> (Option<String>, Option<String>) {
    let Document::Media(media) = document(playlist) else { panic!("no media playlist") };
    let of = |segment| {
        let key = media.keys(segment).first().and_then(|key| key.uri);
        (key.map(text), segment.map.map(|map| text(map.uri)))
    };
    let first = of(&media.segments[0]);
    assert!(media.segments.iter().all(|segment| of(segment) == first));
    first
}

#[test]
fn serves_every_name_in_a_playlist() {
    let mut origin = origin();
    for form in Form::all() {
        let root = form.folder();
        let master = ask(&mut origin, NOW_SECS, &format!("{root}stream.m3u8"), &[]);
        let playlists = names(&master);
        assert_eq!(playlists.len(), 3);
        for (number, path) in playlists.iter().enumerate() {
            let playlist = ask(&mut origin, NOW_SECS, &format!("{root}{path}"), &[]);
            assert_eq!(field(&playlist, "Content-Type"), Some("application/vnd.apple.mpegurl"));
            assert_eq!(field(&playlist, "Cache-Control"), Some("max-age=1"));
            for name in names(&playlist) {
                let segment = ask(&mut origin, NOW_SECS, &format!("{root}v{number}/{name}"), &[]);
                assert_eq!(segment.status, Status(200));
                let expected = origin.variants[number].segment_bytes(form);
                assert_eq!(bytes(&segment).len() as u64, expected);
                assert_eq!(field(&segment, "Content-Type"), Some(media_type(form)));
                assert_eq!(field(&segment, "Accept-Ranges"), Some("bytes"));
            }
            let (key, init) = key_and_init(&playlist);
            let key = key.map(|uri| {
                let name = uri.strip_prefix("../").unwrap();
                ask(&mut origin, NOW_SECS, &format!("{root}{name}"), &[])
            });
            assert_eq!(key.as_ref().map(|key| bytes(key).len()), form.encrypted.then_some(16));
            let init = init.map(|uri| {
                let path = format!("{root}v{number}/{uri}");
                ask(&mut origin, NOW_SECS, &path, &[])
            });
            let init = init.as_ref().map(|init| (init.status, field(init, "Content-Type")));
            let has_init = form.container == Container::Fmp4;
            assert_eq!(init, has_init.then_some((Status(200), Some("video/mp4"))));
        }
    }
}

#[test]
fn rewriting_changes_the_uris_only() {
    let mut origin = origin();
    for form in Form::all() {
        for path in ["stream.m3u8", "v0/index.m3u8"] {
            let playlist = ask(&mut origin, NOW_SECS, &format!("{}{path}", form.folder()), &[]);
            let mut count = 0;
            let moved = rewrite(bytes(&playlist), |uri| {
                count += 1;
                Some([b"https://cdn/", uri].concat())
            });
            let others =
                usize::from(form.encrypted) + usize::from(form.container == Container::Fmp4);
            let in_tags = if path == "stream.m3u8" { 0 } else { others };
            assert_eq!(count, names(&playlist).len() + in_tags, "{form:?} {path}");
            assert_eq!(text(&moved).replace("https://cdn/", "").as_bytes(), bytes(&playlist));
        }
    }
}

#[test]
fn encrypted_forms_decrypt_to_the_clear_ones() {
    let mut origin = origin();
    let mut get = |path: &str| bytes(&ask(&mut origin, NOW_SECS, path, &[])).to_vec();
    let key: [u8; 16] = get("/aes/key").try_into().unwrap();
    let number = u128::from(NOW_INDEX - 1);
    let stated = get("/aes/fmp4/v0/index.m3u8");
    let (_, iv) = std::str::from_utf8(&stated).unwrap().split_once(",IV=0x").unwrap();
    let stated = u128::from_str_radix(&iv[..32], 16).unwrap();
    let cases = [
        (format!("v1/{}.ts", NOW_INDEX - 1), "", number),
        (format!("v1/{}.m4s", NOW_INDEX - 1), "fmp4/", stated),
        (String::from("v1/init.mp4"), "fmp4/", stated),
    ];
    for (name, container, iv) in cases {
        let hidden = get(&format!("/aes/{container}{name}"));
        let cipher = cbc::Decryptor::<aes::Aes128>::new(&key.into(), &iv.to_be_bytes().into());
        let read = cipher.decrypt_padded_vec::<Pkcs7>(&hidden).unwrap();
        assert!(read == get(&format!("/{container}{name}")), "{container}{name}");
    }
}

#[test]
fn forms_have_distinct_tags() {
    let mut origin = origin();
    let tags = Form::all().into_iter().filter(|form| form.timing == Timing::Live).map(|form| {
        let name = route::segment_path(form.container, NOW_INDEX - 1);
        let segment = ask(&mut origin, NOW_SECS, &format!("{}v0/{name}", form.folder()), &[]);
        field(&segment, "ETag").unwrap().to_owned()
    });
    let tags: std::collections::BTreeSet<String> = tags.collect();
    assert_eq!(tags.len(), 4);
}

#[test]
fn cache_stays_within_its_limit() {
    let mut origin = origin();
    for form in Form::all() {
        let root = form.folder();
        let playlist = ask(&mut origin, NOW_SECS, &format!("{root}v2/index.m3u8"), &[]);
        for name in names(&playlist) {
            assert_eq!(ask(&mut origin, NOW_SECS, &format!("{root}v2/{name}"), &[]).status.0, 200);
        }
    }
    let (held, most) = (origin.segments.bytes(), origin.settings.memory_bytes());
    // All forms of the segments of the largest variant need twice as much.
    assert!(held <= most && held * 10 > most * 9, "{held} of {most}");
}

#[test]
fn page_names_every_form_and_variant() {
    let page = ask(&mut origin(), NOW_SECS, "/", &[]);
    let text = std::str::from_utf8(bytes(&page)).unwrap();
    for form in Form::all().into_iter().filter(|form| form.timing == Timing::Live) {
        assert!(text.lines().any(|l| l.starts_with(&format!("{}stream.m3u8 ", form.folder()))));
    }
    assert!(text.contains("v2: 960x540, 1500000 bit/s"), "{text}");
}

#[test]
fn segments_appear_and_expire_with_the_clock() {
    let path = format!("/v0/{NOW_INDEX}.ts");
    let cases = [
        (NOW_SECS, 404),
        (NOW_SECS + 1, 404),
        (NOW_SECS + 2, 200),
        // It leaves the playlist after six segments and expires after seven.
        (NOW_SECS + 2 + 2 * 6, 200),
        (NOW_SECS + 2 + 2 * 12 + 1, 200),
        (NOW_SECS + 2 + 2 * 13, 404),
        (0, 404),
    ];
    for (secs, expected) in cases {
        assert_eq!(status(&path, secs), expected, "{}", secs as i64 - NOW_SECS as i64);
    }
}

#[test]
fn unknown_paths_are_not_found() {
    let cases = [
        ("/", 200),
        ("/health", 200),
        ("/stream.m3u8", 200),
        ("/v2/index.m3u8", 200),
        ("/v3/index.m3u8", 404),
        ("/vod/v3/index.m3u8", 404),
        ("/v3/897708599.ts", 404),
        ("/vod/v0/29.ts", 200),
        ("/vod/v0/30.ts", 404),
        ("/vod/v0/897708599.ts", 404),
        ("/v0/29.ts", 404),
        ("/favicon.ico", 404),
        ("/fmp4/v2/init.mp4", 200),
        ("/fmp4/v3/init.mp4", 404),
        ("/v2/init.mp4", 404),
        ("/vod/aes/key", 200),
        ("/key", 404),
        ("/v0/18446744073709551615.ts", 404),
    ];
    for (path, expected) in cases {
        assert_eq!(status(path, NOW_SECS), expected, "{path}");
    }
}

#[test]
fn has_no_live_playlist_at_the_epoch() {
    assert_eq!(status("/v0/index.m3u8", 1), 404);
    assert_eq!(status("/v0/index.m3u8", 2), 200);
    assert_eq!(status("/vod/v0/index.m3u8", 0), 200);
}

#[test]
fn honours_ranges_and_conditions() {
    let mut origin = origin();
    let path = format!("/v1/{}.ts", NOW_INDEX - 1);
    let whole = ask(&mut origin, NOW_SECS, &path, &[]);
    let tag = field(&whole, "ETag").unwrap();
    assert_eq!(tag, "\"600000-2000000000-897708599\"");

    let part = ask(&mut origin, NOW_SECS, &path, &[("Range", "bytes=188-375")]);
    assert_eq!(part.status, Status(206));
    assert_eq!(field(&part, "Content-Range"), Some("bytes 188-375/149836"));
    assert_eq!(bytes(&part), &bytes(&whole)[188..376]);

    let all = ask(&mut origin, NOW_SECS, &path, &[("Range", "bytes=0-"), ("If-Range", tag)]);
    assert_eq!(all.status, Status(206));
    assert_eq!(field(&all, "Content-Range"), Some("bytes 0-149835/149836"));

    let beyond = ask(&mut origin, NOW_SECS, &path, &[("Range", "bytes=149836-")]);
    assert_eq!(beyond.status, Status(416));
    assert_eq!(field(&beyond, "Content-Range"), Some("bytes */149836"));

    let same = ask(&mut origin, NOW_SECS, &path, &[("If-None-Match", tag)]);
    assert_eq!((same.status, bytes(&same).len()), (Status(304), 0));
    assert_eq!(field(&same, "ETag"), Some(tag));
    assert_eq!(field(&same, "Cache-Control"), Some(SEGMENT_CACHE));
}

#[test]
fn playlist_keeps_its_tag_until_it_changes() {
    let mut origin = origin();
    let first = ask(&mut origin, NOW_SECS, "/v0/index.m3u8", &[]);
    let tag = field(&first, "ETag").unwrap();
    let fields = [("If-None-Match", tag)];
    assert_eq!(ask(&mut origin, NOW_SECS + 1, "/v0/index.m3u8", &fields).status, Status(304));
    assert_eq!(ask(&mut origin, NOW_SECS + 2, "/v0/index.m3u8", &fields).status, Status(200));
}

#[test]
fn head_equals_get_and_other_methods_are_refused() {
    let mut origin = origin();
    let range = [("Range", "bytes=0-9")];
    let head = ask_by(&mut origin, Method::Head, NOW_SECS, "/stream.m3u8", &range);
    assert_eq!(head.status, Status(200));
    for method in [Method::Post, Method::Other] {
        let refused = ask_by(&mut origin, method, NOW_SECS, "/stream.m3u8", &[]);
        assert_eq!(refused.status, Status(405));
        assert_eq!(field(&refused, "Allow"), Some("GET, HEAD"));
    }
}

#[test]
fn restarted_origin_continues_the_stream() {
    let settings = StreamSettings {
        segment_duration: Duration::from_millis(1_500),
        ..StreamSettings::default()
    };
    let mut first = Origin::new(settings.clone()).unwrap();
    let mut second = Origin::new(settings).unwrap();
    let before = ask(&mut first, NOW_SECS, "/v0/index.m3u8", &[]);
    let after = ask(&mut second, NOW_SECS + 3, "/v0/index.m3u8", &[]);
    assert_eq!(names(&before)[2..], names(&after)[..4]);
}

#[test]
fn sets_no_field_that_belongs_to_the_connection() {
    let mut origin = origin();
    let paths = [
        "/",
        "/health",
        "/nothing",
        "/stream.m3u8",
        "/v0/index.m3u8",
        "/vod/v0/0.ts",
        "/aes/key",
        "/fmp4/v0/init.mp4",
    ];
    for path in paths {
        let response = ask(&mut origin, NOW_SECS, path, &[]);
        assert!(field(&response, "Cache-Control").is_some(), "{path}");
        for name in ["Content-Length", "Connection", "Date", "Transfer-Encoding"] {
            assert_eq!(field(&response, name), None, "{path}");
        }
    }
}
