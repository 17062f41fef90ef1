//! Requests as FFmpeg writes them, and others.

use std::time::Duration;

use super::*;
use crate::tap::HeaderHosts;

const FFMPEG: &str = "GET http://h:443/a/b.ts?c=d HTTP/1.1\r\nUser-Agent: Lavf/62\r\nAccept: */*\r\n\
    Range: bytes=0-\r\nConnection: keep-alive\r\nHost: h:443\r\nCookie: own=1\r\n\
    Icy-MetaData: 1\r\nX-Mine:  two  words \r\nProxy-Connection: x\r\n\r\n";

fn settings(url: &str) -> Settings {
    Settings {
        url: Url::parse(url).unwrap(),
        timeout: Duration::ZERO,
        keeps_range: false,
        secrets: Vec::new(),
        header_hosts: HeaderHosts::Named(Vec::new()),
    }
}

fn read_with(settings: &Settings, head: &str) -> Result<Request, Refusal> {
    read(head.as_bytes(), settings, &Catalogue::new(&settings.url))
}

fn text(request: &Request) -> &str {
    std::str::from_utf8(&request.head).unwrap()
}

#[test]
fn becomes_the_request_of_a_client_with_tls() {
    let request = read_with(&settings("https://h/x"), FFMPEG).unwrap();
    let want = "GET /a/b.ts?c=d HTTP/1.1\r\nUser-Agent: Lavf/62\r\nAccept: */*\r\n\
        Connection: keep-alive\r\nHost: h\r\nCookie: own=1\r\nIcy-MetaData: 1\r\n\
        X-Mine: two  words\r\n\r\n";
    assert_eq!(text(&request), want);
    assert_eq!(request.shown, "https://h/a/b.ts?c=d");
    assert_eq!(request.target, Target { host: "h".to_owned(), port: 443, tls: true });
    assert_eq!((request.offset, request.is_head), (0, false));
}

#[test]
fn keeps_what_it_need_not_change() {
    let kept = Settings { keeps_range: true, ..settings("http://h/x") };
    let request = read_with(&kept, FFMPEG).unwrap();
    assert!(text(&request).contains("Range: bytes=0-\r\n"));
    assert!(text(&request).contains("Host: h:443\r\n"));
    assert_eq!(request.shown, "http://h:443/a/b.ts?c=d");
    let other = FFMPEG.replace("bytes=0-", "bytes=700-899");
    let request = read_with(&settings("http://h/x"), &other).unwrap();
    assert!(text(&request).contains("Range: bytes=700-899\r\n"));
    assert_eq!(request.offset, 700);
}

#[test]
fn writes_targets_in_origin_form() {
    for (target, line, host, port) in [
        ("http://h", "GET / HTTP/1.1", "h", 80),
        ("http://h?a", "GET /?a HTTP/1.1", "h", 80),
        ("HTTP://H:81/a//b/../c", "GET /a//b/../c HTTP/1.1", "h", 81),
        ("http://[::1]:8080/a", "GET /a HTTP/1.1", "::1", 8080),
        ("http://192.0.2.1/a%20b", "GET /a%20b HTTP/1.1", "192.0.2.1", 80),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        let request = read_with(&settings("http://h/x"), &head).unwrap();
        assert_eq!(text(&request).lines().next(), Some(line));
        let want = Target { host: host.to_owned(), port, tls: false };
        assert_eq!(request.target, want);
    }
    let head = "HEAD http://h/a HTTP/1.0\r\nHost: h\r\n\r\n";
    let request = read_with(&settings("http://h/x"), head).unwrap();
    assert!(request.is_head && text(&request).starts_with("HEAD /a HTTP/1.0\r\n"));
}

#[test]
fn adds_secrets_in_place_of_the_clients_own() {
    let secrets = [("Authorization", "Bearer x"), ("Cookie", "mine=2")];
    let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let settings = Settings { secrets, ..settings("https://h/x") };
    let request = read_with(&settings, FFMPEG).unwrap();
    let end = "X-Mine: two  words\r\nAuthorization: Bearer x\r\nCookie: mine=2\r\n\r\n";
    assert!(text(&request).ends_with(end), "{}", text(&request));
    assert!(!text(&request).contains("own=1"));
    let other = read_with(&settings, &FFMPEG.replace("http://h:443", "http://evil")).unwrap();
    assert!(!text(&other).contains("Bearer") && text(&other).contains("own=1"));
}

#[test]
fn refuses_what_it_cannot_forward() {
    use Refusal::{Body, Malformed, Method, TooLong};
    let many = "A: b\r\n".repeat(FIELDS_MAX + 1);
    for (head, want) in [
        ("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", Method),
        ("get http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", Method),
        ("GET /a HTTP/1.1\r\nHost: h\r\n\r\n", Malformed),
        ("GET https://h/a HTTP/1.1\r\nHost: h\r\n\r\n", Malformed),
        ("GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", Malformed),
        ("GET http://u:p@h/a HTTP/1.1\r\nHost: h\r\n\r\n", Malformed),
        ("GET http://h:x/a HTTP/1.1\r\nHost: h\r\n\r\n", Malformed),
        ("GET http://h\\@evil/a HTTP/1.1\r\nHost: h\r\n\r\n", Malformed),
        ("GET http://h/a HTTP/1.1\r\n\r\n", Malformed),
        ("GET http://h/a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", Malformed),
        ("GET http://h/a HTTP/1.1\r\nHost: h\r\n B: c\r\n\r\n", Malformed),
        ("GET http://h/a HTTP/1.1\r\nHost : h\r\n\r\n", Malformed),
        ("GET http://h/a b HTTP/1.1\r\nHost: h\r\n\r\n", Malformed),
        ("GET http://h/a HTTP/2.0\r\nHost: h\r\n\r\n", Malformed),
        ("GET http://h/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n", Body),
        ("GET http://h/a HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 1\r\n\r\n", Body),
        ("GET http://h/a HTTP/1.1\r\nHost: h\r\ntransfer-encoding: chunked\r\n\r\n", Body),
        (&format!("GET http://h/a HTTP/1.1\r\nHost: h\r\n{many}\r\n"), TooLong),
    ] {
        assert_eq!(read_with(&settings("http://h/x"), head).unwrap_err(), want, "{head}");
    }
}
