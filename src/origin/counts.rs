//! Counters of the origin, as plain integers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ResourceKind;
use crate::http::Delivered;
use crate::stats::Histogram;

/// Upper bounds of response times in seconds: from responses out of memory to a drip at
/// which players give up.
const RESPONSE_SECS: &[f64] =
    &[0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Counters of the origin.
#[derive(Debug)]
pub struct OriginCounts {
    /// Requests by resource kind and status; `None` if there was no response.
    pub requests: BTreeMap<(ResourceKind, Option<u16>), u64>,
    /// Bytes of bodies that sockets took.
    pub body_bytes: u64,
    /// Responses not sent completely: because of a fault, or because the client left or
    /// was too slow.
    pub incomplete: u64,
    /// Time from a request to the end of its response, complete or not; requests
    /// without a response are left out.
    pub responses: Histogram,
    /// Lines of the access log that were dropped.
    pub access_lines_dropped: u64,
}

impl Default for OriginCounts {
    fn default() -> Self {
        Self {
            requests: ResourceKind::ALL.map(|kind| ((kind, Some(200)), 0)).into(),
            body_bytes: 0,
            incomplete: 0,
            responses: Histogram::new(RESPONSE_SECS),
            access_lines_dropped: 0,
        }
    }
}

impl OriginCounts {
    /// Counts a request and the status of its response.
    pub(super) fn responded(&mut self, kind: ResourceKind, status: Option<u16>) {
        *self.requests.entry((kind, status)).or_default() += 1;
    }

    /// A response ended; `took` is its duration, if it had a head.
    pub(super) fn delivered(&mut self, took: Option<Duration>, delivered: Delivered) {
        self.body_bytes = self.body_bytes.saturating_add(delivered.body_bytes);
        self.incomplete += u64::from(!delivered.complete);
        if let Some(took) = took {
            self.responses.record(took);
        }
    }
}
