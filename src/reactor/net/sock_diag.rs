//! TCP counters from the kernel, by `NETLINK_SOCK_DIAG` (sock_diag(7)): all sockets of
//! this network namespace, and the last counters of each that ends.
//!
//! Needs no privilege. Never blocks. Does not know which process has a socket.

mod message;

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

pub use self::message::Socket;

/// States in which a socket may have received data that we have not seen: `ESTABLISHED`,
/// `FIN_WAIT1`, `FIN_WAIT2`, `CLOSE_WAIT`, `LAST_ACK` and `CLOSING` of
/// linux/tcp_states.h.
const WITH_DATA: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11;

/// No state: the kernel replies with an end, or with an error.
const NONE: u32 = 0;

/// `SKNLGRP_INET_TCP_DESTROY` and `SKNLGRP_INET6_TCP_DESTROY` of
/// linux/sock_diag.h, as a mask.
const DESTROYED_GROUPS: u32 = 1 << 0 | 1 << 2;

/// Requested size in bytes of the queue of ended sockets, about 1.3 KiB each in the
/// kernel's accounting; the kernel grants at most net.core.rmem_max.
const LAST_WORDS_BYTES: usize = 4 * 1024 * 1024;

/// The kernel does not support it, or a sandbox forbids it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable(pub Errno);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the kernel does not provide TCP counters ({}); bytes come from FFmpeg's closing lines \
             alone, round trips and retransmits are unknown; needs inet_diag and tcp_diag, and \
             a sandbox that allows NETLINK_SOCK_DIAG",
            self.0
        )
    }
}

/// The progress of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is more to read.
    More,
    /// The dump is complete; `consistent` is false if the table changed meanwhile, so
    /// that a socket may be missing or listed twice.
    Done {
        /// Whether the table did not change.
        consistent: bool,
    },
}

/// One dump after another of all TCP sockets.
#[derive(Debug)]
pub struct SockDiag {
    /// `None` after a failure: the rest of that dump is dropped with the socket.
    fd: Option<OwnedFd>,
    sequence: u32,
    /// Whether a dump was requested and not read to its end.
    dumping: bool,
    consistent: bool,
}

impl SockDiag {
    /// Checks that the kernel replies.
    ///
    /// # Errors
    /// The kernel's error.
    pub fn open() -> Result<Self, Unavailable> {
        let mut diag = Self { fd: None, sequence: 0, dumping: false, consistent: true };
        diag.ask(NONE).map_err(Unavailable)?;
        let mut reply = [0; 1024];
        match diag.receive(&mut reply, &mut |_| {}) {
            Ok(Some(Ok(()))) => {
                diag.dumping = false;
                Ok(diag)
            }
            Ok(Some(Err(errno))) | Err(errno) => Err(Unavailable(errno)),
            Ok(None) => Err(Unavailable(Errno::BADMSG)),
        }
    }

    /// Begins a dump; one that was not read to its end is dropped.
    ///
    /// # Errors
    /// When no descriptor or no memory is left. The next call tries again.
    pub fn begin(&mut self) -> Result<(), Errno> {
        if std::mem::take(&mut self.dumping) {
            self.fd = None;
        }
        self.consistent = true;
        self.ask(WITH_DATA)
    }

    /// Reads one datagram of the dump, at most 32 KiB or some 80 sockets.
    ///
    /// # Errors
    /// What ended the dump early: `ENOBUFS` when the kernel had no memory, `EAGAIN` when
    /// it aborted, `EBADMSG` for a message that is malformed or did not fit into
    /// `buffer`. The dump is over then.
    pub fn step(
        &mut self,
        buffer: &mut [u8],
        each: &mut dyn FnMut(&Socket),
    ) -> Result<Step, Errno> {
        if !self.dumping {
            return Err(Errno::INVAL);
        }
        let received = match self.receive(buffer, each) {
            Ok(None) => return Ok(Step::More),
            Ok(Some(Ok(()))) => Ok(Step::Done { consistent: self.consistent }),
            Ok(Some(Err(errno))) | Err(errno) => Err(errno),
        };
        self.dumping = false;
        received.inspect_err(|_| self.fd = None)
    }

    fn ask(&mut self, states: u32) -> Result<(), Errno> {
        let fd = match self.fd.take() {
            Some(fd) => fd,
            None => open_socket()?,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let request = message::request(states, self.sequence);
        let kernel = SocketAddrNetlink::new(0, 0);
        rustix::net::sendto(&fd, &request, SendFlags::empty(), &kernel)?;
        self.dumping = true;
        self.fd = Some(fd);
        Ok(())
    }

    /// Reads one datagram; returns how the dump ended, if it did.
    fn receive(
        &mut self,
        buffer: &mut [u8],
        each: &mut dyn FnMut(&Socket),
    ) -> Result<Option<Result<(), Errno>>, Errno> {
        let fd = self.fd.as_ref().ok_or(Errno::BADF)?;
        let Some(datagram) = read(fd, buffer)? else { return Ok(None) };
        let heard = message::parse(datagram, self.sequence, each)?;
        self.consistent &= !heard.inconsistent;
        Ok(heard.end)
    }
}

/// What the kernel reports of each TCP socket when it ends: its last counters, and no
/// inode. The state is lost by then, so that `bytes_received` is one too high if the
/// other end had sent its FIN.
///
/// The queue is bounded: `ENOBUFS` means that some were lost.
#[derive(Debug)]
pub struct LastWords {
    fd: OwnedFd,
}

impl LastWords {
    /// Subscribes to every socket that ends from now on.
    ///
    /// # Errors
    /// `ENOENT` or `EPERM` if the kernel does not report them.
    pub fn open() -> Result<Self, Errno> {
        let fd = open_socket()?;
        // A smaller queue is sufficient too.
        let _ = sockopt::set_socket_recv_buffer_size(&fd, LAST_WORDS_BYTES);
        rustix::net::bind(&fd, &SocketAddrNetlink::new(0, DESTROYED_GROUPS))?;
        Ok(Self { fd })
    }

    /// Reads the report of one ended socket; false once there are none.
    ///
    /// # Errors
    /// `ENOBUFS` when some were lost; earlier and later reports are still delivered.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        each: &mut dyn FnMut(&Socket),
    ) -> Result<bool, Errno> {
        match read(&self.fd, buffer) {
            Ok(Some(datagram)) => message::parse(datagram, 0, each).map(|_| true),
            Ok(None) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(errno) => Err(errno),
        }
    }
}

impl AsFd for LastWords {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn open_socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let protocol = Some(netlink::SOCK_DIAG);
    rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)
}

/// One datagram; `None` if a signal interrupted the read.
fn read<'a>(fd: &OwnedFd, buffer: &'a mut [u8]) -> Result<Option<&'a [u8]>, Errno> {
    match rustix::net::recv(fd, &mut *buffer, RecvFlags::TRUNC) {
        Ok((count, length)) if count == length => Ok(buffer.get(..count)),
        Ok(_) => Err(Errno::BADMSG),
        Err(Errno::INTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests;
