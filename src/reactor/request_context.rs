//! The context of a request: joins a server to a service of the application.
//!
//! Reads the clock, asks the application for the response, and records how long a
//! scrape took. Knows no path.

use super::HttpService;
use super::registrar::Registrar;
use super::table::ServiceKey;
use super::timer::Clock;
use super::turn::Turn;
use super::vitals::Vitals;
use crate::http::{Delivered, More, Refusal, Request, Response, Service, Ticket};

/// A service of the application, and what its responses need.
pub(super) struct RequestContext<'a> {
    service: &'a mut dyn HttpService,
    vitals: Vitals<'a>,
    clock: Clock,
}

impl Turn<'_> {
    /// The context of this turn's requests to a service, and the registrar beside it.
    pub(super) fn request_context(
        &mut self,
        service: ServiceKey,
    ) -> (&mut Registrar, RequestContext<'_>) {
        let clock = self.core.clock;
        let (registrar, vitals) = self.core.with_vitals();
        let service = self.application.service(service);
        (registrar, RequestContext { service, vitals, clock })
    }
}

impl Service for RequestContext<'_> {
    fn respond(&mut self, request: &Request<'_>) -> Response {
        let began = self.clock.moment();
        self.vitals.refreshed = false;
        let response = self.service.respond(began, &mut self.vitals, request);
        // A response made of fresh numbers is a scrape.
        if self.vitals.refreshed {
            self.vitals.health.last_scrape = Some(self.clock.tick().since(began.tick));
        }
        response
    }

    fn refused(&mut self, refusal: &Refusal<'_>) -> Option<Ticket> {
        self.service.refused(self.clock.moment(), refusal)
    }

    fn more(&mut self, ticket: Ticket) -> More {
        self.service.more(self.clock.moment(), ticket)
    }

    fn delivered(&mut self, ticket: Ticket, delivered: Delivered) {
        self.service.delivered(self.clock.moment(), ticket, delivered);
    }
}
