//! Faulty responses and a shut listener, as a peer sees them.

use std::net::TcpListener;
use std::num::NonZeroU64;

use super::*;
use crate::http::{Cut, CutEnd};

const PLAIN: Delivery =
    Delivery { delay: Duration::ZERO, rate: None, cut: None, content_length: None };

fn cut(after: Option<usize>, end: CutEnd) -> Option<Delivery> {
    Some(Delivery { cut: Some(Cut { after, end }), ..PLAIN })
}

/// A client that has requested this path, and its world.
fn asked(path: &str, delivery: Option<Delivery>) -> (World, TcpStream) {
    let mut world = World::new(LIMITS);
    world.service.delivery = delivery;
    let mut client = world.accepted_client();
    client.write_all(&get(path)).unwrap();
    world.until(|world| !world.service.from.is_empty());
    (world, client)
}

impl World {
    /// Runs until the client has read everything; returns how that ended.
    fn read_to_end_of(
        &mut self,
        client: &mut TcpStream,
        received: &mut Vec<u8>,
    ) -> Option<ErrorKind> {
        let mut end = None;
        self.until(|_| match client.read_to_end(received) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            read => {
                end = read.err().map(|error| error.kind());
                true
            }
        });
        end
    }
}

#[test]
fn a_cut_arrives_as_end_of_file_or_as_reset() {
    let reset = Some(ErrorKind::ConnectionReset);
    for (end, want) in [(CutEnd::Close, None), (CutEnd::Reset, reset)] {
        for after in [None, Some(2)] {
            let (mut world, mut client) = asked("/a", cut(after, end));
            let mut received = Vec::new();
            assert_eq!(world.read_to_end_of(&mut client, &mut received), want, "{after:?}");
            assert_eq!(received.ends_with(b"\r\n\r\n/a"), after.is_some(), "{end:?}");
            assert_eq!(received.is_empty(), after.is_none(), "{end:?}");
            let body_bytes = after.unwrap_or(0) as u64;
            assert_eq!(world.service.outcomes, [Delivered { body_bytes, complete: true }]);
            drop(client);
            world.until(|world| world.server.peers.is_empty());
        }
    }
}

/// More than the other side takes before it reads, less than the socket takes.
const AHEAD: usize = 256 << 10;

/// A client that does not read, and a response to be reset that waits in the socket.
fn reset_ahead() -> (World, TcpStream) {
    let (mut world, client) = asked("/big", cut(Some(AHEAD), CutEnd::Reset));
    world.until(|world| !world.service.outcomes.is_empty() && world.registrar.ready.is_empty());
    assert_eq!(world.server.peers.len(), 1);
    (world, client)
}

#[test]
fn bytes_sent_before_a_reset_arrive() {
    let (mut world, mut client) = reset_ahead();
    let mut received = Vec::new();
    let end = world.read_to_end_of(&mut client, &mut received);
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
    let body =
        received.len() - received.windows(4).position(|four| four == b"\r\n\r\n").unwrap() - 4;
    assert_eq!(body, AHEAD);
    assert!(world.server.peers.is_empty());
}

#[test]
fn resets_a_peer_that_never_reads() {
    let (mut world, mut client) = reset_ahead();
    assert_eq!(world.deadline(), LIMITS.connection.write_time);
    assert!(world.server.peers.is_empty());
    let mut received = Vec::new();
    let end = world.read_to_end_of(&mut client, &mut received);
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
    assert!(received.len() < AHEAD);
}

#[test]
fn a_stall_is_silent_until_the_peer_closes() {
    for after in [None, Some(2)] {
        let (mut world, mut client) = asked("/a", cut(after, CutEnd::Stall));
        world.until(|world| world.registrar.ready.is_empty() && !world.service.outcomes.is_empty());
        let mut received = Vec::new();
        assert!(!read_all(&mut client, &mut received));
        assert_eq!(received.is_empty(), after.is_none());
        assert!(world.server.next_deadline() > Some(START.after(Duration::from_secs(600))));
        drop(client);
        world.until(|world| world.server.peers.is_empty());
        assert_eq!(world.server.next_deadline(), None);
        assert_eq!(world.service.outcomes.len(), 1);
    }
}

