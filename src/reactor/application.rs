//! What the reactor serves: the door between the loop and those that decide.
//!
//! Knows no descriptor and no clock; a load of clients and the built-in origin are
//! both behind it.

use super::host::signals::StopSignal;
use crate::http::{Delivered, Fetched, Refusal, Request, Response, Ticket};
use crate::stats::Health;
use crate::swarm::{Action, Input};
use crate::units::{ClientId, Moment, Tick};

/// What the reactor serves.
pub trait Application {
    /// Takes what happened and says what is to be done.
    fn handle(&mut self, now: Tick, input: Input<'_>, actions: &mut Vec<Action>);

    /// Output of this client follows soon: fetches its state from memory, together with
    /// that of other clients.
    fn prefetch(&self, client: ClientId) {
        let _ = client;
    }

    /// When [`Input::DeadlineReached`] is due.
    fn next_deadline(&self) -> Option<Tick>;

    /// Whether this request is a scrape: children are sampled and our own use is
    /// read before it is answered.
    fn is_scrape(&self, request: &Request<'_>) -> bool;

    /// Answers a request.
    fn respond(&mut self, at: Moment, health: &Health, request: &Request<'_>) -> Response;

    /// A request was refused before it got here. It may have a ticket for the response.
    fn refused(&mut self, at: Moment, refusal: &Refusal<'_>) -> Option<Ticket> {
        let _ = (at, refusal);
        None
    }

    /// What became of a response that has a ticket.
    fn delivered(&mut self, at: Moment, ticket: Ticket, delivered: Delivered) {
        let _ = (at, ticket, delivered);
    }

    /// What came of a question that is asked again and again, by its key.
    fn fetched(&mut self, now: Tick, key: usize, fetched: Fetched<'_>) {
        let _ = (now, key, fetched);
    }

    /// Whether new connections are taken; while they are not, they are refused.
    /// Asked again after every turn.
    fn is_open(&self, at: Tick) -> bool {
        let _ = at;
        true
    }

    /// Files of a log were moved (SIGUSR1): those that it writes by name are opened
    /// again.
    fn reopen(&mut self) {}

    /// How it goes, in a short line for a service manager.
    fn status(&self, now: Tick) -> String {
        let _ = now;
        String::new()
    }

    /// Whether it is on the way to its end.
    fn is_stopping(&self, now: Tick) -> bool {
        let _ = now;
        false
    }

    /// Takes what was typed at the terminal; what of it asks us to stop, in order.
    fn typed(&mut self, now: Tick, bytes: &[u8], actions: &mut Vec<Action>) -> Vec<StopSignal> {
        let _ = (now, bytes, actions);
        Vec::new()
    }

    /// When [`Application::draw`] is wanted next, where there is a terminal.
    fn next_frame(&self) -> Option<Tick> {
        None
    }

    /// The terminal changed: a frame is wanted soon.
    fn want_frame(&mut self) {}

    /// Draws a frame for a terminal of so many columns and lines: appends the bytes
    /// that show it. `anew` says that nothing is known of what is on the screen.
    fn draw(
        &mut self,
        now: Tick,
        health: &Health,
        size: (u16, u16),
        anew: bool,
        frame: &mut Vec<u8>,
    ) {
        let _ = (now, health, size, anew, frame);
    }
}
