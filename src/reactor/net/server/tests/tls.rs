//! The server with TLS.

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

    /// Writes what is pending.
    fn writes(&mut self) {
        while self.tls.wants_write() && self.tls.write_tls(&mut self.socket).is_ok() {}
    }

    /// Writes and reads once; true at the end of the connection, which must come with
    /// close_notify.
    fn hears(&mut self, outcomes: &mut Vec<u8>) -> bool {
        self.writes();
        match self.tls.read_tls(&mut self.socket) {
            Ok(_) => self.tls.process_new_packets().unwrap(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return false;
            }
        };
        match self.tls.reader().read_to_end(outcomes) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock, "no close_notify");
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
fn serves_several_requests_on_one_connection() {
    for version in VERSIONS {
        let (mut world, certificate) = secure_world();
        let mut client = Client::of(&world, &certificate, version);
        for path in ["/first", "/second"] {
            client.tls.writer().write_all(&get(path)).unwrap();
            let mut outcomes = Vec::new();
            world.until(|_| {
                assert!(!client.hears(&mut outcomes));
                outcomes.ends_with(format!("{path}\n").as_bytes())
            });
        }
        assert_eq!(client.tls.protocol_version(), Some(version.version));
        assert_eq!(world.server.peers.len(), 1);
    }
}

#[test]
fn sends_a_big_response_and_close_notify_after_the_peer_has_shut_down_its_side() {
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
        let (mut outcomes, mut rounds) = (Vec::new(), 0..BIG);
        while !client.hears(&mut outcomes) {
            rounds.next().expect("a byte a round at least");
            world.poll(Duration::ZERO);
            world.turns();
        }
        assert!(outcomes.len() > BIG && outcomes.ends_with(b"xxx"), "{} bytes", outcomes.len());
        world.until(|world| world.server.peers.is_empty());
    }
}

#[test]
fn closes_a_slow_handshake_and_serves_others_meanwhile() {
    let (mut world, certificate) = secure_world();
    let mut slow = Client::of(&world, &certificate, &TLS13);
    let mut hello = Vec::new();
    slow.tls.write_tls(&mut hello).unwrap();
    slow.socket.write_all(&hello[..hello.len() / 2]).unwrap();
    world.until(|world| world.server.peers.len() == 1);
    let mut other = Client::of(&world, &certificate, &TLS13);
    other.tls.writer().write_all(GET).unwrap();
    let mut outcomes = Vec::new();
    world.until(|_| {
        other.hears(&mut outcomes);
        outcomes.ends_with(b"/a\n")
    });
    // Single bytes do not extend the time.
    world.now = START.after(Duration::from_secs(4));
    slow.socket.write_all(&hello[hello.len() / 2..hello.len() - 1]).unwrap();
    world.poll(Duration::from_secs(10));
    world.turns();
    assert_eq!(world.deadline(), Duration::from_secs(1));
    assert_eq!(world.server.peers.len(), 1);
    let mut received = Vec::new();
    world.until(|_| read_all(&mut slow.socket, &mut received));
    assert!(received.len() < 100, "an alert at most, not {} bytes", received.len());
}

#[test]
fn closes_a_silent_peer_with_close_notify() {
    let (mut world, certificate) = secure_world();
    let mut client = Client::of(&world, &certificate, &TLS13);
    let mut outcomes = Vec::new();
    world.until(|world| {
        client.hears(&mut outcomes);
        let idle_until = START.after(LIMITS.connection.idle_time);
        world.server.next_deadline() == Some(idle_until)
    });
    world.deadline();
    world.until(|_| client.hears(&mut outcomes));
    assert_eq!(outcomes, b"");
    assert_eq!(world.registrar.table.len(), 1);
}

#[test]
fn closes_a_peer_that_does_not_read() {
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
fn closes_a_peer_that_does_not_speak_tls() {
    let (mut world, _) = secure_world();
    let mut client = world.accepted_client();
    client.write_all(GET).unwrap();
    world.until(|world| world.server.peers.is_empty());
    let mut received = Vec::new();
    let _ = client.set_nonblocking(false);
    // A reset is an end too.
    let _ = client.read_to_end(&mut received);
    assert!(received.len() < 100 && !received.starts_with(b"HTTP"), "{received:?}");
    assert_eq!(world.registrar.table.len(), 1);
}
