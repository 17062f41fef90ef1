//! The bytes of `NETLINK_SOCK_DIAG`: a request for all TCP sockets, and the messages of
//! the reply (sock_diag(7), netlink(7), linux/inet_diag.h, linux/tcp.h).
//!
//! Numbers are in the host's byte order. Knows no descriptor; reads any bytes without a
//! panic.

use std::time::Duration;

use rustix::io::Errno;

/// Bytes of a request: `struct nlmsghdr` and `struct inet_diag_req`.
pub(super) const REQUEST_BYTES: usize = 76;

/// Bytes of `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;

/// Bytes of `struct inet_diag_msg`, which attributes follow.
const SOCKET_BYTES: usize = 72;

/// Bytes of `struct nlattr`.
const ATTRIBUTE_HEADER_BYTES: usize = 4;

/// Messages and attributes begin at multiples of this.
const ALIGNMENT: usize = 4;

/// A request for both families (`TCPDIAG_GETSOCK`), and the type of its reply. It is
/// older than [`SOCK_DIAG_BY_FAMILY`], for which the kernel would walk its table of
/// connections twice, a millisecond or two each on a host with much memory.
const TCP_DIAG_GET_SOCK: u16 = 18;

/// The type of a report of an ended socket.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;

/// The attribute that holds `struct tcp_info`.
const INET_DIAG_INFO: u16 = 2;

/// The bits of an attribute's type that are flags.
const ATTRIBUTE_FLAGS: u16 = 0xc000;

/// `CLOSE_WAIT`, `LAST_ACK` and `CLOSING` of linux/tcp_states.h: the other end's
/// FIN was received.
const AFTER_FIN: [u8; 3] = [8, 9, 11];

/// What the kernel reports of one TCP socket. Fields beyond the end of its `tcp_info` are
/// `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// The number in the socket's link under `/proc/PID/fd`; 0 once the process
    /// has closed it.
    pub inode: u32,
    /// Identifies the socket; never reused within the network namespace.
    pub cookie: u64,
    /// Bytes received in order, without headers and retransmissions
    /// (`tcpi_bytes_received`; tcpEStatsAppHCThruOctetsReceived of RFC 4898).
    pub bytes_received: Option<u64>,
    /// Segments retransmitted (`tcpi_total_retrans`).
    pub retransmits: Option<u32>,
    /// Smoothed round-trip time (`tcpi_rtt`), once one was measured.
    pub rtt: Option<Duration>,
}

/// What a datagram reports besides its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heard {
    /// The table changed during the dump: a socket may be missing or listed twice.
    pub(super) inconsistent: bool,
    /// The dump is over: complete, or refused.
    pub(super) end: Option<Result<(), Errno>>,
}

