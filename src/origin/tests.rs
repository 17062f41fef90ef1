//! Asks the origin what clients ask, at points in time that the test chooses.

use std::time::Duration;

use super::*;
use crate::http::{Body, Status};

/// 2026-11-23 07:00 UTC: segment 897,708,600 begins.
const NOW_SECS: u64 = 1_795_417_200;
const NOW_INDEX: u64 = 897_708_600;

fn origin() -> Origin {
    Origin::new(Settings::default()).unwrap()
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
    match &response.body {
        Body::Empty => &[],
        Body::Owned(bytes) => bytes,
        Body::Shared(bytes, range) => &bytes[range.clone()],
    }
}

fn field<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_ref())
}

/// The lines of a playlist that are names.
fn names(playlist: &Response) -> Vec<String> {
    let text = std::str::from_utf8(bytes(playlist)).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn every_name_in_a_playlist_is_served() {
    let mut origin = origin();
    for root in ["/", "/vod/"] {
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
                assert_eq!(
                    bytes(&segment).len() as u64,
                    origin.variants[number].segment_bytes(Form::LIVE)
                );
                assert_eq!(field(&segment, "Content-Type"), Some("video/mp2t"));
                assert_eq!(field(&segment, "Accept-Ranges"), Some("bytes"));
            }
        }
    }
}

#[test]
fn segments_come_and_go_with_the_clock() {
    let path = format!("/v0/{NOW_INDEX}.ts");
    let cases = [
        (NOW_SECS, 404),
        (NOW_SECS + 1, 404),
        (NOW_SECS + 2, 200),
        // Six segments later it leaves the playlist, seven later it is gone.
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
fn paths_that_name_nothing_are_not_found() {
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
        ("/v0/18446744073709551615.ts", 404),
    ];
    for (path, expected) in cases {
        assert_eq!(status(path, NOW_SECS), expected, "{path}");
    }
}

#[test]
fn a_clock_at_the_epoch_has_no_live_playlist_yet() {
    assert_eq!(status("/v0/index.m3u8", 1), 404);
    assert_eq!(status("/v0/index.m3u8", 2), 200);
    assert_eq!(status("/vod/v0/index.m3u8", 0), 200);
}

#[test]
fn ranges_and_conditions_are_honoured() {
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
fn a_playlist_keeps_its_tag_until_it_changes() {
    let mut origin = origin();
    let first = ask(&mut origin, NOW_SECS, "/v0/index.m3u8", &[]);
    let tag = field(&first, "ETag").unwrap();
    let fields = [("If-None-Match", tag)];
    assert_eq!(ask(&mut origin, NOW_SECS + 1, "/v0/index.m3u8", &fields).status, Status(304));
    assert_eq!(ask(&mut origin, NOW_SECS + 2, "/v0/index.m3u8", &fields).status, Status(200));
}

#[test]
fn head_is_answered_like_get_and_nothing_else_is() {
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
fn a_restarted_origin_goes_on_where_it_was() {
    let settings =
        Settings { segment_duration: Duration::from_millis(1_500), ..Settings::default() };
    let mut first = Origin::new(settings.clone()).unwrap();
    let mut second = Origin::new(settings).unwrap();
    let before = ask(&mut first, NOW_SECS, "/v0/index.m3u8", &[]);
    let after = ask(&mut second, NOW_SECS + 3, "/v0/index.m3u8", &[]);
    assert_eq!(names(&before)[2..], names(&after)[..4]);
}

#[test]
fn no_answer_may_carry_a_field_that_belongs_to_the_connection() {
    let mut origin = origin();
    let paths = ["/", "/health", "/nothing", "/stream.m3u8", "/v0/index.m3u8", "/vod/v0/0.ts"];
    for path in paths {
        let response = ask(&mut origin, NOW_SECS, path, &[]);
        assert_eq!(field(&response, "Access-Control-Allow-Origin"), Some("*"));
        assert!(field(&response, "Cache-Control").is_some(), "{path}");
        for name in ["Content-Length", "Connection", "Date", "Transfer-Encoding"] {
            assert_eq!(field(&response, name), None, "{path}");
        }
    }
}
