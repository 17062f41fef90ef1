//! What the run costs this host, and whether the host keeps up with it.

use std::time::Duration;

use super::View;
use super::history::{History, Rates};
use super::pen::{BAD, GOOD, PLAIN, Pen, WARN, bar, say};
use crate::measures::limits::{GAUGE_FILLING, GAUGE_FULL};
use crate::measures::words;
use crate::stats::EntryKind;
use crate::stats::totals::LATE_START_MS;

const NAME: usize = 13;

/// Columns of a bar at most.
const BAR: usize = 40;

pub(super) fn draw(mut pen: Pen<'_>, board: &View<'_>, history: &History) {
    let (snapshot, health) = (board.scene.snapshot, board.scene.health);
    let rates = history.newest().unwrap_or_default();
    let cores = board.scene.cores.map_or(1.0, f64::from);
    let both = rates.own_cpu + rates.children_cpu;
    gauge(&mut pen, "CPU of all", both / cores, &format!("{both:.2} of {cores:.0} cores"));
    let own_cpu = format!("{:.1} % of a core", rates.own_cpu * 100.0);
    gauge(&mut pen, "of the swarm", rates.own_cpu, &own_cpu);
    let (open, most) = (health.process.open_fds, health.process.max_fds);
    let descriptors = format!("{} of {}", words::count(open), words::count(most));
    gauge(&mut pen, "descriptors", open as f64 / most.max(1) as f64, &descriptors);
    let children = snapshot.children_resident_bytes.map_or_else(|| "n/a".to_owned(), words::bytes);
    let own = words::bytes(health.process.resident_bytes);
    let memory = format!("swarm {own}, clients {children} with pages they share");
    pen.row("memory", NAME, [say(memory, PLAIN)]);
    event_loop(&mut pen, board);
    if pen.left() > 2 {
        pen.skip();
        let of: fn(&Rates) -> f64 = |rates| rates.children_cpu + rates.own_cpu;
        let lines = pen.left().min(6);
        let label = format!("{both:.2} cores");
        pen.curve("CPU", &label, lines, history.last(usize::from(u16::MAX), of));
    }
}

/// A share as a bar, and beside it what it is a share of.
fn gauge(pen: &mut Pen<'_>, name: &str, share: f64, text: &str) {
    let columns = pen.width().saturating_sub(NAME + 24).min(BAR);
    let style = if share > GAUGE_FULL {
        BAD
    } else if share > GAUGE_FILLING {
        WARN
    } else {
        GOOD
    };
    let text = say(format!("  {text}"), PLAIN);
    pen.row(name, NAME, bar(share, columns, style).into_iter().chain([text]));
}

/// How punctual the event loop is, and what it serves.
fn event_loop(pen: &mut Pen<'_>, board: &View<'_>) {
    let (snapshot, health) = (board.scene.snapshot, board.scene.health);
    let totals = snapshot.totals;
    let late = totals.late_starts;
    let at = |of: Option<Duration>| of.map_or_else(|| "n/a".to_owned(), words::span);
    let worst = at(totals.lateness.quantile(0.99));
    let style = if late > 0 { WARN } else { GOOD };
    let lateness = format!("{} by over {LATE_START_MS} ms; P99 {worst}", words::count(late));
    pen.row("late starts", NAME, [say(lateness, style)]);
    let turn = at(health.turns.quantile(0.99));
    let events = words::count(health.events);
    pen.row("event loop", NAME, [say(format!("turns P99 {turn}, {events} events"), PLAIN)]);
    let stood = health.standstills;
    let since = Some(snapshot.since_start(stood.longest_at));
    if let Some(stood) = words::standstills(stood.count, stood.total, stood.longest, since) {
        pen.row("stood still", NAME, [say(stood, WARN)]);
    }
    let entries = EntryKind::ALL.iter().zip(health.entries);
    let entries: Vec<_> = entries
        .map(|(kind, count)| format!("{} {}", kind.name(), words::count(count.into())))
        .collect();
    pen.row("waited for", NAME, [say(entries.join(", "), PLAIN)]);
    pen.row("last scrape", NAME, [say(at(health.last_scrape), PLAIN)]);
    let dropped = health.journal_dropped;
    let style = if dropped > 0 { WARN } else { PLAIN };
    pen.row("log", NAME, [say(format!("{} lines dropped", words::count(dropped)), style)]);
}
