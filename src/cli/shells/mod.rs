//! Completion scripts for shells, derived from the table of flags.
//!
//! They offer one dash for normal flags and two for gates, as in help and docs; values
//! are completed in both styles.

mod bash;
mod fish;
mod zsh;

use super::commands::{Flag, Value};

/// The script for a shell; `None` if it is not supported.
pub(super) fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash::script()),
        "zsh" => Some(zsh::script()),
        "fish" => Some(fish::script()),
        _ => None,
    }
}

/// The names of the flags whose values match.
fn names(flags: &[Flag], holds: impl Fn(&Value) -> bool) -> Vec<&str> {
    flags.iter().filter(|flag| holds(&flag.value)).map(|flag| flag.name.as_str()).collect()
}

/// A text in single quotes for bash and zsh.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
