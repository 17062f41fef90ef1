//! Two services of one program, one over TCP and one over a Unix socket.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use mio::Events;

use super::*;
use crate::http::redact::Masking;
use crate::http::{Limits, Request, Response, Status as Code};
use crate::reactor::host::journal::{Format, Journal};
use crate::reactor::net::server::ServerLimits;
use crate::reactor::turn::Core;
use crate::reactor::{Application, Driver, HttpService, Status, Vitals};
use crate::swarm::{Action, Input};
use crate::units::{ClientId, Moment};

const METRICS: ServiceKey = ServiceKey(3);
const CONTROL: ServiceKey = ServiceKey(9);
const LIMITS: ServerLimits = ServerLimits {
    connections: 4,
    connection: Limits {
        head_bytes: 1024,
        head_time: Duration::from_secs(5),
        idle_time: Duration::from_secs(60),
        write_time: Duration::from_secs(10),
    },
};

/// Responds with its name.
struct Named(&'static str);

impl HttpService for Named {
    fn respond(&mut self, _: Moment, _: &mut Vitals<'_>, _: &Request<'_>) -> Response {
        Response::text(Code::OK, self.0)
    }
}

struct Program {
    metrics: Named,
    control: Named,
}

impl Driver for Program {
    fn handle(&mut self, _: Tick, _: Input<'_>, _: &mut Vec<Action>) {}

    fn next_deadline(&self) -> Option<Tick> {
        None
    }

    fn prefetch(&self, _: ClientId) {}
}

impl Status for Program {
    fn status(&self, _: Tick) -> String {
        String::new()
    }

    fn is_stopping(&self, _: Tick) -> bool {
        false
    }
}

impl Application for Program {
    fn service(&mut self, key: ServiceKey) -> &mut dyn HttpService {
        if key == CONTROL { &mut self.control } else { &mut self.metrics }
    }
}

/// Whether the client has read a whole response.
fn has_read(client: &mut impl Read, text: &mut Vec<u8>) -> bool {
    if let Err(error) = client.read_to_end(text) {
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
    text.ends_with(b"\n") && text.windows(4).any(|four| four == b"\r\n\r\n")
}

/// One round of the loop, as far as servers have a part in it.
fn round(servers: &mut Servers, turn: &mut Turn<'_>, events: &mut Events) {
    turn.core.registrar.poll.poll(events, Some(Duration::from_millis(10))).unwrap();
    turn.core.queue(turn.now, events).unwrap();
    let mut share = turn.core.registrar.ready.share();
    while let Some(token) = turn.core.registrar.ready.take(&mut share) {
        let (owner, hung_up) = turn.core.registrar.table.take_turn(token).unwrap();
        if servers.ready(turn, owner, hung_up) {
            turn.core.registrar.queue(token, hung_up);
        }
    }
}

#[test]
fn each_server_asks_its_own_service() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control");
    let tcp = Server::bind(METRICS, "127.0.0.1:0".parse().unwrap(), LIMITS).unwrap();
    let unix = Server::bind_unix(CONTROL, &path, LIMITS).unwrap();
    let mut servers = Servers::new(vec![unix, tcp]);
    let journal = Journal::install(tracing::Level::ERROR, Format::Text, Masking::default());
    let mut core = Core::new(journal, None).unwrap();
    servers.start(&mut core.registrar).unwrap();
    let mut scraper = TcpStream::connect(servers.address().unwrap()).unwrap();
    let mut operator = UnixStream::connect(&path).unwrap();
    scraper.set_nonblocking(true).unwrap();
    operator.set_nonblocking(true).unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    scraper.write_all(request).unwrap();
    operator.write_all(request).unwrap();
    let mut program = Program { metrics: Named("metrics"), control: Named("control") };
    let turn = &mut Turn { now: Tick::from_millis(1), core: &mut core, application: &mut program };
    let (mut events, mut texts) = (Events::with_capacity(16), [Vec::new(), Vec::new()]);
    let [scraped, controlled] = &mut texts;
    for _ in 0..1000 {
        if has_read(&mut scraper, scraped) && has_read(&mut operator, controlled) {
            break;
        }
        round(&mut servers, turn, &mut events);
    }
    assert!(scraped.ends_with(b"\r\n\r\nmetrics\n") && controlled.ends_with(b"control\n"));
    servers.count(turn);
    assert_eq!((turn.core.health.connections.open, turn.core.health.connections.accepted), (2, 2));
    servers.end(turn);
    servers.count(turn);
    assert_eq!(turn.core.health.connections.open, 0);
}
