//! One question to a server and the beginning of its answer, bytes only, within a
//! bounded time. Does not know what is asked.
//!
//! Blocks; for a program that does nothing else.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use mio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::capture::Wait;

/// Connects, sends `question` and reads until the peer ends or `most` bytes are
/// there.
///
/// # Errors
/// Those of connect(2), send(2) and read(2), and `ETIMEDOUT` when all of it takes
/// longer than `limit`.
pub fn first_bytes(
    address: SocketAddr,
    question: &[u8],
    most: usize,
    limit: Duration,
) -> io::Result<Vec<u8>> {
    let wait = Wait::new(limit, None);
    let stream = TcpStream::connect(address)?;
    let fd = stream.as_fd();
    // It is writable once it is connected, and also if it cannot be (connect(2)).
    wait.writable_or(fd, fd)?;
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    let mut left = question;
    while !left.is_empty() {
        match send(fd, left, SendFlags::NOSIGNAL) {
            Ok(count) => left = left.get(count..).unwrap_or_default(),
            Err(Errno::AGAIN) => wait.writable_or(fd, fd)?,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    let mut answer = vec![0; most];
    let mut filled = 0;
    while let Some(room) = answer.get_mut(filled..).filter(|room| !room.is_empty()) {
        wait.readable(&[fd])?;
        match rustix::io::read(fd, room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    answer.truncate(filled);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A server for one connection.
    fn server(serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "the server must run beside the client")]
        std::thread::spawn(move || serve(listener.accept().unwrap().0));
        address
    }

    #[test]
    fn the_beginning_of_the_answer_comes_back() {
        for (most, want) in [(4, &b"back"[..]), (100, b"back: ping")] {
            let address = server(|mut peer| {
                let mut asked = [0; 4];
                peer.read_exact(&mut asked).unwrap();
                peer.write_all(&[b"back: ", asked.as_slice()].concat()).unwrap();
            });
            assert_eq!(first_bytes(address, b"ping", most, PATIENCE).unwrap(), want);
        }
    }

    #[test]
    fn silence_ends_with_the_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let error = first_bytes(address, b"ping", 4, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn nobody_there_is_refused() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = first_bytes(address, b"ping", 4, PATIENCE).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
