//! A pool of pipes, through which bytes pass between sockets without a copy
//! (splice(2)).

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};
use std::os::fd::AsFd;

/// Empty pipes that are kept. Each takes two descriptors; a busy turn needs as many as
/// clients that take their data slowly.
const KEPT_MAX: usize = 64;

/// Bytes that one splice moves at most: the capacity of a pipe (pipe(7)).
const SPLICE_BYTES_MAX: u64 = 64 * 1024;

/// A pipe, and how much is in it.
#[derive(Debug)]
pub(super) struct Pipe {
    from: OwnedFd,
    into: OwnedFd,
    held: usize,
}

/// Empty pipes.
#[derive(Debug, Default)]
pub(super) struct Pipes(Vec<Pipe>);

impl Pipes {
    /// An empty pipe.
    ///
    /// # Errors
    /// `EMFILE` and `ENFILE` when no descriptors are left.
    pub(super) fn take(&mut self) -> Result<Pipe, Errno> {
        if let Some(pipe) = self.0.pop() {
            return Ok(pipe);
        }
        let (from, into) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        Ok(Pipe { from, into, held: 0 })
    }

    /// Keeps a pipe for the next use, unless something is in it.
    pub(super) fn put(&mut self, pipe: Pipe) {
        if pipe.held == 0 && self.0.len() < KEPT_MAX {
            self.0.push(pipe);
        }
    }
}

impl Pipe {
    /// Moves at most `limit` bytes from a socket into this pipe; 0 is the end of the
    /// connection.
    ///
    /// # Errors
    /// `EAGAIN` if nothing has arrived, and those of recv(2).
    pub(super) fn fill(&mut self, socket: impl AsFd, limit: u64) -> Result<usize, Errno> {
        let most = usize::try_from(limit.min(SPLICE_BYTES_MAX)).unwrap_or(0);
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let count = splice(socket, None, &self.into, None, most, flags)?;
        self.held += count;
        Ok(count)
    }

    /// Moves bytes from this pipe into a socket.
    ///
    /// # Errors
    /// `EAGAIN` if the socket takes nothing, and those of send(2).
    pub(super) fn empty(&mut self, socket: impl AsFd) -> Result<usize, Errno> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let count = splice(&self.from, None, socket, None, self.held, flags)?;
        self.held -= count.min(self.held);
        Ok(count)
    }

    /// Bytes in it.
    pub(super) const fn held(&self) -> usize {
        self.held
    }
}
