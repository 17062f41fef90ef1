//! The context of a request: joins the server to the application.
//!
//! Reads the clock, asks the application for the response, and records how long a
//! scrape took. Knows no path.

use super::Application;
use super::timer::Clock;
use super::vitals::Vitals;
use crate::http::{Delivered, Refusal, Request, Response, Service, Ticket};

/// The application, and the parts of the reactor that its responses need.
pub(super) struct RequestContext<'a> {
    pub(super) application: &'a mut dyn Application,
    pub(super) vitals: Vitals<'a>,
    pub(super) clock: Clock,
}

impl Service for RequestContext<'_> {
    fn respond(&mut self, request: &Request<'_>) -> Response {
        let began = self.clock.moment();
        self.vitals.refreshed = false;
        let response = self.application.respond(began, &mut self.vitals, request);
        // A response made of fresh numbers is a scrape.
        if self.vitals.refreshed {
            self.vitals.health.last_scrape = Some(self.clock.tick().since(began.tick));
        }
        response
    }

    fn refused(&mut self, refusal: &Refusal<'_>) -> Option<Ticket> {
        self.application.refused(self.clock.moment(), refusal)
    }

    fn delivered(&mut self, ticket: Ticket, delivered: Delivered) {
        self.application.delivered(self.clock.moment(), ticket, delivered);
    }
}
