//! The context of a request: joins the server to the application.
//!
//! Reads the clock, brings the health up to date for a scrape, and asks the
//! application. Knows no path.

use super::Application;
use super::host::journal::Journal;
use super::process::children::Children;
use super::process::usage;
use super::timer::Clock;
use crate::http::{Delivered, Refusal, Request, Response, Service, Ticket};
use crate::stats::Health;
use crate::swarm::{Action, Input};
use crate::units::Tick;

/// Processes sampled for one scrape, about 15 µs each: a scrape costs the same
/// however many there are.
const SAMPLES_PER_SCRAPE: usize = 8;

/// The application, and the parts of the reactor that its responses need.
pub(super) struct RequestContext<'a> {
    pub(super) application: &'a mut dyn Application,
    pub(super) children: &'a Option<Children>,
    /// Where in the table of clients the last sample ended.
    pub(super) sampled: &'a mut usize,
    pub(super) health: &'a mut Health,
    pub(super) journal: &'a Journal,
    pub(super) clock: Clock,
    pub(super) actions: &'a mut Vec<Action>,
}

impl Service for RequestContext<'_> {
    fn respond(&mut self, request: &Request<'_>) -> Response {
        let began = self.clock.moment();
        let scrape = self.application.is_scrape(request);
        if scrape {
            refresh(self.health, self.journal);
            sample_children(
                self.children,
                self.sampled,
                began.tick,
                self.application,
                self.actions,
            );
        }
        let response = self.application.respond(began, self.health, request);
        if scrape {
            self.health.last_scrape = Some(self.clock.tick().since(began.tick));
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

/// Samples the next few live processes.
pub(super) fn sample_children(
    children: &Option<Children>,
    cursor: &mut usize,
    now: Tick,
    application: &mut dyn Application,
    actions: &mut Vec<Action>,
) {
    let Some(children) = children else { return };
    for (client, pid) in children.next_live(cursor, SAMPLES_PER_SCRAPE) {
        if let Some(sample) = usage::sample(pid) {
            application.handle(now, Input::Sampled { client, sample }, actions);
        }
    }
}

/// Brings what is read only when it is asked for up to date.
pub(super) fn refresh(health: &mut Health, journal: &Journal) {
    health.journal_dropped = journal.dropped();
    // What cannot be read is as it was. The start is told once: it is worked out
    // from the wall clock, and one that moves looks like a restart to Prometheus.
    let start = health.process.start_unix_secs;
    if let Some(process) = usage::own() {
        health.process = process;
        if start > 0.0 {
            health.process.start_unix_secs = start;
        }
    }
}
