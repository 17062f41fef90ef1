//! The pane of the ramp: the target, the running clients, their states.

use std::time::Duration;

use super::View;
use super::pen::{BAD, FAINT, GOOD, INK, PLAIN, Pen, STRONG, WARN, bar, say};
use crate::measures::words;
use crate::stats::{Phase, State};

/// Columns of names.
const NAME: usize = 9;

pub(super) fn draw(mut pen: Pen<'_>, board: &View<'_>) {
    let snapshot = board.scene.snapshot;
    let (active, target) = (u64::from(snapshot.active()), u64::from(snapshot.target));
    let short = active < target && matches!(snapshot.phase, Phase::Hold);
    let text = words::of_target(active, target);
    let beside = text.strip_prefix(&words::count(active)).unwrap_or_default();
    let mut spans = vec![
        say(words::count(active), if short { STRONG.patch(WARN) } else { STRONG }),
        say(beside.to_owned(), PLAIN),
    ];
    if snapshot.ramp_held {
        spans.push(say("  ramp held", WARN));
    }
    pen.row("active", NAME, spans);
    let share = f64::from(snapshot.ever_started.min(snapshot.target)) / target.max(1) as f64;
    let columns = pen.width().saturating_sub(NAME + 6);
    let style = if snapshot.ramp_held { WARN } else { INK };
    let percent = say(format!(" {:>3.0} %", (share * 100.0).floor()), PLAIN);
    pen.row("ramp", NAME, bar(share, columns, style).into_iter().chain([percent]));
    let mut time = vec![say(clock(snapshot.elapsed), STRONG)];
    if let Some(duration) = board.run.duration {
        let left = duration.saturating_sub(snapshot.elapsed);
        time.push(say(format!(", {} left", clock(left)), PLAIN));
    }
    pen.row("elapsed", NAME, time);
    states(&mut pen, board);
    let totals = snapshot.totals;
    let (started, restarted) = (words::count(totals.started), words::count(totals.restarted));
    pen.row("starts", NAME, [say(format!("{started}, restarts {restarted}"), PLAIN)]);
    pen.row("seed", NAME, [say(board.run.seed.to_string(), PLAIN)]);
    if pen.left() > 0 {
        let peak = words::count(u64::from(snapshot.peak_active));
        pen.row("peak", NAME, [say(format!("{peak} active"), PLAIN)]);
    }
}

/// Clients by state, in one line; states without a client are left out.
fn states(pen: &mut Pen<'_>, board: &View<'_>) {
    let mut spans = Vec::new();
    for state in State::ALL {
        let count = board.scene.snapshot.in_state(state);
        if count > 0 {
            let style = match state {
                State::Running => GOOD,
                State::Backoff => BAD,
                State::Draining | State::Starting | State::Stopping => WARN,
                State::Idle | State::Stopped => FAINT,
            };
            spans.push(say(format!("{} ", words::count(u64::from(count))), style));
            spans.push(say(format!("{}  ", state.name()), PLAIN));
        }
    }
    pen.row("states", NAME, spans);
}

/// A span as a clock: `0:01:23`.
pub(super) fn clock(span: Duration) -> String {
    let secs = span.as_secs();
    format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}
