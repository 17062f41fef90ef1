//! Which client a socket belongs to and what it did, without a kernel.

use std::time::Duration;

use super::*;
use proptest::prelude::*;

const CLIENT: ClientId = ClientId::new(3);
const PID: u32 = 100;

fn socket(inode: u32, bytes: u64) -> Socket {
    Socket {
        inode,
        cookie: u64::from(inode) + 1_000_000,
        bytes_received: Some(bytes),
        retransmits: Some(0),
        rtt: Some(Duration::from_micros(80)),
    }
}

fn delta(bytes_received: u64) -> Option<(ClientId, TcpDelta)> {
    let rtt = Some(Duration::from_micros(80));
    Some((CLIENT, TcpDelta { bytes_received, retransmits: 0, rtt }))
}

/// One sample, with what a search of each process would find; returns what is reported of
/// each socket of the dump.
fn sample(
    ledger: &mut Ledger,
    finds: &[u32],
    dump: &[Socket],
    consistent: bool,
) -> Vec<Option<(ClientId, TcpDelta)>> {
    let mut reported: Vec<_> = dump.iter().map(|socket| ledger.seen(socket)).collect();
    while let Some((client, _)) = ledger.next_search() {
        for inode in finds {
            let delta = ledger.found(client, *inode);
            if let Some(at) = dump.iter().position(|socket| socket.inode == *inode) {
                reported[at] = reported[at].or(delta);
            }
        }
    }
    ledger.finish(consistent);
    reported
}

fn with_socket(bytes: u64) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.watch(CLIENT, PID);
    assert_eq!(sample(&mut ledger, &[1], &[socket(1, bytes)], true), [delta(bytes)]);
    ledger
}

#[test]
fn reports_a_new_socket_whole_and_then_its_changes() {
    let mut ledger = with_socket(0);
    for (bytes, reported) in [(500, delta(500)), (500, None), (499, None), (700, delta(200))] {
        assert_eq!(sample(&mut ledger, &[], &[socket(1, bytes)], true), [reported], "{bytes}");
    }
    let again = Socket { retransmits: Some(2), ..socket(1, 700) };
    let reported = sample(&mut ledger, &[], &[again], true)[0].unwrap().1;
    assert_eq!((reported.bytes_received, reported.retransmits), (0, 2));
}

#[test]
fn does_not_report_sockets_of_others() {
    let mut ledger = Ledger::default();
    ledger.watch(CLIENT, PID);
    let dump = [socket(8, 10), socket(1, 20), socket(9, 30)];
    // 5 is no TCP socket, and so in no dump.
    assert_eq!(sample(&mut ledger, &[5, 1], &dump, true), [None, delta(20), None]);
}

#[test]
fn a_socket_without_counters_is_absent_rather_than_zero() {
    let mut ledger = Ledger::default();
    ledger.watch(CLIENT, PID);
    let unknown = Socket { bytes_received: None, ..socket(1, 0) };
    assert_eq!(sample(&mut ledger, &[1], &[unknown], true), [None]);
}

#[test]
fn searches_a_process_until_its_connections_are_found() {
    let mut ledger = Ledger::default();
    ledger.watch(CLIENT, PID);
    ledger.watch(CLIENT, PID);
    ledger.seen(&socket(1, 10));
    assert_eq!(ledger.next_search(), Some((CLIENT, PID)));
    assert_eq!(ledger.next_search(), None, "once a sample");
    assert_eq!(ledger.found(CLIENT, 1), delta(10));
    assert_eq!(ledger.found(CLIENT, 2), None, "the dump missed it");
    ledger.finish(true);
    let second = sample(&mut ledger, &[1, 2], &[socket(1, 10), socket(2, 5)], true);
    assert_eq!(second, [None, delta(5)]);
    ledger.seen(&socket(3, 5));
    assert_eq!(ledger.next_search(), None, "both were found");
}

