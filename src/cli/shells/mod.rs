//! What completes the command line in a shell, made from the table of flags.
//!
//! One dash for normal flags and two for gates are offered, as help and docs have
//! them; both styles are understood where a value is completed.

mod bash;
mod fish;
mod zsh;

use super::commands::{Flag, Value};

/// The script for a shell; `None` for one that is not known.
pub(super) fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash::script()),
        "zsh" => Some(zsh::script()),
        "fish" => Some(fish::script()),
        _ => None,
    }
}

/// The names of the flags for which this holds.
fn names(flags: &[Flag], holds: impl Fn(&Value) -> bool) -> Vec<&str> {
    flags.iter().filter(|flag| holds(&flag.value)).map(|flag| flag.name.as_str()).collect()
}

/// A text in single quotes, as bash and zsh read them.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
