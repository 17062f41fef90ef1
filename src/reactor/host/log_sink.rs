//! Standard error, or another descriptor or file, written without blocking.
//!
//! Whole lines wait in a bounded buffer; lines that do not fit are dropped and counted.
//! Knows nothing of the content of a line.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::SendFlags;

/// Bytes of log that wait for a slow reader: some thousand lines, far more than a working
/// reader leaves unread.
const BUFFER_BYTES: usize = 256 * 1024;

/// Bytes written at once to a descriptor that can be polled but not made non-blocking: a
/// pipe that polls as writable takes `PIPE_BUF` (pipe(7)).
const ASKED_WRITE_BYTES: usize = 4096;

/// The descriptor that is written to.
#[derive(Debug)]
enum Descriptor {
    Stdout,
    Stderr,
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdout => rustix::stdio::stdout(),
            Self::Stderr => rustix::stdio::stderr(),
        }
    }
}

/// Mode of a new file: readable by everybody, like other logs.
const FILE_MODE: u32 = 0o644;

/// How the descriptor is kept from blocking.
#[derive(Debug)]
pub(in crate::reactor) enum Target {
    /// Reopened with `O_NONBLOCK`: a pipe or a terminal. The original stays blocking for
    /// processes that share it.
    Reopened(OwnedFd),
    /// A socket, such as journald's: `MSG_DONTWAIT`.
    Socket,
    /// Could not be reopened: polled with poll(2) before each small write.
    Asked,
    /// A regular file or a device that never blocks: written as it is, since a reopened
    /// file would be overwritten from its start.
    Direct,
}

/// The sink of a log.
#[derive(Debug)]
pub struct LogSink {
    descriptor: Descriptor,
    target: Target,
    buffer: VecDeque<u8>,
    dropped: u64,
    /// Whether the last write ended within a line.
    mid_line: bool,
    /// Whether the rest of that line was dropped.
    torn: bool,
}

impl LogSink {
    /// A sink for standard error as it is now.
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(Descriptor::Stderr, target(rustix::stdio::stderr()))
    }

    /// A sink for standard output as it is now.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(Descriptor::Stdout, target(rustix::stdio::stdout()))
    }

    /// A sink for this file, which is created if missing and appended to otherwise. A
    /// FIFO need not have a reader.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn file(path: &Path) -> io::Result<Self> {
        Ok(Self::new(Descriptor::Stderr, Target::Reopened(open(path)?)))
    }

    /// Continues in this file, which may be a new one after the old was moved. Waiting
    /// lines are written to the old one first, as far as possible without blocking.
    ///
    /// # Errors
    /// Those of open(2); then the old one is kept.
    pub fn reopen(&mut self, path: &Path) -> io::Result<()> {
        let file = open(path)?;
        self.flush();
        self.target = Target::Reopened(file);
        (self.mid_line, self.torn) = (false, false);
        Ok(())
    }

    fn new(descriptor: Descriptor, target: Target) -> Self {
        let buffer = VecDeque::new();
        Self { descriptor, target, buffer, dropped: 0, mid_line: false, torn: false }
    }

    /// Takes a line, its end included, or drops it if too much is waiting.
    pub fn push(&mut self, line: &[u8]) {
        if self.buffer.len() + line.len() > BUFFER_BYTES {
            self.dropped += 1;
        } else {
            if std::mem::take(&mut self.torn) {
                self.buffer.push_back(b'\n');
            }
            self.buffer.extend(line);
        }
    }

    /// Writes waiting lines as far as possible without blocking. True if all are written,
    /// or never can be.
    pub fn flush(&mut self) -> bool {
        while !self.buffer.is_empty() {
            let (front, _) = self.buffer.as_slices();
            match self.target.write(self.descriptor.as_fd(), front) {
                Ok(written) => {
                    if let Some(last) = written.checked_sub(1).and_then(|last| front.get(last)) {
                        self.mid_line = *last != b'\n';
                    }
                    self.buffer.drain(..written);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return false,
                Err(_) => {
                    // The reader is gone or the disk is full: the load continues.
                    self.dropped +=
                        self.buffer.iter().filter(|&&byte| byte == b'\n').count() as u64;
                    self.buffer.clear();
                    self.torn = std::mem::take(&mut self.mid_line);
                }
            }
        }
        // The memory of a burst is freed again.
        self.buffer.shrink_to(ASKED_WRITE_BYTES);
        true
    }

    /// Waits until the reader has taken all waiting lines, but no longer than `limit`;
    /// for the end of the run.
    pub fn flush_within(&mut self, limit: Timespec) {
        if !self.flush() {
            let fd = self.target.fd(self.descriptor.as_fd());
            let _ = poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&limit));
            self.flush();
        }
    }

    /// The waiting bytes, taken out of the sink.
    #[cfg(test)]
    pub(in crate::reactor) fn take_waiting(&mut self) -> Vec<u8> {
        self.buffer.drain(..).collect()
    }

    /// Number of waiting bytes.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Lines dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The descriptor that becomes writable when the reader takes bytes again.
    #[must_use]
    pub fn pollable(&self) -> Option<BorrowedFd<'_>> {
        (!matches!(self.target, Target::Direct)).then(|| self.target.fd(self.descriptor.as_fd()))
    }
}

