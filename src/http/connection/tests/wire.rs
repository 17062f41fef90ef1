//! Responses that are delayed, slowed or cut, under a virtual clock.

mod properties;

use std::num::NonZeroU64;

use super::*;
use crate::http::{Cut, Delivered, Delivery, Ticket};

/// A response; the last of a list is repeated.
#[derive(Debug, Clone)]
struct Made {
    body_bytes: usize,
    delivery: Option<Delivery>,
}

/// Responds from a list, with a ticket for every response, and records the notices.
#[derive(Debug, Clone, Default)]
struct Origin {
    list: Vec<Made>,
    responses: usize,
    uploads: Vec<Vec<u8>>,
    heard: Vec<(Ticket, Delivered)>,
}

impl Service for Origin {
    fn respond(&mut self, request: &Request<'_>) -> Response {
        let made = &self.list[self.responses.min(self.list.len() - 1)];
        let ticket = Ticket(self.responses as u64);
        self.responses += 1;
        self.uploads.push(request.body.to_vec());
        let body = Body::Owned(vec![b'x'; made.body_bytes]);
        Response {
            delivery: made.delivery.map(Box::new),
            ticket: Some(ticket),
            ..Response::plain(Status::OK, Vec::new(), body)
        }
    }

    fn delivered(&mut self, ticket: Ticket, delivered: Delivered) {
        self.heard.push((ticket, delivered));
    }
}

/// A connection to such an origin, and its peer.
struct Line {
    connection: Connection,
    origin: Origin,
    now: Tick,
    /// When how many bytes were taken.
    log: Vec<(Tick, usize)>,
    got: Vec<u8>,
}

impl Line {
    fn new(list: Vec<Made>) -> Self {
        Self {
            connection: Connection::new(Tick::ZERO, LIMITS),
            origin: Origin { list, ..Origin::default() },
            now: Tick::ZERO,
            log: Vec::new(),
            got: Vec::new(),
        }
    }

    /// A line whose responses have a hundred bytes and this delivery.
    fn of(delivery: Delivery) -> Self {
        Self::new(vec![Made { body_bytes: 100, delivery: Some(delivery) }])
    }

    fn ask(&mut self, bytes: &[u8]) {
        self.connection.receive(self.now, bytes, &mut self.origin);
    }

    /// Takes up to this many of the bytes that may be sent now.
    fn take(&mut self, most: usize) {
        if !self.connection.wants_write() {
            return;
        }
        let all = self.connection.pending().map(|part| part.to_vec()).concat();
        assert!(!all.is_empty());
        let taken = all.len().min(most);
        self.got.extend_from_slice(&all[..taken]);
        self.log.push((self.now, taken));
        self.connection.sent(self.now, taken, &mut self.origin);
    }

    /// Takes everything, in pieces of at most this many bytes.
    fn read(&mut self, most: usize) {
        while self.connection.wants_write() {
            self.take(most);
        }
    }

    /// Advances to the deadline, or this much beyond it.
    fn wait(&mut self, late: Duration) {
        self.now = self.connection.deadline().unwrap().after(late);
        self.connection.deadline_reached(self.now, &mut self.origin);
    }

    /// Reads until only the peer can cause more output.
    fn read_on(&mut self, most: usize, late: Duration) {
        self.read(most);
        while self.connection.holds_back() && self.connection.stage == Stage::Sending {
            self.wait(late);
            self.read(most);
        }
    }

    fn head_bytes(&self) -> usize {
        self.got.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |found| found + 4)
    }
}

const PLAIN: Delivery =
    Delivery { delay: Duration::ZERO, rate: None, cut: None, content_length: None };

fn cut(after: Option<usize>, end: CutEnd) -> Delivery {
    Delivery { cut: Some(Cut { after, end }), ..PLAIN }
}

fn rate(bytes: u64) -> Delivery {
    Delivery { rate: NonZeroU64::new(bytes), ..PLAIN }
}

fn chunk_and_period(rate: u64) -> (u64, u64) {
    let chunk = (rate / 10).max(1);
    (chunk, (chunk * 1_000_000_000).div_ceil(rate))
}

