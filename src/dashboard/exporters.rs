//! The pane of the origin: the metrics of its host and its nginx.

use super::pen::{BAD, FAINT, PLAIN, Pen, STRONG, WARN, say};
use crate::exporters::{Exporters, Host, Nginx, Polled, Sampled, Target};
use crate::measures::words;
use crate::units::Tick;

/// Lines of the frame: two per target, and the borders.
pub(super) const LINES: u16 = 6;

const NAME: usize = 13;

/// Share of all CPUs above which the value is highlighted.
const CPU_NEAR: f64 = 0.9;

pub(super) fn draw(mut pen: Pen<'_>, side: &Exporters, now: Tick) {
    for polled in side.polled() {
        match (polled.target(), side.fresh_host(), side.fresh_nginx()) {
            (Target::Host, Some(metrics), _) => host(&mut pen, polled, metrics, now),
            (Target::Nginx, _, Some(metrics)) => nginx(&mut pen, polled, metrics, now),
            (target, ..) => {
                let why = polled.last_error().unwrap_or("not polled yet");
                let style = if polled.failures() > 0 { BAD } else { FAINT };
                pen.row(target.name(), NAME, [say(why.to_owned(), style)]);
            }
        }
    }
}

fn host(pen: &mut Pen<'_>, polled: &Polled, host: &Host, now: Tick) {
    let near = host.cpu.last().is_some_and(|share| share > CPU_NEAR);
    let cpu = recent(&host.cpu, now, |share| words::share(share, 1.0));
    let memory = recent(&host.memory_used, now, |bytes| words::bytes(bytes as u64));
    pen.row(
        "host",
        NAME,
        [
            say("CPU ", FAINT),
            say(cpu, if near { WARN } else { STRONG }),
            say("  memory ", FAINT),
            say(memory, PLAIN),
            stale(polled),
        ],
    );
    let rate = |bytes: f64| words::bit_rate(bytes * 8.0);
    pen.row(
        "",
        NAME,
        [
            say("in ", FAINT),
            say(host.received.last().map_or_else(|| "n/a".to_owned(), rate), PLAIN),
            say("  out ", FAINT),
            say(recent(&host.sent, now, rate), PLAIN),
        ],
    );
}

fn nginx(pen: &mut Pen<'_>, polled: &Polled, nginx: &Nginx, now: Tick) {
    pen.row(
        "nginx",
        NAME,
        [
            say("requests a second ", FAINT),
            say(recent(&nginx.requests, now, |rate| format!("{rate:.1}")), STRONG),
            stale(polled),
        ],
    );
    pen.row(
        "",
        NAME,
        [
            say("connections ", FAINT),
            say(recent(&nginx.active, now, |open| words::count(open.round() as u64)), PLAIN),
        ],
    );
}

/// Marks values that are older because the last poll failed.
fn stale(polled: &Polled) -> ratatui::text::Span<'static> {
    say(if polled.is_up() { "" } else { "  stale" }, WARN)
}

/// The last value, and the P95 of the window.
fn recent(of: &Sampled, now: Tick, show: impl Fn(f64) -> String) -> String {
    match (of.last(), of.recent(now)) {
        (Some(last), Some(recent)) => format!("{} (P95 {})", show(last), show(recent.p95)),
        _ => "n/a".to_owned(),
    }
}
