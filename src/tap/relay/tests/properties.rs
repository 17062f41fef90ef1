//! Properties of every relay, whatever the pieces in which bytes arrive.

use proptest::prelude::*;

use super::*;

/// A response, and whether the end of the connection ends it.
fn response() -> impl Strategy<Value = (Vec<u8>, bool, usize)> {
    let body = proptest::collection::vec(any::<u8>(), 0..400);
    (body, 0..4, 1..50_usize, 200..204_u16).prop_map(|(body, framing, chunk, status)| {
        let mut raw = Vec::new();
        let field = match framing {
            0 => {
                for piece in body.chunks(chunk) {
                    raw.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                    raw.extend_from_slice(piece);
                    raw.extend_from_slice(b"\r\n");
                }
                raw.extend_from_slice(b"0\r\nA: b\r\n\r\n");
                "Transfer-Encoding: chunked\r\n".to_owned()
            }
            1 => {
                raw.extend_from_slice(&body);
                String::new()
            }
            _ => {
                raw.extend_from_slice(&body);
                format!("Content-Length: {}\r\n", body.len())
            }
        };
        let head = format!("HTTP/1.1 {status} X\r\n{field}\r\n");
        let length = raw.len();
        ([head.as_bytes(), &raw].concat(), framing == 1, length)
    })
}

proptest! {
    #[test]
    fn bytes_in_are_bytes_out(
        responses in proptest::collection::vec(response(), 1..6),
        pieces in proptest::collection::vec(1..120_usize, 1..20),
        splices in any::<bool>(),
        path in prop_oneof![Just("a.ts"), Just("a.m3u8"), Just("a")],
    ) {
        let mut stage = stage("http://h/x");
        stage.splices = splices;
        let mut pieces = pieces.iter().cycle();
        let (mut sent, mut bodies) = (Vec::new(), Vec::new());
        for (response, closes, length) in &responses {
            stage.request(&format!("http://h/{path}"));
            if bodies.is_empty() {
                stage.connect();
            }
            let mut rest = &response[..];
            while !rest.is_empty() {
                let count = pieces.next().copied().unwrap_or(1).min(rest.len());
                stage.respond(&rest[..count]);
                rest = &rest[count..];
            }
            sent.extend_from_slice(response);
            bodies.push(*length as u64);
            if *closes {
                stage.close_origin(Closed::Eof);
                break;
            }
        }
        prop_assert_eq!(&stage.client, &sent);
        let counted: Vec<u64> = stage.records.iter().map(|record| record.body_bytes).collect();
        prop_assert_eq!(counted, bodies);
        stage.close_client();
    }

    #[test]
    fn every_exchange_ends_once(
        (response, closes, _) in response(),
        cut in any::<prop::sample::Index>(),
        end in 0..4,
    ) {
        let mut stage = stage("http://h/x");
        stage.request("http://h/a.ts");
        stage.connect();
        let cut = cut.index(response.len());
        stage.respond(&response[..cut]);
        match end {
            0 => stage.close_origin(Closed::Eof),
            1 => stage.close_origin(Closed::Reset),
            2 => stage.close_client(),
            _ => {
                stage.wait(11_000);
                stage.input(Relay::deadline_reached);
            }
        }
        prop_assert_eq!(stage.records.len(), 1);
        let is_whole = stage.records[0].ttlb.is_some();
        prop_assert!(!is_whole || (closes && end == 0), "cut at {}", cut);
        prop_assert!(stage.relay.close().is_some());
        stage.close_client();
        prop_assert_eq!(stage.records.len(), 1);
        prop_assert!(stage.relay.exchange.is_none());
    }

    #[test]
    fn strange_bytes_end_each_exchange_once(
        inputs in proptest::collection::vec((0..6, "[ -~\r\n]{0,40}"), 0..30),
    ) {
        let mut stage = stage("https://h/x");
        let mut requests = 0;
        for (what, text) in inputs {
            let bytes = text.as_bytes();
            let before = stage.relay.exchange.is_some();
            match what {
                0 => stage.input(|relay, now, cx| relay.client_sent(now, bytes, cx)),
                1 if stage.relay.close().is_none() && !before => stage.request("http://h/a.m3u8"),
                2 => stage.connect(),
                3 => stage.respond(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                4 => stage.wait(1),
                _ => stage.input(|relay, now, cx| relay.origin_sent(now, bytes, cx)),
            }
            requests += usize::from(!before && stage.relay.exchange.is_some());
        }
        stage.close_client();
        prop_assert_eq!(stage.records.len(), requests);
        prop_assert_eq!(stage.relay.close(), Some(Close::Both));
    }
}