#[test]
fn searches_no_process_while_no_socket_can_be_a_clients() {
    let mut ledger = with_socket(10);
    ledger.watch(CLIENT, PID);
    ledger.seen(&socket(1, 10));
    assert_eq!(ledger.next_search(), None, "there is only its own");
    ledger.finish(true);
    ledger.seen(&Socket { inode: 0, ..socket(2, 10) });
    assert_eq!(ledger.next_search(), None, "it has left its process");
    // One that no client claims, and another that a client gets.
    let mut ledger = Ledger::default();
    for _ in 0..SEARCHES {
        ledger.watch(CLIENT, PID);
        assert_eq!(sample(&mut ledger, &[], &[socket(8, 10)], true), [None]);
    }
    ledger.watch(CLIENT, PID);
    ledger.seen(&socket(8, 20));
    assert_eq!(ledger.next_search(), None, "it is another's by now");
    ledger.seen(&Socket { cookie: 7, ..socket(8, 30) });
    ledger.seen(&socket(9, 5));
    assert_eq!(ledger.next_search(), Some((CLIENT, PID)), "its inode is another's now");
    assert!(ledger.found(CLIENT, 9).is_some());
    assert_eq!(ledger.found(CLIENT, 8), delta(30));
    assert_eq!(ledger.next_search(), None, "nothing is left to find");
}

#[test]
fn a_socket_listed_twice_in_a_dump_is_one() {
    let mut ledger = Ledger::default();
    ledger.watch(CLIENT, PID);
    ledger.seen(&socket(1, 10));
    ledger.seen(&socket(1, 12));
    assert_eq!(ledger.next_search(), Some((CLIENT, PID)));
    assert_eq!(ledger.found(CLIENT, 1), delta(12));
    ledger.watch(ClientId::new(4), 200);
    assert_eq!(ledger.next_search(), None);
}

#[test]
fn finds_a_client_that_reports_its_connection_late() {
    let mut ledger = Ledger::default();
    ledger.watch(ClientId::new(4), 200);
    for _ in 1..SEARCHES {
        assert_eq!(sample(&mut ledger, &[], &[socket(1, 10)], true), [None]);
    }
    ledger.watch(CLIENT, PID);
    ledger.forget(ClientId::new(4));
    assert_eq!(sample(&mut ledger, &[1], &[socket(1, 10)], true), [delta(10)]);
}

#[test]
fn stops_searching_a_process() {
    let mut ledger = Ledger::default();
    for round in 0..2 {
        ledger.watch(CLIENT, PID);
        for inode in 0..=u32::from(SEARCHES) {
            assert!(!ledger.is_idle());
            // Always another socket, which is not its own.
            ledger.seen(&socket(10 * round + inode + 1, 10));
            assert_eq!(ledger.next_search(), Some((CLIENT, PID)));
            assert_eq!(ledger.found(CLIENT, 5_000), None);
            ledger.finish(true);
        }
        ledger.seen(&socket(100 + round, 10));
        assert_eq!(ledger.next_search(), None);
        ledger.finish(true);
        assert!(ledger.is_idle());
    }
    ledger.watch(CLIENT, PID);
    assert_eq!(sample(&mut ledger, &[1], &[socket(1, 10)], true), [delta(10)]);
    ledger.seen(&socket(2, 10));
    assert_eq!(ledger.next_search(), None, "those given up are not searched for again");
}

#[test]
fn searches_in_the_next_sample_for_a_connection_reported_during_this_one() {
    let mut ledger = Ledger::default();
    ledger.watch(CLIENT, PID);
    ledger.seen(&socket(1, 10));
    assert!(ledger.next_search().is_some());
    assert!(ledger.found(CLIENT, 1).is_some());
    ledger.watch(CLIENT, PID);
    ledger.finish(true);
    ledger.seen(&socket(2, 10));
    assert_eq!(ledger.next_search(), Some((CLIENT, PID)));
    assert_eq!(ledger.next_search(), None);
}

#[test]
fn sockets_of_a_former_process_do_not_belong_to_the_next() {
    let mut ledger = with_socket(10);
    ledger.forget(CLIENT);
    assert!(ledger.is_idle());
    let mut ledger = with_socket(10);
    ledger.watch(ClientId::new(4), 200);
    ledger.forget(CLIENT);
    ledger.watch(CLIENT, PID + 1);
    assert_eq!(ledger.seen(&socket(1, 50)), None);
    assert_eq!(ledger.ended(&socket(1, 60)), None);
    let mut ledger = with_socket(10);
    ledger.watch(CLIENT, PID + 1);
    assert_eq!(ledger.seen(&socket(1, 50)), None, "the end was not reported");
    ledger.seen(&socket(2, 50));
    assert_eq!(ledger.next_search(), Some((CLIENT, PID + 1)));
}

