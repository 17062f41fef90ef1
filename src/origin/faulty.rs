//! The origin with injected faults: its responses, the counters of both, and the access
//! log.
//!
//! Knows no socket and no clock.

use std::collections::BTreeMap;

use super::access::AccessEntry;
use super::counts::OriginCounts;
use super::faults::{CONTROL_PATH, Faults, Injected};
use super::{Origin, ResourceKind, StreamSettings};
use crate::http::{Audience, Delivered, Refusal, Request, Response, Ticket};
use crate::units::{Moment, Tick};

/// An origin that injects faults by recipes.
#[derive(Debug)]
pub struct FaultyOrigin {
    origin: Origin,
    faults: Faults,
    counts: OriginCounts,
    /// Responses that have not ended: at most one a connection.
    under_way: BTreeMap<Ticket, UnderWay>,
    tickets: u64,
    logs: bool,
}

/// A response that has not ended.
#[derive(Debug)]
struct UnderWay {
    began: Moment,
    status: Option<u16>,
    /// Whether a fault cuts it.
    cut: bool,
    entry: Option<Box<AccessEntry>>,
}

impl FaultyOrigin {
    /// An origin that serves `settings` with these faults. If `logs`, it returns an
    /// access log line for every response that ends.
    ///
    /// # Errors
    /// StreamSettings that cannot be served, or recipes that cannot be combined, in one line
    /// with the remedy.
    pub fn new(settings: StreamSettings, faults: Faults, logs: bool) -> Result<Self, String> {
        let origin = Origin::new(settings).map_err(|error| error.to_string())?;
        let (counts, under_way) = (OriginCounts::default(), BTreeMap::new());
        Ok(Self { origin, faults, counts, under_way, tickets: 0, logs })
    }

    /// The counters.
    #[must_use]
    pub const fn counts(&self) -> &OriginCounts {
        &self.counts
    }

    /// The counters, for events that are counted elsewhere.
    pub fn counts_mut(&mut self) -> &mut OriginCounts {
        &mut self.counts
    }

    /// The recipes in force.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Responds to a request at a point in time.
    pub fn respond(&mut self, at: Moment, request: &Request<'_>) -> Response {
        let Injected { mut response, kinds } = if request.path == CONTROL_PATH {
            let response = self.faults.control(&mut self.origin, at, request);
            Injected { response, kinds: Vec::new() }
        } else {
            self.faults.respond(&mut self.origin, at, request)
        };
        let cut = response.delivery.as_ref().and_then(|delivery| delivery.cut);
        let headless = cut.is_some_and(|cut| cut.after.is_none());
        let status = (!headless).then_some(response.status.0);
        let kind = ResourceKind::at(request.path);
        if kind != ResourceKind::Other {
            // Players in a browser run on pages of other sites.
            response.audience = Audience::AnySite;
        }
        self.counts.responded(kind, status);
        let entry = self.logs.then(|| Box::new(AccessEntry::new(request, kinds)));
        let under_way = UnderWay { began: at, status, cut: cut.is_some(), entry };
        response.ticket = Some(self.follow(under_way));
        response
    }

    /// Counts a request that was refused before it arrived here, by resource kind as
    /// far as that is known.
    pub fn refused(&mut self, at: Moment, refusal: &Refusal<'_>) -> Ticket {
        let target = refusal.target.and_then(|target| str::from_utf8(target).ok());
        let path = target.and_then(|target| target.split('?').next()).unwrap_or_default();
        let status = Some(refusal.status.0);
        self.counts.responded(ResourceKind::at(path), status);
        let entry = self.logs.then(|| Box::new(AccessEntry::refused(refusal)));
        self.follow(UnderWay { began: at, status, cut: false, entry })
    }

    fn follow(&mut self, under_way: UnderWay) -> Ticket {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        self.under_way.insert(ticket, under_way);
        ticket
    }

    /// A response ended. Returns its access log line, if there is one.
    pub fn delivered(
        &mut self,
        at: Moment,
        ticket: Ticket,
        delivered: Delivered,
    ) -> Option<String> {
        let UnderWay { began, status, cut, entry } = self.under_way.remove(&ticket)?;
        let delivered = Delivered { complete: delivered.complete && !cut, ..delivered };
        let took = status.map(|_| at.tick.since(began.tick));
        self.counts.delivered(took, delivered);
        entry.map(|entry| entry.line(began, at, status, delivered))
    }

    /// Whether connections are accepted.
    #[must_use]
    pub fn is_open(&self, now: Tick) -> bool {
        self.faults.is_open(now)
    }

    /// When [`FaultyOrigin::tick`] is due next, after `now`.
    #[must_use]
    pub fn next_deadline(&self, now: Tick) -> Option<Tick> {
        self.faults.next_change(now)
    }

