//! Colour for a help text on a capable terminal.
//!
//! Knows the form of a help text, not whether stdout is a terminal.

use super::environment::Lookup;

const BOLD: &str = "\x1b[1m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// Whether a text may have colour: on a terminal that is not dumb, unless `NO_COLOR` is
/// set (<https://no-color.org>).
#[must_use]
pub fn takes_colour(is_terminal: bool, env: Lookup<'_>) -> bool {
    let refused = env("NO_COLOR").is_some_and(|value| !value.is_empty());
    let able = env("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    is_terminal && able && !refused
}

/// A help text with its headings bold and its flags in colour.
#[must_use]
pub fn painted(help: &str) -> String {
    help.split_inclusive('\n').map(painted_line).collect()
}

fn painted_line(line: &str) -> String {
    let text = line.trim_end_matches('\n');
    let end = if text.len() < line.len() { "\n" } else { "" };
    if text.ends_with(':') && !text.starts_with(' ') {
        return format!("{BOLD}{text}{PLAIN}{end}");
    }
    match text.strip_prefix("  ") {
        Some(entry) if entry.starts_with(['-', '<']) => {
            let (flag, rest) = entry.split_once("  ").unwrap_or((entry, ""));
            let gap = if rest.is_empty() { "" } else { "  " };
            format!("  {CYAN}{flag}{PLAIN}{gap}{rest}{end}")
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::flags::{load_command, origin_command};
    use super::super::help::{load_help, origin_help};
    use super::*;

    #[test]
    fn colour_changes_no_word() {
        for help in [load_help(&load_command()), origin_help(&origin_command())] {
            let painted = painted(&help);
            assert!(painted.contains(&format!("{CYAN}-seed N{PLAIN}  ")));
            assert!(painted.contains(&format!("\n{BOLD}Examples:{PLAIN}\n")));
            let mut plain = painted;
            for escape in [BOLD, CYAN, PLAIN] {
                plain = plain.replace(escape, "");
            }
            assert_eq!(plain, help);
        }
    }

    #[test]
    fn colour_needs_a_capable_terminal_and_no_no_color() {
        let cases = [
            (true, Some("xterm"), None, true),
            (true, Some("xterm"), Some(""), true),
            (true, Some("xterm"), Some("0"), false),
            (true, Some("dumb"), None, false),
            (true, None, None, false),
            (false, Some("xterm"), None, false),
        ];
        for case in cases {
            let (terminal, term, no_color, want) = case;
            let lookup = |name: &str| if name == "TERM" { term } else { no_color }.map(Into::into);
            assert_eq!(takes_colour(terminal, &lookup), want, "{case:?}");
        }
    }
}