#[test]
fn does_not_search_a_former_process() {
    let mut ledger = Ledger::default();
    ledger.watch(ClientId::new(4), 200);
    ledger.watch(CLIENT, PID);
    ledger.forget(CLIENT);
    ledger.watch(CLIENT, PID + 1);
    ledger.seen(&socket(1, 50));
    let searches: Vec<_> = std::iter::from_fn(|| ledger.next_search()).collect();
    assert_eq!(searches, [(ClientId::new(4), 200), (CLIENT, PID + 1)]);
}

#[test]
fn does_not_count_a_socket_again_after_a_dump_missed_it() {
    let mut ledger = with_socket(10);
    for consistent in [true, false, false, false, false, true] {
        sample(&mut ledger, &[], &[], consistent);
    }
    assert_eq!(sample(&mut ledger, &[], &[socket(1, 12)], true), [delta(2)]);
    for _ in 0..KEPT_SAMPLES {
        assert!(!ledger.is_idle());
        sample(&mut ledger, &[], &[], true);
    }
    assert!(ledger.is_idle(), "it is gone");
}

#[test]
fn counts_an_ended_socket_once_and_only_if_known() {
    let mut ledger = with_socket(10);
    let last = Socket { inode: 0, ..socket(1, 25) };
    assert_eq!(ledger.ended(&Socket { inode: 0, ..socket(2, 99) }), None);
    assert_eq!(ledger.ended(&last), delta(15));
    assert_eq!(ledger.ended(&last), None);
    assert!(ledger.is_idle());
}

#[test]
fn counts_sockets_beyond_the_limit() {
    let mut ledger = Ledger::default();
    ledger.watch(CLIENT, PID);
    let all: Vec<u32> = (1..=SOCKETS_MAX as u32).collect();
    let dump: Vec<Socket> = all.iter().map(|inode| socket(*inode, 1)).collect();
    assert!(sample(&mut ledger, &all, &dump, true).iter().all(Option::is_some));
    ledger.watch(CLIENT, PID);
    assert_eq!(sample(&mut ledger, &[70_000], &[socket(70_000, 1)], true), [None]);
    assert_eq!(ledger.unfollowed(), 1);
}

proptest! {
    /// However a socket's bytes are spread over samples, and whichever dumps miss it, the
    /// reports add up to its counter when last seen.
    #[test]
    fn reports_add_up_to_the_counter(
        samples in prop::collection::vec(
            (prop::collection::vec((0_u64..1000, prop::bool::weighted(0.8)), 4), any::<bool>()),
            1..30,
        ),
    ) {
        let mut ledger = Ledger::default();
        (0..4).for_each(|_| ledger.watch(CLIENT, PID));
        let (mut counters, mut last, mut misses) = ([0; 4], [0; 4], [0; 4]);
        let mut reported = 0;
        let first = (0..4).map(|inode| socket(inode + 1, 0)).collect::<Vec<_>>();
        sample(&mut ledger, &[1, 2, 3, 4], &first, true);
        for (moves, consistent) in samples {
            let mut dump = Vec::new();
            for (at, (bytes, seen)) in moves.into_iter().enumerate() {
                counters[at] += bytes;
                // The kernel never misses a socket this often.
                if seen || misses[at] + 1 == KEPT_SAMPLES {
                    (last[at], misses[at]) = (counters[at], 0);
                    dump.push(socket(at as u32 + 1, counters[at]));
                } else {
                    misses[at] += 1;
                }
            }
            let deltas = sample(&mut ledger, &[1, 2, 3, 4], &dump, consistent);
            reported += deltas.iter().flatten().map(|(_, delta)| delta.bytes_received).sum::<u64>();
        }
        prop_assert_eq!(reported, last.iter().sum::<u64>());
    }
}
