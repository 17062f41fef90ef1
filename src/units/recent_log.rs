//! Keeps the last lines of the log for the dashboard, which covers the terminal.

use std::collections::VecDeque;

/// Lines kept: more than a tall terminal shows.
const LINES: usize = 200;

/// Bytes kept of a line: more than a wide terminal shows.
const LINE_BYTES: usize = 512;

/// The severity of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// An ordinary event.
    Plain,
    /// A warning.
    Warning,
    /// An error that ends the run.
    Error,
}

/// The last lines, oldest first.
#[derive(Debug, Clone, Default)]
pub struct RecentLog {
    lines: VecDeque<(Gravity, String)>,
}

impl RecentLog {
    /// The lines, oldest first.
    pub(crate) fn lines(&self) -> impl ExactSizeIterator<Item = (Gravity, &str)> {
        self.lines.iter().map(|(gravity, line)| (*gravity, line.as_str()))
    }

    /// Adds the lines of an event, whose text has no control characters. Long lines are
    /// cut, and the oldest lines are dropped.
    pub fn push(&mut self, gravity: Gravity, text: &str) {
        for line in text.lines() {
            let ends = line.char_indices().map(|(at, character)| at + character.len_utf8());
            let end = ends.take_while(|end| *end <= LINE_BYTES).last().unwrap_or(0);
            if self.lines.len() == LINES {
                self.lines.pop_front();
            }
            self.lines.push_back((gravity, line.get(..end).unwrap_or(line).to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_length_have_a_limit() {
        let mut log = RecentLog::default();
        for number in 0..LINES + 5 {
            log.push(Gravity::Plain, &format!("{number}\n{}", "ü".repeat(LINE_BYTES)));
        }
        assert_eq!(log.lines.len(), LINES);
        assert_eq!(log.lines.back().map(|(_, line)| line.len()), Some(LINE_BYTES));
    }
}
