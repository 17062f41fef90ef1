//! The server as one that speaks TLS.

use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, SupportedProtocolVersion};

use super::*;

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A client that speaks TLS.
struct Client {
    tls: ClientConnection,
    socket: TcpStream,
}

impl Client {
    fn of(
        world: &World,
        certificate: &Certificate,
        version: &'static SupportedProtocolVersion,
    ) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(certificate.trusted(&[version]), name).unwrap();
        Self { tls, socket: world.connect() }
    }

    /// Writes what it has to say.
    fn writes(&mut self) {
        while self.tls.wants_write() && self.tls.write_tls(&mut self.socket).is_ok() {}
    }

    /// Writes and reads once what it can; true at the end of the connection, which
    /// must come with a goodbye.
    fn hears(&mut self, heard: &mut Vec<u8>) -> bool {
        self.writes();
        match self.tls.read_tls(&mut self.socket) {
            Ok(_) => self.tls.process_new_packets().unwrap(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return false;
            }
        };
        match self.tls.reader().read_to_end(heard) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "no goodbye");
                false
            }
        }
    }
}

fn secure_world() -> (World, Certificate) {
    let mut world = World::new(LIMITS);
    let certificate = Certificate::for_address([127, 0, 0, 1].into()).unwrap();
    world.server.speak_tls(&certificate);
    (world, certificate)
}

#[test]
fn requests_are_answered_on_one_connection() {
    for version in VERSIONS {
        let (mut world, certificate) = secure_world();
        let mut client = Client::of(&world, &certificate, version);
        for path in ["/first", "/second"] {
            client.tls.writer().write_all(&get(path)).unwrap();
            let mut heard = Vec::new();
            world.until(|_| {
                assert!(!client.hears(&mut heard));
                heard.ends_with(format!("{path}\n").as_bytes())
            });
        }
        assert_eq!(client.tls.protocol_version(), Some(version.version));
        assert_eq!(world.server.peers.len(), 1);
    }
}

#[test]
fn one_that_sends_no_more_still_gets_a_big_answer_and_a_goodbye() {
    for version in VERSIONS {
        let (mut world, certificate) = secure_world();
        let mut client = Client::of(&world, &certificate, version);
        world.until(|_| {
            client.hears(&mut Vec::new());
            !client.tls.is_handshaking()
        });
        client.tls.writer().write_all(&get("/big")).unwrap();
        client.tls.send_close_notify();
        client.writes();
        client.socket.shutdown(Half::Write).unwrap();
        let (mut heard, mut rounds) = (Vec::new(), 0..BIG);
        while !client.hears(&mut heard) {
            rounds.next().expect("a byte a round at least");
            world.poll(Duration::ZERO);
            world.turns();
        }
        assert!(heard.len() > BIG && heard.ends_with(b"xxx"), "{} bytes", heard.len());
        world.until(|world| world.server.peers.is_empty());
    }
}

#[test]
fn a_slow_handshake_is_closed_and_holds_nobody_up() {
    let (mut world, certificate) = secure_world();
    let mut slow = Client::of(&world, &certificate, &TLS13);
    let mut hello = Vec::new();
    slow.tls.write_tls(&mut hello).unwrap();
    slow.socket.write_all(&hello[..hello.len() / 2]).unwrap();
    world.until(|world| world.server.peers.len() == 1);
    let mut other = Client::of(&world, &certificate, &TLS13);
    other.tls.writer().write_all(GET).unwrap();
    let mut heard = Vec::new();
    world.until(|_| {
        other.hears(&mut heard);
        heard.ends_with(b"/a\n")
    });
    // A byte now and then does not make it longer.
    world.now = START.after(Duration::from_secs(4));
    slow.socket.write_all(&hello[hello.len() / 2..hello.len() - 1]).unwrap();
    world.poll(Duration::from_secs(10));
    world.turns();
    assert_eq!(world.deadline(), Duration::from_secs(1));
    assert_eq!(world.server.peers.len(), 1);
    let mut said = Vec::new();
    world.until(|_| hear(&mut slow.socket, &mut said));
    assert!(said.len() < 100, "an alert at most, not {} bytes", said.len());
}

#[test]
fn a_silent_peer_is_closed_with_a_goodbye() {
    let (mut world, certificate) = secure_world();
    let mut client = Client::of(&world, &certificate, &TLS13);
    let mut heard = Vec::new();
    world.until(|world| {
        client.hears(&mut heard);
        let idle_until = START.after(LIMITS.connection.idle_time);
        world.server.next_deadline() == Some(idle_until)
    });
    world.deadline();
    world.until(|_| client.hears(&mut heard));
    assert_eq!(heard, b"");
    assert_eq!(world.registrar.table.len(), 1);
}

#[test]
fn a_peer_that_asks_and_does_not_read_is_given_up() {
    let (mut world, certificate) = secure_world();
    let mut client = Client::of(&world, &certificate, &TLS13);
    client.tls.writer().write_all(&get("/big")).unwrap();
    world.until(|world| {
        if client.tls.is_handshaking() {
            client.hears(&mut Vec::new());
        }
        client.writes();
        let write_until = START.after(LIMITS.connection.write_time);
        world.server.next_deadline() == Some(write_until) && world.registrar.ready.is_empty()
    });
    world.deadline();
    assert!(world.server.peers.is_empty());
}

#[test]
fn what_speaks_no_tls_is_closed() {
    let (mut world, _) = secure_world();
    let mut client = world.welcomed();
    client.write_all(GET).unwrap();
    world.until(|world| world.server.peers.is_empty());
    let mut said = Vec::new();
    let _ = client.set_nonblocking(false);
    // A reset is an end too.
    let _ = client.read_to_end(&mut said);
    assert!(said.len() < 100 && !said.starts_with(b"HTTP"), "{said:?}");
    assert_eq!(world.registrar.table.len(), 1);
}
