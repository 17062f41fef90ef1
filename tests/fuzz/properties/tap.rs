//! A relay of the tap between a client and an origin: the chunking of the origin's bytes
//! has no effect, nor whether a body passes unseen, each exchange ends once, its record
//! is consistent, and credentials reach their own host alone.
//!
//! The first byte of an input is the seed of the chunking. The rest is a script of
//! sections, separated by lines of `%%`: what the client sends, what the origin sends,
//! by turns. The sections `!connect`, `!refuse`, `!eof`, `!reset`, `!close` and `!wait`
//! are events.

use std::time::Duration;

use ffmpeg_hls_swarm::exchange::record::{ExchangeResult, Record, TcpCounters};
use ffmpeg_hls_swarm::tap::{
    Close, Closed, ConnectFailure, Connected, Context, HeaderHosts, Relay, Settings, Tap, Target,
};
use ffmpeg_hls_swarm::units::{ClientId, Tick};

use super::chunkings;

const CLIENT: ClientId = ClientId::new(3);

/// A value that no other host may receive, and that no input contains.
const SECRET: &str = "hunter2-of-the-run";

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let Some((&seed, script)) = input.split_first() else { return };
    let wanted = play(script, seed, 2, false);
    for cut in 0..3 {
        for splices in [false, true] {
            let seen = play(script, seed, cut, splices);
            assert!(seen == wanted, "the chunking changes the exchanges");
        }
    }
}

/// All that can be seen of a relay.
#[derive(Debug, PartialEq)]
struct Seen {
    to_client: Vec<u8>,
    to_origin: Vec<u8>,
    targets: Vec<Target>,
    records: Vec<String>,
    close: Option<Close>,
}

/// A relay and its surroundings.
struct Stage {
    tap: Tap,
    relay: Relay,
    now: Tick,
    seen: Seen,
    target: Option<Target>,
    /// Bytes that the origin has sent.
    sent: u64,
}

fn play(script: &[u8], seed: u8, cut: usize, splices: bool) -> Seen {
    let settings = Settings {
        url: "https://h/a.m3u8".parse().unwrap(),
        timeout: Duration::from_secs(10),
        keeps_range: seed.is_multiple_of(2),
        secrets: vec![("Cookie".to_owned(), SECRET.to_owned())],
        header_hosts: HeaderHosts::Named(vec!["friend".to_owned()]),
    };
    let now = Tick::from_millis(5);
    let seen = Seen {
        to_client: Vec::new(),
        to_origin: Vec::new(),
        targets: Vec::new(),
        records: Vec::new(),
        close: None,
    };
    let (tap, relay) = (Tap::new(settings), Relay::new(CLIENT, now));
    let mut stage = Stage { tap, relay, now, seen, target: None, sent: 0 };
    let mut is_clients = true;
    for section in sections(script) {
        if !stage.event(section) {
            let pieces = if is_clients { vec![section] } else { pieces(section, seed, cut) };
            for piece in pieces {
                if is_clients {
                    stage.input(|relay, now, cx| relay.client_sent(now, piece, cx));
                } else {
                    stage.respond(piece, splices);
                }
            }
            is_clients = !is_clients;
        }
    }
    stage.finish()
}

fn pieces(section: &[u8], seed: u8, cut: usize) -> Vec<&[u8]> {
    let [single, random, large] = chunkings(seed, section);
    [single, random, large].into_iter().nth(cut).unwrap()
}

fn sections(script: &[u8]) -> Vec<&[u8]> {
    let (mut sections, mut rest) = (Vec::new(), script);
    while let Some(at) = rest.windows(4).position(|window| window == b"\n%%\n") {
        sections.push(&rest[..at]);
        rest = &rest[at + 4..];
    }
    sections.push(rest);
    sections
}

impl Stage {
    /// Performs an event; false if the section is none.
    fn event(&mut self, section: &[u8]) -> bool {
        match section {
            b"!connect" => {
                let connected = Connected {
                    peer: ([192, 0, 2, 1], 80).into(),
                    dns: None,
                    connect: Duration::from_millis(2),
                    tls: None,
                };
                self.input(|relay, now, cx| relay.connected(now, &connected, cx));
            }
            b"!refuse" => self.input(|relay, now, cx| {
                relay.connect_failed(now, ConnectFailure::Refused, cx);
            }),
            b"!eof" => self.input(|relay, now, cx| relay.origin_closed(now, Closed::Eof, cx)),
            b"!reset" => self.input(|relay, now, cx| relay.origin_closed(now, Closed::Reset, cx)),
            b"!close" => self.input(|relay, now, cx| relay.client_closed(now, cx)),
            b"!wait" => {
                self.now = self.now.after(Duration::from_secs(7));
                self.input(Relay::deadline_reached);
            }
            _ => return false,
        }
        true
    }

