//! The built-in origin as a program of its own.

use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::Timespec;
use tracing::{info, warn};

use super::conclusion::Conclusion;
use super::{Fatal, install_journal, printed, take_signals};
use crate::config::{OriginConfig, TlsConfig};
use crate::exposition::origin;
use crate::http::redact::Masking;
use crate::http::{Delivered, Limits, Refusal, Request, Response, Ticket};
use crate::measures::METRICS_PATH;
use crate::measures::OriginScene;
use crate::origin::FaultyOrigin;
use crate::origin::faults::Faults;
use crate::reactor::host::log_sink::LogSink;
use crate::reactor::host::{remedy, stdout};
use crate::reactor::net::server::certificate::Certificate;
use crate::reactor::net::server::{Server, ServerLimits};
use crate::reactor::process::child;
use crate::reactor::process::usage;
use crate::reactor::table::ServiceKey;
use crate::reactor::{Application, Driver, HttpService, Reactor, Status, Vitals};
use crate::swarm::{Action, Input};
use crate::units::address::reachable;
use crate::units::{Moment, Tick};

/// The service of the stream.
const ORIGIN: ServiceKey = ServiceKey(0);

/// Bounds of the origin. A client of three variants keeps up to six connections,
/// so this serves some two thousand; an idle one lives longer than the longest
/// target duration, or each refresh would open a new connection.
const LIMITS: ServerLimits = ServerLimits {
    connections: 12_000,
    connection: Limits {
        head_bytes: 16 * 1024,
        head_time: Duration::from_secs(10),
        idle_time: Duration::from_secs(75),
        write_time: Duration::from_secs(30),
    },
};

/// Descriptors that connections leave free: the loop has about 10, and the access log
/// opened again, a scrape (`/proc`) and the next connection take one each for a moment.
const DESCRIPTORS_RESERVE: u64 = 16;

/// How long a line of the access log may wait for others, so that a busy origin
/// does not write each by itself.
const FLUSH_AFTER: Duration = Duration::from_millis(100);

/// Bytes of the access log that are written at once.
const FLUSH_BYTES: usize = 16 * 1024;

/// How long the end waits for a slow reader of the access log.
const LAST_FLUSH: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// Serves until a signal; the first line of standard output is the URL of the
/// master playlist.
pub(super) fn serve(config: &OriginConfig) -> Result<Conclusion, Fatal> {
    let journal = install_journal(config.log, &Masking::default());
    let signals = take_signals()?;
    // Without it the soft limit would bound the connections.
    let _ = child::raise_nofile();
    let access_log = config.access_log.as_deref().map(open_access_log).transpose()?;
    let limits = ServerLimits { connections: connections_max(), ..LIMITS };
    let mut server = Server::bind(ORIGIN, config.listen, limits)
        .map_err(|error| Fatal(remedy::of_listen(config.listen, &error, "with -listen")))?;
    let address = server
        .local_addr()
        .map_err(|error| Fatal(format!("the listening socket has no address: {error}")))?;
    let scheme = match &config.tls {
        Some(tls) => speak_tls(&mut server, address.ip(), tls).map(|()| "https")?,
        None => "http",
    };
    let url = format!("{scheme}://{}/stream.m3u8\n", reachable(address));
    printed(stdout::write_unless(signals.as_fd(), url.as_bytes()))?;
    let mut reactor =
        Reactor::new(journal.clone(), signals, vec![server], None).map_err(|error| {
            Fatal(format!("the reactor cannot be set up: {}", remedy::with_remedy(&error)))
        })?;
    info!(%address, seed = config.seed, "origin_started");
    let faults = Faults::new(config.faults.clone(), config.seed).map_err(Fatal)?;
    let origin =
        FaultyOrigin::new(config.settings.clone(), faults, access_log.is_some()).map_err(Fatal)?;
    let access_file = config.access_log.clone().filter(|file| file != Path::new("-"));
    let mut program = OriginProgram { origin, access_log, access_file, flush_at: None, now: None };
    reactor.run(&mut program).map_err(|error| Fatal(format!("the reactor failed: {error}")))?;
    if let Some(sink) = &mut program.access_log {
        sink.flush_within(LAST_FLUSH);
    }
    info!("shutdown_complete");
    journal.flush_last();
    Ok(Conclusion::Finished)
}

/// Connections at once: as many as the limit of open files leaves room for, one at
/// least.
fn connections_max() -> usize {
    let Some(own) = usage::own() else { return LIMITS.connections };
    let room = own.max_fds.saturating_sub(own.open_fds).saturating_sub(DESCRIPTORS_RESERVE);
    usize::try_from(room).unwrap_or(usize::MAX).clamp(1, LIMITS.connections)
}

