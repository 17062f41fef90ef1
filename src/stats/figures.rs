//! The numbers that are shown of a single client.

use std::time::Duration;

use super::State;
use crate::units::ClientId;

/// The numbers of one client over all its attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClientFigures {
    /// Which client.
    pub client: ClientId,
    /// Its actual state.
    pub state: State,
    /// Processes started after its first.
    pub restarts: u64,
    /// Whether its media time has not moved for longer than the threshold.
    pub stalled: bool,
    /// Media time read.
    pub media: Duration,
    /// Windowed speed in media seconds a wall second; `None` while it does not
    /// play.
    pub speed: Option<f64>,
    /// Bytes received; `None` if they are not known for a single client.
    pub bytes: Option<u64>,
}
