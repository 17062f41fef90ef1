//! Our own stdout, for what is printed at the end: waits for a slow reader, but
//! not for ever.
//!
//! Knows nothing of what is printed.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::log_sink::target;
use super::timer::Clock;
use crate::units::Tick;

/// How long a reader may leave a pipe full: longer than any that reads at all,
/// and short enough that a supervisor which waits 10 s before it kills sees a
/// good end. A terminal has no limit: whoever halted it (Ctrl-S) wants the text.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes all of `text`.
///
/// # Errors
/// Those of write(2), and `ETIMEDOUT` if the reader took nothing for five
/// seconds.
pub fn write_all(text: &[u8]) -> io::Result<()> {
    let stdout = rustix::stdio::stdout();
    let patience = (!rustix::termios::isatty(stdout)).then_some(PATIENCE);
    write_to(stdout, text, patience)
}

fn write_to(fd: BorrowedFd<'_>, mut text: &[u8], patience: Option<Duration>) -> io::Result<()> {
    let target = target(fd);
    while !text.is_empty() {
        match target.write(fd, text) {
            Ok(count) => text = text.get(count..).unwrap_or_default(),
            Err(Errno::AGAIN) => wait_for(target.fd(fd), patience)?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait_for(fd: BorrowedFd<'_>, patience: Option<Duration>) -> Result<(), Errno> {
    let clock = Clock::start();
    loop {
        let left = patience.map(|span| Tick::ZERO.after(span).since(clock.tick()));
        let left = left.map(|span| Timespec {
            tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: span.subsec_nanos().into(),
        });
        match poll(&mut [PollFd::new(&fd, PollFlags::OUT)], left.as_ref()) {
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
    fn a_reader_that_reads_gets_all_of_it() {
        let (mut reader, writer) = io::pipe().unwrap();
        #[expect(clippy::disallowed_methods, reason = "the reader must run beside the writer")]
        let reading = std::thread::spawn(move || {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).map(|_| read.len())
        });
        write_to(writer.as_fd(), LONG, None).unwrap();
        drop(writer);
        assert_eq!(reading.join().unwrap().unwrap(), LONG.len());
    }

    #[test]
    fn one_that_does_not_or_has_gone_is_an_error() {
        let (reader, writer) = io::pipe().unwrap();
        let error = write_to(writer.as_fd(), LONG, Some(Duration::ZERO)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(reader);
        let error = write_to(writer.as_fd(), b"more", None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
