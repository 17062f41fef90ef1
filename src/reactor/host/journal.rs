//! Events of the log: from `tracing` to lines of JSON or text in the sink.
//!
//! Knows the format of a line; `reports` knows the events, and the sink writes without
//! blocking.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rustix::event::Timespec;
use serde::Serialize;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::log_sink::LogSink;
use super::terminal;
use crate::http::redact::Masking;
use crate::reactor::timer::Clock;
use crate::units::recent_log::{Gravity, RecentLog};
use crate::units::text::{visible_json, visible_lines};

/// How long the end of the run waits for a slow reader of the log.
const LAST_FLUSH: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// The log: shared by the subscriber, which fills it, and the reactor, which
/// writes it out once a turn.
#[derive(Debug, Clone)]
pub struct Journal {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    sink: LogSink,
    line: Vec<u8>,
    /// While the reactor does not run, each event is written at once.
    at_once: bool,
    /// For the dashboard, if there is one.
    last_lines: Option<RecentLog>,
    /// Standard error is the terminal that the dashboard goes to.
    shared: bool,
    /// The dashboard uses it now.
    muted: bool,
}

impl Journal {
    /// Makes standard error the log of this process. Only the first journal of a
    /// process receives events.
    #[must_use]
    pub fn install(level: Level, format: Format, masking: Masking) -> Self {
        let shared = Shared {
            sink: LogSink::stderr(),
            line: Vec::new(),
            at_once: true,
            last_lines: None,
            shared: false,
            muted: false,
        };
        let journal = Self { shared: Arc::new(Mutex::new(shared)) };
        let lines = Lines { journal: journal.clone(), level, format, masking };
        let _ = tracing::subscriber::set_global_default(Registry::default().with(lines));
        journal
    }

    /// Whether each event is written at once, or waits for [`Journal::flush`].
    pub fn set_at_once(&self, at_once: bool) {
        self.lock().at_once = at_once;
    }

    /// Writes waiting lines as far as possible without blocking.
    pub fn flush(&self) {
        self.lock().sink.flush();
    }

    /// Writes waiting lines, and waits a little for a slow reader.
    pub fn flush_last(&self) {
        self.lock().sink.flush_within(LAST_FLUSH);
    }

    /// Keeps the last lines from now on, for a dashboard.
    pub fn keep_last_lines(&self) {
        let mut shared = self.lock();
        shared.last_lines = Some(RecentLog::default());
        shared.shared = terminal::shares_stderr();
    }

    /// Calls `with` with the last lines, if they are kept.
    pub fn with_last_lines<T>(&self, with: impl FnOnce(&RecentLog) -> T) -> Option<T> {
        self.lock().last_lines.as_ref().map(with)
    }

    /// Whether the dashboard has the terminal: if standard error is the same terminal,
    /// nothing is written to it then.
    pub fn share_stderr(&self, shown: bool) {
        let mut shared = self.lock();
        shared.muted = shown && shared.shared;
    }

    /// Lines dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.lock().sink.dropped()
    }

    /// Calls `with` with the descriptor that becomes writable when the reader takes bytes
    /// again.
    pub fn with_pollable<T>(&self, with: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        self.lock().sink.pollable().map(with)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The layer that turns events into lines.
struct Lines {
    journal: Journal,
    level: Level,
    format: Format,
    masking: Masking,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.level
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut shared = self.journal.lock();
        let Shared { sink, line, at_once, last_lines, muted, .. } = &mut *shared;
        if let Some(last_lines) = last_lines {
            line.clear();
            text_line(line, event, &self.masking);
            last_lines.push(gravity(*event.metadata().level()), &String::from_utf8_lossy(line));
        }
        if *muted {
            return;
        }
        line.clear();
        match self.format {
            Format::Json => json_line(line, event, &self.masking),
            Format::Text => text_line(line, event, &self.masking),
        }
        line.push(b'\n');
        sink.push(line);
        if *at_once {
            sink.flush();
        }
    }
}

fn now() -> Timestamp {
    let nanos = i128::from(Clock::wall().as_unix_nanos());
    Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

const fn gravity(level: Level) -> Gravity {
    match level {
        Level::ERROR => Gravity::Error,
        Level::WARN => Gravity::Warning,
        _ => Gravity::Plain,
    }
}

fn json_line(line: &mut Vec<u8>, event: &Event<'_>, masking: &Masking) {
    let mut fields = JsonFields { masking, message: String::new(), rest: Vec::new() };
    event.record(&mut fields);
    let level = level_name(*event.metadata().level());
    let _ = write!(line, "{{\"ts\":\"{:.3}\",\"level\":\"{level}\",\"msg\":", now());
    push_json(line, &fields.message);
    line.extend(fields.rest);
    line.push(b'}');
}

/// Appends a value as JSON that is safe on a terminal too.
fn push_json(out: &mut Vec<u8>, value: &impl Serialize) {
    // Numbers and text can always be encoded.
    let json = serde_json::to_string(value).unwrap_or_default();
    out.extend(visible_json(&json).as_bytes());
}

fn text_line(line: &mut Vec<u8>, event: &Event<'_>, masking: &Masking) {
    let mut fields = TextFields { masking, message: String::new(), rest: String::new() };
    event.record(&mut fields);
    let level = level_name(*event.metadata().level());
    let _ = write!(line, "{:.3} {level:<5} {}{}", now(), fields.message, fields.rest);
}

/// Collects an event's fields as the inside of a JSON object.
struct JsonFields<'m> {
    masking: &'m Masking,
    message: String,
    rest: Vec<u8>,
}

