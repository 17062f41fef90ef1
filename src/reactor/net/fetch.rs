//! Polls other servers at a fixed interval and passes on their responses: an HTTP/1.1
//! client on the event table.
//!
//! Nothing blocks: connecting, sending and reading proceed as the sockets allow, and a
//! poll that takes too long fails. A connection is kept from one poll to the next. Knows
//! no names (they are resolved before the loop) and nothing of requests and responses.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Token};

use crate::http::{Fetched, ResponseReader};
use crate::reactor::part::Part;
use crate::reactor::registrar::Registrar;
use crate::reactor::table::Owner;
use crate::reactor::turn::{Core, Turn};
use crate::units::Tick;

/// Longest body in bytes: some sixty times that of a usual node_exporter.
pub const BODY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Longest time from a request to the end of its response; never more than the interval
/// between polls.
pub const TIME_MAX: Duration = Duration::from_secs(5);

/// Reads of one response in one turn, of 64 KiB each, which take about 1 ms to parse.
const READS_PER_TURN: usize = 2;

/// A request and its server.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its addresses; the first one that responds is kept.
    pub addresses: Vec<SocketAddr>,
    /// The complete request.
    pub request: Vec<u8>,
}

/// The requests that are repeated.
#[derive(Debug)]
pub struct Fetches {
    every: Duration,
    jobs: Vec<Job>,
}

#[derive(Debug)]
struct Job {
    question: Question,
    /// Index of the address to try next.
    address: usize,
    link: Option<Link>,
    asking: Option<Asking>,
    next_at: Tick,
}

/// A connection, open or being opened.
#[derive(Debug)]
struct Link {
    stream: TcpStream,
    token: Token,
    connected: bool,
    /// Whether it has carried a response already. Then EOF may be the server's idle
    /// timeout racing our request, so the request is retried on a new connection.
    used: bool,
}

/// A request whose response is not complete.
#[derive(Debug)]
struct Asking {
    reader: ResponseReader,
    sent: usize,
    /// Whether any byte of the response has arrived.
    heard: bool,
    /// Addresses that refused the connection.
    refused: usize,
    give_up_at: Tick,
}

/// The progress of a request.
enum Step {
    /// The socket must be ready first.
    Wait,
    /// There may be more to read.
    More,
    /// The response is complete.
    Done,
}

