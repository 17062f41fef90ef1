//! Asks a running swarm whether it is alive, for a supervisor that can only start
//! a program and look at its exit code.
//!
//! Asks for liveness, not readiness: a swarm that is stopping, or whose clients
//! all fail, is healthy. Knows nothing of the run but its scrape address.

use std::net::SocketAddr;
use std::time::Duration;

use super::Fatal;
use crate::http::ResponseError;
use crate::reactor::blocking::http_get::{GetError, Got, Server, get};
use crate::reactor::blocking::run::Wait;
use crate::units::address::reachable;

/// How long the swarm may take to answer: its loop answers within milliseconds,
/// and supervisors ask every few seconds.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// What is asked; the connection is not kept (RFC 9112 §9.6).
const QUESTION: &[u8] =
    b"GET /-/healthy HTTP/1.1\r\nHost: ffmpeg-hls-swarm\r\nConnection: close\r\n\r\n";

/// Bytes of the body that are read: the status is enough.
const BODY_BYTES: usize = 1;

/// Asks the swarm that is scraped there; one line says why it is not well.
pub(super) fn check(address: Option<SocketAddr>) -> Result<(), Fatal> {
    let Some(address) = address else {
        return Err(Fatal(
            "the scrape address is off, so nobody can be asked; give METRICS_PORT a port".into(),
        ));
    };
    let address = reachable(address);
    let server = Server { addresses: &[address], tls: None };
    Err(Fatal(match get(server, QUESTION, BODY_BYTES, Wait::new(ANSWER_TIME, None)) {
        Ok(Got::Body(_)) => return Ok(()),
        Ok(Got::Redirect(status, _)) | Err(GetError::Response(ResponseError::Status(status))) => {
            format!("{address} answers with status {status}, not 200")
        }
        Err(GetError::Response(ResponseError::NotHttp)) => {
            format!("what answers at {address} does not speak HTTP")
        }
        Err(error) => format!("no answer from {address}: {error}"),
    }))
}
