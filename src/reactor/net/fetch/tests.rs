//! Requests to servers that keep the connection, close it, refuse it, misreport lengths
//! or stay silent.

use std::net::{TcpListener, TcpStream};

use mio::Events;

use super::*;

const EVERY: Duration = Duration::from_secs(2);
const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const HI: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// A server that gives each connection to `serve`, with its number.
fn server(mut serve: impl FnMut(usize, TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server must run beside the client")]
    std::thread::spawn(move || {
        for number in 0.. {
            serve(number, listener.accept().unwrap().0);
        }
    });
    address
}

/// Reads one request; false if the other side closed instead.
fn question(peer: &mut TcpStream) -> bool {
    let mut asked = [0; ASKED.len()];
    peer.read_exact(&mut asked).is_ok() && asked == ASKED
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

struct Rig {
    fetches: Fetches,
    registrar: Registrar,
    now: Tick,
    news: Vec<String>,
}

impl Rig {
    fn asking(addresses: Vec<SocketAddr>) -> Self {
        let question = Question { addresses, request: ASKED.to_vec() };
        let now = Tick::from_millis(1);
        Self {
            fetches: Fetches::new(vec![question], EVERY, now),
            registrar: Registrar::new().unwrap(),
            now,
            news: Vec::new(),
        }
    }

    fn due(&mut self) {
        let Self { fetches, registrar, now, news, .. } = self;
        let mut buffer = [0; 1000];
        fetches.deadline_reached(registrar, *now, &mut buffer, &mut |_, fetched| {
            note(news, fetched);
        });
    }

    /// Runs until the poll is over.
    fn until_over(&mut self) -> Vec<String> {
        let mut events = Events::with_capacity(8);
        while self.fetches.jobs[0].asking.is_some() {
            if self.registrar.ready.is_empty() {
                let limit = Some(Duration::from_secs(20));
                self.registrar.poll.poll(&mut events, limit).unwrap();
                assert!(!events.is_empty(), "nothing happens");
                events.iter().for_each(|event| self.registrar.queue(event.token(), false));
            }
            self.turns();
        }
        self.turns();
        std::mem::take(&mut self.news)
    }

    fn turns(&mut self) {
        let Self { fetches, registrar, news, .. } = self;
        let mut share = registrar.ready.share();
        while let Some(token) = registrar.ready.take(&mut share) {
            let Some((Owner::Fetch(key), _)) = registrar.table.take_turn(token) else { continue };
            let mut buffer = [0; 1000];
            if fetches.turn(registrar, key, &mut buffer, &mut |fetched| note(news, fetched)) {
                registrar.queue(token, false);
            }
        }
    }

    /// Runs the next poll to its end.
    fn poll(&mut self) -> Vec<String> {
        self.now = self.fetches.next_deadline().unwrap();
        self.due();
        self.until_over()
    }
}

fn note(news: &mut Vec<String>, fetched: Fetched<'_>) {
    news.push(match fetched {
        Fetched::Body(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Fetched::Whole => "whole".to_owned(),
        Fetched::Failed(why) => why.to_owned(),
    });
}

#[test]
fn keeps_a_connection_between_polls() {
    let mut rig = Rig::asking(vec![server(|number, mut peer| {
        while question(&mut peer) {
            let body = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}");
            peer.write_all(body.as_bytes()).unwrap();
        }
    })]);
    for _ in 0..3 {
        assert_eq!(rig.poll(), ["0", "whole"]);
    }
    assert_eq!(rig.fetches.next_deadline(), Some(rig.now.after(EVERY)));
}

#[test]
fn reopens_connection_closed_by_peer() {
    let mut rig = Rig::asking(vec![server(|_, mut peer| {
        if question(&mut peer) {
            peer.write_all(HI.as_bytes()).unwrap();
        }
    })]);
    for _ in 0..3 {
        assert_eq!(rig.poll(), ["hi", "whole"]);
    }
    // Between polls the end is noticed when it arrives.
    let mut events = Events::with_capacity(8);
    while rig.fetches.jobs[0].link.is_some() {
        rig.registrar.poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
        assert!(!events.is_empty(), "nothing happens");
        events.iter().for_each(|event| rig.registrar.queue(event.token(), false));
        rig.turns();
    }
    assert!(rig.registrar.table.is_empty());
}

#[test]
fn retries_when_a_kept_connection_ends_as_it_is_used() {
    let mut rig = Rig::asking(vec![server(|_, mut peer| {
        question(&mut peer);
        peer.write_all(HI.as_bytes()).unwrap();
        // Closed with the next request unread, as a server does after its idle timeout.
        question(&mut peer);
    })]);
    for _ in 0..3 {
        assert_eq!(rig.poll(), ["hi", "whole"]);
        assert!(rig.fetches.jobs[0].link.is_some());
    }
}

#[test]
fn keeps_the_first_address_that_responds() {
    let there = server(|_, mut peer| {
        question(&mut peer);
        peer.write_all(b"HTTP/1.0 200 OK\r\n\r\nhi").unwrap();
    });
    let mut rig = Rig::asking(vec![nobody(), nobody(), there]);
    assert_eq!(rig.poll(), ["hi", "whole"]);
    assert_eq!(rig.fetches.jobs[0].address, 2);
    assert_eq!(rig.poll(), ["hi", "whole"]);
}

#[test]
fn reports_an_invalid_response_and_polls_again() {
    let long = "x".repeat(usize::try_from(BODY_BYTES_MAX).unwrap() + 1);
    let cases = [
        (String::new(), "closed before the end of the response"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi".to_owned(), "closed before the end"),
        ("220 smtp\r\n\r\n".to_owned(), "the response is not HTTP"),
        ("HTTP/1.1 503 Busy\r\n\r\n".to_owned(), "HTTP status 503"),
        (format!("HTTP/1.1 200 OK\r\n\r\n{long}"), "the response body is too long"),
    ];
    for (bytes, why) in cases {
        let mut rig = Rig::asking(vec![server(move |_, mut peer| {
            question(&mut peer);
            // A server that reached its limit closes in the middle.
            let _ = peer.write_all(bytes.as_bytes());
        })]);
        for _ in 0..2 {
            let last = rig.poll().pop().unwrap();
            assert!(last.starts_with(why), "{last}");
        }
        assert!(rig.registrar.table.is_empty());
    }
    let refused = Rig::asking(vec![nobody(), nobody()]).poll();
    assert!(refused[0].starts_with("Connection refused"), "{refused:?}");
}

#[test]
fn a_silent_server_times_out_and_the_next_poll_is_on_schedule() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut rig = Rig::asking(vec![listener.local_addr().unwrap()]);
    rig.due();
    let began = rig.now;
    // The kernel completes the connection; nobody accepts it.
    let mut events = Events::with_capacity(8);
    while rig.fetches.jobs[0].asking.as_ref().unwrap().sent == 0 {
        rig.registrar.poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
        assert!(!events.is_empty(), "nothing happens");
        events.iter().for_each(|event| rig.registrar.queue(event.token(), false));
        rig.turns();
    }
    assert_eq!(rig.fetches.next_deadline(), Some(began.after(EVERY)));
    rig.now = began.after(EVERY);
    rig.due();
    assert_eq!(rig.news, ["no response within 2s"]);
    assert_eq!(rig.fetches.next_deadline(), Some(began.after(EVERY)));
    assert!(rig.registrar.table.is_empty());
    rig.due();
    assert_eq!(rig.fetches.next_deadline(), Some(began.after(EVERY * 2)));
}

#[test]
fn skips_missed_polls() {
    let mut rig = Rig::asking(vec![nobody()]);
    rig.poll();
    rig.now = Tick::from_millis(60_000);
    rig.due();
    rig.until_over();
    assert_eq!(rig.fetches.next_deadline(), Some(rig.now.after(EVERY)));
}