    /// Applies the time: connections may be refused from now on.
    pub fn tick(&mut self, now: Tick) {
        self.faults.count_refusals(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Method, Status};
    use crate::units::Wall;

    fn moment(millis: u64) -> Moment {
        let wall = Wall::from_unix_nanos(1_795_417_200_000_000_000 + millis * 1_000_000);
        Moment { tick: Tick::from_millis(millis), wall }
    }

    fn faulty(recipes: &[&str]) -> FaultyOrigin {
        let recipes = recipes.iter().map(|text| text.parse().unwrap()).collect();
        FaultyOrigin::new(StreamSettings::default(), Faults::new(recipes, 1).unwrap(), true)
            .unwrap()
    }

    fn ask(faulty: &mut FaultyOrigin, path: &str) -> Ticket {
        let headers = [httparse::Header { name: "User-Agent", value: b"x/client-7" }];
        let request = Request {
            query: Some("token=secret"),
            peer: Some([127, 0, 0, 1].into()),
            ..Request::new(Method::Get, path, &headers)
        };
        faulty.respond(moment(0), &request).ticket.unwrap()
    }

    #[test]
    fn logs_a_response_once_when_it_ends() {
        let mut faulty = faulty(&["404:segments", "latency:segments:1s"]);
        let ticket = ask(&mut faulty, "/vod/v0/1.ts");
        let delivered = Delivered { body_bytes: 30, complete: true };
        let line = faulty.delivered(moment(1_234), ticket, delivered).unwrap();
        assert_eq!(
            line,
            "{\"ts\":\"2026-11-23T07:00:00.000Z\",\"client\":7,\"peer\":\"127.0.0.1\",\
             \"method\":\"GET\",\"uri\":\"/vod/v0/1.ts?token=***\",\"status\":404,\
             \"body_bytes\":30,\"complete\":true,\"duration_ms\":1234.0,\
             \"faults\":[\"404\",\"latency\"],\"user_agent\":\"x/client-7\"}\n"
        );
        assert_eq!(faulty.delivered(moment(2_000), ticket, delivered), None);
        assert_eq!(faulty.counts().requests[&(ResourceKind::Segment, Some(404))], 1);
        assert_eq!((faulty.counts().body_bytes, faulty.counts().responses.count()), (30, 1));
        assert!(faulty.under_way.is_empty());
    }

    #[test]
    fn response_without_head_has_no_status() {
        let mut faulty = faulty(&["hang:master"]);
        let ticket = ask(&mut faulty, "/stream.m3u8");
        let line = faulty.delivered(moment(5), ticket, Delivered { body_bytes: 0, complete: true });
        assert!(line.unwrap().contains("\"status\":null,\"body_bytes\":0,\"complete\":false"));
        assert_eq!(faulty.counts().responses.count(), 0);
        assert_eq!(faulty.counts().requests[&(ResourceKind::Master, None)], 1);
        assert_eq!(faulty.counts().incomplete, 1);
    }

    #[test]
    fn other_sites_may_read_media_and_its_errors_only() {
        let mut faulty = faulty(&["503:segments"]);
        let mut audience = |path: &str| {
            let request = Request::new(Method::Get, path, &[]);
            faulty.respond(moment(0), &request).audience
        };
        for path in ["/stream.m3u8", "/v0/index.m3u8", "/vod/v0/1.ts", "/aes/key", "/v9/1.ts"] {
            assert_eq!(audience(path), Audience::AnySite, "{path}");
        }
        for path in ["/", "/health", "/faults", "/nothing"] {
            assert_eq!(audience(path), Audience::SameOrigin, "{path}");
        }
    }

    #[test]
    fn logs_what_is_known_of_a_refused_request() {
        let mut faulty = faulty(&["503"]);
        for (came, method, uri, kind) in [
            (
                &b"GET /vod/v0/1.ts?token=secret HT"[..],
                "GET",
                "/vod/v0/1.ts?token=***",
                ResourceKind::Segment,
            ),
            (b"BREW /\xff", "other", "-", ResourceKind::Other),
            (b"\x16\x03\x01", "-", "-", ResourceKind::Other),
        ] {
            let refusal = Refusal::new(Status::REQUEST_TIMEOUT, came, Some([127, 0, 0, 1].into()));
            let ticket = faulty.refused(moment(0), &refusal);
            let delivered = Delivered { body_bytes: 16, complete: true };
            let line = faulty.delivered(moment(1), ticket, delivered).unwrap();
            let logged = format!(
                "\"peer\":\"127.0.0.1\",\"method\":\"{method}\",\"uri\":\"{uri}\",\"status\":408,"
            );
            assert!(line.contains(&logged), "{line}");
            assert!(faulty.counts().requests[&(kind, Some(408))] > 0, "{line}");
        }
        assert!(faulty.under_way.is_empty());
    }

    #[test]
    fn returns_no_line_without_a_log() {
        let mut faulty = FaultyOrigin { logs: false, ..faulty(&[]) };
        let ticket = ask(&mut faulty, "/health");
        let delivered = Delivered { body_bytes: 3, complete: true };
        assert_eq!(faulty.delivered(moment(5), ticket, delivered), None);
        assert_eq!(faulty.counts().body_bytes, 3);
    }
}
