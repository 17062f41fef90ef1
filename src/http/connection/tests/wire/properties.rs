//! Properties that hold for any delivery, chunking and order of events.

use super::*;
use crate::units::nanos;

fn any_end() -> impl Strategy<Value = CutEnd> {
    prop_oneof![Just(CutEnd::Close), Just(CutEnd::Reset), Just(CutEnd::Stall)]
}

/// Any delivery, more often one that keeps the connection.
fn any_delivery() -> impl Strategy<Value = Delivery> {
    let cut =
        (prop::option::of(0_usize..200), any_end()).prop_map(|(after, end)| Cut { after, end });
    (
        (0_u64..3_000).prop_map(Duration::from_millis),
        prop::option::of((1_u64..3_000).prop_map(|rate| NonZeroU64::new(rate).unwrap())),
        prop::option::weighted(0.2, cut),
        prop::option::weighted(0.2, 0_u64..200),
    )
        .prop_map(|(delay, rate, cut, content_length)| Delivery {
            delay,
            rate,
            cut,
            content_length,
        })
}

fn any_list() -> impl Strategy<Value = Vec<Made>> {
    let made = (0_usize..300, prop::option::of(any_delivery()))
        .prop_map(|(body_bytes, delivery)| Made { body_bytes, delivery });
    prop::collection::vec(made, 1..6)
}

/// What may happen to a connection.
#[derive(Debug, Clone)]
enum Event {
    Ask(usize),
    Take(usize),
    Wait(u64),
    Deadline,
    PeerCloses,
    End,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (1_usize..60).prop_map(Event::Ask),
        8 => (1_usize..200).prop_map(Event::Take),
        4 => (0_u64..2_000).prop_map(Event::Wait),
        4 => Just(Event::Deadline),
        1 => Just(Event::PeerCloses),
        1 => Just(Event::End),
    ]
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_bytes_and_notices(
        list in any_list(),
        asked in prop::collection::vec(any_request(), 1..6),
        pieces in prop::collection::vec(1_usize..60, 1..8),
        takes in 1_usize..200,
    ) {
        let bytes = asked.concat().into_bytes();
        let mut whole = Line::new(list.clone());
        let mut cut = Line::new(list);
        for (line, most, pieces) in
            [(&mut whole, usize::MAX, &vec![usize::MAX]), (&mut cut, takes, &pieces)]
        {
            let (mut rest, mut pieces) = (&bytes[..], pieces.iter().cycle());
            while !rest.is_empty() && line.connection.wants_read() {
                let piece = (*pieces.next().unwrap()).min(rest.len());
                let (part, later) = rest.split_at(piece);
                rest = later;
                line.ask(part);
                line.read_on(most, Duration::ZERO);
            }
        }
        prop_assert_eq!(&whole.got, &cut.got);
        prop_assert_eq!(&whole.origin.heard, &cut.origin.heard);
        prop_assert_eq!(&whole.origin.uploads, &cut.origin.uploads);
        prop_assert_eq!(whole.connection.stage, cut.connection.stage);
        prop_assert_eq!(whole.connection.resets(), cut.connection.resets());
    }

    #[test]
    fn a_drip_never_exceeds_its_rate(
        bytes in 1_u64..5_000,
        body_bytes in 0_usize..2_000,
        takes in 1_usize..300,
        late_percent in 0_u64..99,
    ) {
        let delivery = Some(rate(bytes));
        let mut line = Line::new(vec![Made { body_bytes, delivery }]);
        let (chunk, period) = chunk_and_period(bytes);
        let late = period * late_percent / 100;
        line.ask(GET.as_bytes());
        line.read_on(takes, Duration::from_nanos(late));
        let spare = u128::from(if late == 0 { chunk } else { 2 * chunk });
        for (first, &(from, _)) in line.log.iter().enumerate() {
            let mut sum = 0;
            for &(until, count) in &line.log[first..] {
                sum += count as u128;
                let span = u128::from(nanos(until.since(from)));
                prop_assert!(sum <= span * u128::from(bytes) / 1_000_000_000 + spare);
            }
        }
        // Delays of single chunks do not add up.
        let turns = (line.got.len() as u64).div_ceil(chunk);
        prop_assert_eq!(line.now.as_nanos(), (turns - 1) * period + if turns > 1 { late } else { 0 });
        prop_assert_eq!(line.connection.stage, Stage::Idle);
    }

    #[test]
    fn every_ticket_gets_exactly_one_notice(
        list in any_list(),
        events in prop::collection::vec(any_event(), 0..60),
    ) {
        let asked = GET.repeat(60).into_bytes();
        let (mut line, mut asked) = (Line::new(list.clone()), &asked[..]);
        for event in events {
            match event {
                Event::Ask(count) => {
                    let (now, later) = asked.split_at(count.min(asked.len()));
                    asked = later;
                    line.ask(now);
                }
                Event::Take(most) => line.take(most),
                Event::Wait(millis) => {
                    line.now = line.now.after(Duration::from_millis(millis));
                    line.connection.deadline_reached(line.now, &mut line.origin);
                }
                Event::Deadline if line.connection.deadline().is_some() => line.wait(Duration::ZERO),
                Event::Deadline => prop_assert!(line.connection.is_finished()),
                Event::PeerCloses => line.connection.peer_closed(&mut line.origin),
                Event::End => line.connection.end(&mut line.origin),
            }
        }
        line.connection.end(&mut line.origin);
        let tickets: Vec<_> = line.origin.heard.iter().map(|(ticket, _)| ticket.0).collect();
        prop_assert_eq!(tickets, (0..line.origin.responses as u64).collect::<Vec<_>>());
        for (ticket, notice) in &line.origin.heard {
            let made = &list[(ticket.0 as usize).min(list.len() - 1)];
            let after = made.delivery.and_then(|delivery| delivery.cut).map(|cut| cut.after);
            let most = match after {
                None => made.body_bytes,
                Some(after) => made.body_bytes.min(after.unwrap_or(0)),
            };
            prop_assert!(notice.body_bytes <= most as u64);
            prop_assert!(!notice.complete || notice.body_bytes == most as u64);
        }
    }
}
