//! The few numbers of a single client that are shown one by one.

use std::time::Duration;

use super::State;
use crate::units::ClientId;

/// What one client has lived through, over all its attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClientFigures {
    /// Which client.
    pub client: ClientId,
    /// Its actual state.
    pub state: State,
    /// Processes started after its first.
    pub restarts: u64,
    /// Whether its media time stands still for longer than the threshold.
    pub stalled: bool,
    /// Media time read.
    pub media: Duration,
    /// Windowed speed in media seconds a wall second; `None` while it does not
    /// play.
    pub speed: Option<f64>,
    /// Bytes received; `None` if they cannot be told for a single client.
    pub bytes: Option<u64>,
}