/// Has the server speak TLS, with a certificate that is written where it was
/// asked for.
fn speak_tls(server: &mut Server, address: IpAddr, tls: &TlsConfig) -> Result<(), Fatal> {
    let certificate = Certificate::for_address(address)
        .map_err(|error| Fatal(format!("no certificate could be made: {error}; leave out -tls")))?;
    if let Some(file) = &tls.ca_file {
        std::fs::write(file, certificate.pem()).map_err(|error| {
            let file = file.display();
            Fatal(format!("-tls-ca {file}: {error}; give a file that can be written"))
        })?;
    }
    server.speak_tls(&certificate);
    Ok(())
}

fn open_access_log(path: &Path) -> Result<LogSink, Fatal> {
    if path == Path::new("-") {
        return Ok(LogSink::stdout());
    }
    LogSink::file(path).map_err(|error| {
        let path = path.display();
        Fatal(format!("-access-log {path}: {error}; give a file that can be written"))
    })
}

/// The origin as the reactor's application.
struct OriginProgram {
    origin: FaultyOrigin,
    access_log: Option<LogSink>,
    /// Where it is, unless it is stdout.
    access_file: Option<PathBuf>,
    /// When what waits in the access log is written.
    flush_at: Option<Tick>,
    /// The latest time known; `None` before the loop has turned once.
    now: Option<Tick>,
}

impl OriginProgram {
    fn note(&mut self, now: Tick) {
        self.now = self.now.max(Some(now));
        self.origin.tick(now);
    }

    /// Writes what waits in the access log, if it is time to.
    fn flush(&mut self, now: Tick) {
        let Some(sink) = &mut self.access_log else { return };
        let due = self.flush_at.is_some_and(|tick| tick <= now);
        if due || sink.waiting_bytes() >= FLUSH_BYTES {
            self.flush_at = None;
            sink.flush();
        }
        if sink.waiting_bytes() > 0 {
            self.flush_at.get_or_insert(now.after(FLUSH_AFTER));
        }
    }
}

impl Driver for OriginProgram {
    fn handle(&mut self, now: Tick, input: Input<'_>, actions: &mut Vec<Action>) {
        match input {
            Input::StopAsked | Input::KillAsked => actions.push(Action::Finish),
            Input::DeadlineReached => {
                self.note(now);
                self.flush(now);
            }
            _ => {}
        }
    }

    fn next_deadline(&self) -> Option<Tick> {
        // The first turn is due at once: connections may be refused from the start.
        let Some(now) = self.now else { return Some(Tick::ZERO) };
        [self.origin.next_deadline(now), self.flush_at].into_iter().flatten().min()
    }

    fn reopen(&mut self) {
        let (Some(sink), Some(file)) = (&mut self.access_log, &self.access_file) else { return };
        match sink.reopen(file) {
            Ok(()) => info!(file = %file.display(), "access_log_reopened"),
            Err(error) => warn!(file = %file.display(), %error, "access_log_not_reopened"),
        }
    }
}

impl HttpService for OriginProgram {
    fn respond(&mut self, at: Moment, vitals: &mut Vitals<'_>, request: &Request<'_>) -> Response {
        self.note(at.tick);
        if request.path == METRICS_PATH {
            let health = vitals.refresh(at.tick, self);
            let dropped = self.access_log.as_ref().map_or(0, LogSink::dropped);
            self.origin.counts_mut().access_lines_dropped = dropped;
            let scene = OriginScene { origin: &self.origin, health };
            return origin::respond(&scene, request);
        }
        self.origin.respond(at, request)
    }

    fn refused(&mut self, at: Moment, refusal: &Refusal<'_>) -> Option<Ticket> {
        self.note(at.tick);
        Some(self.origin.refused(at, refusal))
    }

    fn delivered(&mut self, at: Moment, ticket: Ticket, delivered: Delivered) {
        let line = self.origin.delivered(at, ticket, delivered);
        if let (Some(line), Some(sink)) = (line, &mut self.access_log) {
            sink.push(line.as_bytes());
            self.flush(at.tick);
        }
    }

    fn is_open(&self, at: Tick) -> bool {
        // A deadline that came in the middle of a turn is later than its beginning.
        self.origin.is_open(self.now.map_or(at, |now| now.max(at)))
    }
}

impl Status for OriginProgram {
    fn status(&self, _now: Tick) -> String {
        let requests: u64 = self.origin.counts().requests.values().sum();
        format!("{requests} requests answered")
    }

    fn is_stopping(&self, _now: Tick) -> bool {
        false
    }
}

impl Application for OriginProgram {
    fn service(&mut self, _: ServiceKey) -> &mut dyn HttpService {
        self
    }
}
