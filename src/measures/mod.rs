//! The numbers that a run reports, and the words that people read of them.
//!
//! Knows no format: how numbers are written, drawn or merged is known by the rooms
//! above.

pub mod families;
pub(crate) mod limits;
pub(crate) mod words;

use crate::stats::{ClientFigures, Health, OriginSide, Snapshot};

/// What this run can measure; the rest is absent and never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// FFmpeg's progress and log are read.
    pub log: bool,
    /// The kernel tells of the clients' sockets.
    pub tcp: bool,
}

impl Measured {
    /// Whether bytes are counted: by the kernel, by FFmpeg's closing lines, or by
    /// both.
    #[must_use]
    pub const fn bytes(self) -> bool {
        self.log || self.tcp
    }
}

/// All that is shown while a run goes on.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What the clients lived through.
    pub snapshot: &'a Snapshot<'a>,
    /// What the generator itself did.
    pub health: &'a Health,
    /// FFmpeg's version, as it says it.
    pub ffmpeg_version: &'a str,
    /// What can be told at all.
    pub measured: Measured,
    /// What the origin tells of itself; `None` if it is not asked.
    pub origin_side: Option<&'a OriginSide>,
    /// The clients that are shown one by one, in the order of their numbers; none
    /// unless asked for.
    pub clients: &'a [ClientFigures],
}

#[cfg(test)]
pub(crate) mod fixture;
