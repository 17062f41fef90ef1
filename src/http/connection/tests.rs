//! Valid and invalid requests to a connection, in pieces of any size.

mod open_body;
mod wire;

use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::http::{Audience, Body, Request};

const LIMITS: Limits = Limits {
    head_bytes: 200,
    head_time: Duration::from_secs(5),
    idle_time: Duration::from_secs(60),
    write_time: Duration::from_secs(10),
};

const GET: &str = "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n";

/// Returns the request as text.
fn echo(request: &Request<'_>) -> Response {
    let text = format!("{:?} {} {:?}", request.method, request.path, request.query);
    Response::text(Status::OK, &text)
}

/// A peer and its view of the connection.
struct Peer {
    connection: Connection,
    now: Tick,
    got: Vec<u8>,
    /// Most bytes taken in one write.
    takes: usize,
    shut_down: bool,
}

impl Peer {
    fn new(takes: usize) -> Self {
        let connection = Connection::new(Tick::ZERO, LIMITS);
        Self { connection, now: Tick::ZERO, got: Vec::new(), takes, shut_down: false }
    }

    /// Sends in pieces of these lengths, repeated, and reads every response.
    fn talk(&mut self, mut bytes: &[u8], pieces: &[usize]) {
        let mut pieces = pieces.iter().cycle();
        while !bytes.is_empty() && self.connection.wants_read() {
            let piece = (*pieces.next().unwrap()).clamp(1, bytes.len());
            let (now, later) = bytes.split_at(piece);
            bytes = later;
            self.connection.receive(self.now, now, &mut echo);
            self.read();
        }
    }

    fn read(&mut self) {
        while self.connection.wants_write() {
            let [head, body] = self.connection.pending();
            let all = [&head[..], &body[..]].concat();
            assert!(!all.is_empty());
            let taken = all.len().min(self.takes);
            self.got.extend_from_slice(&all[..taken]);
            self.connection.sent(self.now, taken, &mut echo);
        }
        self.shut_down |= self.connection.take_shutdown();
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.got).unwrap()
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
        self.connection.deadline_reached(self.now, &mut echo);
        self.read();
    }
}

fn response_to(bytes: &str) -> (String, bool) {
    let mut peer = Peer::new(usize::MAX);
    peer.talk(bytes.as_bytes(), &[usize::MAX]);
    (peer.text().to_owned(), peer.shut_down)
}

fn statuses(text: &str) -> Vec<&str> {
    text.split("HTTP/1.1 ").skip(1).map(|response| &response[..3]).collect()
}

#[test]
fn head_is_get_without_the_body() {
    let (got, closed) = response_to(GET);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n".to_owned()
        + Audience::SameOrigin.fields();
    assert_eq!(got, format!("{head}Content-Length: 17\r\n\r\nGet /a Some(\"b\")\n"));
    assert!(!closed);
    let (got, _) = response_to("HEAD /a?b HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(got, format!("{head}Content-Length: 18\r\n\r\n"));
}

#[test]
fn closes_or_keeps_the_connection_as_announced() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", Some("close")),
        ("GET / HTTP/1.0\r\n\r\n", Some("close")),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Some("keep-alive")),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", Some("close")),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 16385\r\n\r\n", Some("close")),
    ];
    for (request, field) in cases {
        let (got, closed) = response_to(request);
        assert_eq!(statuses(&got), ["200"], "{request:?}");
        assert_eq!(closed, field == Some("close"), "{request:?}");
        let sent = got.split("\r\n").find_map(|line| line.strip_prefix("Connection: "));
        assert_eq!(sent, field, "{request:?}");
    }
}

#[test]
fn refuses_malformed_requests_and_closes() {
    let long = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "x".repeat(LIMITS.head_bytes));
    for (bytes, status) in [
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("\0\u{1}\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let (got, closed) = response_to(&format!("{bytes}{GET}"));
        assert_eq!(statuses(&got), [status], "{bytes:?}");
        assert!(closed && got.contains("Connection: close\r\n"), "{bytes:?}");
    }
}

#[test]
fn discards_a_body_and_serves_the_next_request() {
    let body = "x".repeat(1_000);
    let put = format!("PUT /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{body}");
    for piece in [1, 7, 150] {
        let mut peer = Peer::new(3);
        peer.talk(format!("{put}{GET}").as_bytes(), &[piece]);
        assert_eq!(statuses(peer.text()), ["200", "200"]);
        assert!(peer.text().ends_with("Get /a Some(\"b\")\n"));
    }
}

