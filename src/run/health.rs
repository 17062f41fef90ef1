//! Checks whether a running swarm is alive, for a supervisor that can only start a
//! program and read its exit code.
//!
//! Checks liveness, not readiness: a swarm that is stopping, or whose clients all fail,
//! is healthy. Knows nothing of the run except its scrape address.

use std::net::SocketAddr;
use std::time::Duration;

use super::Fatal;
use crate::http::ResponseError;
use crate::reactor::blocking::http_get::{GetError, Got, Server, get};
use crate::reactor::blocking::wait::Wait;
use crate::units::address::reachable;

/// Longest time until the response: the loop responds within milliseconds, and
/// supervisors check every few seconds.
const RESPONSE_TIME: Duration = Duration::from_secs(2);

/// The request; the connection is not kept (RFC 9112 §9.6).
const REQUEST: &[u8] =
    b"GET /-/healthy HTTP/1.1\r\nHost: ffmpeg-hls-swarm\r\nConnection: close\r\n\r\n";

/// Bytes of the body that are read: the status suffices.
const BODY_BYTES: usize = 1;

/// Checks the swarm with this scrape address; the error is one line with the reason.
pub(super) fn check(address: Option<SocketAddr>) -> Result<(), Fatal> {
    let Some(address) = address else {
        return Err(Fatal(
            "the scrape address is off; set METRICS_PORT to the port of the swarm".into(),
        ));
    };
    let address = reachable(address);
    let server = Server { addresses: &[address], tls: None };
    Err(Fatal(match get(server, REQUEST, BODY_BYTES, Wait::new(RESPONSE_TIME, None)) {
        Ok(Got::Body(_)) => return Ok(()),
        Ok(Got::Redirect(status, _)) | Err(GetError::Response(ResponseError::Status(status))) => {
            format!("{address} responds with status {status}, not 200")
        }
        Err(GetError::Response(ResponseError::NotHttp)) => {
            format!("the response from {address} is not HTTP")
        }
        Err(error) => format!("no response from {address}: {error}"),
    }))
}
