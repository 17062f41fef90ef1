//! TLS over a pair of sockets of this host, with rustls on the other side.

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;

use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, SupportedProtocolVersion};

use super::super::certificate::Certificate;
use super::*;

const UNTIL: Tick = Tick::from_millis(10_000);

/// More than the sockets and what is encrypted ahead hold.
const BIG: usize = 4 << 20;

/// Both sides and what lies between.
struct World {
    server: Transport,
    ours: UnixStream,
    client: ClientConnection,
    theirs: UnixStream,
}

impl World {
    fn new(version: &'static SupportedProtocolVersion, name: &str) -> Self {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        let certificate = Certificate::for_address(address).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let client = ClientConnection::new(certificate.trusted(&[version]), name).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let server = Transport::new(Some(&certificate.config()), UNTIL).unwrap();
        Self { server, ours, client, theirs }
    }

    /// With its handshake over.
    fn ready(version: &'static SupportedProtocolVersion) -> Self {
        let mut world = Self::new(version, "localhost");
        while world.client.is_handshaking() || world.server.deadline().is_some() {
            world.client_moves();
            assert!(matches!(world.server_reads(), Ok(said) if said.is_empty()));
        }
        // Tickets for later sessions.
        world.client_moves();
        world
    }

    /// The client writes and reads as much as it can.
    fn client_moves(&mut self) {
        while self.client.wants_write() && self.client.write_tls(&mut &self.theirs).is_ok() {}
        while self.client.read_tls(&mut &self.theirs).is_ok_and(|count| count > 0) {
            self.client.process_new_packets().unwrap();
            if self.client.process_new_packets().unwrap().plaintext_bytes_to_read() > 0 {
                break;
            }
        }
        self.client.process_new_packets().unwrap();
    }

    /// What the client has received, and whether that is the end in good order.
    fn client_received(&mut self) -> (Vec<u8>, bool) {
        let mut received = Vec::new();
        loop {
            self.client_moves();
            let mut buffer = [0; 8192];
            match self.client.reader().read(&mut buffer) {
                Ok(0) => return (received, true),
                Ok(count) => received.extend_from_slice(&buffer[..count]),
                Err(_) => return (received, false),
            }
        }
    }

    fn client_sends(&mut self, bytes: &[u8]) {
        self.client.writer().write_all(bytes).unwrap();
        while self.client.wants_write() && self.client.write_tls(&mut &self.theirs).is_ok() {}
    }

