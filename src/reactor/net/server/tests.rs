//! The server over real sockets of this host, in a time that the test tells.

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

/// What neither side's socket buffers hold, in bytes.
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
    service: Answers,
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
            service: Answers::default(),
        }
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.server.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    /// A connection that is accepted already.
    fn welcomed(&mut self) -> TcpStream {
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

    /// One turn for each that waits for it.
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

    /// Goes on until something holds.
    fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) {
        for _ in 0..1000 {
            if holds(self) {
                return;
            }
            let idle = self.registrar.ready.is_empty();
            self.poll(Duration::from_millis(if idle { 10 } else { 0 }));
            self.turns();
        }
        panic!("never came");
    }

    /// Goes on until the server has closed its side, and returns what it said.
    fn said_to(&mut self, client: &mut TcpStream) -> String {
        let mut said = Vec::new();
        self.until(|_| hear(client, &mut said));
        String::from_utf8(said).unwrap()
    }

    /// Goes on until the last word of these was said.
    fn says(&mut self, client: &mut impl Read, last: &str) -> String {
        let mut said = Vec::new();
        self.until(|_| {
            hear(client, &mut said);
            said.ends_with(last.as_bytes())
        });
        String::from_utf8(said).unwrap()
    }

    /// The time of the next deadline comes.
    fn deadline(&mut self) -> Duration {
        let next = self.server.next_deadline().unwrap();
        let waited = next.since(self.now);
        self.now = next;
        self.server.deadline_reached(&mut self.registrar, next, &mut self.service);
        waited
    }
}

/// Reads all there is; true at the end.
fn hear(client: &mut impl Read, said: &mut Vec<u8>) -> bool {
    match client.read_to_end(said) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    }
}

/// Answers with the path, and keeps what it hears.
#[derive(Default)]
struct Answers {
    /// How every response goes out, each with a ticket.
    delivery: Option<Delivery>,
    from: Vec<Option<PeerAddress>>,
    heard: Vec<Delivered>,
    /// What follows in an open body, the last first.
    more: Vec<More>,
}

