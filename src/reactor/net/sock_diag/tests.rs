//! Against the kernel itself: sockets of this process on loopback.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;

use super::*;

/// The number in the link of one of our descriptors.
fn inode(socket: &TcpStream) -> u32 {
    rustix::fs::fstat(socket.as_fd()).unwrap().st_ino as u32
}

fn connected(address: &str) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(address).unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (here, listener.accept().unwrap().0)
}

/// Sends `count` bytes, and reads them at the other end.
fn transfer(mut from: &TcpStream, mut to: &TcpStream, count: usize) {
    from.write_all(&vec![7; count]).unwrap();
    to.read_exact(&mut vec![0; count]).unwrap();
}

fn dump(diag: &mut SockDiag) -> Vec<Socket> {
    let mut buffer = vec![0; 64 * 1024];
    let mut sockets = Vec::new();
    diag.begin().unwrap();
    while diag.step(&mut buffer, &mut |socket| sockets.push(*socket)).unwrap() == Step::More {}
    sockets
}

fn find(sockets: &[Socket], inode: u32) -> Socket {
    let found: Vec<_> = sockets.iter().filter(|socket| socket.inode == inode).collect();
    assert_eq!(found.len(), 1, "{sockets:?}");
    *found[0]
}

#[test]
fn bytes_are_counted_exactly_in_both_families() {
    let mut diag = SockDiag::open().unwrap();
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(address) else { continue };
        drop(listener);
        let (client, server) = connected(address);
        transfer(&server, &client, 123_456);
        transfer(&client, &server, 789);
        let first = dump(&mut diag);
        let client_socket = find(&first, inode(&client));
        assert_eq!(client_socket.bytes_received, Some(123_456));
        assert_eq!(client_socket.retransmits, Some(0));
        assert!(client_socket.rtt.is_some());
        assert_eq!(find(&first, inode(&server)).bytes_received, Some(789));

        transfer(&server, &client, 44);
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!((&client).read(&mut [0; 1]).unwrap(), 0);
        let second = find(&dump(&mut diag), inode(&client));
        assert_eq!(second.bytes_received, Some(123_500), "the FIN is not a byte");
        assert_eq!(second.cookie, client_socket.cookie);
    }
}

#[test]
fn a_dump_in_pieces_lists_each_socket_once() {
    let mut diag = SockDiag::open().unwrap();
    let pairs: Vec<_> = (0..300).map(|_| connected("127.0.0.1:0")).collect();
    let sockets = dump(&mut diag);
    for (client, server) in &pairs {
        find(&sockets, inode(client));
        find(&sockets, inode(server));
    }
}

#[test]
fn an_abandoned_or_oversized_dump_does_not_spoil_the_next() {
    let mut diag = SockDiag::open().unwrap();
    let pairs: Vec<_> = (0..100).map(|_| connected("127.0.0.1:0")).collect();
    let ours = inode(&pairs[0].0);
    diag.begin().unwrap();
    find(&dump(&mut diag), ours);
    diag.begin().unwrap();
    assert_eq!(diag.step(&mut [0; 64], &mut |_| {}), Err(Errno::BADMSG));
    assert_eq!(diag.step(&mut [0; 64], &mut |_| {}), Err(Errno::INVAL), "it is over");
    find(&dump(&mut diag), ours);
}

#[test]
fn reports_the_last_counters_of_a_socket() {
    let mut diag = SockDiag::open().unwrap();
    let mut last_words = LastWords::open().unwrap();
    let (client, server) = connected("127.0.0.1:0");
    let known = find(&dump(&mut diag), inode(&client));
    transfer(&server, &client, 4321);
    drop((client, server));

    let wait = crate::reactor::blocking::wait::Wait::new(std::time::Duration::from_secs(20), None);
    let mut heard = Vec::new();
    while heard.is_empty() {
        wait.readable(&[last_words.fd.as_fd()]).unwrap();
        // Losses are others' sockets: this namespace is shared with other tests.
        let _ = last_words.read(&mut [0; 1024], &mut |socket| {
            heard.extend((socket.cookie == known.cookie).then_some(*socket));
        });
    }
    // The FIN may have arrived, and is counted as a byte by then.
    assert!((4321..=4322).contains(&heard[0].bytes_received.unwrap()));
    assert_eq!(heard[0].inode, 0);
}
