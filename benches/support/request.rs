//! Requests of players and scrapers, and their path through a connection: shared by the
//! benches. Opens no socket.

use std::borrow::Cow;
use std::rc::Rc;

use ffmpeg_hls_swarm::http::{Body, Connection, Request, Response, Service, Status};
use ffmpeg_hls_swarm::units::Tick;

/// The requests of FFmpeg for a segment and of Prometheus for a scrape.
pub(crate) const HEADS: [(&str, &str); 2] = [
    (
        "FFmpeg",
        "GET /live/seg00018.ts HTTP/1.1\r\n\
         User-Agent: ffmpeg-hls-swarm/0.1.0/client-1234\r\n\
         Accept: */*\r\n\
         Range: bytes=0-\r\n\
         Connection: keep-alive\r\n\
         Host: 127.0.0.1:17080\r\n\
         Icy-MetaData: 1\r\n\r\n",
    ),
    (
        "Prometheus",
        "GET /metrics HTTP/1.1\r\n\
         Host: 127.0.0.1:9090\r\n\
         User-Agent: Prometheus/2.42.0\r\n\
         Accept: application/openmetrics-text;version=1.0.0,\
         application/openmetrics-text;version=0.0.1;q=0.75,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n\
         Accept-Encoding: gzip\r\n\
         X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n",
    ),
];

/// A service that shares its one body.
pub(crate) fn service() -> impl Service {
    let body: Rc<[u8]> = Rc::from(&b"ok\n"[..]);
    move |_: &Request<'_>| {
        let headers = vec![("Content-Type", Cow::Borrowed("text/plain; charset=utf-8"))];
        let shared = Body::Shared(Rc::clone(&body), 0..body.len());
        Response::plain(Status::OK, headers, shared)
    }
}

/// One request in, its response out, as with a socket that takes everything.
pub(crate) fn exchange(connection: &mut Connection, head: &[u8], service: &mut dyn Service) {
    connection.receive(Tick::ZERO, head, service);
    let count: usize = connection.pending().iter().map(|part| part.len()).sum();
    assert!(count > 0);
    connection.sent(Tick::ZERO, count, service);
    assert!(connection.wants_read() && !connection.wants_write());
}
