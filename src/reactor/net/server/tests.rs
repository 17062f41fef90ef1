//! The server over real sockets of this host, with the test's own clock.

mod tls;
mod wire;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown as Half, TcpStream};
use std::os::unix::net::UnixStream;

use mio::Events;

use super::peer::READ_BYTES;
use super::*;
use crate::http::{Body, Delivered, Delivery, More, Request, Response, Status, Ticket};

const LIMITS: ServerLimits = ServerLimits {
    connections: 200,
    connection: Limits {
        head_bytes: 1024,
        head_time: Duration::from_secs(5),
        idle_time: Duration::from_secs(60),
        write_time: Duration::from_secs(10),
    },
};

/// More bytes than the socket buffers of both sides hold.
const BIG: usize = 64 << 20;

const SERVICE: ServiceKey = ServiceKey(7);
const START: Tick = Tick::from_millis(1000);
const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

/// A server, and the part of the loop that it needs.
struct World {
    registrar: Registrar,
    server: Server,
    events: Events,
    now: Tick,
    service: Recorder,
}

impl World {
    fn new(limits: ServerLimits) -> Self {
        Self::of(Server::bind(SERVICE, "127.0.0.1:0".parse().unwrap(), limits).unwrap())
    }

    fn of(mut server: Server) -> Self {
        let mut registrar = Registrar::new().unwrap();
        server.start(&mut registrar).unwrap();
        Self {
            registrar,
            server,
            events: Events::with_capacity(1024),
            now: START,
            service: Recorder::default(),
        }
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.server.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    /// A connection that is accepted already.
    fn accepted_client(&mut self) -> TcpStream {
        let (socket, before) = (self.connect(), self.server.peers.len());
        self.until(|world| world.server.peers.len() > before);
        socket
    }

    /// Takes the events from the kernel; they wait for [`World::turns`].
    fn poll(&mut self, limit: Duration) {
        self.registrar.poll.poll(&mut self.events, Some(limit)).unwrap();
        for event in &self.events {
            self.registrar.queue(event.token(), event.is_read_closed() || event.is_error());
        }
    }

    /// Gives one turn to each waiting entry.
    fn turns(&mut self) {
        for _ in 0..self.registrar.ready.own.len() {
            let token = self.registrar.ready.own.pop_front().unwrap();
            let Some((owner, hung_up)) = self.registrar.table.take_turn(token) else { continue };
            let Self { registrar, server, service, .. } = self;
            let more = match owner {
                Owner::Listener(SERVICE) => server.accept(registrar, self.now, service),
                Owner::Connection(SERVICE, key) => {
                    server.turn(registrar, self.now, key, hung_up, service)
                }
                _ => panic!("{owner:?}"),
            };
            if more {
                self.registrar.queue(token, hung_up);
            }
        }
    }

    /// Runs until a condition holds.
    fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) {
        for _ in 0..1000 {
            if holds(self) {
                return;
            }
            let idle = self.registrar.ready.is_empty();
            self.poll(Duration::from_millis(if idle { 10 } else { 0 }));
            self.turns();
        }
        panic!("the condition never held");
    }

    /// Runs until the server has closed its side; returns what it sent.
    fn read_until_closed(&mut self, client: &mut TcpStream) -> String {
        let mut received = Vec::new();
        self.until(|_| read_all(client, &mut received));
        String::from_utf8(received).unwrap()
    }

    /// Runs until the server has sent `last`; returns what it sent.
    fn read_until(&mut self, client: &mut impl Read, last: &str) -> String {
        let mut received = Vec::new();
        self.until(|_| {
            read_all(client, &mut received);
            received.ends_with(last.as_bytes())
        });
        String::from_utf8(received).unwrap()
    }

    /// Moves the time to the next deadline; returns how long that was.
    fn deadline(&mut self) -> Duration {
        let next = self.server.next_deadline().unwrap();
        let waited = next.since(self.now);
        self.now = next;
        self.server.deadline_reached(&mut self.registrar, next, &mut self.service);
        waited
    }
}

/// Reads all there is; true at the end.
fn read_all(client: &mut impl Read, received: &mut Vec<u8>) -> bool {
    match client.read_to_end(received) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    }
}

/// Responds with the path, and records requests and outcomes.
#[derive(Default)]
struct Recorder {
    /// How every response is sent; each has a ticket.
    delivery: Option<Delivery>,
    from: Vec<Option<PeerAddress>>,
    outcomes: Vec<Delivered>,
    /// What follows in an open body, the last first.
    more: Vec<More>,
}

impl Service for Recorder {
    fn respond(&mut self, request: &Request<'_>) -> Response {
        self.from.push(request.peer);
        let response = match request.path {
            "/open" => Response::plain(Status::OK, Vec::new(), Body::Open(b"0\n".to_vec())),
            "/big" => Response::new(Status::OK, "text/plain", vec![b'x'; BIG]),
            path => Response::text(Status::OK, path),
        };
        let delivery = self.delivery.map(Box::new);
        Response { delivery, ticket: Some(Ticket(7)), ..response }
    }

