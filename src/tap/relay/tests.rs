//! A relay between a client and an origin, both played by hand.

use super::*;
use crate::exchange::RequestKind;
use crate::exchange::record::{CacheStatus, Record};
use crate::tap::{HeaderHosts, Settings};

/// The parts of a record that tests compare.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    url: String,
    kind: RequestKind,
    result: ExchangeResult,
    status: Option<u16>,
    reused: bool,
    head_bytes: u64,
    body_bytes: u64,
    media: Option<Duration>,
    is_refresh: bool,
    cache: CacheStatus,
    tcp: TcpCounters,
    ttfb: Option<Duration>,
    ttlb: Option<Duration>,
    delay: Duration,
}

/// A relay with its client and its origin.
struct Stage {
    tap: Tap,
    relay: Relay,
    now: Tick,
    records: Vec<Seen>,
    /// What the client and the origin have received.
    client: Vec<u8>,
    origin: Vec<u8>,
    targets: Vec<Target>,
    splices: bool,
}

const TIMEOUT: Duration = Duration::from_secs(10);

fn stage(url: &str) -> Stage {
    let settings = Settings {
        url: url::Url::parse(url).unwrap(),
        timeout: TIMEOUT,
        keeps_range: false,
        secrets: Vec::new(),
        header_hosts: HeaderHosts::Named(Vec::new()),
    };
    let now = Tick::from_millis(1_000);
    Stage {
        tap: Tap::new(settings),
        relay: Relay::new(ClientId::new(7), now),
        now,
        records: Vec::new(),
        client: Vec::new(),
        origin: Vec::new(),
        targets: Vec::new(),
        splices: false,
    }
}

impl Stage {
    /// Gives an input, then polls all outputs.
    fn input(&mut self, input: impl FnOnce(&mut Relay, Tick, &mut Context<'_>)) {
        let records = &mut self.records;
        let mut take = |client: ClientId, record: &Record<'_>| {
            assert_eq!(client, ClientId::new(7));
            records.push(Seen {
                url: record.url.to_owned(),
                kind: record.kind,
                result: record.result,
                status: record.status,
                reused: record.reused,
                head_bytes: record.head_bytes,
                body_bytes: record.body_bytes,
                media: record.media,
                is_refresh: record.is_refresh,
                cache: record.cache,
                tcp: record.tcp,
                ttfb: record.times.ttfb,
                ttlb: record.times.ttlb,
                delay: record.tap_delay,
            });
        };
        let mut cx = Context { tap: &mut self.tap, records: &mut take };
        input(&mut self.relay, self.now, &mut cx);
        if self.relay.wants_counters() {
            let counters = TcpCounters { rtt: Some(Duration::from_millis(3)), retransmits: 2 };
            self.relay.counted(counters, &mut cx);
        }
        self.targets.extend(self.relay.take_target());
        self.client.extend_from_slice(self.relay.to_client());
        self.relay.sent_to_client(self.relay.to_client().len());
        self.origin.extend_from_slice(self.relay.to_origin());
        self.relay.sent_to_origin(self.relay.to_origin().len());
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
    }

    fn request(&mut self, url: &str) {
        let rest = url.strip_prefix("http://").unwrap();
        let host = &rest[..rest.find('/').unwrap()];
        let head = format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        self.input(|relay, now, cx| relay.client_sent(now, head.as_bytes(), cx));
    }

    fn connect(&mut self) {
        let connected = Connected {
            peer: "192.0.2.1:80".parse().unwrap(),
            dns: None,
            connect: Duration::from_millis(1),
            tls: None,
        };
        self.input(|relay, now, cx| relay.connected(now, &connected, cx));
    }

    fn respond(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let limit = self.relay.relay_limit();
            if self.splices && limit > 0 {
                let count = usize::try_from(limit).unwrap_or(usize::MAX).min(bytes.len());
                self.client.extend_from_slice(&bytes[..count]);
                self.input(|relay, now, cx| relay.relayed(now, count as u64, cx));
                bytes = &bytes[count..];
            } else {
                let count = if self.splices { 1 } else { bytes.len() };
                let piece = &bytes[..count];
                self.input(|relay, now, cx| relay.origin_sent(now, piece, cx));
                bytes = &bytes[count..];
            }
        }
    }

    fn close_origin(&mut self, closed: Closed) {
        self.input(|relay, now, cx| relay.origin_closed(now, closed, cx));
    }

    fn close_client(&mut self) {
        self.input(|relay, now, cx| relay.client_closed(now, cx));
    }

    fn results(&self) -> Vec<ExchangeResult> {
        self.records.iter().map(|record| record.result).collect()
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn relays_exchanges_over_one_connection() {
    let mut stage = stage("http://h/a.m3u8");
    stage.request("http://h/a.m3u8?x=y");
    let target = Target { host: "h".to_owned(), port: 80, tls: false };
    assert_eq!(stage.targets, [target]);
    assert!(stage.origin.is_empty());
    stage.wait(10);
    stage.connect();
    assert_eq!(stage.origin, b"GET /a.m3u8?x=y HTTP/1.1\r\nHost: h\r\n\r\n");
    stage.wait(5);
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n/b\n";
    stage.relay.delayed(Duration::from_micros(5));
    stage.respond(ok(list).as_bytes());
    assert_eq!(stage.client, ok(list).as_bytes());
    stage.client.clear();
    stage.request("http://h/b");
    assert_eq!(stage.targets.len(), 1);
    stage.wait(3);
    let segment = ok("\x47segmentsegment");
    stage.respond(&segment.as_bytes()[..3]);
    stage.wait(4);
    stage.respond(&segment.as_bytes()[3..]);
    assert_eq!(stage.client, segment.as_bytes());
    assert_eq!(stage.relay.close(), None);
    let [first, second] = &stage.records[..] else { panic!("{:?}", stage.records) };
    assert_eq!((first.kind, first.result), (RequestKind::Playlist, ExchangeResult::Ok));
    assert_eq!((first.url.as_str(), first.reused), ("http://h/a.m3u8?x=y", false));
    assert_eq!((first.head_bytes, first.body_bytes), (39, list.len() as u64));
    assert_eq!(first.delay, Duration::from_micros(5));
    assert_eq!((first.ttfb, first.ttlb), (Some(Duration::from_millis(15)), first.ttfb));
    assert_eq!((second.kind, second.result), (RequestKind::Segment, ExchangeResult::Ok));
    assert_eq!((second.reused, second.media), (true, Some(Duration::from_secs(2))));
    assert_eq!(second.ttfb, Some(Duration::from_millis(3)));
    assert_eq!(second.ttlb, Some(Duration::from_millis(7)));
    assert_eq!((first.tcp.retransmits, second.tcp.retransmits), (2, 0));
}

mod endings;
mod properties;
mod rewriting;
