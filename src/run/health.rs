//! Asks a running swarm whether it is alive, for a supervisor that can only start
//! a program and look at its exit code.
//!
//! Asks for liveness, not readiness: a swarm that is stopping, or whose clients
//! all fail, is healthy. Knows nothing of the run but its scrape address.

use std::net::SocketAddr;
use std::time::Duration;

use super::Fatal;
use crate::reactor::inquiry;
use crate::units::address::reachable;

/// How long the swarm may take to answer: its loop answers within milliseconds,
/// and supervisors ask every few seconds.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// What is asked; the connection is not kept (RFC 9112 §9.6).
const QUESTION: &[u8] =
    b"GET /-/healthy HTTP/1.1\r\nHost: ffmpeg-hls-swarm\r\nConnection: close\r\n\r\n";

/// Bytes of the answer that are read: a status line and its end.
const ANSWER_BYTES: usize = 256;

/// Asks the swarm that is scraped there; one line says why it is not well.
pub(super) fn check(address: Option<SocketAddr>) -> Result<(), Fatal> {
    let Some(address) = address else {
        return Err(Fatal(
            "the scrape address is off, so nobody can be asked; give METRICS_PORT a port".into(),
        ));
    };
    let address = reachable(address);
    let answer = inquiry::first_bytes(address, QUESTION, ANSWER_BYTES, ANSWER_TIME)
        .map_err(|error| Fatal(format!("no answer from {address}: {error}")))?;
    match status(&answer) {
        Some(200) => Ok(()),
        Some(status) => Err(Fatal(format!("{address} answers with status {status}, not 200"))),
        None => Err(Fatal(format!("what answers at {address} does not speak HTTP"))),
    }
}

/// The code of a status line (RFC 9112 §4), which must be there to its end.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|&byte| byte == b'\n').next().filter(|line| line.ends_with(b"\r"))?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_in_a_whole_status_line() {
        let cases: [(&[u8], Option<u16>); 7] = [
            (b"HTTP/1.1 200 OK\r\nContent-", Some(200)),
            (b"HTTP/1.1 503 Service Unavailable\r\n", Some(503)),
            (b"HTTP/1.0 200\r\n", Some(200)),
            (b"HTTP/1.1 200 OK", None),
            (b"SSH-2.0-OpenSSH 200\r\n", None),
            (b"HTTP/1.1 \xff\r\n", None),
            (b"", None),
        ];
        for (answer, code) in cases {
            assert_eq!(status(answer), code, "{}", answer.escape_ascii());
        }
    }
}
