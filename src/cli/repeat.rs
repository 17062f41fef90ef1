//! The command that repeats a run: program, flags that differ from their
//! defaults, seed and URL, shell-quoted, credentials masked.

use clap::Arg;

use super::help::{default_of, house_dashes};
use super::{Typed, values};
use crate::ffmpeg::masked::{MASK, SECRET_OPTIONS};
use crate::http::redact::redact;

/// The command that repeats the run.
pub(super) fn command(typed: &Typed, seed: u64) -> String {
    let mut words = vec![redact(&typed.program).into_owned()];
    for arg in typed.command.get_arguments() {
        match arg.get_long() {
            // That moment has passed.
            Some("start-at") => {}
            Some("seed") => words.extend(["-seed".to_owned(), seed.to_string()]),
            Some(name) => push_flag(&mut words, typed, arg, name),
            None => {}
        }
    }
    if let Some(url) = typed.url.as_deref().filter(|_| !words.iter().any(|word| word == "--demo")) {
        words.push(redact(url).into_owned());
    }
    shell_words::join(words)
}

/// Adds a flag once for every value, unless it is the default.
fn push_flag(words: &mut Vec<String>, typed: &Typed, arg: &Arg, name: &str) {
    let Ok(Some(raw)) = typed.matches.try_get_raw(arg.get_id().as_str()) else { return };
    let given: Vec<&str> = raw.filter_map(|value| value.to_str()).collect();
    let is_boolean = arg.is_require_equals_set();
    let mut after_secret_option = false;
    for value in &given {
        if is_boolean {
            let on = values::boolean(value);
            if on != default_of(arg).map_or(Ok(false), values::boolean) {
                let suffix = if on == Ok(true) { "" } else { "=false" };
                words.push(format!("{}{suffix}", house_dashes(name)));
            }
        } else if default_of(arg) != Some(value) {
            let shown = if after_secret_option { MASK.into() } else { redact(value) };
            words.push(house_dashes(name));
            words.push(shown.into_owned());
        }
        after_secret_option = name == "ffmpeg-arg" && SECRET_OPTIONS.contains(value);
    }
}
