//! Polls of both kinds of exporter, with valid, foreign and incomplete responses.

use proptest::prelude::*;

use super::*;

const WINDOW: Duration = Duration::from_secs(30);

fn side() -> Exporters {
    let url = |port| format!("http://h:{port}/metrics");
    Exporters::new(vec![(Target::Host, url(9100)), (Target::Nginx, url(9113))], WINDOW)
}

fn at(secs: u64) -> Tick {
    Tick::from_millis(secs * 1_000)
}

/// A complete response of a target.
fn respond(side: &mut Exporters, now: Tick, place: usize, text: &str) -> Option<Change> {
    side.fetched(now, place, Fetched::Body(text.as_bytes()));
    side.fetched(now, place, Fetched::Whole)
}

fn host(user: f64, idle: f64, received: f64) -> String {
    format!(
        "node_cpu_seconds_total{{cpu=\"0\",mode=\"user\"}} {user}\n\
         node_cpu_seconds_total{{cpu=\"0\",mode=\"idle\"}} {idle}\n\
         node_memory_MemTotal_bytes 8e9\nnode_memory_MemAvailable_bytes 5e9\n\
         node_network_receive_bytes_total{{device=\"eth0\"}} {received}\n\
         node_network_transmit_bytes_total{{device=\"eth0\"}} {}\nnode_load1 0.5",
        received * 2.0
    )
}

fn requests(count: u64) -> String {
    format!(
        "Active connections: 3\nserver accepts handled requests\n 7 7 {count}\nReading: 0 Writing: 1 Waiting: 2\n"
    )
}

#[test]
fn shares_and_rates_follow_from_two_responses() {
    let mut side = side();
    assert_eq!(respond(&mut side, at(0), 0, &host(10.0, 90.0, 1e6)), Some(Change::Up));
    assert_eq!(side.host().cpu.last(), None);
    assert_eq!(side.host().memory_used.last(), Some(3e9));
    assert_eq!(respond(&mut side, at(2), 0, &host(11.5, 90.5, 5e6)), None);
    let seen = side.fresh_host().unwrap();
    assert_eq!((seen.cpus(), seen.load1()), (1, Some(0.5)));
    assert_eq!(seen.cpu.last(), Some(0.75));
    assert_eq!(seen.by_mode().unwrap()[0], 0.75);
    assert_eq!((seen.received.last(), seen.sent.last()), (Some(2e6), Some(4e6)));
}

#[test]
fn counters_that_begin_anew_are_no_negative_rates() {
    let mut side = side();
    for (secs, user, received) in [(0, 50.0, 9e6), (2, 1.0, 4e6), (4, 2.0, 6e6)] {
        respond(&mut side, at(secs), 0, &host(user, user, received));
    }
    // Of the CPU before the boot nothing is known; the device counted from 0.
    assert_eq!(side.host().cpu.whole().count(), 1);
    assert_eq!(side.host().received.whole().count(), 2);
    assert_eq!(side.host().received.recent(at(4)).unwrap().max, 2e6);
    for (secs, count) in [(0, 1_000), (2, 1_300), (4, 50), (6, 60)] {
        respond(&mut side, at(secs), 1, &requests(count));
    }
    let nginx = side.fresh_nginx().unwrap();
    assert_eq!(nginx.counted(), [Some(0.0), Some(0.0), Some(360.0)]);
    assert_eq!(nginx.requests.recent(at(6)).unwrap().max, 150.0);
    assert_eq!(nginx.requests.last(), Some(5.0));
    assert_eq!((nginx.active.last(), nginx.states()[2]), (Some(3.0), Some(2.0)));
}

#[test]
fn a_cpu_or_a_device_that_comes_brings_no_past() {
    let mut side = side();
    respond(&mut side, at(0), 0, &host(10.0, 10.0, 1e6));
    let more = "\nnode_cpu_seconds_total{cpu=\"1\",mode=\"idle\"} 5000\n\
                node_network_receive_bytes_total{device=\"eth1\"} 9e12\n";
    respond(&mut side, at(2), 0, &(host(11.0, 11.0, 1e6) + more));
    assert_eq!(side.host().cpu.last(), None);
    assert_eq!(side.host().received.last(), Some(0.0));
    respond(&mut side, at(4), 0, &(host(12.0, 12.0, 1e6) + more));
    assert_eq!(side.host().cpu.last(), Some(0.5));
}

#[test]
fn failures_are_counted_and_make_values_stale() {
    let mut side = side();
    respond(&mut side, at(0), 1, &requests(10));
    respond(&mut side, at(2), 1, &requests(20));
    let mut changes = Vec::new();
    for (miss, shown) in (1..=MISSES_MAX).zip([true, true, false]) {
        changes.extend(side.fetched(at(4), 1, Fetched::Failed("refused")));
        let polled = side.polled_target(Target::Nginx).unwrap();
        assert_eq!((polled.is_up(), polled.is_fresh()), (false, shown), "{miss}");
        assert_eq!(side.fresh_nginx().is_some(), shown);
    }
    assert_eq!(changes, [Change::Down]);
    let polled = side.polled_target(Target::Nginx).unwrap();
    assert_eq!((polled.polls(), polled.failures()), (5, 3));
    assert_eq!(polled.last_error(), Some("refused"));
    assert_eq!(polled.age(at(9)), Some(Duration::from_secs(7)));
    // No rate across the gap, but the counter includes it.
    assert_eq!(respond(&mut side, at(60), 1, &requests(9_000)), Some(Change::Up));
    assert_eq!(side.nginx().requests.whole().count(), 1);
    assert_eq!(side.nginx().counted()[2], Some(8_990.0));
}

#[test]
fn a_foreign_response_is_a_failure() {
    let mut side = side();
    assert_eq!(respond(&mut side, at(0), 0, "<html>hello</html>"), Some(Change::Down));
    assert_eq!(respond(&mut side, at(0), 0, &requests(1)), None);
    assert_eq!(respond(&mut side, at(0), 1, &host(1.0, 1.0, 1.0)), Some(Change::Down));
    let polled = side.polled_target(Target::Nginx).unwrap();
    assert_eq!(polled.last_error(), Some("the response is not that of nginx"));
    assert!(side.fresh_host().is_none() && side.fresh_nginx().is_none());
    assert_eq!(side.fetched(at(0), 2, Fetched::Whole), None);
}

#[test]
fn what_a_failed_answer_began_to_tell_is_forgotten() {
    let mut side = side();
    side.fetched(at(0), 0, Fetched::Body(host(1.0, 1.0, 1.0).as_bytes()));
    side.fetched(at(0), 0, Fetched::Failed("closed"));
    respond(&mut side, at(2), 0, "node_load1 2");
    assert_eq!((side.host().cpus(), side.host().load1()), (0, Some(2.0)));
    assert_eq!(side.host().memory_bytes(), None);
}

proptest! {
    #[test]
    fn the_cuts_change_nothing(size in 1_usize..200, user in 0.0..1e6_f64) {
        let (mut whole, mut cut) = (side(), side());
        for (secs, plus) in [(0, 0.0), (2, 1.5)] {
            let text = host(user + plus, 100.0 + plus, 1e6);
            respond(&mut whole, at(secs), 0, &text);
            for piece in text.as_bytes().chunks(size) {
                cut.fetched(at(secs), 0, Fetched::Body(piece));
            }
            cut.fetched(at(secs), 0, Fetched::Whole);
        }
        prop_assert_eq!(format!("{:?}", whole.host()), format!("{:?}", cut.host()));
    }
}
