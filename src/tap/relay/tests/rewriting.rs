//! Streams over https, for a client without TLS.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;

const LIST: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n\
    #EXT-X-KEY:METHOD=AES-128,URI=\"https://k/k.bin\"\n#EXTINF:2,\nhttps://cdn/s?n=1\n";
const PLAIN: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n\
    #EXT-X-KEY:METHOD=AES-128,URI=\"http://k:443/k.bin\"\n#EXTINF:2,\nhttp://cdn:443/s?n=1\n";

fn asked() -> Stage {
    let mut stage = stage("https://h/a.m3u8");
    stage.request("http://h:443/a.m3u8");
    stage.connect();
    stage
}

fn plain_response() -> String {
    format!("HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: {}\r\n\r\n{PLAIN}", PLAIN.len())
}

#[test]
fn https_uris_lead_to_the_tap_again() {
    let mut stage = asked();
    assert_eq!(stage.targets, [Target { host: "h".to_owned(), port: 443, tls: true }]);
    assert_eq!(stage.origin, b"GET /a.m3u8 HTTP/1.1\r\nHost: h\r\n\r\n");
    let response =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nA: b\r\n\r\n{LIST}", LIST.len());
    stage.respond(response.as_bytes());
    assert_eq!(String::from_utf8_lossy(&stage.client), plain_response());
    assert_eq!(stage.records[0].url, "https://h/a.m3u8");
    // Encrypted, so its first bytes are not looked at.
    stage.request("http://cdn:443/s?n=1");
    assert_eq!(stage.targets[1], Target { host: "cdn".to_owned(), port: 443, tls: true });
    stage.connect();
    stage.respond(ok("encrypted").as_bytes());
    let record = &stage.records[1];
    assert_eq!((record.url.as_str(), record.kind), ("https://cdn/s?n=1", RequestKind::Segment));
    assert_eq!((record.result, record.media), (ExchangeResult::Ok, Some(Duration::from_secs(2))));
    stage.request("http://k:443/k.bin");
    stage.connect();
    stage.respond(ok("0123456789abcdef").as_bytes());
    assert_eq!(stage.records[2].kind, RequestKind::Key);
}

#[test]
fn every_framing_and_coding_is_rewritten() {
    let gzip = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(LIST.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zlib = {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(LIST.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let raw = {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(LIST.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for (coding, body) in
        [("identity", LIST.as_bytes()), ("gzip", &gzip), ("deflate", &zlib), ("deflate", &raw)]
    {
        let (start, end) = body.split_at(20);
        let chunked = [
            format!("{:x};x=y\r\n", start.len()).as_bytes(),
            start,
            format!("\r\n{:X}\r\n", end.len()).as_bytes(),
            end,
            b"\r\n0\r\nX: y\r\n\r\n",
        ]
        .concat();
        let length = format!("Content-Length: {}\r\n", body.len());
        for (framing, body, closes) in [
            (length.as_str(), body, false),
            ("Transfer-Encoding: chunked\r\n", &chunked, false),
            ("", body, true),
        ] {
            let head =
                format!("HTTP/1.1 200 OK\r\n{framing}A: b\r\nContent-Encoding: {coding}\r\n\r\n");
            let mut stage = asked();
            stage.respond(head.as_bytes());
            for piece in body.chunks(7) {
                assert_eq!(stage.relay.relay_limit(), 0);
                stage.respond(piece);
            }
            if closes {
                stage.close_origin(Closed::Eof);
            }
            assert_eq!(stage.results(), [ExchangeResult::Ok], "{coding} {framing}");
            assert_eq!(String::from_utf8_lossy(&stage.client), plain_response());
            assert_eq!(stage.records[0].body_bytes, body.len() as u64);
        }
    }
}

#[test]
fn cut_playlists_are_cut_for_the_client() {
    let mut stage = asked();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", LIST.len() + 5);
    stage.respond(format!("{head}{LIST}").as_bytes());
    assert_eq!(stage.client, b"");
    stage.close_origin(Closed::Eof);
    let want = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{PLAIN}", PLAIN.len() + 5);
    assert_eq!(String::from_utf8_lossy(&stage.client), want);
    assert_eq!(stage.results(), [ExchangeResult::Truncated]);
    let mut stage = asked();
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    stage.respond(format!("{head}{:x}\r\n{LIST}\r\n", LIST.len()).as_bytes());
    stage.close_origin(Closed::Reset);
    let want = format!("{head}{:x}\r\n{PLAIN}\r\n", PLAIN.len());
    assert_eq!(String::from_utf8_lossy(&stage.client), want);
    assert_eq!(stage.results(), [ExchangeResult::Reset]);
    assert_eq!(stage.relay.close(), Some(Close::ResetClient));
}

#[test]
fn redirects_lead_to_the_tap_again_and_keep_the_kind() {
    let mut stage = asked();
    stage.respond(b"HTTP/1.1 302 Found\r\nlocation: //edge/x?y\r\nContent-Length: 0\r\n\r\n");
    let want = "HTTP/1.1 302 Found\r\nLocation: http://edge:443/x?y\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&stage.client), want);
    stage.client.clear();
    stage.request("http://edge:443/x?y");
    assert!(stage.targets[1].tls);
    stage.connect();
    let list = ok("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n");
    stage.respond(list.as_bytes());
    assert_eq!(stage.client, list.as_bytes());
    stage.request("http://edge:443/v");
    stage.respond(list.as_bytes());
    let kinds: Vec<_> = stage.records.iter().map(|record| record.kind).collect();
    assert_eq!(kinds, [RequestKind::Playlist; 3]);
    assert_eq!(stage.records[2].url, "https://edge/v");
}

#[test]
fn a_reload_is_a_refresh() {
    let mut stage = stage("http://h/a");
    let list = ok("#EXTM3U\n#EXTINF:2,\nb\n");
    stage.request("http://h/a");
    stage.connect();
    stage.respond(list.as_bytes());
    stage.request("http://h/a");
    stage.respond(list.as_bytes());
    stage.request("http://h/a");
    stage.respond(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    stage.tap.forget(ClientId::new(7));
    stage.request("http://h/a");
    stage.respond(list.as_bytes());
    let refreshes: Vec<_> = stage.records.iter().map(|record| record.is_refresh).collect();
    assert_eq!(refreshes, [false, true, true, false]);
}

#[test]
fn what_is_not_a_playlist_is_not_held() {
    let mut stage = asked();
    stage.respond(b"HTTP/1.1 200 OK\r\n\r\n\x00\x00\x00\x18ftyp");
    assert_eq!((stage.client.len(), stage.relay.relay_limit()), (0, 0));
    stage.respond(b"mp42");
    assert_eq!((stage.client.len(), stage.relay.relay_limit()), (31, u64::MAX));
    stage.close_origin(Closed::Eof);
    assert_eq!(stage.results(), [ExchangeResult::NotMedia]);
}

#[test]
fn a_playlist_that_is_too_long_passes_unread() {
    let mut stage = asked();
    let length = 9 << 20;
    stage.respond(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{LIST}").as_bytes());
    let rest = vec![b'\n'; length - LIST.len()];
    for piece in rest.chunks(1 << 20) {
        stage.respond(piece);
    }
    assert_eq!(stage.results(), [ExchangeResult::Ok]);
    assert!(stage.client.windows(11).any(|it| it == b"https://cdn"));
    assert_eq!(stage.records[0].body_bytes, length as u64);
}
