//! Whether programs on this host can connect to 127.0.0.1, where the demo's origin
//! listens.
//!
//! Blocks; for use before the loop.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// Time limit for a connection without a network in between: only a firewall that drops
/// packets exceeds it.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// Listens at 127.0.0.1 and connects to it.
///
/// # Errors
/// Those of bind(2) and connect(2): `EADDRNOTAVAIL` where the address is missing,
/// `ENETUNREACH` where the interface is down, although bind(2) succeeds then.
pub fn check() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    TcpStream::connect_timeout(&listener.local_addr()?, CONNECT_TIME).map(drop)
}