impl Service for Answers {
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
        self.heard.push(delivered);
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
            assert!(world.says(&mut client, "/a\n").starts_with("HTTP/1.1 200"));
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
fn a_turn_accepts_a_bounded_number_and_says_that_more_may_wait() {
    let mut world = World::new(LIMITS);
    let _clients: Vec<_> = (0..ACCEPTS_PER_TURN + 10).map(|_| world.connect()).collect();
    assert!(world.server.accept(&mut world.registrar, START, &mut world.service));
    assert_eq!(world.server.peers.len(), ACCEPTS_PER_TURN);
    assert!(!world.server.accept(&mut world.registrar, START, &mut world.service));
    assert_eq!(world.server.peers.len(), ACCEPTS_PER_TURN + 10);
}

#[test]
fn at_the_limit_the_one_that_has_waited_longest_goes() {
    let mut world = World::new(ServerLimits { connections: 2, ..LIMITS });
    let mut oldest = world.welcomed();
    world.now = world.now.after(Duration::from_secs(1));
    let mut older = world.welcomed();
    world.now = world.now.after(Duration::from_secs(1));
    let mut newest = world.connect();
    assert_eq!(world.said_to(&mut oldest), "");
    for client in [&mut older, &mut newest] {
        client.write_all(GET).unwrap();
        assert!(world.says(client, "/a\n").starts_with("HTTP/1.1 200"));
    }
    assert_eq!(world.server.peers.len(), 2);
    // The listener and the two that are left.
    assert_eq!(world.registrar.table.len(), 3);
}

#[test]
fn what_cannot_be_accepted_waits_for_a_pause() {
    let mut world = World::new(LIMITS);
    // A listener that was shut down accepts nothing until it listens again.
    rustix::net::shutdown(world.server.listener.as_fd(), rustix::net::Shutdown::Both).unwrap();
    assert!(!world.server.accept(&mut world.registrar, START, &mut world.service));
    rustix::net::listen(world.server.listener.as_fd(), 1024).unwrap();
    let clients: Vec<_> = (0..ACCEPTS_PER_TURN + 10).map(|_| world.connect()).collect();
    // Readiness that was told during the pause is not told again.
    world.poll(Duration::ZERO);
    world.registrar.ready.own.clear();
    world.registrar.table.take_turn(world.server.listener_token.unwrap());
    assert_eq!(world.deadline(), ACCEPT_PAUSE);
    assert_eq!(world.registrar.ready.own.len(), 1, "the listener gets a turn");
    assert!(world.server.next_deadline().is_none());
    world.until(|world| world.server.peers.len() == clients.len());
}

#[test]
fn a_slow_head_gets_408() {
    let mut world = World::new(LIMITS);
    let mut client = world.welcomed();
    client.write_all(b"GET / HT").unwrap();
    let head_until = START.after(LIMITS.connection.head_time);
    world.until(|world| world.server.next_deadline() == Some(head_until));
    // A byte now and then does not make it longer.
    world.now = START.after(Duration::from_secs(4));
    client.write_all(b"T").unwrap();
    world.poll(Duration::from_secs(10));
    world.turns();
    assert_eq!(world.deadline(), Duration::from_secs(1));
    let said = world.said_to(&mut client);
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    drop(client);
    world.until(|world| world.server.peers.is_empty());
    assert_eq!(world.server.next_deadline(), None);
}

#[test]
fn a_peer_that_was_left_in_the_middle_at_its_deadline_gets_another_turn() {
    let mut world = World::new(LIMITS);
    let mut client = world.welcomed();
    client.write_all(b"GET").unwrap();
    let head_until = START.after(LIMITS.connection.head_time);
    world.until(|world| world.server.next_deadline() == Some(head_until));
    client.write_all(&[b'x'; 2 * IO_PER_TURN * READ_BYTES]).unwrap();
    client.shutdown(Half::Write).unwrap();
    // All that can be told of this socket was told before.
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
    let mut said = Vec::new();
    assert!(hear(&mut client, &mut said));
    assert!(said.starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn a_silent_peer_is_closed_without_a_word() {
    let mut world = World::new(LIMITS);
    let mut client = world.welcomed();
    assert_eq!(world.deadline(), LIMITS.connection.idle_time);
    assert_eq!(world.said_to(&mut client), "");
    assert!(world.server.peers.is_empty());
    assert_eq!(world.registrar.table.len(), 1);
}

#[test]
fn a_peer_that_asks_and_does_not_read_is_given_up_and_holds_nobody_up() {
    let mut world = World::new(LIMITS);
    let (mut stalled, mut other) = (world.welcomed(), world.welcomed());
    stalled.write_all(&get("/big")).unwrap();
    other.write_all(GET).unwrap();
    world.says(&mut other, "/a\n");
    world.until(|world| world.registrar.ready.is_empty());
    assert_eq!(world.deadline(), LIMITS.connection.write_time);
    assert_eq!(world.server.peers.len(), 1);
    let mut said = Vec::new();
    let end = loop {
        match stalled.read_to_end(&mut said) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            end => break end.is_ok(),
        }
    };
    assert!(said.len() < BIG, "{} bytes, in order: {end}", said.len());
}

#[test]
fn a_big_answer_comes_whole_to_one_that_reads() {
    let mut world = World::new(LIMITS);
    let mut client = world.welcomed();
    client.write_all(&get("/big")).unwrap();
    let mut said = Vec::new();
    world.until(|_| {
        hear(&mut client, &mut said);
        said.len() > BIG
    });
    assert!(said.ends_with(b"xxx"));
}

#[test]
fn requests_in_advance_are_answered_in_order_however_they_are_cut() {
    let asked: Vec<u8> = (0..20).flat_map(|number| get(&format!("/{number}"))).collect();
    for piece in [1, 7, 1000] {
        let mut world = World::new(LIMITS);
        let mut client = world.welcomed();
        let (mut said, mut pieces) = (Vec::new(), asked.chunks(piece));
        world.until(|_| {
            pieces.next().into_iter().for_each(|piece| client.write_all(piece).unwrap());
            hear(&mut client, &mut said);
            said.ends_with(b"/19\n")
        });
        let said = String::from_utf8(said).unwrap();
        let bodies: Vec<_> = said.lines().filter(|line| line.starts_with('/')).collect();
        let wanted: Vec<_> = (0..20).map(|number| format!("/{number}")).collect();
        assert_eq!(bodies, wanted, "pieces of {piece}");
    }
}

#[test]
fn one_that_sends_no_more_still_gets_its_answers() {
    let mut world = World::new(LIMITS);
    let mut client = world.welcomed();
    client.write_all(&[GET, GET].concat()).unwrap();
    client.shutdown(Half::Write).unwrap();
    let said = world.said_to(&mut client);
    assert_eq!(said.matches("\r\n\r\n/a").count(), 2, "{said}");
    world.until(|world| world.server.peers.is_empty());
}

#[test]
fn appends_to_an_open_body_until_the_peer_goes() {
    let mut world = World::new(LIMITS);
    let mut client = world.welcomed();
    client.write_all(&get("/open")).unwrap();
    world.says(&mut client, "\r\n\r\n0\n");
    for number in 1..4 {
        let text = format!("{number}\n");
        world.service.more.push(More::Bytes(text.clone().into_bytes()));
        let World { server, registrar, service, .. } = &mut world;
        server.refill(registrar, START, service);
        assert_eq!(world.says(&mut client, &text), text);
    }
    assert!(world.server.has_open_bodies() && world.server.next_deadline().is_none());
    drop(client);
    world.until(|world| world.server.peers.is_empty());
    assert!(!world.server.has_open_bodies());
    assert_eq!(world.service.heard, [Delivered { body_bytes: 8, complete: false }]);
}

#[test]
fn one_that_is_gone_leaves_nothing() {
    let mut world = World::new(LIMITS);
    let mut client = world.welcomed();
    client.write_all(&get("/big")).unwrap();
    world.until(|world| world.server.peers.iter().any(|(_, peer)| peer.connection.wants_write()));
    // With an answer unread this resets the connection.
    drop(client);
    world.until(|world| world.server.peers.is_empty());
    assert_eq!(world.registrar.table.len(), 1);
    assert_eq!(world.server.next_deadline(), None);
}
