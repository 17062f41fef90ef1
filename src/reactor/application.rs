//! What the reactor serves, by role: each program implements those that it has.
//!
//! Knows no descriptor and no clock; a load of clients and the built-in origin are
//! both behind it.

use super::driver::Driver;
use super::host::signals::StopSignal;
use super::table::ServiceKey;
use super::vitals::Vitals;
use crate::http::{Delivered, Fetched, More, Refusal, Request, Response, Ticket};
use crate::swarm::Action;
use crate::units::{Moment, Tick};

/// Responds to HTTP requests.
pub trait HttpService {
    /// The response to a request. One that shows the use of resources calls
    /// [`Vitals::refresh`] first.
    fn respond(&mut self, at: Moment, vitals: &mut Vitals<'_>, request: &Request<'_>) -> Response;

    /// A request was refused before it got here. It may have a ticket for the response.
    fn refused(&mut self, at: Moment, refusal: &Refusal<'_>) -> Option<Ticket> {
        let _ = (at, refusal);
        None
    }

    /// What follows in the body of a response that stays open; asked after every turn
    /// as [`Service::more`](crate::http::Service::more) says.
    fn more(&mut self, at: Moment, ticket: Ticket) -> More {
        let _ = (at, ticket);
        More::End
    }

    /// The outcome of a response that has a ticket.
    fn delivered(&mut self, at: Moment, ticket: Ticket, delivered: Delivered) {
        let _ = (at, ticket, delivered);
    }

    /// Whether new connections are accepted; while they are not, they are refused.
    /// Read after every turn.
    fn is_open(&self, at: Tick) -> bool {
        let _ = at;
        true
    }
}

/// Reports to a service manager.
pub trait Status {
    /// One-line status for the service manager.
    fn status(&self, now: Tick) -> String;

    /// Whether it is stopping.
    fn is_stopping(&self, now: Tick) -> bool;
}

/// Has a terminal: keys in, frames out.
pub trait Screen {
    /// Takes what was typed; returns the keys that request a stop, in order.
    fn typed(&mut self, now: Tick, bytes: &[u8], actions: &mut Vec<Action>) -> Vec<StopSignal>;

    /// When [`Screen::draw`] is wanted next.
    fn next_frame(&self) -> Option<Tick>;

    /// The terminal changed: a frame is wanted soon.
    fn want_frame(&mut self);

    /// Draws a frame for a terminal of `size` columns and lines: appends the bytes that
    /// show it. `redraw` means that the content of the screen is unknown.
    fn draw(
        &mut self,
        now: Tick,
        vitals: &mut Vitals<'_>,
        size: (u16, u16),
        redraw: bool,
        frame: &mut Vec<u8>,
    );
}

/// Polls other servers ([`super::Reactor::fetch_with`]).
pub trait Asker {
    /// Takes a part of a response, or its end, by the key of the request.
    fn fetched(&mut self, now: Tick, key: usize, fetched: Fetched<'_>);
}

/// What the reactor serves: the roles of every program, and those that only some have.
pub trait Application: Driver + Status {
    /// The service of the server with this key.
    fn service(&mut self, key: ServiceKey) -> &mut dyn HttpService;

    /// Its screen, if it has one.
    fn screen(&self) -> Option<&dyn Screen> {
        None
    }

    /// Its screen, to type into and to draw.
    fn screen_mut(&mut self) -> Option<&mut dyn Screen> {
        None
    }

    /// What takes the responses of other servers, if it polls any.
    fn asker(&mut self) -> Option<&mut dyn Asker> {
        None
    }
}
