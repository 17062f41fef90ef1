//! One GET and its response, plain or over TLS, within a bounded time.
//!
//! Blocks; for use before the loop, and in a program without a loop. Follows no redirect,
//! and knows nothing of the content.

pub mod tls;

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;

use mio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::wait::Wait;
use crate::http::{ResponseError, ResponseReader};

pub use tls::Trust;

/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// How to reach a server.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// Its addresses, tried in order until one connects.
    pub addresses: &'a [SocketAddr],
    /// The name in its certificate, and which certificates are trusted; `None` is plain
    /// HTTP.
    pub tls: Option<(&'a str, Trust)>,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// The body of a response of 200, or its beginning.
    Body(Vec<u8>),
    /// A redirect of this status, with `Location` as it was sent.
    Redirect(u16, String),
}

/// Why there is no result.
#[derive(Debug)]
pub enum GetError {
    /// connect(2) failed, or the socket later.
    Socket(io::Error),
    /// The certificate was rejected or the handshake failed.
    Tls(io::Error),
    /// The time was over.
    TimedOut,
    /// A stop was requested.
    Stopped,
    /// The response is invalid or has another status.
    Response(ResponseError),
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => error.fmt(f),
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Stopped => f.write_str("a stop was requested"),
            Self::Response(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for GetError {
    fn from(error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::TIMEDOUT) => Self::TimedOut,
            Some(Errno::CANCELED) => Self::Stopped,
            None if error.kind() == ErrorKind::InvalidData => Self::Tls(error),
            _ => Self::Socket(error),
        }
    }
}

impl From<ResponseError> for GetError {
    fn from(error: ResponseError) -> Self {
        Self::Response(error)
    }
}

/// Sends `request` and reads the response: its body to the end, or `most` bytes of it.
///
/// # Errors
/// See [`GetError`]; everything ends with `wait`.
pub fn get(
    server: Server<'_>,
    request: &[u8],
    most: usize,
    wait: Wait<'_>,
) -> Result<Got, GetError> {
    let mut socket = connect(server.addresses, wait)?;
    match server.tls {
        None => exchange(&mut socket, request, most),
        Some((name, trust)) => {
            let mut connection = tls::client(name, trust).map_err(GetError::Tls)?;
            exchange(&mut rustls::Stream::new(&mut connection, &mut socket), request, most)
        }
    }
}

/// A connection to the first address that accepts one.
fn connect<'a>(addresses: &[SocketAddr], wait: Wait<'a>) -> Result<Socket<'a>, GetError> {
    let mut failed = GetError::Socket(io::Error::from(Errno::DESTADDRREQ));
    for (place, &address) in (0_u32..).zip(addresses) {
        // A silent address must leave time for the others.
        let others = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_sub(place);
        let connecting = wait.part(others);
        let made = TcpStream::connect(address).and_then(|stream| {
            // It is writable once it is connected, and also if it cannot be (connect(2)).
            connecting.writable_or(stream.as_fd(), stream.as_fd())?;
            stream.take_error()?.map_or(Ok(stream), Err)
        });
        match made.map_err(GetError::from) {
            Ok(stream) => return Ok(Socket { stream, wait }),
            Err(GetError::Stopped) => return Err(GetError::Stopped),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn exchange(
    stream: &mut (impl Read + Write),
    request: &[u8],
    most: usize,
) -> Result<Got, GetError> {
    stream.write_all(request)?;
    stream.flush()?;
    // The body is truncated here; a longer one is not an error.
    let (mut reader, mut body) = (ResponseReader::new(u64::MAX), Vec::new());
    let mut buffer = vec![0; READ_BYTES];
    while !reader.is_done() && body.len() < most {
        let fed = match stream.read(&mut buffer) {
            Ok(0) => reader.closed(),
            // A peer that closes without close_notify (RFC 8446 §6.1) is treated like one
            // that sends it: HTTP detects whether something is missing.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => reader.closed(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                reader.feed(bytes, &mut |piece| body.extend_from_slice(piece))
            }
        };
        match (fed, reader.location()) {
            (
                Err(ResponseError::Status(status @ (301 | 302 | 303 | 307 | 308))),
                Some(location),
            ) => {
                return Ok(Got::Redirect(status, location.to_owned()));
            }
            (fed, _) => fed?,
        }
    }
    body.truncate(most);
    Ok(Got::Body(body))
}

/// A socket that waits until it is ready.
struct Socket<'a> {
    stream: TcpStream,
    wait: Wait<'a>,
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Also when it is ready: an endless response must not exceed the time.
            self.wait.readable(&[self.stream.as_fd()])?;
            match rustix::io::read(&self.stream, &mut *buffer) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                read => return Ok(read?),
            }
        }
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let socket = self.stream.as_fd();
        loop {
            match send(socket, bytes, SendFlags::NOSIGNAL) {
                Err(Errno::AGAIN) => self.wait.writable(socket)?,
                Err(Errno::INTR) => {}
                sent => return Ok(sent?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
