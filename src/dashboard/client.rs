//! The pane of one client: its attempt, its command, its last log lines.

use ratatui::text::Span;

use super::View;
use super::pen::{FAINT, PLAIN, Pen, STRONG, say};
use crate::ffmpeg::outcome::Outcome;
use crate::measures::words;
use crate::swarm::ClientDetail;

const NAME: usize = 11;

/// Maximum lines of the command.
const COMMAND_LINES: usize = 5;

/// The client that fills the pane.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its state and figures.
    pub detail: ClientDetail,
    /// The command of its attempts, credentials masked.
    pub command: String,
    /// The last lines of its log, oldest first; masked, without control characters.
    pub last_lines: Vec<String>,
}

pub(super) fn draw(mut pen: Pen<'_>, board: &View<'_>) {
    let Some(Opened { detail, command, last_lines }) = board.opened else {
        pen.line([say("no client matches", FAINT)]);
        return;
    };
    let figures = &detail.figures;
    let mut state = vec![say(figures.state.name(), STRONG)];
    if figures.stalled {
        state.push(say(", stalled", super::pen::BAD));
    }
    if let Some(delay) = detail.starts_in {
        state.push(say(format!(", starts in {}", words::span(delay)), PLAIN));
    }
    pen.row("state", NAME, state);
    pen.row("attempt", NAME, attempt(detail));
    let speed = figures.speed.map_or_else(|| "n/a".to_owned(), |speed| format!("{speed:.2}x"));
    let media = words::span(figures.media);
    let bytes = figures.bytes.map_or_else(|| "n/a".to_owned(), words::bytes);
    let stream = format!("speed {speed}, media {media}, received {bytes}, over all attempts");
    pen.row("stream", NAME, [say(stream, PLAIN)]);
    let outcome = detail.last_outcome.map_or("none ended yet", Outcome::name);
    pen.row("last end", NAME, [say(outcome, PLAIN)]);
    pen.skip();
    let width = pen.width().max(1);
    for line in wrapped(command, width).take(COMMAND_LINES) {
        pen.line([say(line, FAINT)]);
    }
    pen.skip();
    let skipped = last_lines.len().saturating_sub(pen.left());
    if last_lines.is_empty() {
        pen.line([say("no output yet", FAINT)]);
    }
    for line in last_lines.iter().skip(skipped) {
        pen.line([say(line.as_str(), PLAIN)]);
    }
}

fn attempt(detail: &ClientDetail) -> Vec<Span<'static>> {
    let mut spans = vec![say(words::count(detail.attempts), STRONG)];
    if let (Some(pid), Some(uptime)) = (detail.pid, detail.uptime) {
        spans.push(say(format!(", process {pid}, for {}", words::span(uptime)), PLAIN));
    }
    spans
}

/// Wraps a command into lines, between words where possible.
fn wrapped(text: &str, width: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.char_indices().nth(width).map_or(rest.len(), |(end, _)| end);
        let head = rest.get(..end).unwrap_or(rest);
        let cut = match head.rfind(' ') {
            Some(space) if end < rest.len() && space > 0 => space + 1,
            _ => head.len(),
        };
        let (line, after) = rest.split_at(cut);
        rest = after;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_broken_between_words() {
        let lines: Vec<_> = wrapped("one two threefourfive six", 8).collect();
        assert_eq!(lines, ["one two ", "threefou", "rfive ", "six"]);
        assert_eq!(wrapped("", 8).count(), 0);
        assert_eq!(wrapped("ééé", 2).collect::<Vec<_>>(), ["éé", "é"]);
    }
}