#[test]
fn a_delay_ends_when_due_or_when_the_peer_closes() {
    let delay = Duration::from_secs(30);
    let (mut world, mut client) = asked("/a", Some(Delivery { delay, ..PLAIN }));
    assert_eq!(world.deadline(), delay);
    assert!(world.read_until(&mut client, "/a\n").starts_with("HTTP/1.1 200"));

    let gone = [Delivered { body_bytes: 0, complete: false }];
    for half in [false, true] {
        let (mut world, client) = asked("/a", Some(Delivery { delay, ..PLAIN }));
        if half {
            client.shutdown(Half::Write).unwrap();
        } else {
            // Unread bytes at the other side make this a reset.
            world.until(|world| world.registrar.ready.is_empty());
            set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
            drop(client);
        }
        world.until(|world| world.server.peers.is_empty());
        assert_eq!(world.service.outcomes, gone, "{half}");
    }
}

#[test]
fn sends_a_slow_response_chunk_by_chunk() {
    let rate = NonZeroU64::new(100);
    let (mut world, mut client) = asked("/a", Some(Delivery { rate, ..PLAIN }));
    let mut received = Vec::new();
    let mut chunks = 1;
    world.until(|world| world.registrar.ready.is_empty());
    while world.service.outcomes.is_empty() {
        assert_eq!(world.deadline(), Duration::from_millis(100));
        chunks += 1;
    }
    world.until(|_| {
        read_all(&mut client, &mut received);
        received.ends_with(b"/a\n")
    });
    assert_eq!(chunks, received.len().div_ceil(10));
}

#[test]
fn reports_evicted_responses_and_evicts_those_waiting_for_us_last() {
    let mut world = World::new(ServerLimits { connections: 2, ..LIMITS });
    world.service.delivery = Some(Delivery { delay: Duration::from_secs(1), ..PLAIN });
    let mut delayed = world.accepted_client();
    delayed.write_all(GET).unwrap();
    world.until(|world| world.service.from.len() == 1);
    let mut idle = world.accepted_client();
    // The idle one is closed, although the other is due first.
    let mut other = world.connect();
    assert_eq!(world.read_until_closed(&mut idle), "");
    assert!(world.service.outcomes.is_empty());
    other.write_all(GET).unwrap();
    world.until(|world| world.service.from.len() == 2);
    let _third = world.connect();
    world.until(|world| !world.service.outcomes.is_empty());
    assert_eq!(world.service.outcomes, [Delivered { body_bytes: 0, complete: false }]);
}

#[test]
fn reports_every_response_at_the_end() {
    let delay = Duration::from_secs(1);
    let (mut world, mut client) = asked("/a", Some(Delivery { delay, ..PLAIN }));
    let _idle = world.accepted_client();
    world.server.close_all(&mut world.registrar, &mut world.service);
    assert_eq!(world.service.outcomes, [Delivered { body_bytes: 0, complete: false }]);
    assert_eq!(world.read_until_closed(&mut client), "");
    assert_eq!(world.registrar.table.len(), 1);
}

#[test]
fn requests_carry_the_address_of_their_peer() {
    let (world, client) = asked("/a", None);
    assert_eq!(world.service.from, [Some(client.local_addr().unwrap().ip().into())]);
}

#[test]
fn a_shut_listener_refuses_and_keeps_its_port() {
    let mut world = World::new(LIMITS);
    let address = world.server.local_addr().unwrap();
    let mut living = world.accepted_client();
    let mut waiting = world.connect();
    for _ in 0..2 {
        world.server.set_open(&mut world.registrar, START, false);
    }
    let refused = TcpStream::connect(address).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
    let reset = waiting.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(reset, Err(ErrorKind::ConnectionReset));
    let taken = TcpListener::bind(address).map_err(|error| error.kind());
    assert_eq!(taken.err(), Some(ErrorKind::AddrInUse));
    assert_eq!(world.server.local_addr().unwrap(), address);
    living.write_all(GET).unwrap();
    world.read_until(&mut living, "/a\n");
    assert!(world.server.next_deadline() > Some(START.after(ACCEPT_PAUSE)), "no wake-ups");

    world.server.set_open(&mut world.registrar, START, true);
    assert_eq!(world.server.local_addr().unwrap(), address);
    let mut client = world.accepted_client();
    client.write_all(GET).unwrap();
    world.read_until(&mut client, "/a\n");
    assert_eq!(world.server.peers.len(), 2);
}
