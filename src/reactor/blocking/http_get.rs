//! One GET and its response, plain or over TLS, within a bounded time.
//!
//! Blocks; for use before the loop, and for a program that does nothing else. Follows
//! no redirect, and knows nothing of what is asked.

mod tls;

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
    /// Its addresses, tried in order; the next where one cannot be connected to.
    pub addresses: &'a [SocketAddr],
    /// The name that its certificate is for, and who is trusted; `None` is plain HTTP.
    pub tls: Option<(&'a str, Trust)>,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// The body of a response of 200, or its beginning.
    Body(Vec<u8>),
    /// Where to look instead: `Location` as it was sent, of this status.
    Redirect(u16, String),
}

/// Why nothing came.
#[derive(Debug)]
pub enum GetError {
    /// connect(2), or the socket later on.
    Socket(io::Error),
    /// The certificate or the handshake.
    Tls(io::Error),
    /// The time was over.
    TimedOut,
    /// A stop was requested.
    Stopped,
    /// The response is of no use.
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
/// See [`GetError`]; all of it ends with `wait`.
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

/// A connection to the first address that takes one.
fn connect<'a>(addresses: &[SocketAddr], wait: Wait<'a>) -> Result<Socket<'a>, GetError> {
    let mut failed = GetError::Socket(io::Error::from(Errno::DESTADDRREQ));
    for (place, &address) in (0_u32..).zip(addresses) {
        // One that does not answer must leave time for the others.
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
    // The body is cut here; a longer one is no error.
    let (mut reader, mut body) = (ResponseReader::new(u64::MAX), Vec::new());
    let mut buffer = vec![0; READ_BYTES];
    while !reader.is_done() && body.len() < most {
        let fed = match stream.read(&mut buffer) {
            Ok(0) => reader.closed(),
            // A peer that leaves out the goodbye of TLS (RFC 8446 §6.1) ends like one
            // that says it: HTTP tells whether something is missing.
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

/// A socket that waits where it would block.
struct Socket<'a> {
    stream: TcpStream,
    wait: Wait<'a>,
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Also where it would not block: a flood must not outlast the time.
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
