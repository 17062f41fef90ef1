//! Errors of the command line, each in one line with the remedy.

use std::fmt;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use super::argv::Rewritten;
use super::help::house_dashes;
use crate::http::redact::redact;

/// Longest part of a value that is shown, in characters: enough to recognize it.
const SHOWN_CHARS: usize = 80;

/// Bad usage: one line for the user (more for `-resolve`), with the remedy. Credentials
/// are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(String);

impl UsageError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// A value in quotes: credentials masked, control characters escaped, cut if long.
pub(super) fn quoted(value: &str) -> String {
    let masked = redact(value);
    if masked.chars().count() <= SHOWN_CHARS {
        return format!("{masked:?}");
    }
    let head: String = masked.chars().take(SHOWN_CHARS).collect();
    format!("{head:?}…")
}

/// Converts an error of clap. `variable` gives the variable of a flag whose value came
/// from the environment.
pub(super) fn explain(
    error: &Error,
    rewritten: &Rewritten,
    variable: impl Fn(&str) -> Option<&'static str>,
) -> UsageError {
    let flag = text_of(error, ContextKind::InvalidArg).and_then(flag_name);
    match (error.kind(), flag) {
        (ErrorKind::UnknownArgument, Some(flag)) => {
            let typed = rewritten.first_unknown.clone().unwrap_or_else(|| house_dashes(flag));
            let nearest = text_of(error, ContextKind::SuggestedArg).and_then(flag_name);
            let remedy = nearest.map_or_else(
                || "see -help for all flags".to_owned(),
                |nearest| {
                    format!("did you mean {}? See -help for all flags", house_dashes(nearest))
                },
            );
            UsageError::new(format!("unknown flag {}; {remedy}", unquoted(&typed)))
        }
        (ErrorKind::ValueValidation, Some(flag)) => {
            let name = variable(flag).map_or_else(
                || house_dashes(flag),
                |variable| format!("{variable} in the environment,"),
            );
            let remedy = std::error::Error::source(error).map(ToString::to_string);
            let remedy = remedy.unwrap_or_else(|| "see -help".to_owned());
            UsageError::new(format!("{name} {}: {remedy}", shown_value(flag, error)))
        }
        _ => UsageError::new(format!("{}; see -help", first_line(error))),
    }
}

/// The refused value. The value of a header is not shown, since it may be a secret.
fn shown_value(flag: &str, error: &Error) -> String {
    match text_of(error, ContextKind::InvalidValue) {
        Some(_) if flag == "header" => "value".to_owned(),
        Some(value) => quoted(value),
        None => quoted(""),
    }
}

/// A flag as typed, cut if long, control characters escaped.
fn unquoted(flag: &str) -> String {
    let quoted = quoted(flag);
    quoted.replace('"', "")
}

fn text_of(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// The name in clap's `--name <VALUE>` or `--name[=<VALUE>]`.
fn flag_name(signature: &str) -> Option<&str> {
    signature.strip_prefix("--")?.split([' ', '[', '=']).next()
}

/// clap's own first line, for all other errors.
fn first_line(error: &Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    redact(line.trim_start_matches("error: ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_value_is_one_short_line_without_secrets() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        assert_eq!(quoted("http://u:p@h"), r#""http://***@h""#);
        assert_eq!(quoted(&"x".repeat(100)), format!("\"{}\"…", "x".repeat(80)));
        let long = format!("{}http://u:secret@h", "x".repeat(70));
        assert!(!quoted(&long).contains("secret"));
    }

    #[test]
    fn removes_the_value_from_names_of_clap() {
        let cases = [("--a-b <N>", "a-b"), ("--v[=<v>]", "v"), ("--x", "x"), ("--x=1", "x")];
        for (signature, want) in cases {
            assert_eq!(flag_name(signature), Some(want));
        }
    }
}