#[test]
fn sends_nothing_before_the_delay_is_over() {
    let delay = Duration::from_secs(60);
    let mut line = Line::of(Delivery { delay, ..PLAIN });
    line.now = Tick::from_millis(5);
    line.ask(GET.as_bytes());
    assert!(!line.connection.wants_write() && line.connection.holds_back());
    assert_eq!(line.connection.deadline(), Some(Tick::from_millis(60_005)));
    line.connection.deadline_reached(Tick::from_millis(60_004), &mut line.origin);
    assert!(!line.connection.wants_write() && !line.connection.is_finished());
    line.wait(Duration::ZERO);
    // The peer's time to take the response begins only now.
    assert_eq!(line.connection.deadline(), Some(line.now.after(LIMITS.write_time)));
    line.read(7);
    assert_eq!(line.got.len() - line.head_bytes(), 100);
    assert_eq!(line.connection.stage, Stage::Idle);
    assert_eq!(line.origin.heard, [(Ticket(0), Delivered { body_bytes: 100, complete: true })]);
}

#[test]
fn end_of_file_during_the_delay_ends_the_connection() {
    let delayed = Made { body_bytes: 1, delivery: Some(Delivery { delay: STALL, ..PLAIN }) };
    let incomplete = Delivered { body_bytes: 0, complete: false };
    for asks_twice in [false, true] {
        let mut line = Line::new(vec![Made { body_bytes: 1, delivery: None }, delayed.clone()]);
        line.ask(GET.as_bytes());
        if asks_twice {
            // The end of file arrives while the first response is being sent.
            line.ask(GET.as_bytes());
            line.connection.peer_closed(&mut line.origin);
            line.read(9);
        } else {
            line.read(9);
            line.ask(GET.as_bytes());
            assert!(line.connection.wants_read() && !line.connection.is_finished());
            line.connection.peer_closed(&mut line.origin);
        }
        assert!(line.connection.is_finished(), "{asks_twice}");
        assert_eq!(line.origin.heard.last(), Some(&(Ticket(1), incomplete)), "{asks_twice}");
        assert_eq!(line.origin.heard.len(), 2);
    }
}

#[test]
fn drip_ends_on_time_with_one_wakeup_per_chunk() {
    for bytes in [1, 2, 9, 10, 19, 20, 100, 1_000, u64::MAX] {
        let mut line = Line::of(rate(bytes));
        line.ask(GET.as_bytes());
        line.read_on(usize::MAX, Duration::ZERO);
        let (chunk, period) = chunk_and_period(bytes.min(1 << 30));
        let turns = (line.got.len() as u64).div_ceil(chunk);
        assert_eq!(line.log.len() as u64, turns, "at {bytes}");
        assert_eq!(line.now.as_nanos(), (turns - 1) * period, "at {bytes}");
        assert_eq!(line.connection.stage, Stage::Idle, "at {bytes}");
        assert_eq!(line.got.len() - line.head_bytes(), 100, "at {bytes}");
    }
}

#[test]
fn gives_up_on_a_peer_that_takes_nothing_of_a_drip() {
    let mut line = Line::of(rate(100));
    line.ask(GET.as_bytes());
    line.take(4);
    assert_eq!(line.connection.deadline(), Some(Tick::ZERO.after(LIMITS.write_time)));
    line.wait(Duration::ZERO);
    assert!(line.connection.is_finished());
    assert_eq!(line.origin.heard, [(Ticket(0), Delivered { body_bytes: 0, complete: false })]);
}

#[test]
fn does_not_catch_up_after_a_blocked_peer() {
    let mut line = Line::of(rate(100));
    line.ask(GET.as_bytes());
    line.now = Tick::from_millis(9_000);
    line.take(usize::MAX);
    // The chunk that became due meanwhile is sent at once, the next one on schedule.
    line.take(usize::MAX);
    assert!(!line.connection.wants_write());
    assert_eq!(line.connection.deadline(), Some(Tick::from_millis(9_100)));
}

#[test]
fn cuts_at_the_given_place_in_the_given_way() {
    let fields = Audience::SameOrigin.fields();
    let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 100\r\n\r\n");
    let whole = head.len() + 100;
    let ends = [
        (CutEnd::Close, Stage::Lingering),
        (CutEnd::Reset, Stage::Resetting),
        (CutEnd::Stall, Stage::Stalled),
    ];
    let places = [(None, 0), (Some(0), whole - 100), (Some(7), whole - 93), (Some(900), whole)];
    for (end, stage) in ends {
        for (after, want) in places {
            let mut line = Line::of(cut(after, end));
            line.ask(GET.as_bytes());
            line.read_on(11, Duration::ZERO);
            let case = format!("{end:?} after {after:?}");
            assert_eq!(line.got.len(), want, "{case}");
            assert_eq!(line.connection.stage, stage, "{case}");
            assert_eq!(line.connection.resets(), end == CutEnd::Reset, "{case}");
            assert_eq!(line.connection.take_shutdown(), end == CutEnd::Close, "{case}");
            let body_bytes = want.saturating_sub(whole - 100) as u64;
            let notice = Delivered { body_bytes, complete: true };
            assert_eq!(line.origin.heard, [(Ticket(0), notice)], "{case}");
            // Further requests are ignored.
            line.ask(GET.as_bytes());
            assert_eq!(line.origin.responses, 1, "{case}");
        }
    }
}