    fn more(&mut self, _: Ticket) -> More {
        self.more.pop().unwrap_or(More::Later)
    }

    fn delivered(&mut self, ticket: Ticket, delivered: Delivered) {
        assert_eq!(ticket, Ticket(7));
        self.outcomes.push(delivered);
    }
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()
}

#[test]
fn serves_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control");
    let mut world = World::of(Server::bind_unix(SERVICE, &path, LIMITS).unwrap());
    let mut clients = Vec::new();
    for open in [true, false, true] {
        world.server.set_open(&mut world.registrar, START, open);
        let mut client = UnixStream::connect(&path).unwrap();
        client.set_nonblocking(true).unwrap();
        client.write_all(GET).unwrap();
        if open {
            assert!(world.read_until(&mut client, "/a\n").starts_with("HTTP/1.1 200"));
        } else {
            assert!(!world.server.accept(&mut world.registrar, START, &mut world.service));
            assert_eq!(world.server.peers.len(), 1);
        }
        clients.push(client);
    }
    world.until(|world| world.service.from.len() == 3);
    assert_eq!(world.service.from, [Some(PeerAddress::Unix); 3]);
    drop(world);
    assert!(!path.exists());
}

#[test]
fn a_turn_accepts_a_bounded_number_and_reports_that_more_may_wait() {
    let mut world = World::new(LIMITS);
    let _clients: Vec<_> = (0..ACCEPTS_PER_TURN + 10).map(|_| world.connect()).collect();
    assert!(world.server.accept(&mut world.registrar, START, &mut world.service));
    assert_eq!(world.server.peers.len(), ACCEPTS_PER_TURN);
    assert!(!world.server.accept(&mut world.registrar, START, &mut world.service));
    assert_eq!(world.server.peers.len(), ACCEPTS_PER_TURN + 10);
}

#[test]
fn at_the_limit_closes_the_longest_waiting_connection() {
    let mut world = World::new(ServerLimits { connections: 2, ..LIMITS });
    let mut oldest = world.accepted_client();
    world.now = world.now.after(Duration::from_secs(1));
    let mut older = world.accepted_client();
    world.now = world.now.after(Duration::from_secs(1));
    let mut newest = world.connect();
    assert_eq!(world.read_until_closed(&mut oldest), "");
    for client in [&mut older, &mut newest] {
        client.write_all(GET).unwrap();
        assert!(world.read_until(client, "/a\n").starts_with("HTTP/1.1 200"));
    }
    assert_eq!(world.server.peers.len(), 2);
    // The listener and the two that are left.
    assert_eq!(world.registrar.table.len(), 3);
}

#[test]
fn accepts_again_after_a_pause_when_accepting_failed() {
    let mut world = World::new(LIMITS);
    // A listener that was shut down accepts nothing until it listens again.
    rustix::net::shutdown(world.server.listener.as_fd(), rustix::net::Shutdown::Both).unwrap();
    assert!(!world.server.accept(&mut world.registrar, START, &mut world.service));
    rustix::net::listen(world.server.listener.as_fd(), 1024).unwrap();
    let clients: Vec<_> = (0..ACCEPTS_PER_TURN + 10).map(|_| world.connect()).collect();
    // Readiness reported during the pause is not reported again.
    world.poll(Duration::ZERO);
    world.registrar.ready.own.clear();
    world.registrar.table.take_turn(world.server.listener.token.unwrap());
    assert_eq!(world.deadline(), ACCEPT_PAUSE);
    assert_eq!(world.registrar.ready.own.len(), 1, "the listener gets a turn");
    assert!(world.server.next_deadline().is_none());
    world.until(|world| world.server.peers.len() == clients.len());
}

#[test]
fn a_slow_head_gets_408() {
    let mut world = World::new(LIMITS);
    let mut client = world.accepted_client();
    client.write_all(b"GET / HT").unwrap();
    let head_until = START.after(LIMITS.connection.head_time);
    world.until(|world| world.server.next_deadline() == Some(head_until));
    // Single bytes do not extend the time.
    world.now = START.after(Duration::from_secs(4));
    client.write_all(b"T").unwrap();
    world.poll(Duration::from_secs(10));
    world.turns();
    assert_eq!(world.deadline(), Duration::from_secs(1));
    let received = world.read_until_closed(&mut client);
    assert!(received.starts_with("HTTP/1.1 408 "), "{received}");
    drop(client);
    world.until(|world| world.server.peers.is_empty());
    assert_eq!(world.server.next_deadline(), None);
}

