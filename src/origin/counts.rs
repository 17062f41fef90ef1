//! What the origin did, as plain integers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Thing;
use crate::http::Delivered;
use crate::stats::Histogram;

/// Upper bounds of the times of responses, in seconds: from what memory serves at
/// once to a drip that players give up.
const RESPONSE_SECS: &[f64] =
    &[0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// What the origin did.
#[derive(Debug)]
pub struct Counts {
    /// Requests by what they asked for and by the status of the answer; `None` is
    /// no answer at all.
    pub requests: BTreeMap<(Thing, Option<u16>), u64>,
    /// Bytes of bodies that sockets took.
    pub body_bytes: u64,
    /// Responses that were not sent to their end: by a fault, or because the
    /// client left or was too slow.
    pub incomplete: u64,
    /// Time from a request to the end of its response, whole or not; none where
    /// there was no response.
    pub responses: Histogram,
    /// Lines of the access log that were dropped.
    pub access_lines_dropped: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            requests: Thing::ALL.map(|thing| ((thing, Some(200)), 0)).into(),
            body_bytes: 0,
            incomplete: 0,
            responses: Histogram::new(RESPONSE_SECS),
            access_lines_dropped: 0,
        }
    }
}

impl Counts {
    /// A request was answered.
    pub(super) fn answered(&mut self, thing: Thing, status: Option<u16>) {
        *self.requests.entry((thing, status)).or_default() += 1;
    }

    /// A response is over; `took` is the time it had, if it had a head.
    pub(super) fn delivered(&mut self, took: Option<Duration>, delivered: Delivered) {
        self.body_bytes = self.body_bytes.saturating_add(delivered.body_bytes);
        self.incomplete += u64::from(!delivered.complete);
        if let Some(took) = took {
            self.responses.record(took);
        }
    }
}
