//! The pane of what viewers would have experienced.

use super::View;
use super::pen::{BAD, FAINT, GOOD, PLAIN, Pen, STRONG, WARN, say};
use crate::measures::words;
use crate::stats::Histogram;

const NAME: usize = 12;
const COLUMN: usize = 8;

pub(super) fn draw(mut pen: Pen<'_>, board: &View<'_>) {
    let snapshot = board.scene.snapshot;
    if !board.scene.measured.log {
        pen.line([say("not measured: the run has -stats=false", FAINT)]);
        return;
    }
    let (below, keeps) = (u64::from(snapshot.below_realtime), u64::from(snapshot.above_realtime));
    let stalled = u64::from(snapshot.stalled);
    pen.line([
        say(words::count(keeps), GOOD),
        say(" keeping up  ", PLAIN),
        say(words::count(below), if below > 0 { WARN } else { PLAIN }),
        say(" slow  ", PLAIN),
        say(words::count(stalled), if stalled > 0 { BAD } else { PLAIN }),
        say(" stalled", PLAIN),
    ]);
    let playback = &snapshot.totals.playback;
    let stalls = words::plural(playback.stalls, "stall");
    let text = format!("{stalls}, {} in all", words::span(snapshot.stall_time));
    pen.row("stalls", NAME, [say(text, if playback.stalls > 0 { WARN } else { PLAIN })]);
    if pen.left() > 11 {
        pen.skip();
    }
    let wide = pen.width() > NAME + 4 * COLUMN + 6;
    let mut heads = format!("{:>COLUMN$}{:>COLUMN$}{:>COLUMN$}", "P50", "P95", "P99");
    if wide {
        heads.push_str(&format!("{:>12}", "count"));
    }
    pen.row("", NAME, [say(heads, FAINT)]);
    let requests = &snapshot.totals.requests;
    let spans = [
        ("start-up", &playback.startup),
        ("edge age", &playback.playlist_edge_age),
        ("speed", &playback.speed),
        ("segments", &requests.segment_download),
        ("playlists", &requests.playlist_download),
        ("connects", &requests.connect),
        ("drift", &playback.drift),
        ("round trip", &requests.tcp_rtt),
    ];
    for (name, histogram) in spans {
        percentiles(&mut pen, name, histogram, wide);
    }
    if pen.left() > 2 {
        pen.skip();
        pen.line([say("speed is media time over wall time; its worst are the lowest", FAINT)]);
    }
}

/// For speed, where low values are the bad ones, P95 is the value that 95 % exceed.
fn percentiles(pen: &mut Pen<'_>, name: &str, of: &Histogram, wide: bool) {
    let speed = name == "speed";
    let at = |quantile: f64| {
        let value = of.quantile(if speed { 1.0 - quantile } else { quantile });
        let text = value.map(|span| match speed {
            true => format!("{:.2}x", span.as_secs_f64()),
            false => words::span(span),
        });
        format!("{:>COLUMN$}", text.unwrap_or_else(|| "n/a".to_owned()))
    };
    let style = if of.count() > 0 { PLAIN } else { FAINT };
    let mut spans = vec![
        say(at(0.5), if of.count() > 0 { STRONG } else { FAINT }),
        say(at(0.95), style),
        say(at(0.99), style),
    ];
    if wide {
        spans.push(say(format!("{:>12}", words::count(of.count())), FAINT));
    }
    pen.row(name, NAME, spans);
}
