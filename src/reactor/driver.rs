//! The role of a program that decides: inputs in, actions out.
//!
//! Knows no descriptor and no clock.

use crate::swarm::{Action, Input};
use crate::units::{ClientId, Tick};

/// Decides what to do.
pub trait Driver {
    /// Takes an input and appends the actions that follow from it.
    fn handle(&mut self, now: Tick, input: Input<'_>, actions: &mut Vec<Action>);

    /// When [`Input::DeadlineReached`] is due; `None` if only an input can change
    /// anything.
    fn next_deadline(&self) -> Option<Tick>;

    /// Output of this client follows soon: fetches its state from memory, together with
    /// that of other clients.
    fn prefetch(&self, client: ClientId) {
        let _ = client;
    }

    /// Log files were moved (SIGUSR1): reopens those that it writes by name.
    fn reopen(&mut self) {}
}
