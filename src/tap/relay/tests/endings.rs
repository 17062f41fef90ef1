//! How exchanges end, and what is closed then.

use super::*;
use ExchangeResult::{
    Abandoned, ConnectTimeout, Empty, Malformed, NoResponse, NotMedia, Ok as Good, Redirect, Reset,
    Status, Truncated,
};

const SEGMENT: &str = "http://h/a.ts";

/// A stage whose request has reached its origin.
fn asked(url: &str) -> Stage {
    let mut stage = stage("http://h/a.m3u8");
    stage.request(url);
    stage.connect();
    stage
}

#[test]
fn responses_that_end_by_themselves() {
    let html = "<html>Not here</html>";
    let page = ok(html);
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let ts = "\x47ments of a segment";
    let cases: &[(&str, String, ExchangeResult)] = &[
        (SEGMENT, ok(ts), Good),
        (SEGMENT, ok("\x47"), Good),
        (SEGMENT, page.clone(), NotMedia),
        (SEGMENT, ok("<"), NotMedia),
        (SEGMENT, ok(""), Empty),
        (SEGMENT, format!("{chunks}0\r\n\r\n"), Empty),
        (
            SEGMENT,
            format!("{chunks}1\r\n\x47\r\n12\r\nments of a segment\r\n0\r\nA: b\r\n\r\n"),
            Good,
        ),
        (SEGMENT, format!("{chunks}1\r\n<\r\n14\r\nhtml>Not here</html>\r\n0\r\n\r\n"), NotMedia),
        (SEGMENT, "HTTP/1.1 204 No Content\r\n\r\n".to_owned(), Empty),
        (SEGMENT, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".to_owned(), Good),
        (SEGMENT, "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno".to_owned(), Status),
        (SEGMENT, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n".to_owned(), Status),
        (
            SEGMENT,
            "HTTP/1.1 302 F\r\nContent-Length: 0\r\nLocation: /b\r\n\r\n".to_owned(),
            Redirect,
        ),
        ("http://h/a.m3u8", page.clone(), NotMedia),
        ("http://h/a.m3u8", ok(""), Empty),
        ("http://h/a.m3u8", ok("#EXTM3U\n"), Good),
        ("http://h/a.key", page.clone(), Good),
        ("http://h/page", page, Good),
        (SEGMENT, "HTTP/1.1 103 Early\r\nA: b\r\n\r\n".to_owned() + &ok(ts), Good),
    ];
    for (url, response, want) in cases {
        for splices in [false, true] {
            let mut stage = asked(url);
            stage.splices = splices;
            stage.respond(response.as_bytes());
            assert_eq!(stage.results(), [*want], "{response}");
            let at = response.find("HTTP/1.1 2").filter(|_| response.contains(" 103 "));
            assert_eq!(stage.client, response.as_bytes()[at.unwrap_or(0)..], "{response}");
            assert_eq!(stage.records[0].ttlb, Some(Duration::ZERO));
            assert_eq!(stage.relay.close(), None, "{response}");
            stage.close_client();
            assert_eq!((stage.records.len(), stage.relay.close()), (1, Some(Close::Both)));
        }
    }
}

#[test]
fn connections_that_the_origin_closes() {
    let (eof, reset) = (Closed::Eof, Closed::Reset);
    let cases: &[(&str, Closed, ExchangeResult)] = &[
        ("", eof, NoResponse),
        ("", reset, Reset),
        ("HTTP/1.1 200 OK\r\nA:", eof, NoResponse),
        ("HTTP/1.1 200 OK\r\n\r\n\x47ment", eof, Good),
        ("HTTP/1.1 200 OK\r\n\r\nabc", eof, NotMedia),
        ("HTTP/1.1 200 OK\r\n\r\n", eof, Empty),
        ("HTTP/1.0 200 OK\r\n\r\n\x47ment", reset, Reset),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x47ment", eof, Truncated),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x47ment", reset, Reset),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\x47ment\r\n", eof, Truncated),
        ("HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nno", eof, Status),
        ("HTTP/1.1 302 F\r\nContent-Length: 9\r\n\r\nno", reset, Redirect),
    ];
    for (response, closed, want) in cases {
        let mut stage = asked(SEGMENT);
        stage.respond(response.as_bytes());
        assert_eq!(stage.results(), []);
        stage.close_origin(*closed);
        assert_eq!(stage.results(), [*want], "{response}");
        let whole = matches!(want, Good | NotMedia | Empty);
        assert_eq!(stage.records[0].ttlb.is_some(), whole, "{response}");
        let close = if *closed == eof { Close::Both } else { Close::ResetClient };
        assert_eq!(stage.relay.close(), Some(close), "{response}");
        let passed = if *want == NoResponse || response.is_empty() { "" } else { response };
        assert_eq!(stage.client, passed.as_bytes());
        stage.close_client();
        assert_eq!(stage.records.len(), 1);
    }
}

#[test]
fn ambiguous_and_malformed_responses_are_not_passed_on() {
    for response in [
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 700 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let mut stage = asked(SEGMENT);
        stage.respond(response.as_bytes());
        assert_eq!(stage.results(), [Malformed], "{response}");
        assert_eq!(stage.relay.close(), Some(Close::ResetClient));
        assert_eq!(stage.client, b"", "{response}");
    }
    let mut stage = asked(SEGMENT);
    stage.respond(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\x47X");
    assert_eq!(stage.results(), [Malformed]);
    let long = |field: &str| field.repeat(HEAD_BYTES_MAX / field.len() + 1);
    for start in
        ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"]
    {
        let mut stage = asked(SEGMENT);
        stage.respond(start.as_bytes());
        stage.respond(long("A: b\r\n").as_bytes());
        assert_eq!(stage.results(), [Malformed], "{start}");
    }
    let mut stage = asked(SEGMENT);
    stage.respond(long("HTTP/1.1 100 Continue\r\n\r\n").as_bytes());
    assert_eq!(stage.results(), [Malformed]);
}

#[test]
fn lines_may_end_in_lf_alone() {
    let mut stage = asked(SEGMENT);
    let response = b"HTTP/1.1 200 OK\nContent-Length: 2\n\n\x47a";
    stage.respond(response);
    assert_eq!((stage.results(), &stage.client[..]), (vec![Good], &response[..]));
}

#[test]
fn surplus_bytes_close_the_connection() {
    let mut stage = asked(SEGMENT);
    let response = ok("\x47");
    stage.respond(format!("{response}HTTP/1.1 200 OK\r\n").as_bytes());
    assert_eq!((stage.results(), &stage.client[..]), (vec![Good], response.as_bytes()));
    assert_eq!(stage.relay.close(), Some(Close::Both));
    let mut stage = asked(SEGMENT);
    stage.respond(response.as_bytes());
    stage.respond(b"HTTP/1.1 408 Timeout\r\n\r\n");
    assert_eq!((stage.results(), stage.relay.close()), (vec![Good], Some(Close::Both)));
    assert_eq!(stage.client, response.as_bytes());
}

#[test]
fn connections_that_cannot_be_made() {
    for (why, want) in [
        (ConnectFailure::Dns, ExchangeResult::Dns),
        (ConnectFailure::Refused, ExchangeResult::Refused),
        (ConnectFailure::Unreachable, ExchangeResult::Unreachable),
        (ConnectFailure::Timeout, ConnectTimeout),
        (ConnectFailure::Tls, ExchangeResult::Tls),
        (ConnectFailure::Reset, Reset),
    ] {
        let mut stage = stage("http://h/a.m3u8");
        stage.request(SEGMENT);
        stage.input(|relay, now, cx| relay.connect_failed(now, why, cx));
        assert_eq!(stage.results(), [want]);
        assert_eq!(stage.relay.close(), Some(Close::ResetClient));
        assert_eq!((&stage.records[0].url[..], stage.records[0].status), (SEGMENT, None));
        stage.close_client();
        assert_eq!(stage.records.len(), 1);
    }
}

#[test]
fn clients_that_close() {
    // Milliseconds of silence, the response before, and whether a socket is full.
    for (silence, response, is_blocked, want) in [
        (0, "", false, Abandoned),
        (9_900, "", false, Abandoned),
        (10_000, "", false, ExchangeResult::Timeout),
        (10_000, "HTTP/1.1 200 OK\r\n\r\n\x47ab", false, ExchangeResult::Timeout),
        (10_000, "HTTP/1.1 200 OK\r\n\r\n\x47ab", true, Abandoned),
        (100, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x47ab", false, Abandoned),
        (100, "HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\n", false, Status),
        (10_100, "HTTP/1.1 302 No\r\nContent-Length: 9\r\n\r\n", false, Redirect),
    ] {
        let mut stage = asked(SEGMENT);
        stage.wait(5_000);
        stage.respond(response.as_bytes());
        stage.input(|relay, now, _| relay.client_blocked(now, is_blocked));
        stage.wait(silence - if response.is_empty() { silence.min(5_000) } else { 0 });
        stage.close_client();
        assert_eq!(stage.results(), [want], "{response} {silence}");
        assert_eq!(stage.relay.close(), Some(Close::Both));
    }
    let mut stage = stage("http://h/a.m3u8");
    stage.request(SEGMENT);
    stage.wait(10_020);
    stage.close_client();
    assert_eq!(stage.results(), [ConnectTimeout]);
}

#[test]
fn silence_ends_an_exchange_after_the_client_did_not_end_it() {
    let mut stage = asked(SEGMENT);
    stage.wait(3_000);
    stage.respond(b"HTTP/1.1 200 OK\r\n\r\n\x47");
    let deadline = stage.now.after(TIMEOUT + LATE);
    assert_eq!(stage.relay.deadline(), Some(deadline));
    stage.wait(10_900);
    stage.input(Relay::deadline_reached);
    assert_eq!(stage.results(), []);
    // A client that pauses is not a silent origin.
    stage.input(|relay, now, _| relay.client_blocked(now, true));
    assert_eq!(stage.relay.deadline(), None);
    stage.wait(60_000);
    stage.input(|relay, now, _| relay.client_blocked(now, false));
    stage.wait(10_999);
    stage.input(Relay::deadline_reached);
    assert_eq!(stage.results(), []);
    stage.wait(1);
    stage.input(Relay::deadline_reached);
    assert_eq!(stage.results(), [ExchangeResult::Timeout]);
    assert_eq!((stage.relay.close(), stage.relay.deadline()), (Some(Close::ResetClient), None));
}

#[test]
fn idle_connections_close_together() {
    for (closed, close) in [(Closed::Eof, Close::Both), (Closed::Reset, Close::ResetClient)] {
        let mut stage = asked(SEGMENT);
        stage.respond(ok("\x47").as_bytes());
        stage.wait(1_000_000);
        assert_eq!(stage.relay.deadline(), None);
        stage.close_origin(closed);
        assert_eq!((stage.results(), stage.relay.close()), (vec![Good], Some(close)));
    }
    // The request crosses the close.
    let mut stage = asked(SEGMENT);
    stage.respond(ok("\x47").as_bytes());
    stage.request(SEGMENT);
    stage.close_origin(Closed::Eof);
    assert_eq!(stage.results(), [Good, NoResponse]);
    assert!(stage.records[1].reused);
}

#[test]
fn requests_that_are_refused() {
    let get = "GET http://h/a.ts HTTP/1.1\r\nHost: h\r\n\r\n";
    let long = format!("GET http://h/ HTTP/1.1\r\n{}", "A: b\r\n".repeat(HEAD_BYTES_MAX / 6));
    for (request, status) in [
        ("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "405"),
        ("POST http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "405"),
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        (&format!("{get}{get}"), "400"),
        (&long, "431"),
    ] {
        let mut stage = stage("http://h/a.m3u8");
        stage.input(|relay, now, cx| relay.client_sent(now, request.as_bytes(), cx));
        let client = std::str::from_utf8(&stage.client).unwrap();
        assert_eq!(client.get(9..12), Some(status), "{request}");
        assert_eq!((stage.tap.refused(), stage.relay.close()), (1, Some(Close::Both)));
        assert!(stage.targets.is_empty() && stage.records.is_empty() && stage.origin.is_empty());
    }
    let mut stage = asked(SEGMENT);
    stage.request(SEGMENT);
    assert_eq!((stage.results(), stage.relay.close()), (vec![Abandoned], Some(Close::ResetClient)));
    let mut stage = super::stage("http://h/a.m3u8");
    stage.input(|relay, now, cx| relay.client_sent(now, b"GET http", cx));
    stage.wait(11_000);
    stage.input(Relay::deadline_reached);
    assert_eq!((stage.relay.close(), stage.records.len()), (Some(Close::Both), 0));
}

#[test]
fn another_server_needs_another_connection() {
    let mut stage = asked(SEGMENT);
    stage.respond(ok("\x47").as_bytes());
    stage.request("http://other/a.ts");
    assert_eq!(stage.targets.len(), 2);
    assert_eq!(stage.targets[1].host, "other");
    // What the old connection still does has no meaning.
    stage.close_origin(Closed::Reset);
    stage.respond(b"HTTP/1.1 500 No\r\n");
    stage.connect();
    stage.respond(ok("\x47").as_bytes());
    assert_eq!(stage.results(), [Good, Good]);
    assert!(!stage.records[1].reused);
}

#[test]
fn an_idle_relay_is_small() {
    assert!(size_of::<Relay>() <= 320, "{}", size_of::<Relay>());
    let mut stage = asked(SEGMENT);
    stage.respond(ok(&"\x47".repeat(100_000)).as_bytes());
    let relay = format!("{:?}", stage.relay);
    assert!(stage.relay.exchange.is_none(), "{relay}");
    assert_eq!(stage.relay.to_client.capacity() + stage.relay.to_origin.capacity(), 0);
}

#[test]
fn a_full_client_holds_the_origin_back() {
    let mut stage = asked(SEGMENT);
    let body = vec![0x47; 300_000];
    let records = &mut |_: ClientId, _: &Record<'_>| {};
    let mut cx = Context { tap: &mut stage.tap, records };
    stage.relay.origin_sent(stage.now, b"HTTP/1.1 200 OK\r\n\r\n", &mut cx);
    assert!(stage.relay.reads_origin());
    stage.relay.origin_sent(stage.now, &body, &mut cx);
    assert!(!stage.relay.reads_origin() && stage.relay.reads_client());
    assert_eq!((stage.relay.relay_limit(), stage.relay.deadline()), (0, None));
    stage.relay.sent_to_client(300_019);
    assert!(stage.relay.reads_origin());
    assert_eq!(stage.relay.relay_limit(), u64::MAX);
}
