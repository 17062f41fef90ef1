//! Polls the origin's exporters while a load runs: which ones, and at which addresses.
//!
//! Names are resolved once, before the loop, because getaddrinfo(3) blocks: an exporter
//! whose address changes during the run is lost.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use tracing::{info, warn};
use url::Url;

use super::Fatal;
use crate::config::Config;
use crate::exporters::{Change, Exporters, Target};
use crate::http::Fetched;
use crate::reactor::Reactor;
use crate::reactor::blocking::resolve::{LOOKUP_TIME, resolve};
use crate::reactor::net::fetch::Question;
use crate::units::Tick;

/// The exporters to poll, with their addresses.
pub(super) struct Polls {
    targets: Vec<(Target, String)>,
    questions: Vec<Question>,
    every: Duration,
    window: Duration,
}

/// Resolves the exporters; `None` if there are none. Ends when `stop` becomes readable.
pub(super) fn polls(config: &Config, stop: BorrowedFd<'_>) -> Result<Option<Polls>, Fatal> {
    let wanted = &config.origin_metrics;
    let (mut targets, mut questions) = (Vec::new(), Vec::new());
    for (target, url) in [(Target::Host, &wanted.host), (Target::Nginx, &wanted.nginx)] {
        let Some(url) = url else { continue };
        questions.push(Question { addresses: addresses(url, stop)?, request: request(url) });
        targets.push((target, url.to_string()));
    }
    let polls = Polls { targets, questions, every: wanted.every, window: wanted.window };
    Ok(Some(polls).filter(|found| !found.targets.is_empty()))
}

impl Polls {
    /// Starts the polls; their results go to the returned value.
    pub(super) fn start(self, reactor: &mut Reactor) -> Exporters {
        reactor.fetch_with(self.questions, self.every);
        Exporters::new(self.targets, self.window)
    }
}

/// Records the result of a poll, and logs when an exporter goes down or recovers.
pub(super) fn fetched(side: &mut Exporters, now: Tick, key: usize, news: Fetched<'_>) {
    let Some(change) = side.fetched(now, key, news) else { return };
    let Some(polled) = side.polled().nth(key) else { return };
    let (target, url) = (polled.target().name(), polled.url());
    match change {
        Change::Up => info!(target_kind = target, url, "origin_metrics_up"),
        Change::Down => {
            let why = polled.last_error().unwrap_or_default();
            warn!(target_kind = target, url, why, "origin_metrics_down");
        }
    }
}

fn addresses(url: &Url, stop: BorrowedFd<'_>) -> Result<Vec<SocketAddr>, Fatal> {
    let port = url.port_or_known_default().unwrap_or(80);
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    resolve(host, port, LOOKUP_TIME, stop).map_err(|why| {
        Fatal(format!("{url}: the host is not found ({why}); give its address, or remove the flag"))
    })
}

/// The request for the metrics, for an uncoded body.
fn request(url: &Url) -> Vec<u8> {
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: ffmpeg-hls-swarm/{}\r\n\
         Accept: text/plain;version=0.0.4,text/plain;q=0.5\r\nAccept-Encoding: identity\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_has_host_port_and_path() {
        let url = Url::parse("http://[::1]:9100/a?b=c").unwrap();
        let text = String::from_utf8(request(&url)).unwrap();
        assert!(text.starts_with("GET /a?b=c HTTP/1.1\r\nHost: [::1]:9100\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"));
    }
}