/// Opens a file for appending, and creates it if missing.
fn open(path: &Path) -> io::Result<OwnedFd> {
    let is_fifo = rustix::fs::stat(path)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
    // A FIFO opened for reading too needs no reader and survives readers that close it
    // (fifo(7)).
    let access = if is_fifo { OFlags::RDWR } else { OFlags::WRONLY | OFlags::CREATE };
    let flags = access | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(rustix::fs::open(path, flags, Mode::from_raw_mode(FILE_MODE))?)
}

impl Target {
    /// The descriptor written to instead of the original, or the original.
    pub(in crate::reactor) fn fd<'a>(&'a self, original: BorrowedFd<'a>) -> BorrowedFd<'a> {
        match self {
            Self::Reopened(fd) => fd.as_fd(),
            Self::Socket | Self::Asked | Self::Direct => original,
        }
    }

    pub(in crate::reactor) fn write(
        &self,
        original: BorrowedFd<'_>,
        bytes: &[u8],
    ) -> Result<usize, Errno> {
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

pub(in crate::reactor) fn target(fd: BorrowedFd<'_>) -> Target {
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

    fn sink(target: Target) -> LogSink {
        LogSink::new(Descriptor::Stderr, target)
    }

    #[test]
    fn drops_only_lines_when_the_reader_stalls() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = sink(target(writer.as_fd()));
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
        assert_eq!(bytes as u64 / 1000 + sink.dropped, 1000, "every line is written, or counted");
    }

    #[test]
    fn a_closed_reader_is_not_an_error() {
        let (reader, writer) = io::pipe().unwrap();
        let mut sink = sink(target(writer.as_fd()));
        drop(reader);
        sink.push(b"one\n");
        sink.push(b"two\n");
        assert!(sink.flush());
        assert_eq!(sink.dropped(), 2);
    }

    #[test]
    fn creates_a_file_or_appends_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        for line in ["one\n", "two\n"] {
            let mut sink = LogSink::file(&path).unwrap();
            sink.push(line.as_bytes());
            assert!(sink.flush());
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert!(LogSink::file(folder.path()).is_err());
    }

    #[test]
    fn creates_a_moved_file_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("log"), folder.path().join("log.1"));
        let mut sink = LogSink::file(&path).unwrap();
        sink.push(b"one\n");
        std::fs::rename(&path, &moved).unwrap();
        sink.reopen(&path).unwrap();
        sink.push(b"two\n");
        assert!(sink.flush());
        assert!(sink.reopen(folder.path()).is_err());
        sink.push(b"three\n");
        assert!(sink.flush());
        assert_eq!(std::fs::read_to_string(moved).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "two\nthree\n");
    }

    #[test]
    fn drops_only_lines_when_the_disk_is_full() {
        let mut sink = LogSink::file(Path::new("/dev/full")).unwrap();
        sink.push(b"one\ntwo\n");
        assert!(sink.flush());
        assert_eq!((sink.dropped(), sink.waiting_bytes()), (2, 0));
    }

    #[test]
    fn ends_a_torn_line_before_the_next() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = sink(target(writer.as_fd()));
        sink.push(b"whole\nhalf");
        assert!(sink.flush());
        // There is no room for the rest of the half line and another line: both are lost.
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let room = std::mem::replace(&mut sink.target, Target::Reopened(full.into()));
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

    #[test]
    fn a_fifo_needs_no_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let mut sink = LogSink::file(&path).unwrap();
        let line = [b"x".repeat(999), b"\n".to_vec()].concat();
        for _ in 0..1000 {
            sink.push(&line);
            sink.flush();
        }
        assert!(sink.dropped() > 0 && !sink.flush());
    }

    #[test]
    fn appends_to_a_regular_file() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, b"before\n").unwrap();
        let target = target(file.as_file().as_fd());
        assert!(matches!(target, Target::Direct));
        assert!(sink(target).pollable().is_none());
    }
}
