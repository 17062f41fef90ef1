//! Our own stderr, written without ever blocking.
//!
//! Whole lines wait in a bounded buffer; what does not fit is dropped and
//! counted. Knows nothing of what a line says.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::SendFlags;

/// Bytes of log that wait for a slow reader: some thousand lines, far more than
/// a reader that keeps up ever leaves.
const BUFFER_BYTES: usize = 256 * 1024;

/// Bytes written at once to a descriptor that can only be asked, not made
/// non-blocking: a pipe that polls as writable takes `PIPE_BUF` (pipe(7)).
const ASKED_WRITE_BYTES: usize = 4096;

/// How the descriptor is kept from blocking.
#[derive(Debug)]
pub(super) enum Target {
    /// Opened anew with `O_NONBLOCK`: a pipe or a terminal. The original stays
    /// blocking for whoever shares it.
    Reopened(OwnedFd),
    /// A socket, such as journald's: `MSG_DONTWAIT`.
    Socket,
    /// Could not be opened anew: asked by poll(2) before each small write.
    Asked,
    /// A regular file or a device that never blocks: written as it is, since a
    /// file opened anew would be overwritten from its start.
    Direct,
}

/// The sink of the log.
#[derive(Debug)]
pub struct LogSink {
    target: Target,
    buffer: VecDeque<u8>,
    dropped: u64,
    /// Whether the last byte written was not the end of a line.
    mid_line: bool,
    /// Whether the rest of the line that was begun is lost.
    torn: bool,
}

impl LogSink {
    /// A sink for standard error as it is now.
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(target(rustix::stdio::stderr()))
    }

    fn new(target: Target) -> Self {
        Self { target, buffer: VecDeque::new(), dropped: 0, mid_line: false, torn: false }
    }

    /// Takes a line, its end included, or drops it if too much waits already.
    pub fn push(&mut self, line: &[u8]) {
        if self.buffer.len() + line.len() > BUFFER_BYTES {
            self.dropped += 1;
        } else {
            self.buffer.extend(line);
        }
    }

    /// Writes what waits, as far as it goes without blocking. True if all of it
    /// is written, or never can be.
    pub fn flush(&mut self) -> bool {
        while !self.buffer.is_empty() {
            match self.write() {
                Ok(()) => {}
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return false,
                Err(_) => {
                    // The reader is gone or the disk is full: the load goes on.
                    self.dropped +=
                        self.buffer.iter().filter(|&&byte| byte == b'\n').count() as u64;
                    self.buffer.clear();
                    self.torn |= self.mid_line;
                }
            }
        }
        // A burst should not be paid for as long as the run lasts.
        self.buffer.shrink_to(ASKED_WRITE_BYTES);
        true
    }

    /// Writes once; a line that is torn is ended before the next one begins.
    fn write(&mut self) -> Result<(), Errno> {
        let original = rustix::stdio::stderr();
        if self.torn {
            self.target.write(original, b"\n")?;
            (self.torn, self.mid_line) = (false, false);
        }
        let (front, _) = self.buffer.as_slices();
        let written = self.target.write(original, front)?;
        if let Some(last) = self.buffer.drain(..written).next_back() {
            self.mid_line = last != b'\n';
        }
        Ok(())
    }

    /// Waits until the reader has taken what waits, but no longer than `limit`;
    /// for the end of the run.
    pub fn flush_within(&mut self, limit: Timespec) {
        if !self.flush() {
            let fd = self.target.fd(rustix::stdio::stderr());
            let _ = poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&limit));
            self.flush();
        }
    }

    /// What waits to be written, taken out of the sink.
    #[cfg(test)]
    pub(super) fn take_waiting(&mut self) -> Vec<u8> {
        self.buffer.drain(..).collect()
    }

    /// Lines dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The descriptor that tells when bytes are taken again.
    #[must_use]
    pub fn pollable(&self) -> Option<BorrowedFd<'_>> {
        (!matches!(self.target, Target::Direct)).then(|| self.target.fd(rustix::stdio::stderr()))
    }
}

