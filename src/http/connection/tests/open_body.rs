//! Bodies that stay open, under a virtual clock.

use std::collections::VecDeque;

use super::*;
use crate::http::{Delivered, Delivery, More, Ticket};

const TICKET: Ticket = Ticket(5);

/// Opens a body for each request, and appends to it from a list.
#[derive(Default)]
struct Events {
    more: VecDeque<More>,
    asked: usize,
    delivered: Vec<Delivered>,
}

impl Service for Events {
    fn respond(&mut self, _: &Request<'_>) -> Response {
        let body = Body::Open(b"first\n".to_vec());
        let delivery = Some(Box::new(Delivery::default()));
        let response = Response::plain(Status::OK, Vec::new(), body);
        Response { ticket: Some(TICKET), delivery, ..response }
    }

    fn more(&mut self, ticket: Ticket) -> More {
        assert_eq!(ticket, TICKET);
        self.asked += 1;
        self.more.pop_front().unwrap_or(More::Later)
    }

    fn delivered(&mut self, ticket: Ticket, delivered: Delivered) {
        assert_eq!(ticket, TICKET);
        self.delivered.push(delivered);
    }
}

/// A connection to it; `method` is that of the one request.
fn asked(method: &str) -> (Connection, Events) {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    let mut events = Events::default();
    let request = format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n");
    connection.receive(Tick::ZERO, request.as_bytes(), &mut events);
    (connection, events)
}

/// Takes all that may be sent.
fn read(connection: &mut Connection, events: &mut Events, now: Tick) -> String {
    let mut got = Vec::new();
    while connection.wants_write() {
        let [head, body] = connection.pending();
        let bytes = [&head[..], &body[..]].concat();
        connection.sent(now, bytes.len(), events);
        got.extend(bytes);
    }
    String::from_utf8(got).unwrap()
}

#[test]
fn sends_what_the_service_appends_until_it_ends_the_body() {
    let (mut connection, mut events) = asked("GET");
    let got = read(&mut connection, &mut events, Tick::ZERO);
    assert!(got.ends_with("Connection: close\r\n\r\nfirst\n"), "{got}");
    assert!(!got.contains("Content-Length"), "{got}");
    let second = More::Bytes(b"second\n".to_vec());
    events.more = [More::Later, More::Bytes(Vec::new()), second, More::End].into();
    let mut texts = Vec::new();
    for ms in 1..=4 {
        let now = Tick::from_millis(ms);
        let refilled = connection.refill(now, &mut events);
        texts.push((refilled, read(&mut connection, &mut events, now)));
    }
    let texts: Vec<_> = texts.iter().map(|(refilled, text)| (*refilled, text.as_str())).collect();
    assert_eq!(texts, [(false, ""), (false, ""), (true, "second\n"), (true, "")]);
    assert!(connection.take_shutdown() && !connection.has_open_body());
    assert_eq!(events.delivered, [Delivered { body_bytes: 13, complete: true }]);
}

#[test]
fn a_peer_is_waited_for_only_while_there_is_something_to_send() {
    let (mut connection, mut events) = asked("GET");
    assert_eq!(connection.deadline(), Some(Tick::ZERO.after(LIMITS.write_time)));
    read(&mut connection, &mut events, Tick::ZERO);
    assert_eq!((connection.deadline(), connection.holds_back()), (None, true));
    let hour = Tick::from_millis(3_600_000);
    events.more = [More::Bytes(vec![b'x'; 9])].into();
    assert!(connection.refill(hour, &mut events));
    connection.sent(hour, 4, &mut events);
    // No more is asked for before the rest is taken.
    let asked = events.asked;
    assert!(!connection.refill(hour, &mut events));
    assert_eq!((events.asked, connection.holds_back()), (asked, false));
    connection.deadline_reached(hour.after(LIMITS.write_time), &mut events);
    assert!(connection.is_finished());
    assert_eq!(events.delivered, [Delivered { body_bytes: 10, complete: false }]);
}

#[test]
fn ends_when_the_peer_closes() {
    let (mut connection, mut events) = asked("GET");
    read(&mut connection, &mut events, Tick::ZERO);
    // What it sends meanwhile has no effect.
    connection.receive(Tick::ZERO, &[b'x'; 1000], &mut events);
    connection.peer_closed(&mut events);
    assert!(connection.is_finished() && !connection.has_open_body());
    assert_eq!(events.delivered, [Delivered { body_bytes: 6, complete: false }]);
}

#[test]
fn a_head_has_no_body_and_without_a_ticket_nothing_follows() {
    let (mut connection, mut events) = asked("HEAD");
    let got = read(&mut connection, &mut events, Tick::ZERO);
    assert!(got.ends_with("\r\n\r\n") && !got.contains("Connection"), "{got}");
    assert!(!connection.has_open_body() && !connection.take_shutdown());

    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    let mut service =
        |_: &Request<'_>| Response::plain(Status::OK, Vec::new(), Body::Open(b"all".to_vec()));
    connection.receive(Tick::ZERO, GET.as_bytes(), &mut service);
    assert!(!connection.has_open_body());
    let count = connection.pending().iter().map(|part| part.len()).sum();
    connection.sent(Tick::ZERO, count, &mut service);
    assert!(connection.take_shutdown(), "the end of the connection ends the body");
}