#[test]
fn stall_ends_when_the_peer_closes_or_the_limit_is_reached() {
    for goes in [false, true] {
        let mut line =
            Line::of(Delivery { delay: Duration::from_secs(1), ..cut(None, CutEnd::Stall) });
        line.ask(GET.as_bytes());
        line.wait(Duration::ZERO);
        assert!(line.connection.holds_back() && line.connection.wants_read());
        assert_eq!(line.connection.deadline(), Some(line.now.after(STALL)));
        if goes {
            line.connection.peer_closed(&mut line.origin);
        } else {
            line.wait(Duration::ZERO);
        }
        assert!(line.connection.is_finished() && line.got.is_empty());
        assert_eq!(line.origin.heard.len(), 1);
    }
}

#[test]
fn false_length_sends_everything_and_closes() {
    let cases = [(GET, 99, true), (GET, 100, false), (GET, 101, true)];
    let head = ["HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"; 1].map(|head| (head, 99, false));
    for (request, announced, closes) in cases.into_iter().chain(head) {
        let mut line = Line::of(Delivery { content_length: Some(announced), ..PLAIN });
        line.ask(request.as_bytes());
        line.read_on(13, Duration::ZERO);
        let got = String::from_utf8(line.got.clone()).unwrap();
        assert!(got.contains(&format!("\r\nContent-Length: {announced}\r\n")), "{got}");
        assert!(!got.contains("Connection"), "{got}");
        let body_bytes = if request == GET { 100 } else { 0 };
        assert_eq!(got.len() - line.head_bytes(), body_bytes, "{announced}");
        assert_eq!(line.connection.take_shutdown(), closes, "{announced}");
        let notice = Delivered { body_bytes: body_bytes as u64, complete: true };
        assert_eq!(line.origin.heard, [(Ticket(0), notice)]);
    }
}

#[test]
fn passes_the_whole_body_of_a_post_to_the_service() {
    let long = "z".repeat(BODY_LIMIT_BYTES);
    for body in ["", "a", "GET / HTTP/1.1\r\n\r\n", &long] {
        let length = body.len();
        let post = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}");
        for piece in [1, 5, 4096, usize::MAX] {
            let mut line = Line::new(vec![Made { body_bytes: 1, delivery: None }]);
            for part in format!("{post}{GET}").as_bytes().chunks(piece.min(post.len())) {
                line.ask(part);
                line.read(usize::MAX);
            }
            assert_eq!(line.origin.uploads, [body.as_bytes(), b""], "{length} by {piece}");
        }
    }
}

#[test]
fn refuses_a_post_whose_body_cannot_be_received() {
    for (fields, status) in [
        ("Content-Length: 16385\r\n", "413"),
        ("Content-Length: 99999999999999\r\n", "413"),
        ("Transfer-Encoding: chunked\r\n", "411"),
        ("Content-Length: 5\r\nExpect: 100-continue\r\n", "417"),
    ] {
        let (got, closed) = response_to(&format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\nx"));
        assert_eq!(statuses(&got), [status], "{fields}");
        assert!(closed && got.contains("Connection: close\r\n"), "{fields}");
    }
    // A slow body gets 408, an incomplete one nothing.
    let begun = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nx";
    let mut peer = Peer::new(usize::MAX);
    peer.talk(begun, &[usize::MAX]);
    peer.wait(LIMITS.head_time);
    assert_eq!(statuses(peer.text()), ["408"]);
    let mut peer = Peer::new(usize::MAX);
    peer.talk(begun, &[usize::MAX]);
    peer.connection.peer_closed(&mut echo);
    assert!(peer.connection.is_finished() && peer.got.is_empty());
}

#[test]
fn requests_carry_the_address_of_the_peer() {
    let from = PeerAddress::from([192, 0, 2, 7]);
    let mut seen = None;
    let mut connection = Connection::new(Tick::ZERO, LIMITS).from_peer(Some(from));
    let mut service = |request: &Request<'_>| {
        seen = request.peer;
        Response::text(Status::OK, "")
    };
    connection.receive(Tick::ZERO, GET.as_bytes(), &mut service);
    assert_eq!(seen, Some(from));
}
