//! Whose a connection is: the user of the socket at its other end, as the kernel knows
//! it (sock_diag(7)).
//!
//! Every user of this host can connect to the loopback device, and what the tap sends
//! may carry the credentials of this run.

use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Bytes of a request: `struct nlmsghdr` and `struct inet_diag_req_v2`.
const REQUEST_BYTES: usize = 72;

/// Where `struct inet_diag_msg` has the user: after the header of 16 bytes.
const UID_AT: usize = 16 + 64;

/// Bytes of a reply that are read; only the fixed part is needed.
const REPLY_BYTES: usize = 512;

/// `SOCK_DIAG_BY_FAMILY` of linux/sock_diag.h.
const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// `NLM_F_REQUEST` of linux/netlink.h.
const NLM_F_REQUEST: u16 = 1;

/// `INET_DIAG_NOCOOKIE` of linux/inet_diag.h: the socket is identified by its addresses.
const NO_COOKIE: u32 = u32::MAX;

/// `IPPROTO_TCP`.
const TCP: u8 = 6;

/// Every state of linux/tcp_states.h.
const EVERY_STATE: u32 = u32::MAX;

/// The text of `/proc/net/tcp` with one line for each socket (proc(5)).
const TABLE: &str = "/proc/net/tcp";

/// Finds the owners of connections.
#[derive(Debug)]
pub(super) struct Owners {
    /// `None` where the kernel or a sandbox forbids it: then the table is read.
    diag: Option<OwnedFd>,
    own: u32,
}

impl Owners {
    pub(super) fn open() -> Self {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let protocol = Some(netlink::SOCK_DIAG);
        let diag =
            rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol);
        Self { diag: diag.ok(), own: rustix::process::geteuid().as_raw() }
    }

    /// Whether the connected socket at `peer`, whose other end is `local`, belongs to a
    /// process of the user of this one. False if it has been closed meanwhile.
    pub(super) fn is_own(&mut self, peer: SocketAddrV4, local: SocketAddrV4) -> bool {
        let uid = match self.diag.as_ref().map(|diag| ask(diag, peer, local)) {
            Some(Ok(uid)) => uid,
            Some(Err(_)) | None => look_up(peer, local),
        };
        uid == Some(self.own)
    }
}

/// Asks the kernel; `None` if there is no such socket.
fn ask(diag: &OwnedFd, peer: SocketAddrV4, local: SocketAddrV4) -> Result<Option<u32>, Errno> {
    let kernel = SocketAddrNetlink::new(0, 0);
    rustix::net::sendto(diag, &request(peer, local), SendFlags::empty(), &kernel)?;
    let mut reply = [0; REPLY_BYTES];
    // The kernel replies before sendto(2) returns (netlink_unicast).
    let (count, _) = rustix::net::recv(diag, &mut reply[..], RecvFlags::DONTWAIT)?;
    let reply = reply.get(..count).unwrap_or_default();
    if reply.get(4..6) != Some(&SOCK_DIAG_BY_FAMILY.to_ne_bytes()) {
        let error = reply.get(16..20).and_then(|bytes| bytes.try_into().ok());
        return match error.map(i32::from_ne_bytes) {
            Some(error) if error == -Errno::NOENT.raw_os_error() => Ok(None),
            _ => Err(Errno::BADMSG),
        };
    }
    let uid = reply.get(UID_AT..UID_AT + 4).and_then(|bytes| bytes.try_into().ok());
    Ok(Some(u32::from_ne_bytes(uid.ok_or(Errno::BADMSG)?)))
}

/// A request for one socket, by its addresses.
fn request(source: SocketAddrV4, destination: SocketAddrV4) -> [u8; REQUEST_BYTES] {
    let family = u8::try_from(AddressFamily::INET.as_raw()).unwrap_or_default();
    let padding = [0; 12];
    let parts: [&[u8]; 15] = [
        &72_u32.to_ne_bytes(),
        &SOCK_DIAG_BY_FAMILY.to_ne_bytes(),
        &NLM_F_REQUEST.to_ne_bytes(),
        &[0; 8],
        &[family, TCP, 0, 0],
        &EVERY_STATE.to_ne_bytes(),
        &source.port().to_be_bytes(),
        &destination.port().to_be_bytes(),
        &source.ip().octets(),
        &padding,
        &destination.ip().octets(),
        &padding,
        &[0; 4],
        &NO_COOKIE.to_ne_bytes(),
        &NO_COOKIE.to_ne_bytes(),
    ];
    let mut request = [0; REQUEST_BYTES];
    for (to, from) in request.iter_mut().zip(parts.iter().copied().flatten()) {
        *to = *from;
    }
    request
}

/// Looks into the table of sockets, which takes longer the more there are.
fn look_up(peer: SocketAddrV4, local: SocketAddrV4) -> Option<u32> {
    let table = std::fs::read_to_string(TABLE).ok()?;
    let (peer, local) = (in_table(peer), in_table(local));
    table.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let is_it = fields.next() == Some(&peer) && fields.next() == Some(&local);
        // After the addresses: state, queues, timer, retransmits, user.
        if is_it { fields.nth(4)?.parse().ok() } else { None }
    })
}

/// An address as the table has it: the number in the host's byte order.
fn in_table(address: SocketAddrV4) -> String {
    let number = u32::from_ne_bytes(address.ip().octets());
    format!("{number:08X}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

    use super::*;

    fn v4(address: SocketAddr) -> SocketAddrV4 {
        match address {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(_) => panic!("{address} is no IPv4 address"),
        }
    }

    #[test]
    fn finds_the_user_of_a_connection_in_both_ways() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, local) = (v4(client.local_addr().unwrap()), v4(client.peer_addr().unwrap()));
        let mut owners = Owners::open();
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(ask(owners.diag.as_ref().unwrap(), peer, local), Ok(Some(own)));
        assert_eq!(look_up(peer, local), Some(own));
        assert!(owners.is_own(peer, local));
        owners.own = own + 1;
        assert!(!owners.is_own(peer, local));
        owners.diag = None;
        assert!(!owners.is_own(peer, local));
        owners.own = own;
        assert!(owners.is_own(peer, local));
    }

    #[test]
    fn a_socket_that_is_not_there_is_not_ours() {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let mut owners = Owners::open();
        let nobody = SocketAddrV4::new(Ipv4Addr::new(127, 9, 9, 9), 9);
        assert!(!owners.is_own(nobody, v4(port)));
        owners.diag = None;
        assert!(!owners.is_own(nobody, v4(port)));
    }
}