    /// What the server reads until there is nothing more, or how it ends.
    fn server_reads(&mut self) -> Result<Vec<u8>, (Vec<u8>, Got)> {
        let (mut said, mut buffer) = (Vec::new(), [0; 1000]);
        loop {
            let _ = self.server.flush(&self.ours);
            match self.server.read(&self.ours, &mut buffer) {
                Got::Bytes { count, .. } => said.extend_from_slice(&buffer[..count]),
                Got::Progress => {}
                Got::Nothing => return Ok(said),
                end => return Err((said, end)),
            }
        }
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

#[test]
fn both_versions_carry_bytes_both_ways() {
    for version in [&TLS12, &TLS13] {
        for name in ["localhost", "127.0.0.1", "::1", "192.0.2.7"] {
            let mut world = World::new(version, name);
            for _ in 0..4 {
                world.client_moves();
                assert_eq!(world.server_reads(), Ok(vec![]));
            }
            world.client_sends(b"GET");
            assert_eq!(world.server_reads(), Ok(b"GET".to_vec()));
            let [head, body] = [&b"head "[..], b"body"].map(IoSlice::new);
            assert_eq!(world.server.write(&world.ours, &[head, body]), Ok(9));
            assert_eq!(world.client_received(), (b"head body".to_vec(), false));
            assert_eq!(world.client.protocol_version(), Some(version.version), "{name}");
        }
    }
}

#[test]
fn bytes_reported_as_written_were_taken_by_the_socket() {
    let mut world = World::ready(&TLS13);
    let whole = pattern(BIG);
    let (mut reported, mut received) = (0, Vec::new());
    let mut rounds = 0..BIG;
    while reported < BIG {
        rounds.next().expect("a byte a round at least");
        match world.server.write(&world.ours, &[IoSlice::new(&whole[reported..])]) {
            Ok(count) => reported += count,
            Err(error) => {
                assert_eq!(error, Errno::AGAIN);
                received.extend(world.client_received().0);
                assert!(
                    received.len() >= reported,
                    "{reported} reported, {} there",
                    received.len()
                );
                // No more than allowed is encrypted ahead of the socket.
                assert!(received.len() <= reported + AHEAD_BYTES);
            }
        }
    }
    received.extend(world.client_received().0);
    assert!(received == whole);
}

#[test]
fn the_handshake_has_a_deadline() {
    let mut world = World::new(&TLS13, "localhost");
    assert_eq!(world.server.deadline(), Some(UNTIL));
    world.client_moves();
    assert_eq!(world.server_reads(), Ok(vec![]));
    assert_eq!(world.server.deadline(), Some(UNTIL), "the client has not finished");
    assert_eq!(World::ready(&TLS13).server.deadline(), None);
    assert_eq!(Transport::new(None, UNTIL).unwrap().deadline(), None);
}

#[test]
fn fails_on_bytes_that_are_not_tls() {
    let mut world = World::new(&TLS13, "localhost");
    (&world.theirs).write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(world.server_reads(), Err((vec![], Got::Failure)));
}

#[test]
fn the_client_refuses_a_certificate_for_another_name() {
    let mut world = World::new(&TLS13, "example.com");
    while world.client.wants_write() && world.client.write_tls(&mut &world.theirs).is_ok() {}
    assert_eq!(world.server_reads(), Ok(vec![]));
    world.client.read_tls(&mut &world.theirs).unwrap();
    let error = world.client.process_new_packets().unwrap_err();
    assert!(matches!(error, rustls::Error::InvalidCertificate(_)), "{error}");
    // Its alert ends the handshake.
    while world.client.wants_write() && world.client.write_tls(&mut &world.theirs).is_ok() {}
    assert_eq!(world.server_reads(), Err((vec![], Got::Failure)));
}

#[test]
fn a_peer_may_close_with_or_without_close_notify() {
    for version in [&TLS12, &TLS13] {
        for goodbye in [true, false] {
            let mut world = World::ready(version);
            world.client_sends(b"GET");
            if goodbye {
                world.client.send_close_notify();
            }
            world.client_sends(b"");
            world.theirs.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(world.server_reads(), Err((b"GET".to_vec(), Got::End)));
            // It still receives the response.
            assert_eq!(world.server.write(&world.ours, &[IoSlice::new(b"200")]), Ok(3));
            world.server.farewell(&world.ours);
            assert_eq!(world.client_received(), (b"200".to_vec(), true));
        }
    }
}

#[test]
fn close_notify_is_sent_once_and_last() {
    for version in [&TLS12, &TLS13] {
        let mut world = World::ready(version);
        let whole = pattern(BIG);
        let mut reported = 0;
        while let Ok(count) = world.server.write(&world.ours, &[IoSlice::new(&whole[reported..])]) {
            reported += count;
        }
        // The socket is full, so close_notify waits.
        world.server.shut_down(&world.ours);
        let (mut received, end) = world.client_received();
        assert!(!end);
        while world.server.flush(&world.ours) != Ok(false) {
            received.extend(world.client_received().0);
        }
        world.server.farewell(&world.ours);
        let (rest, end) = world.client_received();
        received.extend(rest);
        assert!(end && received.len() >= reported && whole.starts_with(&received));
        // Our side is shut down as well.
        assert_eq!((&world.theirs).read(&mut [0; 10]).unwrap(), 0);
    }
}
