//! A peer of the HTTP server: however its bytes are cut and however slowly it
//! reads, it gets the same answers, each of them well formed, and what it can make
//! the server hold is bounded.
//!
//! The first byte of an input is the seed of the cuts, the rest is what the peer
//! sends. The built-in origin answers.

use std::time::Duration;

use ffmpeg_hls_swarm::http::{Connection, Limits, Method, Request, Response};
use ffmpeg_hls_swarm::origin::{Origin, Settings};
use ffmpeg_hls_swarm::units::{Moment, Tick, Wall};

use super::cuts;

/// Small, so that short inputs come to them.
const LIMITS: Limits = Limits {
    head_bytes: 400,
    head_time: Duration::from_secs(10),
    idle_time: Duration::from_secs(120),
    write_time: Duration::from_secs(10),
};

/// Most bytes that the peer sends at once.
const PIECE_MAX: usize = 4096;

/// The live segments are those from 1 to 9.
const WALL: Wall = Wall::from_unix_nanos(10_500_000_000);

/// Deadlines until a silent peer is given up: of the head, of the answer to that,
/// and of its closing.
const PATIENCE: usize = 3;

thread_local! {
    static ORIGIN: std::cell::RefCell<Origin> = std::cell::RefCell::new(origin());
}

/// Holds the promises for one input.
pub fn check(input: &[u8]) {
    let Some((&seed, bytes)) = input.split_first() else { return };
    let cuts = cuts(seed, bytes);
    let wanted = exchange(&cuts[0], usize::MAX);
    for pieces in &cuts {
        for taken_at_once in [usize::MAX, 1 + usize::from(seed) * 7] {
            assert!(exchange(pieces, taken_at_once) == wanted, "cuts change the answers");
        }
        is_given_up(pieces);
    }
    well_formed(&wanted);
}

/// What went over a connection.
#[derive(Debug, PartialEq)]
struct Exchange {
    /// The requests that the service saw.
    asked: Vec<Asked>,
    /// All bytes that were sent to the peer.
    answers: Vec<u8>,
}

#[derive(Debug, PartialEq)]
struct Asked {
    text: String,
    method: Method,
    /// What the whole of it would have been.
    whole: Vec<u8>,
}

