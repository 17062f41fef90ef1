//! Standard output, and standard error before and after the loop: waits for a slow
//! reader, up to a limit.
//!
//! Knows nothing of what is printed.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::log_sink::target;
use crate::reactor::blocking::tail::Tail;
use crate::reactor::blocking::wait::Wait;

/// How long a reader may leave a pipe full: longer than any working reader does, and
/// short enough for a supervisor that kills after 10 s. A terminal has no limit: its user
/// halted it (Ctrl-S) to read the text.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes all of `text`.
///
/// # Errors
/// Those of write(2), and `ETIMEDOUT` if the reader took nothing for five
/// seconds.
pub fn write_all(text: &[u8]) -> io::Result<()> {
    let patience = patience();
    write_to(rustix::stdio::stdout(), text, |fd| wait_for(fd, patience))
}

/// Writes all of `text` at the end of a run.
///
/// # Errors
/// Those of write(2), and `ETIMEDOUT` if the reader took nothing for five seconds, or
/// if the time of the shutdown is over.
pub fn write_last(text: &[u8], tail: &mut Tail<'_>) -> io::Result<()> {
    let patience = patience();
    write_to(rustix::stdio::stdout(), text, |fd| tail.writable(fd, patience))
}

/// Writes all of `text`, but not after `stop` has become readable.
///
/// # Errors
/// As [`write_all`], and `ECANCELED`.
pub fn write_unless(stop: BorrowedFd<'_>, text: &[u8]) -> io::Result<()> {
    let wait = Wait::new(patience().unwrap_or(Duration::MAX), Some(stop));
    write_to(rustix::stdio::stdout(), text, |fd| wait.writable_or(fd, stop))
}

/// Writes all of `text` to stderr.
///
/// # Errors
/// As [`write_all`]; a halted terminal has the same limit.
pub fn write_stderr(text: &[u8]) -> io::Result<()> {
    write_to(rustix::stdio::stderr(), text, |fd| wait_for(fd, Some(PATIENCE)))
}

fn patience() -> Option<Duration> {
    (!rustix::termios::isatty(rustix::stdio::stdout())).then_some(PATIENCE)
}

fn write_to(
    fd: BorrowedFd<'_>,
    mut text: &[u8],
    mut wait: impl FnMut(BorrowedFd<'_>) -> Result<(), Errno>,
) -> io::Result<()> {
    let target = target(fd);
    while !text.is_empty() {
        match target.write(fd, text) {
            Ok(count) => text = text.get(count..).unwrap_or_default(),
            Err(Errno::AGAIN) => wait(target.fd(fd))?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait_for(fd: BorrowedFd<'_>, patience: Option<Duration>) -> Result<(), Errno> {
    let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
    loop {
        match poll(&mut [PollFd::new(&fd, PollFlags::OUT)], patience.as_ref()) {
            Ok(0) => return Err(Errno::TIMEDOUT),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;

    use super::*;

    const LONG: &[u8] = &[b'x'; 1 << 20];

    #[test]
    fn a_reader_gets_everything() {
        let (mut reader, writer) = io::pipe().unwrap();
        #[expect(clippy::disallowed_methods, reason = "the reader must run beside the writer")]
        let reading = std::thread::spawn(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map(|_| read.len())
        });
        write_to(writer.as_fd(), LONG, |fd| wait_for(fd, None)).unwrap();
        drop(writer);
        assert_eq!(reading.join().unwrap().unwrap(), LONG.len());
    }

    #[test]
    fn a_stalled_or_closed_reader_is_an_error() {
        let (reader, writer) = io::pipe().unwrap();
        let error =
            write_to(writer.as_fd(), LONG, |fd| wait_for(fd, Some(Duration::ZERO))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(reader);
        let error = write_to(writer.as_fd(), b"more", |fd| wait_for(fd, None)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
