//! The pane of requests and traffic, now and over the last minutes.

use super::View;
use super::history::{History, Rates};
use super::pen::{BAD, PLAIN, Pen, say};
use crate::exchange::RequestKind;
use crate::measures::words;

const NAME: usize = 12;

/// Maximum lines of a curve.
const TALL: usize = 4;

/// Lines below the curves.
const TOTALS: usize = 3;

/// One of the rates.
type Of = fn(&Rates) -> f64;

pub(super) fn draw(mut pen: Pen<'_>, board: &View<'_>, history: &History) {
    let rates = history.newest().unwrap_or_default();
    let curves: [(&str, String, Of); 5] = [
        ("requests", format!("{}/s", number(rates.requests)), |rates| rates.requests),
        ("segments", format!("{}/s", number(rates.segments)), |rates| rates.segments),
        ("traffic", words::bit_rate(rates.bytes * 8.0), |rates| rates.bytes),
        ("failed", format!("{}/s", number(rates.failed)), |rates| rates.failed),
        ("active", words::count(u64::from(board.scene.snapshot.active())), |rates| rates.active),
    ];
    // Below a tall curve one line is left empty.
    let each = (pen.left().saturating_sub(TOTALS) / curves.len()).clamp(1, TALL);
    let (lines, air) = if each > 2 { (each - 1, true) } else { (each, false) };
    for (name, value, of) in &curves {
        pen.curve(name, value, lines, history.last(usize::from(u16::MAX), *of));
        if air {
            pen.skip();
        }
    }
    totals(&mut pen, board);
}

fn totals(pen: &mut Pen<'_>, board: &View<'_>) {
    let requests = &board.scene.snapshot.totals.requests;
    let bytes = match board.scene.measured.bytes() {
        true => words::bytes(requests.bytes),
        false => "not measured".to_owned(),
    };
    let failed = requests.failed();
    let style = if failed > 0 { BAD } else { PLAIN };
    let made = words::plural(requests.made(), "request");
    let failed = say(format!("{} failed", words::count(failed)), style);
    if pen.width() > 50 {
        pen.row("in all", NAME, [say(format!("{made}, {bytes}, "), PLAIN), failed]);
    } else {
        pen.line([say(format!("{made}, {bytes}"), PLAIN)]);
    }
    let kinds = RequestKind::ALL.iter().zip(requests.by_kind);
    let kinds: Vec<String> = kinds
        .filter(|&(_, count)| count > 0)
        .map(|(kind, count)| format!("{} {}", kind.name(), words::count(count)))
        .collect();
    pen.row("by kind", NAME, [say(kinds.join(", "), PLAIN)]);
    let (new, reused) = (requests.connections_new, requests.connections_reused);
    let connections = format!("{} new, {} reused", words::count(new), words::count(reused));
    pen.row("connections", NAME, [say(connections, PLAIN)]);
}

/// A rate, with one decimal digit below 10.
fn number(rate: f64) -> String {
    if rate < 9.95 && rate > 0.0 { format!("{rate:.1}") } else { words::count(rate.round() as u64) }
}
