//! Heads of responses, and their changed forms.

use super::*;

fn head(fields: &str) -> Head {
    let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
    match read(text.as_bytes(), false) {
        Read::Final(head) => *head,
        other => panic!("{fields}: {other:?}"),
    }
}

#[test]
fn statuses_and_methods_decide_whether_a_body_follows() {
    for (status, to_head, want) in [
        (200, false, Framing::Sized(5)),
        (200, true, Framing::Done),
        (204, false, Framing::Done),
        (206, false, Framing::Sized(5)),
        (304, false, Framing::Done),
        (404, false, Framing::Sized(5)),
    ] {
        let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n");
        let Read::Final(head) = read(text.as_bytes(), to_head) else { panic!("{status}") };
        assert_eq!((head.status, head.framing), (status, want));
    }
    assert_eq!(read(b"HTTP/1.1 103 X\r\n\r\n", false), Read::Interim);
    for status in [0, 99, 101, 600, 999] {
        let text = format!("HTTP/1.1 {status:03} X\r\n\r\n");
        assert_eq!(read(text.as_bytes(), false), Read::Malformed, "{status}");
    }
}

#[test]
fn content_types_name_kinds() {
    for (value, want) in [
        ("application/vnd.apple.mpegurl", Some(RequestKind::Playlist)),
        ("Application/X-MpegURL; charset=utf-8", Some(RequestKind::Playlist)),
        ("audio/mpegurl", Some(RequestKind::Playlist)),
        ("video/mp2t", Some(RequestKind::Segment)),
        ("audio/aac", Some(RequestKind::Segment)),
        ("text/vtt", Some(RequestKind::Segment)),
        ("text/html", None),
        ("application/octet-stream", None),
    ] {
        assert_eq!(head(&format!("Content-Type: {value}\r\n")).kind, want, "{value}");
    }
}

#[test]
fn codings_are_recognised() {
    for (fields, want) in [
        ("", Coding::Identity),
        ("Content-Encoding: identity\r\n", Coding::Identity),
        ("Content-Encoding: GZip\r\n", Coding::Gzip),
        ("Content-Encoding: x-gzip\r\n", Coding::Gzip),
        ("Content-Encoding: deflate\r\n", Coding::Deflate),
        ("Content-Encoding: br\r\n", Coding::Other),
        ("Content-Encoding: gzip, br\r\n", Coding::Other),
        ("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", Coding::Other),
    ] {
        assert_eq!(head(fields).coding, want, "{fields}");
    }
}

#[test]
fn changed_heads_fit_the_changed_body() {
    let text = "HTTP/1.1 206 P\r\nA: b\r\ncontent-length: 9\r\nContent-Range: bytes 0-8/9\r\n\
        Content-Encoding: gzip\r\nB: c\r\n\r\n";
    let whole = with_body(text.as_bytes(), BodyChange::Whole(20));
    let want = "HTTP/1.1 206 P\r\nA: b\r\nContent-Range: bytes 0-19/20\r\nB: c\r\n\
        Content-Length: 20\r\n\r\n";
    assert_eq!(String::from_utf8(whole).unwrap(), want);
    let cut = with_body(text.as_bytes(), BodyChange::Cut(20));
    let want = "HTTP/1.1 206 P\r\nA: b\r\nContent-Length: 20\r\nContent-Range: bytes 0-19/20\r\n\
        B: c\r\n\r\n";
    assert_eq!(String::from_utf8(cut).unwrap(), want);
    let chunked = b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: X\n\n";
    let whole = with_body(chunked, BodyChange::Whole(2));
    assert_eq!(whole, b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\n");
    assert_eq!(with_body(chunked, BodyChange::Cut(2)), chunked);
    let moved = with_location(b"HTTP/1.1 302 F\r\nLocation: x\r\n\r\n", b"http://h:443/");
    assert_eq!(moved, b"HTTP/1.1 302 F\r\nLocation: http://h:443/\r\n\r\n");
}
