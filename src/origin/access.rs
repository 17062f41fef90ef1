//! A line of the access log: one JSON object a response.
//!
//! Does not know where the line is written.

use jiff::Timestamp;
use serde::Serialize;

use super::faults::Requester;
use crate::http::redact::redact;
use crate::http::{Delivered, Method, Refusal, Request};
use crate::units::text::visible_json;
use crate::units::{Moment, Wall};

/// Longest text of a peer that is kept, in characters.
const TEXT_CHARS: usize = 500;

/// Stands for a method or a target that is missing or malformed.
const UNKNOWN: &str = "-";

/// What is known of a request before its response ends.
#[derive(Debug)]
pub(super) struct AccessEntry {
    client: Option<u32>,
    peer: Option<String>,
    method: &'static str,
    uri: String,
    user_agent: Option<String>,
    faults: Vec<String>,
}

impl AccessEntry {
    /// The entry of a request to which these faults apply.
    pub(super) fn new(request: &Request<'_>, faults: Vec<String>) -> Self {
        let client = match Requester::of(request) {
            Requester::Numbered(number) => Some(number),
            Requester::At(_) => None,
        };
        let uri = match request.query {
            Some(query) => format!("{}?{query}", request.path),
            None => request.path.to_owned(),
        };
        let agent = request.header("User-Agent").map(String::from_utf8_lossy);
        Self {
            client,
            peer: request.peer.map(|peer| peer.to_string()),
            method: named(request.method),
            uri: short(&redact(&uri)),
            user_agent: agent.map(|agent| short(&redact(&agent))),
            faults,
        }
    }

    /// The entry of a request that was refused before a service saw it.
    pub(super) fn refused(refusal: &Refusal<'_>) -> Self {
        let target = refusal.target.map(String::from_utf8_lossy);
        Self {
            client: None,
            peer: refusal.peer.map(|peer| peer.to_string()),
            method: refusal.method.map_or(UNKNOWN, named),
            uri: target.map_or_else(|| UNKNOWN.to_owned(), |target| short(&redact(&target))),
            user_agent: None,
            faults: Vec::new(),
        }
    }

    /// The log line, its line end included.
    pub(super) fn line(
        &self,
        began: Moment,
        ended: Moment,
        status: Option<u16>,
        delivered: Delivered,
    ) -> String {
        let took = ended.tick.since(began.tick);
        let line = Line {
            ts: stamp(began.wall),
            client: self.client,
            peer: self.peer.as_deref(),
            method: self.method,
            uri: &self.uri,
            status,
            body_bytes: delivered.body_bytes,
            complete: delivered.complete,
            duration_ms: took.as_micros() as f64 / 1e3,
            faults: &self.faults,
            user_agent: self.user_agent.as_deref(),
        };
        // Serializing numbers and text cannot fail.
        let line = serde_json::to_string(&line).unwrap_or_default();
        visible_json(&line).into_owned() + "\n"
    }
}

#[derive(Serialize)]
struct Line<'a> {
    ts: String,
    client: Option<u32>,
    peer: Option<&'a str>,
    method: &'a str,
    uri: &'a str,
    status: Option<u16>,
    body_bytes: u64,
    complete: bool,
    duration_ms: f64,
    faults: &'a [String],
    user_agent: Option<&'a str>,
}

const fn named(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Other => "other",
    }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_CHARS).collect()
}

/// A time in UTC by RFC 3339, to the millisecond.
fn stamp(wall: Wall) -> String {
    let stamp = Timestamp::from_nanosecond(wall.as_unix_nanos().into());
    format!("{:.3}", stamp.unwrap_or(Timestamp::UNIX_EPOCH))
}
