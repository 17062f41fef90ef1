//! Asks other servers again and again, at a steady pace, and hands on what they
//! answer: an HTTP/1.1 client on the event table.
//!
//! Nothing here waits: connecting, sending and reading go on as the sockets allow,
//! and what does not end in time is given up. A connection is kept from one poll to
//! the next. Knows no name (addresses are found before the loop) and nothing of what
//! is asked or answered.

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

/// Longest body: some sixty times that of a usual node_exporter.
pub const BODY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Longest time from a question to the end of its answer; never more than from one
/// poll to the next.
pub const TIME_MAX: Duration = Duration::from_secs(5);

/// Reads of one answer in one turn, of 64 KiB each: parsing that takes about 1 ms.
const READS_PER_TURN: usize = 2;

/// Whom to ask, and what.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its addresses, the first that answers being kept.
    pub addresses: Vec<SocketAddr>,
    /// The request, head and all.
    pub request: Vec<u8>,
}

/// What is asked again and again.
#[derive(Debug)]
pub struct Fetches {
    every: Duration,
    jobs: Vec<Job>,
}

#[derive(Debug)]
struct Job {
    question: Question,
    /// Place of the address that is tried next.
    address: usize,
    link: Option<Link>,
    asking: Option<Asking>,
    next_at: Tick,
}

/// A connection, or one that is being made.
#[derive(Debug)]
struct Link {
    stream: TcpStream,
    token: Token,
    connected: bool,
    /// Whether it has carried an answer already: then its end may be the other side's
    /// impatience, met by chance, and no refusal.
    used: bool,
}

/// A question that waits for the end of its answer.
#[derive(Debug)]
struct Asking {
    reader: ResponseReader,
    sent: usize,
    /// Whether anything of the answer has come.
    heard: bool,
    /// Addresses that could not be connected to.
    refused: usize,
    give_up_at: Tick,
}

/// How far a question got.
enum Step {
    /// The socket must be ready first.
    Wait,
    /// There may be more to read.
    More,
    /// The answer is whole.
    Done,
}

/// What takes the news of one question.
type News<'a> = &'a mut dyn FnMut(Fetched<'_>);

impl Fetches {
    /// Asks these questions from `now` on; the place of each is its key.
    #[must_use]
    pub fn new(questions: Vec<Question>, every: Duration, now: Tick) -> Self {
        let job = |question| Job { question, address: 0, link: None, asking: None, next_at: now };
        Self { every, jobs: questions.into_iter().map(job).collect() }
    }

    /// When something is due: a poll, or the end of the patience with one.
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

    /// Gives up what took too long and asks what is due.
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

    /// A poll begins: on the connection that is there, or on a new one.
    fn begin(&mut self, registrar: &mut Registrar, now: Tick, every: Duration) {
        // On the same beat, unless that one was missed.
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

    /// Goes on as far as the socket allows; true if there may be more.
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
                    // The end of the connection may have come with the answer.
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

    /// Sends what is left of the question and reads what is there of the answer.
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

    /// Whether a connection that failed may be followed by another within this poll;
    /// the failed one is closed.
    fn may_try_again(&mut self, registrar: &mut Registrar) -> bool {
        let link = self.close(registrar);
        let Some(asking) = &mut self.asking else { return false };
        if asking.heard {
            return false;
        }
        asking.sent = 0;
        match link {
            // Kept too long: the other side closed it, perhaps in this moment.
            Some(Link { used: true, .. }) => true,
            Some(Link { connected: true, .. }) => false,
            _ => {
                self.address = self.address.wrapping_add(1);
                asking.refused += 1;
                asking.refused < self.question.addresses.len()
            }
        }
    }

    /// Gives up an answer that did not come in time; another address is tried next if
    /// this one could not even be connected to.
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

    /// The answer is whole: the connection is kept if the other side keeps it.
    fn end(&mut self, registrar: &mut Registrar) {
        let kept = self.asking.take().is_some_and(|asking| asking.reader.keeps_alive());
        match &mut self.link {
            Some(link) if kept => link.used = true,
            _ => {
                self.close(registrar);
            }
        }
    }

    /// Between two polls: a connection on which anything happens has ended, or is of
    /// no use.
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
