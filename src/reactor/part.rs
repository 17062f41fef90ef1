//! What every part of the loop can do.
//!
//! Knows no part; `parts.rs` lists them.

use super::table::Owner;
use super::turn::Turn;
use crate::units::Tick;

/// A part of the loop. It acts when a descriptor of its own is ready, when its deadline
/// has come, or both.
pub(super) trait Part {
    /// A descriptor of this part is ready; `hung_up` says that the other end has closed
    /// it. Does a bounded amount of work; returns true if there may be more to do.
    fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, hung_up: bool) -> bool {
        let _ = (turn, owner, hung_up);
        false
    }

    /// When [`Part::due`] is to be called; `None` if only an event can be a reason.
    fn deadline(&self, turn: &Turn<'_>) -> Option<Tick> {
        let _ = turn;
        None
    }

    /// The deadline has come.
    fn due(&mut self, turn: &mut Turn<'_>) {
        let _ = turn;
    }
}

impl<P: Part> Part for Option<P> {
    fn ready(&mut self, turn: &mut Turn<'_>, owner: Owner, hung_up: bool) -> bool {
        self.as_mut().is_some_and(|part| part.ready(turn, owner, hung_up))
    }

    fn deadline(&self, turn: &Turn<'_>) -> Option<Tick> {
        self.as_ref()?.deadline(turn)
    }

    fn due(&mut self, turn: &mut Turn<'_>) {
        if let Some(part) = self {
            part.due(turn);
        }
    }
}
