//! The pane of the last log lines.

use super::pen::{BAD, FAINT, PLAIN, Pen, WARN, say};
use crate::units::recent_log::{Gravity, RecentLog};

pub(super) fn draw(mut pen: Pen<'_>, log: &RecentLog) {
    let skipped = log.lines().len().saturating_sub(pen.left());
    for (gravity, line) in log.lines().skip(skipped) {
        let style = match gravity {
            Gravity::Plain => PLAIN,
            Gravity::Warning => WARN,
            Gravity::Error => BAD,
        };
        // Shows the time without the date.
        let (time, text) = line.split_once(' ').unwrap_or(("", line));
        let time = time.get(11..19).unwrap_or(time);
        pen.line([say(format!("{time} "), FAINT), say(text, style)]);
    }
}
