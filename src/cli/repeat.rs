//! The command that repeats a run: program, flags that differ from their defaults, seed
//! and URL, shell-quoted, secrets masked.
//!
//! It leaves out values from files and from the environment, so these need no masking:
//! the command works where they are available.

use std::borrow::Cow;

use clap::Arg;

use super::help::{default_of, house_dashes};
use super::{Typed, values};
use crate::ffmpeg::masked::masked_argument;
use crate::http::redact::Masking;

/// The command that repeats the run.
pub(super) fn command(typed: &Typed, seed: u64, masking: &Masking) -> String {
    let mut words = vec![typed.program.clone()];
    for arg in typed.command.get_arguments() {
        match arg.get_long() {
            // That time has passed.
            Some("start-at") => {}
            Some("seed") => words.extend(["-seed".to_owned(), seed.to_string()]),
            Some(name) => push_flag(&mut words, typed, arg, name, masking),
            None => {}
        }
    }
    let elsewhere = words.iter().any(|word| word == "--demo" || word == "-url-from");
    if let Some(url) = typed.url.as_deref().filter(|_| !elsewhere) {
        let shown = masking.url(url);
        // A masked URL is only a reminder, which STREAM_URL makes unnecessary.
        if typed.url_typed || shown == url {
            words.push(shown);
        }
    }
    shell_words::join(words)
}

/// Adds a flag once for each value, unless it is the default.
fn push_flag(words: &mut Vec<String>, typed: &Typed, arg: &Arg, name: &str, masking: &Masking) {
    let Ok(Some(raw)) = typed.matches.try_get_raw(arg.get_id().as_str()) else { return };
    let given: Vec<&str> = raw.filter_map(|value| value.to_str()).collect();
    let is_boolean = arg.is_require_equals_set();
    let mut before = "";
    for value in &given {
        if is_boolean {
            let on = values::boolean(value);
            if on != default_of(arg).map_or(Ok(false), values::boolean) {
                let suffix = if on == Ok(true) { "" } else { "=false" };
                words.push(format!("{}{suffix}", house_dashes(name)));
            }
        } else if default_of(arg) != Some(value) {
            words.push(house_dashes(name));
            words.push(shown(name, before, value, masking).into_owned());
        }
        before = value;
    }
}

/// A value of a flag; `before` is the value before it.
fn shown<'a>(name: &str, before: &str, value: &'a str, masking: &Masking) -> Cow<'a, str> {
    match name {
        "header" if !value.starts_with('@') => masking.headers(value).into(),
        "ffmpeg-arg" => masked_argument(before, value, masking),
        // File names, which may look like tokens and must work.
        "header" | "url-from" | "ffmpeg" | "ffprobe" | "summary-json" | "report" => value.into(),
        _ => masking.text(value),
    }
}