/// Takes the parts of one response.
type News<'a> = &'a mut dyn FnMut(Fetched<'_>);

impl Fetches {
    /// Sends these requests from `now` on; the index of each is its key.
    #[must_use]
    pub fn new(questions: Vec<Question>, every: Duration, now: Tick) -> Self {
        let job = |question| Job { question, address: 0, link: None, asking: None, next_at: now };
        Self { every, jobs: questions.into_iter().map(job).collect() }
    }

    /// When the next poll or the timeout of one is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        self.jobs.iter().map(Job::deadline).min()
    }

    /// A socket is ready. True if there may be more to do at once.
    pub(in crate::reactor) fn turn(
        &mut self,
        registrar: &mut Registrar,
        key: usize,
        buffer: &mut [u8],
        news: News<'_>,
    ) -> bool {
        self.jobs.get_mut(key).is_some_and(|job| job.go_on(registrar, key, buffer, news))
    }

    /// Fails the polls that took too long and begins those that are due.
    pub(in crate::reactor) fn deadline_reached(
        &mut self,
        registrar: &mut Registrar,
        now: Tick,
        buffer: &mut [u8],
        news: &mut dyn FnMut(usize, Fetched<'_>),
    ) {
        let every = self.every;
        for (key, job) in self.jobs.iter_mut().enumerate().filter(|(_, job)| job.deadline() <= now)
        {
            let news = &mut |fetched: Fetched<'_>| news(key, fetched);
            if job.asking.is_some() {
                job.give_up(registrar, every.min(TIME_MAX), news);
            } else {
                job.begin(registrar, now, every);
                let more = job.go_on(registrar, key, buffer, news);
                if let Some(link) = job.link.as_ref().filter(|_| more) {
                    registrar.queue(link.token, false);
                }
            }
        }
    }
}

impl Job {
    fn deadline(&self) -> Tick {
        self.asking.as_ref().map_or(self.next_at, |asking| asking.give_up_at)
    }

    /// Begins a poll on the open connection, or on a new one.
    fn begin(&mut self, registrar: &mut Registrar, now: Tick, every: Duration) {
        // Keeps the schedule, unless a poll was missed.
        let beat = Some(self.next_at.after(every)).filter(|&at| at > now);
        self.next_at = beat.unwrap_or_else(|| now.after(every));
        if self.link.as_ref().is_some_and(|link| !link.connected) {
            self.close(registrar);
        }
        self.asking = Some(Asking {
            reader: ResponseReader::new(BODY_BYTES_MAX),
            sent: 0,
            heard: false,
            refused: 0,
            give_up_at: now.after(every.min(TIME_MAX)),
        });
    }

    /// Proceeds as far as the socket allows; true if there may be more.
    fn go_on(
        &mut self,
        registrar: &mut Registrar,
        key: usize,
        buffer: &mut [u8],
        news: News<'_>,
    ) -> bool {
        loop {
            if self.asking.is_none() {
                self.rest(registrar, buffer);
                return false;
            }
            let done = match self.link {
                None => self.connect(registrar, key),
                Some(_) => self.exchange(buffer, news),
            };
            match done {
                Ok(Step::Wait) => return false,
                Ok(Step::More) => return true,
                Ok(Step::Done) => {
                    self.end(registrar);
                    news(Fetched::Whole);
                    // The end of the connection may have arrived with the response.
                    return self.link.is_some();
                }
                Err(error) => {
                    if !self.may_try_again(registrar) {
                        self.fail(registrar, &error.to_string(), news);
                        return false;
                    }
                }
            }
        }
    }

    fn connect(&mut self, registrar: &mut Registrar, key: usize) -> io::Result<Step> {
        let addresses = &self.question.addresses;
        let address = addresses.get(self.address % addresses.len().max(1));
        let address = address.ok_or(ErrorKind::AddrNotAvailable)?;
        let stream = TcpStream::connect(*address)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = registrar.poll.registry();
        let token = registrar.table.insert(registry, stream.as_fd(), Owner::Fetch(key), both)?;
        self.link = Some(Link { stream, token, connected: false, used: false });
        Ok(Step::Wait)
    }

    /// Sends the rest of the request and reads the available part of the response.
    fn exchange(&mut self, buffer: &mut [u8], news: News<'_>) -> io::Result<Step> {
        let Self { question, link: Some(link), asking: Some(asking), .. } = self else {
            return Ok(Step::Wait);
        };
        if !link.is_connected()? {
            return Ok(Step::Wait);
        }
        while let Some(left) = question.request.get(asking.sent..).filter(|left| !left.is_empty()) {
            match link.stream.write(left) {
                Ok(count) => asking.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        for _ in 0..READS_PER_TURN {
            match link.stream.read(buffer) {
                Ok(0) => {
                    asking.reader.closed().map_err(io::Error::other)?;
                    return Ok(Step::Done);
                }
                Ok(count) => {
                    asking.heard = true;
                    let bytes = buffer.get(..count).unwrap_or_default();
                    let fed = asking.reader.feed(bytes, &mut |piece| news(Fetched::Body(piece)));
                    fed.map_err(io::Error::other)?;
                    if asking.reader.is_done() {
                        return Ok(Step::Done);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Step::Wait),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Step::More)
    }

    /// Closes a connection that failed; true if this poll may try another one.
    fn may_try_again(&mut self, registrar: &mut Registrar) -> bool {
        let link = self.close(registrar);
        let Some(asking) = &mut self.asking else { return false };
        if asking.heard {
            return false;
        }
        asking.sent = 0;
        match link {
            // The server's idle timeout may have raced our request.
            Some(Link { used: true, .. }) => true,
            Some(Link { connected: true, .. }) => false,
            _ => {
                self.address = self.address.wrapping_add(1);
                asking.refused += 1;
                asking.refused < self.question.addresses.len()
            }
        }
    }

    /// Fails a poll whose response is late; the next poll tries another address if this
    /// one did not even connect.
    fn give_up(&mut self, registrar: &mut Registrar, after: Duration, news: News<'_>) {
        let connected = self.link.as_ref().is_some_and(|link| link.connected);
        if !connected {
            self.address = self.address.wrapping_add(1);
        }
        let what = if connected { "no response" } else { "no connection" };
        self.fail(registrar, &format!("{what} within {after:?}"), news);
    }

    fn fail(&mut self, registrar: &mut Registrar, why: &str, news: News<'_>) {
        self.close(registrar);
        self.asking = None;
        news(Fetched::Failed(why));
    }

    /// The response is complete: keeps the connection if the server keeps it.
    fn end(&mut self, registrar: &mut Registrar) {
        let kept = self.asking.take().is_some_and(|asking| asking.reader.keeps_alive());
        match &mut self.link {
            Some(link) if kept => link.used = true,
            _ => {
                self.close(registrar);
            }
        }
    }

    /// Between two polls: closes a connection on which anything arrives, since it has
    /// ended or is unusable.
    fn rest(&mut self, registrar: &mut Registrar, buffer: &mut [u8]) {
        let Some(link) = &mut self.link else { return };
        match link.stream.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => {
                self.close(registrar);
            }
        }
    }

    fn close(&mut self, registrar: &mut Registrar) -> Option<Link> {
        let link = self.link.take()?;
        registrar.table.remove(registrar.poll.registry(), link.token);
        Some(link)
    }
}

impl Link {
    /// Whether it is connected by now (connect(2), `EINPROGRESS`).
    fn is_connected(&mut self) -> io::Result<bool> {
        if self.connected {
            return Ok(true);
        }
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => self.connected = true,
            Err(error) if error.kind() == ErrorKind::NotConnected => {}
            Err(error) => return Err(error),
        }
        Ok(self.connected)
    }
}

impl Part for Fetches {
    fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, _: bool) -> bool {
        let Owner::Fetch(key) = owner else { return false };
        let (now, Core { registrar, buffer, .. }) = (turn.now, &mut *turn.core);
        let mut asker = turn.application.asker();
        self.turn(registrar, key, buffer, &mut |fetched| {
            if let Some(asker) = &mut asker {
                asker.fetched(now, key, fetched);
            }
        })
    }

    fn deadline(&self, _: &Turn<'_>) -> Option<Tick> {
        self.next_deadline()
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        let (now, Core { registrar, buffer, .. }) = (turn.now, &mut *turn.core);
        let mut asker = turn.application.asker();
        self.deadline_reached(registrar, now, buffer, &mut |key, fetched| {
            if let Some(asker) = &mut asker {
                asker.fetched(now, key, fetched);
            }
        });
    }
}

#[cfg(test)]
mod tests;
