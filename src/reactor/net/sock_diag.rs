//! TCP counters from the kernel, by `NETLINK_SOCK_DIAG` (sock_diag(7)): all
//! sockets of this network namespace, and each one's last words.
//!
//! Needs no privilege. Nothing here waits. Does not know whose a socket is.

mod message;

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

pub use self::message::Socket;

/// The states of a socket that may have received data which we have not seen:
/// `ESTABLISHED`, `FIN_WAIT1`, `FIN_WAIT2`, `CLOSE_WAIT`, `LAST_ACK` and
/// `CLOSING` of linux/tcp_states.h.
const WITH_DATA: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11;

/// No state: the kernel answers with an end, or says that it cannot.
const NONE: u32 = 0;

/// `SKNLGRP_INET_TCP_DESTROY` and `SKNLGRP_INET6_TCP_DESTROY` of
/// linux/sock_diag.h, as a mask.
const DESTROYED_GROUPS: u32 = 1 << 0 | 1 << 2;

/// Asked for the queue of last words, about 1.3 KiB each in the kernel's account;
/// the kernel grants no more than net.core.rmem_max.
const LAST_WORDS_BYTES: usize = 4 * 1024 * 1024;

/// The kernel does not tell: no such family in it, or a sandbox forbids it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable(pub Errno);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the kernel does not tell TCP counters ({}); bytes come from FFmpeg's closing lines \
             alone, round trips and retransmits are unknown; needs inet_diag and tcp_diag, and \
             a sandbox that allows NETLINK_SOCK_DIAG",
            self.0
        )
    }
}

/// How far a dump got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is more to read.
    More,
    /// All was told; `consistent` is false if the table changed meanwhile, so
    /// that a socket may have been left out or told twice.
    Done {
        /// Whether the table held still.
        consistent: bool,
    },
}

/// One dump after another of all TCP sockets.
#[derive(Debug)]
pub struct SockDiag {
    /// `None` after a failure: what is left of that dump goes with the socket.
    fd: Option<OwnedFd>,
    sequence: u32,
    /// Whether a dump was asked for and not read to its end.
    dumping: bool,
    consistent: bool,
}

impl SockDiag {
    /// Makes sure that the kernel answers.
    ///
    /// # Errors
    /// What it answered instead.
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
    /// When no descriptor or no memory is left. The next call tries anew.
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
    /// What ended the dump early: `ENOBUFS` when the kernel had no memory,
    /// `EAGAIN` when it broke off, `EBADMSG` for what cannot be read or did not
    /// fit into `buffer`. The dump is over then.
    pub fn step(
        &mut self,
        buffer: &mut [u8],
        each: &mut dyn FnMut(&Socket),
    ) -> Result<Step, Errno> {
        if !self.dumping {
            return Err(Errno::INVAL);
        }
        let told = match self.receive(buffer, each) {
            Ok(None) => return Ok(Step::More),
            Ok(Some(Ok(()))) => Ok(Step::Done { consistent: self.consistent }),
            Ok(Some(Err(errno))) | Err(errno) => Err(errno),
        };
        self.dumping = false;
        told.inspect_err(|_| self.fd = None)
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

    /// Reads one datagram; says how the dump ended, if it did.
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

/// What the kernel tells of each TCP socket at the moment of its end: the
/// counters as they were last, and no inode. The state is lost by then, so that
/// `bytes_received` is one too high if the other end had sent its FIN.
///
/// The queue is bounded: `ENOBUFS` says that some were lost.
#[derive(Debug)]
pub struct LastWords {
    fd: OwnedFd,
}

impl LastWords {
    /// Hears of every socket that ends from now on.
    ///
    /// # Errors
    /// `ENOENT` or `EPERM` where the kernel does not tell.
    pub fn open() -> Result<Self, Errno> {
        let fd = open_socket()?;
        // A smaller queue will do as well.
        let _ = sockopt::set_socket_recv_buffer_size(&fd, LAST_WORDS_BYTES);
        rustix::net::bind(&fd, &SocketAddrNetlink::new(0, DESTROYED_GROUPS))?;
        Ok(Self { fd })
    }

    /// Reads the last words of one socket; false once there are none.
    ///
    /// # Errors
    /// `ENOBUFS` when some were lost; what came before and after is still there.
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

/// One datagram; `None` when a signal came first.
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