#[test]
fn stops_reading_from_a_peer_that_does_not_read() {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    let mut requests = 0;
    while connection.wants_read() {
        connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
        requests += 1;
    }
    assert!(requests <= LIMITS.head_bytes / GET.len() + 2, "{requests}");
    let mut responses = 0;
    while connection.wants_write() {
        let count = connection.pending().iter().map(|slice| slice.len()).sum();
        connection.sent(Tick::ZERO, count, &mut echo);
        responses += 1;
    }
    assert_eq!(responses, requests);
    assert!(connection.wants_read());
}

#[test]
fn unwanted_bytes_end_the_connection() {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    while connection.wants_read() {
        connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
    }
    connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
    assert!(connection.is_finished() && !connection.wants_write());
}

#[test]
fn slow_head_gets_408_even_if_it_trickles() {
    for bytes in [&b"GET / HTTP"[..], b"\r"] {
        let mut peer = Peer::new(usize::MAX);
        for _ in 0..10 {
            peer.talk(bytes, &[1]);
            peer.wait(Duration::from_millis(499));
        }
        assert_eq!(peer.text(), "");
        peer.wait(Duration::from_millis(10));
        assert_eq!(statuses(peer.text()), ["408"]);
        assert!(peer.shut_down);
        peer.wait(LINGER);
        assert!(peer.connection.is_finished());
    }
}

#[test]
fn lets_the_peer_close_first_after_the_last_response() {
    let mut peer = Peer::new(usize::MAX);
    peer.talk(b"GET / HTTP/1.0\r\n\r\n", &[usize::MAX]);
    assert!(peer.shut_down && !peer.connection.take_shutdown());
    assert!(peer.connection.wants_read() && !peer.connection.is_finished());
    peer.talk(GET.as_bytes(), &[usize::MAX]);
    assert_eq!(statuses(peer.text()), ["200"]);
    peer.connection.peer_closed(&mut echo);
    assert!(peer.connection.is_finished());
}

#[test]
fn drops_bytes_after_a_refusal() {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    connection.receive(Tick::ZERO, b"nonsense\r\n\r\n", &mut echo);
    let refused = connection.inbox.unused().len();
    for _ in 0..100 {
        assert!(connection.wants_read());
        connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
    }
    assert!(connection.inbox.unused().len() <= refused);
    assert!(connection.wants_write());
}

#[test]
fn closes_an_idle_connection_silently() {
    for before in ["", GET, "\r\n"] {
        let mut peer = Peer::new(usize::MAX);
        peer.talk(before.as_bytes(), &[usize::MAX]);
        let said = peer.got.len();
        peer.wait(Duration::from_secs(59));
        assert!(!peer.connection.is_finished());
        peer.wait(Duration::from_secs(1));
        assert!(peer.connection.is_finished());
        assert_eq!(peer.got.len(), said);
        assert_eq!(peer.connection.deadline(), None);
    }
}

#[test]
fn gives_up_on_a_peer_that_takes_nothing() {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
    connection.sent(Tick::from_millis(9_000), 1, &mut echo);
    connection.deadline_reached(Tick::from_millis(18_999), &mut echo);
    assert!(!connection.is_finished());
    connection.deadline_reached(Tick::from_millis(19_000), &mut echo);
    assert!(connection.is_finished());
}