/// A request for all TCP sockets whose state's bit is in `states`.
pub(super) fn request(states: u32, sequence: u32) -> [u8; REQUEST_BYTES] {
    let extensions = 1 << (INET_DIAG_INFO - 1);
    let header: [&[u8]; 6] = [
        &76_u32.to_ne_bytes(),
        &TCP_DIAG_GET_SOCK.to_ne_bytes(),
        &(NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes(),
        &sequence.to_ne_bytes(),
        &0_u32.to_ne_bytes(),
        // A dump ignores family and prefixes.
        &[0, 0, 0, extensions],
    ];
    // It ignores the socket's identity too.
    let (identity, last) = ([0; 48], 0_u32.to_ne_bytes());
    let states = states.to_ne_bytes();
    let parts = header.iter().copied().flatten().chain(&identity).chain(&states).chain(&last);
    let mut request = [0; REQUEST_BYTES];
    for (to, from) in request.iter_mut().zip(parts) {
        *to = *from;
    }
    request
}

/// Reads one datagram: the messages with this sequence number.
///
/// # Errors
/// `EBADMSG` for a message that is truncated or too short for its type.
pub(super) fn parse(
    mut datagram: &[u8],
    sequence: u32,
    each: &mut dyn FnMut(&Socket),
) -> Result<Heard, Errno> {
    let mut heard = Heard::default();
    while !datagram.is_empty() && heard.end.is_none() {
        let length = u32_at(datagram, 0).ok_or(Errno::BADMSG)? as usize;
        let kind = u16_at(datagram, 4).ok_or(Errno::BADMSG)?;
        let flags = u16_at(datagram, 6).ok_or(Errno::BADMSG)?;
        let number = u32_at(datagram, 8).ok_or(Errno::BADMSG)?;
        let body = datagram.get(HEADER_BYTES..length).ok_or(Errno::BADMSG)?;
        datagram = datagram.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
        if number != sequence {
            continue;
        }
        heard.inconsistent |= flags & NLM_F_DUMP_INTR != 0;
        match kind {
            TCP_DIAG_GET_SOCK | SOCK_DIAG_BY_FAMILY => each(&socket(body).ok_or(Errno::BADMSG)?),
            // A dump that fails after its start reports that in its last message.
            NLMSG_DONE => heard.end = Some(errno_of(body).map_or(Ok(()), Err)),
            NLMSG_ERROR => heard.end = Some(Err(errno_of(body).unwrap_or(Errno::BADMSG))),
            NLMSG_OVERRUN => heard.end = Some(Err(Errno::OVERFLOW)),
            _ => {}
        }
    }
    Ok(heard)
}

/// The error number at the start of a body, if it is negative.
fn errno_of(body: &[u8]) -> Option<Errno> {
    let number = i32::from_ne_bytes(*body.first_chunk()?);
    let errno = number.checked_neg().filter(|errno| (1..4096).contains(errno))?;
    Some(Errno::from_raw_os_error(errno))
}

fn socket(body: &[u8]) -> Option<Socket> {
    let state = *body.get(1)?;
    let attributes = body.get(SOCKET_BYTES..)?;
    let info = attribute(attributes, INET_DIAG_INFO).unwrap_or_default();
    // The kernel counts the FIN's sequence number as a byte.
    let fin = u64::from(AFTER_FIN.contains(&state));
    Some(Socket {
        inode: u32_at(body, 68)?,
        cookie: u64_at(body, 44)?,
        bytes_received: u64_at(info, 128).map(|bytes| bytes.saturating_sub(fin)),
        retransmits: u32_at(info, 100),
        rtt: u32_at(info, 68).filter(|&us| us > 0).map(|us| Duration::from_micros(us.into())),
    })
}

/// The first attribute of a kind; `None` also if one before it is damaged.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(attributes, 0)?);
        let kind = u16_at(attributes, 2)? & !ATTRIBUTE_FLAGS;
        let value = attributes.get(ATTRIBUTE_HEADER_BYTES..length)?;
        if kind == wanted {
            return Some(value);
        }
        attributes = attributes.get(length.next_multiple_of(ALIGNMENT)..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEQUENCE: u32 = 7;

    fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((HEADER_BYTES as u32 + body.len() as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
        bytes[at..at + value.len()].copy_from_slice(value);
    }

    /// A socket's message, with as much of `tcp_info` as an older kernel has.
    fn socket_message(state: u8, socket: &Socket, info_bytes: usize, noise: usize) -> Vec<u8> {
        let mut body = vec![0; SOCKET_BYTES];
        body[1] = state;
        put(&mut body, 44, &socket.cookie.to_ne_bytes());
        put(&mut body, 68, &socket.inode.to_ne_bytes());
        let mut info = vec![0; 280];
        let rtt_us = socket.rtt.map_or(0, |rtt| rtt.as_micros() as u32);
        put(&mut info, 68, &rtt_us.to_ne_bytes());
        put(&mut info, 100, &socket.retransmits.unwrap_or(0).to_ne_bytes());
        put(&mut info, 128, &socket.bytes_received.unwrap_or(0).to_ne_bytes());
        info.truncate(info_bytes);
        for (kind, value) in [(8, vec![0; noise]), (INET_DIAG_INFO, info)] {
            body.extend(((ATTRIBUTE_HEADER_BYTES + value.len()) as u16).to_ne_bytes());
            body.extend(u16::to_ne_bytes(kind));
            body.extend(value);
            body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
        }
        message(SOCK_DIAG_BY_FAMILY, 2, SEQUENCE, &body)
    }

    fn read(datagram: &[u8]) -> (Vec<Socket>, Result<Heard, Errno>) {
        let mut sockets = Vec::new();
        let heard = parse(datagram, SEQUENCE, &mut |socket| sockets.push(*socket));
        (sockets, heard)
    }

    const SOCKET: Socket = Socket {
        inode: 4711,
        cookie: 0x1_0000_0002,
        bytes_received: Some(1001),
        retransmits: Some(3),
        rtt: Some(Duration::from_micros(250)),
    };

    #[test]
    fn a_request_has_the_kernels_layout() {
        let bytes = request(0x102, 9);
        assert_eq!(u32_at(&bytes, 0), Some(76));
        assert_eq!((u16_at(&bytes, 4), u16_at(&bytes, 6)), (Some(18), Some(0x301)));
        assert_eq!((u32_at(&bytes, 8), u32_at(&bytes, 12)), (Some(9), Some(0)));
        assert_eq!(bytes[16..20], [0, 0, 0, 2]);
        assert_eq!(bytes[20..68], [0; 48]);
        assert_eq!((u32_at(&bytes, 68), u32_at(&bytes, 72)), (Some(0x102), Some(0)));
    }

    #[test]
    fn a_fin_is_not_a_byte() {
        for (state, bytes) in [(1, 1001), (4, 1001), (5, 1001), (8, 1000), (9, 1000), (11, 1000)] {
            let (sockets, _) = read(&socket_message(state, &SOCKET, 280, 0));
            assert_eq!(sockets, [Socket { bytes_received: Some(bytes), ..SOCKET }], "{state}");
        }
    }

    #[test]
    fn fields_beyond_a_short_tcp_info_are_absent() {
        let without = |info_bytes| read(&socket_message(1, &SOCKET, info_bytes, 1)).0;
        assert_eq!(without(136), [SOCKET]);
        assert_eq!(without(135), [Socket { bytes_received: None, ..SOCKET }]);
        let rtt_only = Socket { bytes_received: None, retransmits: None, ..SOCKET };
        assert_eq!(without(103), [rtt_only]);
        assert_eq!(without(0), [Socket { rtt: None, ..rtt_only }]);
    }

    #[test]
    fn distinguishes_the_endings() {
        let body = |errno: i32| (-errno).to_ne_bytes();
        let end = |kind, body: &[u8]| read(&message(kind, 0, SEQUENCE, body)).1.unwrap().end;
        assert_eq!(end(NLMSG_DONE, &body(0)), Some(Ok(())));
        assert_eq!(end(NLMSG_DONE, &[]), Some(Ok(())));
        assert_eq!(end(NLMSG_DONE, &body(libc::ENOENT)), Some(Err(Errno::NOENT)));
        assert_eq!(end(NLMSG_ERROR, &body(libc::EACCES)), Some(Err(Errno::ACCESS)));
        assert_eq!(end(NLMSG_ERROR, &i32::MIN.to_ne_bytes()), Some(Err(Errno::BADMSG)));
        assert_eq!(end(NLMSG_OVERRUN, &[]), Some(Err(Errno::OVERFLOW)));
        assert_eq!(end(1, &[]), None);
    }

    #[test]
    fn notices_an_inconsistent_dump_and_an_older_reply() {
        let done = message(NLMSG_DONE, NLM_F_DUMP_INTR, SEQUENCE, &[0; 4]);
        assert_eq!(read(&done).1, Ok(Heard { inconsistent: true, end: Some(Ok(())) }));
        let older = message(NLMSG_DONE, NLM_F_DUMP_INTR, SEQUENCE - 1, &[0; 4]);
        assert_eq!(read(&older).1, Ok(Heard::default()));
    }

    #[test]
    fn a_truncated_message_is_an_error() {
        let whole = socket_message(1, &SOCKET, 280, 0);
        for length in 1..whole.len() {
            assert_eq!(read(&whole[..length]).1, Err(Errno::BADMSG), "{length}");
        }
        let short = message(SOCK_DIAG_BY_FAMILY, 0, SEQUENCE, &[0; SOCKET_BYTES - 1]);
        assert_eq!(read(&short).1, Err(Errno::BADMSG));
    }

    fn any_socket() -> impl Strategy<Value = Socket> {
        (any::<u32>(), any::<u64>(), any::<u64>(), any::<u32>(), 1_u32..).prop_map(
            |(inode, cookie, bytes, retransmits, rtt_us)| Socket {
                inode,
                cookie,
                bytes_received: Some(bytes),
                retransmits: Some(retransmits),
                rtt: Some(Duration::from_micros(rtt_us.into())),
            },
        )
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
            for kind in [TCP_DIAG_GET_SOCK, NLMSG_DONE, NLMSG_ERROR] {
                let _ = read(&message(kind, 2, SEQUENCE, &bytes));
            }
            let attributed = [&[0; SOCKET_BYTES][..], &bytes].concat();
            let _ = read(&message(SOCK_DIAG_BY_FAMILY, 2, SEQUENCE, &attributed));
        }

        #[test]
        fn any_split_into_datagrams_gives_the_same_sockets(
            sockets in prop::collection::vec((any_socket(), 0_usize..9), 0..20),
            per_datagram in 1_usize..20,
        ) {
            let mut found = Vec::new();
            for datagram in sockets.chunks(per_datagram) {
                let made = datagram.iter().map(|(socket, noise)| socket_message(1, socket, 280, *noise));
                let (read, heard) = read(&made.collect::<Vec<_>>().concat());
                prop_assert_eq!(heard, Ok(Heard::default()));
                found.extend(read);
            }
            let made: Vec<_> = sockets.iter().map(|(socket, _)| *socket).collect();
            prop_assert_eq!(found, made);
        }
    }
}
