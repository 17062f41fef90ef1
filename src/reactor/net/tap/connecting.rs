//! A connection to the origin that is being made: attempts at the addresses of its name
//! until one is connected, then the TLS handshake.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mio::net::TcpStream;
use rustix::io::Errno;

use super::io_context::Io;
use super::race::Race;
use super::side::Side;
use super::tls::Tls;
use crate::reactor::registrar::Registrar;
use crate::reactor::table::Owner;
use crate::tap::{ConnectFailure, Connected, Target};
use crate::units::Tick;

/// A connection that is being made.
#[derive(Debug)]
pub(super) struct Connecting {
    target: Target,
    /// How long the look-up took, if this connection waited for it.
    dns: Option<Duration>,
    began: Tick,
    race: Race,
    attempts: Vec<Attempt>,
    /// Why the last attempt failed.
    failure: ConnectFailure,
    won: Option<Won>,
}

/// A connect to one address.
#[derive(Debug)]
struct Attempt {
    side: Side,
    peer: SocketAddr,
}

/// The first attempt that was connected.
#[derive(Debug)]
struct Won {
    attempt: Attempt,
    at: Tick,
}

impl Connecting {
    /// Nothing is tried yet. `found` are the addresses of the target, in the order of
    /// getaddrinfo(3), and `dns` the time that was waited for them.
    pub(super) fn new(now: Tick, target: Target, found: &[IpAddr], dns: Option<Duration>) -> Self {
        let (race, failure) = (Race::new(now, found), ConnectFailure::Dns);
        Self { target, dns, began: now, race, attempts: Vec::new(), failure, won: None }
    }

    /// An event of one of the sockets.
    pub(super) fn wake(&mut self) {
        let won = self.won.as_mut().map(|won| &mut won.attempt);
        self.attempts.iter_mut().chain(won).for_each(|attempt| attempt.side.wake());
    }

    /// When the next address is to be tried.
    pub(super) fn deadline(&self) -> Option<Tick> {
        if self.won.is_some() { None } else { self.race.deadline() }
    }

    /// Goes on as far as the sockets allow; `None` while the connection is being made.
    pub(super) fn go_on(
        &mut self,
        io: &mut Io<'_>,
    ) -> Option<Result<(Side, Connected), ConnectFailure>> {
        if self.won.is_none() {
            let Some(mut attempt) = self.race(io.registrar, io.now, io.key) else {
                let over = self.attempts.is_empty() && self.race.deadline().is_none();
                return over.then_some(Err(self.failure));
            };
            if self.target.tls {
                match tls(io, &self.target.host) {
                    Some(tls) => attempt.side.tls = Some(Box::new(tls)),
                    None => return Some(fail(io, attempt.side)),
                }
            }
            self.won = Some(Won { attempt, at: io.now });
        }
        let Won { mut attempt, at } = self.won.take()?;
        match attempt.side.handshake() {
            Ok(true) => {
                let Attempt { side, peer } = attempt;
                let tls = side.tls.is_some().then(|| io.now.since(at));
                let connect = at.since(self.began);
                Some(Ok((side, Connected { peer, dns: self.dns, connect, tls })))
            }
            Ok(false) => {
                self.won = Some(Won { attempt, at });
                None
            }
            // Another address of this name would have the same certificate.
            Err(why) => {
                io.tls_faults.report(&self.target.host, why);
                Some(fail(io, attempt.side))
            }
        }
    }

    /// Checks the attempts and begins those whose time has come. Returns the first one
    /// that is connected and closes the others.
    fn race(&mut self, registrar: &mut Registrar, now: Tick, key: usize) -> Option<Attempt> {
        loop {
            let won = self.check(registrar, now);
            if won.is_some() {
                self.attempts.drain(..).for_each(|attempt| attempt.side.close(registrar));
                return won;
            }
            let peer = SocketAddr::new(self.race.next(now)?, self.target.port);
            match connect(registrar, peer, key) {
                Ok(side) => self.attempts.push(Attempt { side, peer }),
                Err(error) => self.failed(now, &error),
            }
        }
    }

    /// The first attempt that is connected; removes those that have failed.
    fn check(&mut self, registrar: &mut Registrar, now: Tick) -> Option<Attempt> {
        let mut index = 0;
        while let Some(attempt) = self.attempts.get_mut(index) {
            match attempt.is_connected() {
                Ok(true) => return Some(self.attempts.remove(index)),
                Ok(false) => index += 1,
                Err(error) => {
                    self.attempts.remove(index).side.close(registrar);
                    self.failed(now, &error);
                }
            }
        }
        None
    }