#[test]
fn a_peer_with_unread_bytes_at_its_deadline_gets_another_turn() {
    let mut world = World::new(LIMITS);
    let mut client = world.accepted_client();
    client.write_all(b"GET").unwrap();
    let head_until = START.after(LIMITS.connection.head_time);
    world.until(|world| world.server.next_deadline() == Some(head_until));
    client.write_all(&[b'x'; 2 * IO_PER_TURN * READ_BYTES]).unwrap();
    client.shutdown(Half::Write).unwrap();
    // All readiness of this socket was reported before.
    world.poll(Duration::ZERO);
    while let Some(token) = world.registrar.ready.own.pop_front() {
        world.registrar.table.take_turn(token);
    }
    world.deadline();
    assert!(!world.registrar.ready.is_empty());
    while !world.registrar.ready.is_empty() {
        world.turns();
    }
    assert!(world.server.peers.is_empty());
    let mut received = Vec::new();
    assert!(read_all(&mut client, &mut received));
    assert!(received.starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn closes_a_silent_peer_without_a_response() {
    let mut world = World::new(LIMITS);
    let mut client = world.accepted_client();
    assert_eq!(world.deadline(), LIMITS.connection.idle_time);
    assert_eq!(world.read_until_closed(&mut client), "");
    assert!(world.server.peers.is_empty());
    assert_eq!(world.registrar.table.len(), 1);
}

#[test]
fn closes_a_peer_that_does_not_read_and_serves_others_meanwhile() {
    let mut world = World::new(LIMITS);
    let (mut stalled, mut other) = (world.accepted_client(), world.accepted_client());
    stalled.write_all(&get("/big")).unwrap();
    other.write_all(GET).unwrap();
    world.read_until(&mut other, "/a\n");
    world.until(|world| world.registrar.ready.is_empty());
    assert_eq!(world.deadline(), LIMITS.connection.write_time);
    assert_eq!(world.server.peers.len(), 1);
    let mut received = Vec::new();
    let end = loop {
        match stalled.read_to_end(&mut received) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            end => break end.is_ok(),
        }
    };
    assert!(received.len() < BIG, "{} bytes, in order: {end}", received.len());
}

#[test]
fn sends_a_big_response_completely() {
    let mut world = World::new(LIMITS);
    let mut client = world.accepted_client();
    client.write_all(&get("/big")).unwrap();
    let mut received = Vec::new();
    world.until(|_| {
        read_all(&mut client, &mut received);
        received.len() > BIG
    });
    assert!(received.ends_with(b"xxx"));
}

#[test]
fn responds_in_order_to_pipelined_requests_cut_anywhere() {
    let asked: Vec<u8> = (0..20).flat_map(|number| get(&format!("/{number}"))).collect();
    for piece in [1, 7, 1000] {
        let mut world = World::new(LIMITS);
        let mut client = world.accepted_client();
        let (mut received, mut pieces) = (Vec::new(), asked.chunks(piece));
        world.until(|_| {
            pieces.next().into_iter().for_each(|piece| client.write_all(piece).unwrap());
            read_all(&mut client, &mut received);
            received.ends_with(b"/19\n")
        });
        let received = String::from_utf8(received).unwrap();
        let bodies: Vec<_> = received.lines().filter(|line| line.starts_with('/')).collect();
        let wanted: Vec<_> = (0..20).map(|number| format!("/{number}")).collect();
        assert_eq!(bodies, wanted, "pieces of {piece}");
    }
}

#[test]
fn responds_after_the_peer_has_shut_down_its_side() {
    let mut world = World::new(LIMITS);
    let mut client = world.accepted_client();
    client.write_all(&[GET, GET].concat()).unwrap();
    client.shutdown(Half::Write).unwrap();
    let received = world.read_until_closed(&mut client);
    assert_eq!(received.matches("\r\n\r\n/a").count(), 2, "{received}");
    world.until(|world| world.server.peers.is_empty());
}

#[test]
fn appends_to_an_open_body_until_the_peer_goes() {
    let mut world = World::new(LIMITS);
    let mut client = world.accepted_client();
    client.write_all(&get("/open")).unwrap();
    world.read_until(&mut client, "\r\n\r\n0\n");
    for number in 1..4 {
        let text = format!("{number}\n");
        world.service.more.push(More::Bytes(text.clone().into_bytes()));
        let World { server, registrar, service, .. } = &mut world;
        server.refill(registrar, START, service);
        assert_eq!(world.read_until(&mut client, &text), text);
    }
    assert!(world.server.has_open_bodies() && world.server.next_deadline().is_none());
    drop(client);
    world.until(|world| world.server.peers.is_empty());
    assert!(!world.server.has_open_bodies());
    assert_eq!(world.service.outcomes, [Delivered { body_bytes: 8, complete: false }]);
}

#[test]
fn frees_everything_of_a_peer_that_is_gone() {
    let mut world = World::new(LIMITS);
    let mut client = world.accepted_client();
    client.write_all(&get("/big")).unwrap();
    world.until(|world| world.server.peers.iter().any(|(_, peer)| peer.connection.wants_write()));
    // With a response unread this resets the connection.
    drop(client);
    world.until(|world| world.server.peers.is_empty());
    assert_eq!(world.registrar.table.len(), 1);
    assert_eq!(world.server.next_deadline(), None);
}
