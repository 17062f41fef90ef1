//! Whether programs on this host reach each other at 127.0.0.1, where the demo's origin
//! listens.
//!
//! Blocks; for what precedes the loop.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// How long a connection may take that no network lies between: only a firewall that
/// drops it takes longer.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// Listens at 127.0.0.1 and connects to it.
///
/// # Errors
/// Those of bind(2) and connect(2): `EADDRNOTAVAIL` where the address is missing,
/// `ENETUNREACH` where the interface is down, which lets bind(2) succeed.
pub fn check() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    TcpStream::connect_timeout(&listener.local_addr()?, CONNECT_TIME).map(drop)
}
