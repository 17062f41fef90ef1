//! A framed block of text in the making.

use crate::units::text::visible;

/// Width of the frame in columns.
const WIDTH: usize = 78;

/// Columns before a value.
const INDENT: usize = 20;

/// Columns before an error pattern, its count among them.
const PATTERN_INDENT: usize = 12;

/// A framed block in the making.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: String,
}

impl Page {
    /// A line; hidden characters are escaped.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(&visible(line));
        self.text.push('\n');
    }

    /// A rule across the frame.
    pub(super) fn rule(&mut self, of: char) {
        self.line(&of.to_string().repeat(WIDTH));
    }

    /// A name and its value.
    pub(super) fn row(&mut self, name: &str, value: &str) {
        self.line(&format!(" {name:<width$}{value}", width = INDENT - 1));
    }

    /// A name with one line for each value.
    pub(super) fn rows(&mut self, name: &str, values: &[String]) {
        for (i, value) in values.iter().enumerate() {
            self.row(if i == 0 { name } else { "" }, value);
        }
    }

    /// A shell command in lines that fit.
    pub(super) fn folded(&mut self, command: &str) {
        folded(command).iter().for_each(|line| self.line(line));
    }

    /// A count, and beside it a text of as many lines as it takes.
    pub(super) fn wrapped(&mut self, head: &str, text: &str) {
        let mut head = head;
        for part in wrapped(text, WIDTH - PATTERN_INDENT) {
            self.line(&format!(" {head:>width$}  {part}", width = PATTERN_INDENT - 3));
            head = "";
        }
    }
}

/// A shell command folded between its words, so that it fits the frame and can
/// still be pasted; a word that is too long keeps its line.
pub(super) fn folded(command: &str) -> Vec<String> {
    let Ok(words) = shell_words::split(command) else { return vec![command.to_owned()] };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words.iter().map(|word| shell_words::quote(word)) {
        // One space before the word, two characters of continuation after it.
        if !line.is_empty() && line.len() + word.len() + 3 > WIDTH {
            lines.push(format!("{line} \\"));
            line = "   ".to_owned();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

/// Text in lines of at most so many characters, broken at blanks where possible.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let fits = line.chars().count() + 1 + word.chars().count() <= width;
        if !line.is_empty() && !fits {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for character in word.chars() {
            if line.chars().count() >= width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_wrapped_between_words_where_it_can() {
        let cases: [(&str, &[&str]); 5] = [
            ("", &[""]),
            ("one two", &["one two"]),
            ("one two three", &["one two", "three"]),
            ("abcdefghijklm n", &["abcdefghij", "klm n"]),
            ("a abcdefghijklm", &["a", "abcdefghij", "klm"]),
        ];
        for (text, want) in cases {
            assert_eq!(wrapped(text, 10), want, "{text}");
        }
    }
}
