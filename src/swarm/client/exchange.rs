//! What the exchanges of a client show.

use std::time::Duration;

use super::{Client, Desired};
use crate::exchange::RequestKind;
use crate::exchange::record::Record;
use crate::swarm::turn::Turn;

impl Client {
    /// An exchange has ended.
    pub(in crate::swarm) fn exchange(&mut self, turn: &mut Turn<'_>, record: &Record<'_>) {
        let totals = &mut turn.common.counts.totals;
        totals.requests.exchange(record);
        totals.exchanges.record(record);
        let now = turn.common.wall.as_unix_nanos();
        if let (RequestKind::Playlist, Some(date)) = (record.kind, record.date)
            && let Some(age_ns) = now.checked_sub(date.as_unix_nanos())
        {
            totals.playback.playlist_edge_age.record(Duration::from_nanos(age_ns));
        }
        // What fails because we end the client is no fault of the origin.
        let is_ours = self.desired != Desired::Up;
        self.attempt.requests.exchange(turn.now, record, is_ours);
        let bytes = record.head_bytes.saturating_add(record.body_bytes);
        self.attempt.received.sample(bytes, 0);
        self.attempt.received.settle(0, totals);
    }
}
