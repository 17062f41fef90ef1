//! A connection, asked well and badly, in pieces of any size.

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

/// Says back what was asked.
fn echo(request: &Request<'_>) -> Response {
    let text = format!("{:?} {} {:?}", request.method, request.path, request.query);
    Response::text(Status::OK, &text)
}

/// A peer with its own view of the connection.
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

    /// Sends in pieces of these lengths in turn and reads all that comes back.
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

fn answer_to(bytes: &str) -> (String, bool) {
    let mut peer = Peer::new(usize::MAX);
    peer.talk(bytes.as_bytes(), &[usize::MAX]);
    (peer.text().to_owned(), peer.shut_down)
}

fn statuses(text: &str) -> Vec<&str> {
    text.split("HTTP/1.1 ").skip(1).map(|response| &response[..3]).collect()
}

#[test]
fn a_get_and_a_head_differ_by_the_body_alone() {
    let (got, closed) = answer_to(GET);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n".to_owned()
        + Audience::SameOrigin.fields();
    assert_eq!(got, format!("{head}Content-Length: 17\r\n\r\nGet /a Some(\"b\")\n"));
    assert!(!closed);
    let (got, _) = answer_to("HEAD /a?b HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(got, format!("{head}Content-Length: 18\r\n\r\n"));
}

#[test]
fn the_connection_closes_when_it_should() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", None),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", Some("close")),
        ("GET / HTTP/1.0\r\n\r\n", Some("close")),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Some("keep-alive")),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", Some("close")),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 16385\r\n\r\n", Some("close")),
    ];
    for (request, field) in cases {
        let (got, closed) = answer_to(request);
        assert_eq!(statuses(&got), ["200"], "{request:?}");
        assert_eq!(closed, field == Some("close"), "{request:?}");
        let sent = got.split("\r\n").find_map(|line| line.strip_prefix("Connection: "));
        assert_eq!(sent, field, "{request:?}");
    }
}

#[test]
fn what_is_no_request_is_refused_and_closed() {
    let long = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "x".repeat(LIMITS.head_bytes));
    for (bytes, status) in [
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("\0\u{1}\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let (got, closed) = answer_to(&format!("{bytes}{GET}"));
        assert_eq!(statuses(&got), [status], "{bytes:?}");
        assert!(closed && got.contains("Connection: close\r\n"), "{bytes:?}");
    }
}

#[test]
fn a_body_is_discarded_and_the_next_request_served() {
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
fn a_peer_that_asks_and_does_not_read_is_not_read_either() {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    let mut asked = 0;
    while connection.wants_read() {
        connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
        asked += 1;
    }
    assert!(asked <= LIMITS.head_bytes / GET.len() + 2, "{asked}");
    let mut answered = 0;
    while connection.wants_write() {
        let count = connection.pending().iter().map(|slice| slice.len()).sum();
        connection.sent(Tick::ZERO, count, &mut echo);
        answered += 1;
    }
    assert_eq!(answered, asked);
    assert!(connection.wants_read());
}

#[test]
fn bytes_that_were_not_asked_for_end_the_connection() {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    while connection.wants_read() {
        connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
    }
    connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
    assert!(connection.is_finished() && !connection.wants_write());
}

#[test]
fn a_slow_head_gets_408_even_if_it_trickles() {
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
fn after_the_last_response_the_peer_closes_first() {
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
fn after_a_refusal_bytes_are_dropped() {
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
fn silence_ends_the_connection_without_a_word() {
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
fn a_peer_that_takes_nothing_is_given_up() {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    connection.receive(Tick::ZERO, GET.as_bytes(), &mut echo);
    connection.sent(Tick::from_millis(9_000), 1, &mut echo);
    connection.deadline_reached(Tick::from_millis(18_999), &mut echo);
    assert!(!connection.is_finished());
    connection.deadline_reached(Tick::from_millis(19_000), &mut echo);
    assert!(connection.is_finished());
}

#[test]
fn a_body_that_never_comes_is_given_up() {
    let mut peer = Peer::new(usize::MAX);
    peer.talk(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", &[usize::MAX]);
    assert_eq!(statuses(peer.text()), ["200"]);
    peer.wait(LIMITS.head_time);
    assert!(peer.connection.is_finished());
}

#[test]
fn what_was_asked_before_the_end_of_file_is_answered() {
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
fn an_idle_connection_holds_no_memory() {
    let mut peer = Peer::new(usize::MAX);
    peer.talk(GET.repeat(20).as_bytes(), &[usize::MAX]);
    assert!(peer.connection.outgoing.is_none());
    assert_eq!(format!("{:?}", peer.connection.inbox), format!("{:?}", Inbox::default()));
}

#[test]
fn a_shared_body_is_sent_from_where_it_is() {
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
    fn every_pipelined_request_is_answered_in_order(
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

/// Bytes of which requests are made, so that some are.
fn any_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => prop::sample::select(GET.as_bytes()),
        1 => any::<u8>(),
    ]
}
