//! The built-in origin as a program of its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use tracing::info;

use super::{Fatal, install_journal, print, take_signals};
use crate::config::{OriginConfig, TlsConfig};
use crate::http::{Limits, Request, Response};
use crate::origin::Origin;
use crate::reactor::child;
use crate::reactor::server::certificate::Certificate;
use crate::reactor::server::{Server, ServerLimits, bind_advice};
use crate::reactor::{Application, Reactor};
use crate::stats::Health;
use crate::swarm::{Action, Input};
use crate::units::{Moment, Tick};

/// Bounds of the origin. A client of three variants keeps up to six connections,
/// so this serves some two thousand; an idle one lives longer than the longest
/// target duration, or each refresh would connect anew.
const LIMITS: ServerLimits = ServerLimits {
    connections: 12_000,
    connection: Limits {
        head_bytes: 16 * 1024,
        head_time: Duration::from_secs(10),
        idle_time: Duration::from_secs(75),
        write_time: Duration::from_secs(30),
    },
};

/// Serves until a signal; the first line of standard output is the URL of the
/// master playlist.
pub(super) fn serve(config: &OriginConfig) -> Result<ExitCode, Fatal> {
    let journal = install_journal(config.log);
    let signals = take_signals()?;
    // Without it the soft limit would bound the connections.
    let _ = child::raise_nofile();
    let mut server = Server::bind(config.listen, LIMITS)
        .map_err(|error| Fatal(format!("{} with -listen", bind_advice(config.listen, &error))))?;
    let address = server
        .local_addr()
        .map_err(|error| Fatal(format!("the listening socket has no address: {error}")))?;
    let scheme = match &config.tls {
        Some(tls) => speak_tls(&mut server, address.ip(), tls).map(|()| "https")?,
        None => "http",
    };
    let mut reactor = Reactor::new(journal.clone(), signals, Some(server), None)
        .map_err(|error| Fatal(format!("the reactor cannot be set up: {error}")))?;
    print(&format!("{scheme}://{}/stream.m3u8\n", reachable(address)))?;
    info!(%address, "origin_started");
    let mut service =
        Service { origin: Origin::new(config.settings.clone()).map_err(Fatal::from_display)? };
    reactor.run(&mut service).map_err(|error| Fatal(format!("the reactor failed: {error}")))?;
    info!("shutdown_complete");
    journal.flush_last();
    Ok(ExitCode::SUCCESS)
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

/// An address that a player on this host can use for a socket bound to any.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

/// The origin as the reactor's application.
struct Service {
    origin: Origin,
}

impl Application for Service {
    fn handle(&mut self, _: Tick, input: Input<'_>, actions: &mut Vec<Action>) {
        if matches!(input, Input::StopAsked | Input::KillAsked) {
            actions.push(Action::Finish);
        }
    }

    fn next_deadline(&self) -> Option<Tick> {
        None
    }

    fn is_scrape(&self, _: &Request<'_>) -> bool {
        false
    }

    fn respond(&mut self, at: Moment, _: &Health, request: &Request<'_>) -> Response {
        self.origin.respond(at, request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_names_an_address_that_can_be_connected_to() {
        for (bound, url) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reachable(bound.parse().unwrap()).to_string(), url);
        }
    }
}
