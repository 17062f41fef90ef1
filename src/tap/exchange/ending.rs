//! The end of an exchange: what is held goes out, and the record is made.

use super::super::Tap;
use super::super::link::Closed;
use super::super::playlist;
use super::super::relay::outbox::Outbox;
use super::super::response::{BodyChange, with_body};
use super::Exchange;
use crate::exchange::RequestKind;
use crate::exchange::record::{CacheStatus, ExchangeResult, Record, TcpCounters};
use crate::http::framing::Framing;
use crate::units::Tick;

impl Exchange {
    /// The response is complete.
    pub(in super::super) fn complete(&mut self, now: Tick, out: &mut Outbox, tap: &mut Tap) {
        self.release(false, out, tap);
        self.times.ttlb = Some(now.since(self.began));
        let result = self.result_of_status().unwrap_or_else(|| self.result_of_body());
        if result == ExchangeResult::Ok && self.kind == RequestKind::Playlist {
            tap.catalogue.loads(self.client, &self.url);
        }
        self.end(now, result);
    }

    /// The origin closed the connection, or the client cannot be served further.
    pub(in super::super) fn closed(
        &mut self,
        now: Tick,
        closed: Closed,
        out: &mut Outbox,
        tap: &mut Tap,
    ) {
        let framing = self.body.as_ref().map(|body| body.framing);
        if closed == Closed::Eof && framing == Some(Framing::UntilClose) {
            return self.complete(now, out, tap);
        }
        self.release(true, out, tap);
        self.cut(
            now,
            match (closed, framing) {
                (Closed::Reset, _) => ExchangeResult::Reset,
                (Closed::Eof, None) => ExchangeResult::NoResponse,
                (Closed::Eof, Some(_)) => ExchangeResult::Truncated,
            },
        );
    }

    /// The exchange ends before its response is complete, for this reason.
    pub(in super::super) fn cut(&mut self, now: Tick, reason: ExchangeResult) {
        let result = match reason {
            ExchangeResult::Malformed => None,
            _ => self.result_of_status(),
        };
        self.end(now, result.unwrap_or(reason));
    }

    fn end(&mut self, now: Tick, result: ExchangeResult) {
        self.ended.get_or_insert((now, result));
    }

    /// The result, if the status alone decides it.
    fn result_of_status(&self) -> Option<ExchangeResult> {
        match self.body.as_ref()?.head.status {
            200..=299 | 304 => None,
            300..=399 => Some(ExchangeResult::Redirect),
            _ => Some(ExchangeResult::Status),
        }
    }

    /// The result of a complete response that succeeded.
    fn result_of_body(&mut self) -> ExchangeResult {
        let Some(body) = &mut self.body else { return ExchangeResult::NoResponse };
        if body.contents > 0 {
            body.end_look();
        }
        match body.head.status {
            304 => ExchangeResult::Ok,
            _ if self.is_head => ExchangeResult::Ok,
            _ if body.contents == 0 => ExchangeResult::Empty,
            _ if !body.is_media => ExchangeResult::NotMedia,
            _ => ExchangeResult::Ok,
        }
    }

    /// Reads the playlist that is held, and passes it on in the form for the client.
    fn release(&mut self, is_cut: bool, out: &mut Outbox, tap: &mut Tap) {
        let Some(body) = &mut self.body else { return };
        let Some((head, raw)) = body.held.take() else { return };
        body.look = None;
        let contents = playlist::contents(&raw, body.head.framing);
        let text = playlist::text(&contents, body.head.coding, is_cut);
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            out.push(&head);
            return out.push(&raw);
        };
        let plain = playlist::plain(&text, self.scheme, &mut tap.catalogue);
        let seen = playlist::learn(&plain, &self.url, is_cut, &mut tap.catalogue);
        body.is_media = seen.is_playlist;
        self.date = seen.end;
        if *plain == *text {
            out.push(&head);
            return out.push(&raw);
        }
        let length = plain.len() as u64;
        if !is_cut {
            out.push(&with_body(&head, BodyChange::Whole(length)));
            return out.push(&plain);
        }
        let missing = body.framing.body_bytes().unwrap_or(1);
        out.push(&with_body(&head, BodyChange::Cut(length.saturating_add(missing))));
        let is_chunked = matches!(body.head.framing, Framing::ChunkLine { .. });
        if is_chunked {
            out.push(format!("{length:x}\r\n").as_bytes());
        }
        out.push(&plain);
        if is_chunked {
            out.push(b"\r\n");
        }
    }

    /// Calls `records` with the record, with these counters of the kernel.
    pub(in super::super) fn record(
        &self,
        tcp: TcpCounters,
        records: &mut dyn FnMut(crate::units::ClientId, &Record<'_>),
    ) {
        let Some((ended, result)) = self.ended else { return };
        let head = self.body.as_ref().map(|body| &body.head);
        let mut times = self.times;
        times.ttfb = self.first_byte.map(|first| first.since(self.began));
        let record = Record {
            url: &self.shown,
            kind: self.kind,
            result,
            status: head.map(|head| head.status),
            reused: self.reused,
            began: self.began,
            ended,
            times,
            head_bytes: self.head_bytes,
            body_bytes: self.body_bytes,
            cache: head.map_or(CacheStatus::Unknown, |head| head.cache),
            age_secs: head.and_then(|head| head.age_secs),
            edge: self.peer,
            media: self.known.and_then(|known| known.media),
            date: self.date,
            is_refresh: self.is_refresh,
            tcp,
            tap_delay: self.delay,
        };
        records(self.client, &record);
    }
}