    /// Gives an input, then polls all outputs.
    fn input(&mut self, input: impl FnOnce(&mut Relay, Tick, &mut Context<'_>)) {
        let (records, sent) = (&mut self.seen.records, self.sent);
        let mut take = |client: ClientId, record: &Record<'_>| {
            assert_eq!(client, CLIENT);
            consistent(record, sent);
            records.push(format!("{record:?}"));
        };
        let mut cx = Context { tap: &mut self.tap, records: &mut take };
        input(&mut self.relay, self.now, &mut cx);
        if self.relay.wants_counters() {
            self.relay.counted(TcpCounters::default(), &mut cx);
        }
        assert!(!self.relay.wants_counters());
        if let Some(target) = self.relay.take_target() {
            self.seen.targets.push(target.clone());
            self.target = Some(target);
        }
        let is_own = self.target.as_ref().is_some_and(|target| {
            let is = |name: &str| target.host == name || target.host.ends_with(&format!(".{name}"));
            is("friend") || (is("h") && target.tls)
        });
        let head = self.relay.to_origin();
        let has_secret = head.windows(SECRET.len()).any(|text| text == SECRET.as_bytes());
        assert_eq!(has_secret, is_own && !head.is_empty());
        self.seen.to_origin.extend_from_slice(head);
        self.relay.sent_to_origin(head.len());
        self.seen.to_client.extend_from_slice(self.relay.to_client());
        self.relay.sent_to_client(self.relay.to_client().len());
        assert!(self.relay.close().is_none() || !self.relay.reads_origin());
    }

    fn respond(&mut self, mut bytes: &[u8], splices: bool) {
        self.sent += bytes.len() as u64;
        while !bytes.is_empty() {
            let limit = if splices { self.relay.relay_limit() } else { 0 };
            let count = match limit {
                0 => bytes.len(),
                _ => usize::try_from(limit).unwrap_or(usize::MAX).min(bytes.len()),
            };
            let (piece, rest) = bytes.split_at(count);
            if limit > 0 {
                self.seen.to_client.extend_from_slice(piece);
                self.input(|relay, now, cx| relay.relayed(now, count as u64, cx));
            } else {
                self.input(|relay, now, cx| relay.origin_sent(now, piece, cx));
            }
            bytes = rest;
        }
    }

    fn finish(mut self) -> Seen {
        self.seen.close = self.relay.close();
        self.input(|relay, now, cx| relay.client_closed(now, cx));
        let records = self.seen.records.len();
        self.input(|relay, now, cx| relay.client_closed(now, cx));
        assert_eq!(self.seen.records.len(), records, "an exchange ends twice");
        assert!(self.relay.close().is_some() && self.relay.deadline().is_none());
        assert_eq!((self.relay.relay_limit(), self.relay.take_target()), (0, None));
        self.seen
    }
}

/// Checks the parts of a record against each other.
fn consistent(record: &Record<'_>, sent: u64) {
    use ExchangeResult::{Empty, NotMedia, Ok, Redirect, Status};
    assert!(record.head_bytes + record.body_bytes <= sent);
    assert!(
        record.ended >= record.began && record.times.ttfb <= Some(record.ended.since(record.began))
    );
    let is_whole = record.times.ttlb.is_some();
    match record.result {
        Ok | NotMedia | Empty => assert!(is_whole),
        Redirect | Status => {}
        _ => assert!(!is_whole),
    }
    let status = record.status.unwrap_or(0);
    match record.result {
        Ok => assert!((200..300).contains(&status) || status == 304),
        NotMedia | Empty => assert!((200..300).contains(&status)),
        Redirect => assert!((300..400).contains(&status) && status != 304),
        Status => assert!((400..600).contains(&status)),
        _ => {}
    }
    let is_https = record.url.starts_with("https://");
    assert!(is_https || record.url.starts_with("http://"), "{}", record.url);
    assert!(record.edge.is_some() || record.status.is_none());
}