impl JsonFields<'_> {
    fn put(&mut self, field: &Field, value: &Value) {
        let _ = write!(self.rest, ",\"{}\":", field.name());
        push_json(&mut self.rest, value);
    }
}

impl Visit for JsonFields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let shown = self.masking.text(value).into_owned();
        match field.name() {
            "message" => self.message = shown,
            _ => self.put(field, &Value::String(shown)),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value.into());
    }
}

/// A text that is safe to show on a terminal: without secrets, and with control
/// characters escaped, since FFmpeg prints parts of the stream, which could move the
/// cursor or worse. Line ends are kept.
#[must_use]
pub fn for_people(text: &str, masking: &Masking) -> String {
    visible_lines(&masking.text(text)).into_owned()
}

/// Collects an event's fields as ` name=value`.
struct TextFields<'m> {
    masking: &'m Masking,
    message: String,
    rest: String,
}

impl Visit for TextFields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let shown = for_people(&format!("{value:?}"), self.masking);
        match field.name() {
            "message" => self.message.push_str(&shown),
            name => {
                let _ = write!(self.rest, " {name}={shown}");
            }
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let shown = for_people(value, self.masking);
        match field.name() {
            "message" => self.message.push_str(&shown),
            // Several lines are shown below the event, unchanged.
            _ if shown.contains('\n') => {
                for line in shown.lines() {
                    let _ = write!(self.rest, "\n    {line}");
                }
            }
            name if shown.contains([' ', '"']) => {
                let quoted = shown.replace('"', "\\\"");
                let _ = write!(self.rest, " {name}=\"{quoted}\"");
            }
            name => {
                let _ = write!(self.rest, " {name}={shown}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `events` under a layer of its own and returns the lines.
    fn lines(format: Format, events: impl FnOnce()) -> String {
        let sink = LogSink::stderr();
        let shared = Shared {
            sink,
            line: Vec::new(),
            at_once: false,
            last_lines: None,
            shared: false,
            muted: false,
        };
        let journal = Journal { shared: Arc::new(Mutex::new(shared)) };
        let masking = Masking::default();
        let layer = Lines { journal: journal.clone(), level: Level::INFO, format, masking };
        tracing::subscriber::with_default(Registry::default().with(layer), events);
        let waiting = journal.lock().sink.take_waiting();
        String::from_utf8(waiting).unwrap()
    }

    #[test]
    fn json_has_the_documented_fields_in_order_and_escapes() {
        let text = lines(Format::Json, || {
            tracing::info!(client_id = 7, pid = 1_u32, why = "a \"b\"\n", "client_started");
            tracing::debug!("not at this level");
            tracing::warn!(share = 0.5, late = true, "second");
        });
        let parsed: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0]["level"], "info");
        assert_eq!(parsed[0]["msg"], "client_started");
        assert_eq!(parsed[0]["client_id"], 7);
        assert_eq!(parsed[0]["why"], "a \"b\"\n");
        assert_eq!(parsed[1]["share"], 0.5);
        assert_eq!(parsed[1]["late"], true);
        let stamp: Timestamp = parsed[0]["ts"].as_str().unwrap().parse().unwrap();
        assert!(stamp.as_second() > 1_700_000_000);
        assert!(text.starts_with("{\"ts\":\"20"));
    }

    #[test]
    fn text_escapes_control_characters() {
        let text = lines(Format::Text, || {
            tracing::info!(line = "\x1b]0;x\x07y \"z\"", more = "a\nb\x1b[2J\r", "event");
            tracing::info!(line = "\x1b[2J?token=secret", "event");
        });
        let shown: Vec<_> = text
            .lines()
            .map(|line| line.split_once("event").map_or(line, |(_, rest)| rest))
            .collect();
        let wanted = [
            " line=\"\\u{1b}]0;x\\u{7}y \\\"z\\\"\"",
            "    a",
            "    b\\u{1b}[2J\\r",
            " line=\\u{1b}[2J?token=***",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn text_shows_several_lines_below_the_event() {
        let text = lines(Format::Text, || {
            tracing::error!(code = 1, stderr = "one\ntwo", note = "a b", "client_exited");
        });
        let (_, shown) = text.split_once(' ').unwrap();
        assert_eq!(shown, "error client_exited code=1\n    one\n    two note=\"a b\"\n");
    }
}
