//! A peer of the HTTP server: neither the chunking of its bytes nor the speed of its
//! reads changes the responses, each response is well formed, and the memory that it
//! can occupy is bounded.
//!
//! The first byte of an input is the seed of the chunking, the rest is sent by the
//! peer. The built-in origin responds.

use std::time::Duration;

use ffmpeg_hls_swarm::http::{Connection, Limits, Method, Request, Response};
use ffmpeg_hls_swarm::origin::{Origin, StreamSettings};
use ffmpeg_hls_swarm::units::{Moment, Tick, Wall};

use super::chunkings;

/// Small, so that short inputs reach them.
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

/// Deadlines until a silent peer is given up: of the head, of the response to that, and
/// of the close.
const PATIENCE: usize = 3;

thread_local! {
    static ORIGIN: std::cell::RefCell<Origin> = std::cell::RefCell::new(origin());
}

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let Some((&seed, bytes)) = input.split_first() else { return };
    let chunkings = chunkings(seed, bytes);
    let wanted = exchange(&chunkings[0], usize::MAX);
    for pieces in &chunkings {
        for taken_at_once in [usize::MAX, 1 + usize::from(seed) * 7] {
            assert!(
                exchange(pieces, taken_at_once) == wanted,
                "the chunking changes the responses"
            );
        }
        is_given_up(pieces);
    }
    well_formed(&wanted);
}

/// The traffic of a connection.
#[derive(Debug, PartialEq)]
struct Exchange {
    /// The requests that the service saw.
    received: Vec<Received>,
    /// All bytes that were sent to the peer.
    responses: Vec<u8>,
}

#[derive(Debug, PartialEq)]
struct Received {
    text: String,
    method: Method,
    /// The complete resource.
    whole: Vec<u8>,
}

/// Sends the pieces and then the end; reads the responses this many bytes at a time,
/// and only once the server accepts no more.
fn exchange(pieces: &[&[u8]], taken_at_once: usize) -> Exchange {
    let mut connection = Connection::new(Tick::ZERO, LIMITS);
    let mut exchange = Exchange { received: Vec::new(), responses: Vec::new() };
    for piece in pieces {
        while !connection.wants_read() && connection.wants_write() {
            take(&mut connection, taken_at_once, &mut exchange);
        }
        if connection.wants_read() {
            let respond = &mut |request: &Request<'_>| respond(request, &mut exchange.received);
            connection.receive(Tick::ZERO, piece, respond);
        }
        if taken_at_once == usize::MAX {
            drain(&mut connection, taken_at_once, &mut exchange);
        }
    }
    connection.peer_closed(&mut |_: &Request<'_>| unreachable!("received after the end"));
    drain(&mut connection, taken_at_once, &mut exchange);
    assert!(connection.is_finished(), "the peer has closed, but the connection remains");
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
    exchange.responses.extend_from_slice(taken);
    let respond = &mut |request: &Request<'_>| respond(request, &mut exchange.received);
    connection.sent(Tick::ZERO, taken.len(), respond);
}

fn respond(request: &Request<'_>, received: &mut Vec<Received>) -> Response {
    let at = Moment { wall: WALL, ..Moment::default() };
    let plain = Request { method: Method::Get, headers: &[], ..*request };
    let (whole, response) = ORIGIN.with_borrow_mut(|origin| {
        (origin.respond(at, &plain).body.bytes().to_vec(), origin.respond(at, request))
    });
    received.push(Received { text: format!("{request:?}"), method: request.method, whole });
    response
}

/// A peer that sends and reads nothing can occupy bounded memory only, and is given up
/// in the end.
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
        assert!(head <= 1024 && body <= 1 << 20, "a response of {head} and {body} bytes");
    }
    // Bytes after the last response are dropped and occupy nothing.
    let last = connection.wants_write() && connection.wants_read();
    assert!(held <= LIMITS.head_bytes + PIECE_MAX || last, "{held} bytes wait");
    let mut deadlines = 0;
    while let Some(deadline) = connection.deadline() {
        deadlines += 1;
        assert!(deadlines <= PATIENCE, "the peer is not given up");
        connection
            .deadline_reached(deadline, &mut |_: &Request<'_>| unreachable!("received by a clock"));
    }
    assert!(connection.is_finished());
}

/// The bytes are one response per request, in order, and at most one refusal, the last.
fn well_formed(exchange: &Exchange) {
    let mut rest = exchange.responses.as_slice();
    let mut received = exchange.received.iter();
    let mut open = true;
    while !rest.is_empty() {
        assert!(open, "a response after the last one");
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
        let request = received.next();
        let closes = field("Connection") == Some("close");
        let refused = matches!(status, 400 | 408 | 411 | 413 | 417 | 431);
        assert!(request.is_some() || (refused && closes), "a response without a request");
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
    assert_eq!(received.next(), None, "a request without a response");
}

/// A part is the range of the whole in `Content-Range` (RFC 9110 §14.4).
fn is_the_part(request: &Received, range: &str, length: usize, body: &[u8], bodiless: bool) {
    let (part, of) = range.strip_prefix("bytes ").unwrap().split_once('/').unwrap();
    let (first, last) = part.split_once('-').unwrap();
    let [first, last, of]: [usize; 3] = [first, last, of].map(|number| number.parse().unwrap());
    assert_eq!(of, request.whole.len());
    assert_eq!(length, last - first + 1);
    assert!(bodiless || *body == request.whole[first..=last]);
}

fn origin() -> Origin {
    let settings = StreamSettings {
        variant_bitrates: vec![150_000],
        segment_duration: Duration::from_secs(1),
        window: 3,
    };
    Origin::new(settings).unwrap()
}
