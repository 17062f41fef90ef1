//! What the origin tells of itself: its host and its nginx, a line each subject.

use super::pen::{BAD, FAINT, PLAIN, Pen, STRONG, WARN, say};
use crate::exporters::{Exporters, Host, Nginx, Polled, Sampled, Target};
use crate::measures::words;
use crate::units::Tick;

/// Lines of the frame: two a target, and its borders.
pub(super) const LINES: u16 = 6;

const NAME: usize = 13;

/// Share of all CPUs above which the origin is near its limit.
const CPU_NEAR: f64 = 0.9;

pub(super) fn draw(mut pen: Pen<'_>, side: &Exporters, now: Tick) {
    for polled in side.polled() {
        match (polled.target(), side.fresh_host(), side.fresh_nginx()) {
            (Target::Host, Some(told), _) => host(&mut pen, polled, told, now),
            (Target::Nginx, _, Some(told)) => nginx(&mut pen, polled, told, now),
            (target, ..) => {
                let why = polled.last_error().unwrap_or("not asked yet");
                let style = if polled.failures() > 0 { BAD } else { FAINT };
                pen.row(target.name(), NAME, [say(why.to_owned(), style)]);
            }
        }
    }
}

fn host(pen: &mut Pen<'_>, polled: &Polled, host: &Host, now: Tick) {
    let near = host.cpu.last().is_some_and(|share| share > CPU_NEAR);
    let cpu = told(&host.cpu, now, |share| words::share(share, 1.0));
    let memory = told(&host.memory_used, now, |bytes| words::bytes(bytes as u64));
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
            say(told(&host.sent, now, rate), PLAIN),
        ],
    );
}

fn nginx(pen: &mut Pen<'_>, polled: &Polled, nginx: &Nginx, now: Tick) {
    pen.row(
        "nginx",
        NAME,
        [
            say("requests a second ", FAINT),
            say(told(&nginx.requests, now, |rate| format!("{rate:.1}")), STRONG),
            stale(polled),
        ],
    );
    pen.row(
        "",
        NAME,
        [
            say("connections ", FAINT),
            say(told(&nginx.active, now, |open| words::count(open.round() as u64)), PLAIN),
        ],
    );
}

/// Says that the last look failed, and that what is shown is older.
fn stale(polled: &Polled) -> ratatui::text::Span<'static> {
    say(if polled.is_up() { "" } else { "  stale" }, WARN)
}

/// The last value, and the upper end of the recent ones.
fn told(of: &Sampled, now: Tick, show: impl Fn(f64) -> String) -> String {
    match (of.last(), of.recent(now)) {
        (Some(last), Some(recent)) => format!("{} (P95 {})", show(last), show(recent.p95)),
        _ => "n/a".to_owned(),
    }
}