#[test]
fn gives_up_on_a_body_that_never_arrives() {
    let mut peer = Peer::new(usize::MAX);
    peer.talk(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", &[usize::MAX]);
    assert_eq!(statuses(peer.text()), ["200"]);
    peer.wait(LIMITS.head_time);
    assert!(peer.connection.is_finished());
}

#[test]
fn responds_to_requests_received_before_the_end_of_file() {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    connection.receive(Tick::ZERO, format!("{GET}{GET}GET").as_bytes(), &mut echo);
    connection.peer_closed(&mut echo);
    let mut peer = Peer { connection, ..Peer::new(5) };
    peer.read();
    assert_eq!(statuses(peer.text()), ["200", "200"]);
    assert!(peer.connection.is_finished());

    let mut peer = Peer::new(5);
    peer.talk(b"GET", &[1]);
    peer.connection.peer_closed(&mut echo);
    assert!(peer.connection.is_finished() && peer.got.is_empty());
}

#[test]
fn idle_connection_holds_no_memory() {
    let mut peer = Peer::new(usize::MAX);
    peer.talk(GET.repeat(20).as_bytes(), &[usize::MAX]);
    assert!(peer.connection.outgoing.is_none());
    assert_eq!(format!("{:?}", peer.connection.inbox), format!("{:?}", Inbox::default()));
}

#[test]
fn sends_a_shared_body_without_copying() {
    let all: Rc<[u8]> = Rc::from(&b"0123456789"[..]);
    let mut serve = |_: &Request<'_>| {
        Response::plain(Status(206), Vec::new(), Body::Shared(Rc::clone(&all), 2..6))
    };
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    connection.receive(Tick::ZERO, GET.as_bytes(), &mut serve);
    let head_bytes = connection.pending()[0].len();
    connection.sent(Tick::ZERO, head_bytes + 1, &mut serve);
    let [head, body] = connection.pending();
    assert!(head.is_empty());
    assert_eq!(&body[..], b"345");
    assert_eq!(body.as_ptr(), all[3..].as_ptr());
}

fn any_request() -> impl Strategy<Value = String> {
    let body = prop_oneof![Just(0), 1_usize..40];
    ("(GET|HEAD|POST|PUT)", "/[a-z?]{0,8}", "(1\\.0|1\\.1)", 0_u8..12, body).prop_map(
        |(method, target, version, oddity, body)| {
            let field = match oddity {
                0 => "Connection: close\r\n",
                1 => "Connection: keep-alive\r\n",
                2 => "Bad Name: x\r\n",
                3 => "Transfer-Encoding: chunked\r\n",
                _ => "",
            };
            let empty = if oddity == 4 { "\r\n\n" } else { "" };
            let filler = if oddity == 5 { "x".repeat(LIMITS.head_bytes) } else { String::new() };
            let content = "y".repeat(body);
            format!(
                "{empty}{method} {target} HTTP/{version}\r\nHost: h\r\n{field}\
                 X: {filler}\r\nContent-Length: {body}\r\n\r\n{content}"
            )
        },
    )
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_responses(
        requests in prop::collection::vec(any_request(), 1..8),
        pieces in prop::collection::vec(1_usize..60, 1..8),
        takes in 1_usize..200,
    ) {
        let bytes = requests.concat().into_bytes();
        let mut whole = Peer::new(usize::MAX);
        whole.talk(&bytes, &[usize::MAX]);
        let mut cut = Peer::new(takes);
        cut.talk(&bytes, &pieces);
        prop_assert_eq!(whole.text(), cut.text());
        prop_assert_eq!(whole.shut_down, cut.shut_down);
    }

    #[test]
    fn responds_to_pipelined_requests_in_order(
        count in 1_usize..50,
        pieces in prop::collection::vec(1_usize..3_000, 1..8),
    ) {
        let bytes: String =
            (0..count).map(|i| format!("GET /{i} HTTP/1.1\r\nHost: h\r\n\r\n")).collect();
        let mut peer = Peer::new(usize::MAX);
        peer.talk(bytes.as_bytes(), &pieces);
        let got: Vec<_> = peer.text().lines().filter(|line| line.starts_with("Get ")).collect();
        let want: Vec<_> = (0..count).map(|i| format!("Get /{i} None")).collect();
        prop_assert_eq!(got, want);
    }

    #[test]
    fn arbitrary_bytes_cost_bounded_memory(
        chunks in prop::collection::vec(prop::collection::vec(any_byte(), 0..300), 0..12),
        reads in any::<bool>(),
    ) {
        let mut peer = Peer::new(usize::MAX);
        for chunk in chunks {
            peer.connection.receive(peer.now, &chunk, &mut echo);
            if reads {
                peer.read();
            }
            prop_assert!(peer.connection.inbox.unused().len() < LIMITS.head_bytes + 300);
            peer.wait(Duration::from_millis(1));
        }
    }
}

/// Bytes of which requests consist, so that some form one.
fn any_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => prop::sample::select(GET.as_bytes()),
        1 => any::<u8>(),
    ]
}