    fn failed(&mut self, now: Tick, error: &io::Error) {
        self.failure = failure(error);
        self.race.failed(now);
    }

    /// Closes all sockets.
    pub(super) fn close(self, registrar: &mut Registrar) {
        let won = self.won.map(|won| won.attempt);
        self.attempts.into_iter().chain(won).for_each(|attempt| attempt.side.close(registrar));
    }
}

impl Attempt {
    /// False while it has not ended.
    fn is_connected(&mut self) -> io::Result<bool> {
        let side = &mut self.side;
        let connected = side.writable && side.is_connected()?.is_some();
        side.writable &= connected;
        Ok(connected)
    }
}

/// TLS with this server, before its handshake.
fn tls(io: &mut Io<'_>, host: &str) -> Option<Tls> {
    let tls = match io.tls {
        Some(config) => Tls::new(config, host).ok_or("no certificate can have this name"),
        None => Err("this host trusts no certificate authority"),
    };
    tls.map_err(|why| io.tls_faults.report(host, why.to_owned())).ok()
}

fn fail<T>(io: &mut Io<'_>, side: Side) -> Result<T, ConnectFailure> {
    side.close(io.registrar);
    Err(ConnectFailure::Tls)
}

fn connect(registrar: &mut Registrar, peer: SocketAddr, key: usize) -> io::Result<Side> {
    Side::new(registrar, TcpStream::connect(peer)?, Owner::TapOrigin(key))
}

fn failure(error: &io::Error) -> ConnectFailure {
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => ConnectFailure::Refused,
        Some(Errno::TIMEDOUT) => ConnectFailure::Timeout,
        Some(Errno::CONNRESET) => ConnectFailure::Reset,
        _ => ConnectFailure::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const KEY: usize = 3;

    fn at(millis: u64) -> Tick {
        Tick::default().after(Duration::from_millis(millis))
    }

    /// A connection to these addresses, in this order, at one port.
    fn to(port: u16, found: [&str; 2]) -> Connecting {
        let target = Target { host: "origin.example".to_owned(), port, tls: false };
        let found = found.map(|address| address.parse().unwrap());
        Connecting::new(at(0), target, &found, None)
    }

    /// Waits for sockets until the race has ended, at this time.
    fn ended(
        connecting: &mut Connecting,
        registrar: &mut Registrar,
        now: Tick,
    ) -> Option<SocketAddr> {
        let mut events = mio::Events::with_capacity(8);
        loop {
            if let Some(won) = connecting.race(registrar, now, KEY) {
                assert!(connecting.attempts.is_empty());
                return Some(won.peer);
            }
            if connecting.attempts.is_empty() {
                return None;
            }
            registrar.poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert!(!events.is_empty());
            connecting.wake();
        }
    }

    #[test]
    fn an_address_without_response_delays_the_next_one_by_the_pause() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        // A full queue: the next connect has no response (listen(2)).
        rustix::net::listen(&silent, 0).unwrap();
        let _queued = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let _listener = TcpListener::bind(("127.0.0.2", port)).unwrap();
        let mut registrar = Registrar::new().unwrap();
        let mut connecting = to(port, ["127.0.0.1", "127.0.0.2"]);
        for (now, attempts, deadline) in [(0, 1, Some(250)), (249, 1, Some(250)), (250, 2, None)] {
            assert!(connecting.race(&mut registrar, at(now), KEY).is_none());
            assert_eq!(connecting.attempts.len(), attempts, "{now}");
            assert_eq!(connecting.deadline(), deadline.map(at), "{now}");
        }
        let won = ended(&mut connecting, &mut registrar, at(250));
        assert_eq!(won, Some(SocketAddr::from(([127, 0, 0, 2], port))));
    }

    #[test]
    fn a_failure_begins_the_next_attempt_at_once() {
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut registrar = Registrar::new().unwrap();
        let mut connecting = to(port, ["127.0.0.1", "127.0.0.2"]);
        let won = ended(&mut connecting, &mut registrar, at(0));
        assert_eq!(won, Some(SocketAddr::from(([127, 0, 0, 2], port))));
        drop(listener);
        let mut connecting = to(port, ["127.0.0.1", "127.0.0.2"]);
        assert_eq!(ended(&mut connecting, &mut registrar, at(0)), None);
        assert_eq!(connecting.failure, ConnectFailure::Refused);
        assert_eq!(connecting.deadline(), None);
    }
}