impl Target {
    /// What to poll, for the descriptor that this was made for.
    pub(super) fn fd<'fd>(&'fd self, original: BorrowedFd<'fd>) -> BorrowedFd<'fd> {
        match self {
            Self::Reopened(fd) => fd.as_fd(),
            Self::Socket | Self::Asked | Self::Direct => original,
        }
    }

    /// Writes as much as goes without blocking.
    pub(super) fn write(&self, original: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
        let fd = self.fd(original);
        match self {
            Self::Reopened(_) | Self::Direct => rustix::io::write(fd, bytes),
            Self::Socket => rustix::net::send(fd, bytes, SendFlags::DONTWAIT),
            Self::Asked => {
                let now = Timespec { tv_sec: 0, tv_nsec: 0 };
                match poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&now))? {
                    0 => Err(Errno::AGAIN),
                    _ => {
                        let few = bytes.get(..ASKED_WRITE_BYTES).unwrap_or(bytes);
                        rustix::io::write(fd, few)
                    }
                }
            }
        }
    }
}

/// How this descriptor is written without blocking.
pub(super) fn target(fd: BorrowedFd<'_>) -> Target {
    let Ok(stat) = rustix::fs::fstat(fd) else { return Target::Direct };
    let kind = FileType::from_raw_mode(stat.st_mode);
    match kind {
        FileType::Socket => Target::Socket,
        FileType::Fifo => reopened(fd),
        FileType::CharacterDevice if rustix::termios::isatty(fd) => reopened(fd),
        _ => Target::Direct,
    }
}

fn reopened(fd: BorrowedFd<'_>) -> Target {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::open(path, flags, Mode::empty()).map_or(Target::Asked, Target::Reopened)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_stalled_reader_costs_lines_and_nothing_else() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut sink = LogSink::new(target(writer.as_fd()));
        assert!(matches!(sink.target, Target::Reopened(_)));
        let line = [b"x".repeat(999), b"\n".to_vec()].concat();
        for _ in 0..1000 {
            sink.push(&line);
            sink.flush();
        }
        assert!(sink.dropped() > 0);
        let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
        assert!(!flags.contains(OFlags::NONBLOCK), "the original stays blocking");
        drop(writer);
        let mut received = vec![0; 1000 * 1000];
        let mut bytes = 0;
        while !sink.flush() {
            bytes += reader.read(&mut received).unwrap();
        }
        drop(sink.target);
        received.clear();
        bytes += reader.read_to_end(&mut received).unwrap();
        assert_eq!(bytes % 1000, 0, "every line is whole");
        assert_eq!(bytes as u64 / 1000 + sink.dropped, 1000, "every line is there, or counted");
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut sink = LogSink::new(target(writer.as_fd()));
        drop(reader);
        sink.push(b"one\n");
        sink.push(b"two\n");
        assert!(sink.flush());
        assert_eq!(sink.dropped(), 2);
    }

    #[test]
    fn a_regular_file_is_appended_to() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"before\n").unwrap();
        let target = target(file.as_file().as_fd());
        assert!(matches!(target, Target::Direct));
        assert!(LogSink::new(target).pollable().is_none());
    }

    #[test]
    fn a_line_that_was_torn_is_ended_before_the_next() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut sink = LogSink::new(target(writer.as_fd()));
        sink.push(b"whole\nhalf");
        assert!(sink.flush());
        // What follows the half finds no room: its rest and another line are lost.
        let room = std::mem::replace(&mut sink.target, Target::Reopened(full().into()));
        sink.push(b" a line\nlost\n");
        assert!(sink.flush());
        assert_eq!(sink.dropped(), 2);
        sink.target = room;
        sink.push(b"next\n");
        assert!(sink.flush());
        drop((sink, writer));
        let mut received = String::new();
        reader.read_to_string(&mut received).unwrap();
        assert_eq!(received, "whole\nhalf\nnext\n");
    }

    fn full() -> std::fs::File {
        std::fs::File::options().write(true).open("/dev/full").unwrap()
    }
}