/// Sends the pieces and then the end; reads the answers so many bytes at once,
/// and only once the server takes nothing more.
fn exchange(pieces: &[&[u8]], taken_at_once: usize) -> Exchange {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    let mut exchange = Exchange { asked: Vec::new(), answers: Vec::new() };
    for piece in pieces {
        while !connection.wants_read() && connection.wants_write() {
            take(&mut connection, taken_at_once, &mut exchange);
        }
        if connection.wants_read() {
            let respond = &mut |request: &Request<'_>| respond(request, &mut exchange.asked);
            connection.receive(Tick::ZERO, piece, respond);
        }
        if taken_at_once == usize::MAX {
            drain(&mut connection, taken_at_once, &mut exchange);
        }
    }
    connection.peer_closed(&mut |_: &Request<'_>| unreachable!("asked after the end"));
    drain(&mut connection, taken_at_once, &mut exchange);
    assert!(connection.is_finished(), "the peer is gone and the connection is not");
    assert_eq!(connection.deadline(), None);
    exchange
}

fn drain(connection: &mut Connection, most: usize, exchange: &mut Exchange) {
    while connection.wants_write() {
        take(connection, most, exchange);
    }
}

/// The peer takes some bytes.
fn take(connection: &mut Connection, most: usize, exchange: &mut Exchange) {
    let [head, body] = connection.pending();
    let pending = [&head[..], &body[..]].concat();
    let taken = &pending[..pending.len().min(most)];
    exchange.answers.extend_from_slice(taken);
    let respond = &mut |request: &Request<'_>| respond(request, &mut exchange.asked);
    connection.sent(Tick::ZERO, taken.len(), respond);
}

fn respond(request: &Request<'_>, asked: &mut Vec<Asked>) -> Response {
    let at = Moment { wall: WALL, ..Moment::default() };
    let plain = Request { method: Method::Get, headers: &[], ..*request };
    let (whole, response) = ORIGIN.with_borrow_mut(|origin| {
        (origin.respond(at, &plain).body.bytes().to_vec(), origin.respond(at, request))
    });
    asked.push(Asked { text: format!("{request:?}"), method: request.method, whole });
    response
}

/// A peer that sends and takes nothing can make the server hold so much and no
/// more, and is given up in the end.
fn is_given_up(pieces: &[&[u8]]) {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    let mut held = 0;
    for piece in pieces {
        if !connection.wants_read() {
            break;
        }
        if connection.wants_write() {
            held += piece.len();
        }
        let respond = &mut |request: &Request<'_>| respond(request, &mut Vec::new());
        connection.receive(Tick::ZERO, piece, respond);
        let [head, body] = connection.pending().map(|part| part.len());
        assert!(head <= 1024 && body <= 1 << 20, "an answer of {head} and {body} bytes");
    }
    // What comes after a last answer is dropped and costs nothing.
    let last = connection.wants_write() && connection.wants_read();
    assert!(held <= LIMITS.head_bytes + PIECE_MAX || last, "{held} bytes wait");
    let mut deadlines = 0;
    while let Some(deadline) = connection.deadline() {
        deadlines += 1;
        assert!(deadlines <= PATIENCE, "the peer is not given up");
        connection
            .deadline_reached(deadline, &mut |_: &Request<'_>| unreachable!("asked by a clock"));
    }
    assert!(connection.is_finished());
}

/// The bytes are one answer a request, in order, and at most one refusal, the last.
fn well_formed(exchange: &Exchange) {
    let mut rest = exchange.answers.as_slice();
    let mut asked = exchange.asked.iter();
    let mut open = true;
    while !rest.is_empty() {
        assert!(open, "an answer after the last one");
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut fields);
        let length = head.parse(rest).unwrap().unwrap();
        let status = head.code.unwrap();
        let field = |name: &str| {
            let mut found = head.headers.iter().filter(|f| f.name.eq_ignore_ascii_case(name));
            let value = found.next().map(|field| std::str::from_utf8(field.value).unwrap());
            assert!(found.next().is_none(), "{name} comes twice");
            value
        };
        let request = asked.next();
        let closes = field("Connection") == Some("close");
        let refused = matches!(status, 400 | 408 | 411 | 413 | 417 | 431);
        assert!(request.is_some() || (refused && closes), "an answer that nobody asked for");
        let length_said = field("Content-Length").map(|value| value.parse::<usize>().unwrap());
        assert_eq!(length_said.is_none(), matches!(status, 204 | 304));
        let bodiless = request.is_some_and(|request| request.method == Method::Head);
        let size = if bodiless { 0 } else { length_said.unwrap_or(0) };
        let (body, after) = rest[length..].split_at(size);
        if let (206, Some(request), Some(range)) = (status, request, field("Content-Range")) {
            is_the_part(request, range, length_said.unwrap(), body, bodiless);
        }
        (rest, open) = (after, !closes);
    }
    assert_eq!(asked.next(), None, "a request without an answer");
}

/// A part is what `Content-Range` says, of the whole (RFC 9110 §14.4).
fn is_the_part(request: &Asked, range: &str, length: usize, body: &[u8], bodiless: bool) {
    let (part, of) = range.strip_prefix("bytes ").unwrap().split_once('/').unwrap();
    let (first, last) = part.split_once('-').unwrap();
    let [first, last, of]: [usize; 3] = [first, last, of].map(|number| number.parse().unwrap());
    assert_eq!(of, request.whole.len());
    assert_eq!(length, last - first + 1);
    assert!(bodiless || *body == request.whole[first..=last]);
}

fn origin() -> Origin {
    let settings = Settings {
        variant_bitrates: vec![150_000],
        segment_duration: Duration::from_secs(1),
        window: 3,
    };
    Origin::new(settings).unwrap()
}
