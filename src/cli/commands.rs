//! The subcommands, and the flags of each for shells and the manual.
//!
//! Derived from the declarations in `flags.rs`. Knows no shell.

use clap::{Arg, Command};

use super::flags::{health_command, load_command, merge_command, origin_command, report_command};
use super::help::house_dashes;
use super::values;

/// The shells for which completions are made.
pub(super) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// A word that may be the first argument.
pub(super) struct Subcommand {
    /// The word.
    pub(super) name: &'static str,
    /// What it does.
    pub(super) about: &'static str,
    /// Its flags, if it has any.
    pub(super) command: Option<fn() -> Command>,
    /// The words that may follow it.
    pub(super) words: &'static [&'static str],
}

/// Every subcommand.
pub(super) const ALL: [Subcommand; 8] = [
    Subcommand {
        name: "origin",
        about: "Serve synthetic HLS from memory",
        command: Some(origin_command),
        words: &["help"],
    },
    Subcommand {
        name: "report",
        about: "Make an HTML report of a run, or of two runs to compare",
        command: Some(report_command),
        words: &["help"],
    },
    Subcommand {
        name: "healthcheck",
        about: "Check whether a running swarm is alive",
        command: Some(health_command),
        words: &["help"],
    },
    Subcommand {
        name: "merge",
        about: "Merge the summaries of the shards of one run",
        command: Some(merge_command),
        words: &["help"],
    },
    Subcommand {
        name: "completions",
        about: "Print the completion script for this shell",
        command: None,
        words: &SHELLS,
    },
    Subcommand { name: "man", about: "Print the manual page", command: None, words: &[] },
    Subcommand {
        name: "help",
        about: "Print the help",
        command: None,
        words: &["origin", "report", "merge", "healthcheck"],
    },
    Subcommand { name: "version", about: "Print the version", command: None, words: &[] },
];

/// The kind of value that a flag takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// No value.
    None,
    /// True or false, after `=` only.
    Boolean,
    /// One of these.
    Words(Vec<&'static str>),
    /// The path of a file.
    File,
    /// Anything else; no completion is offered.
    Free,
}

/// A flag.
pub(super) struct Flag {
    /// Its name without dashes.
    pub(super) name: String,
    /// Its name with the dashes shown in help and docs.
    pub(super) shown: String,
    /// Its help, in one line.
    pub(super) help: String,
    /// The name of its value.
    pub(super) value_name: String,
    /// The kind of its value.
    pub(super) value: Value,
    /// Whether repeating it accumulates values.
    pub(super) repeatable: bool,
}

/// The flags of a command, in the order of its help.
pub(super) fn flags_of(command: &Command) -> Vec<Flag> {
    command.get_arguments().filter_map(flag).collect()
}

/// The flags of the program without a subcommand.
pub(super) fn main_flags() -> Vec<Flag> {
    flags_of(&load_command())
}

fn flag(arg: &Arg) -> Option<Flag> {
    let name = arg.get_long()?;
    let value_name = arg.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str());
    let value = if !arg.get_action().takes_values() {
        Value::None
    } else if arg.is_require_equals_set() {
        Value::Boolean
    } else if value_name == "FILE" {
        Value::File
    } else {
        Some(values::choices(name))
            .filter(|words| !words.is_empty())
            .map_or(Value::Free, Value::Words)
    };
    Some(Flag {
        name: name.to_owned(),
        shown: house_dashes(name),
        help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        value_name: value_name.to_owned(),
        value,
        repeatable: matches!(arg.get_action(), clap::ArgAction::Append),
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use std::ffi::OsString;

    /// The error for an invalid value.
    fn refusal(words: &[&str]) -> String {
        let args: Vec<OsString> = ["swarm"].iter().chain(words).map(OsString::from).collect();
        let no_file = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        parse(&args, &|_| None, 0, &no_file)
            .map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn offered_values_are_the_accepted_ones() {
        for (words, flags) in [(&[][..], main_flags()), (&["origin"], flags_of(&origin_command()))]
        {
            assert!(flags.iter().any(|flag| matches!(flag.value, Value::Words(_))));
            for flag in flags {
                let said = refusal(&[words, &[&format!("{}=\u{1}", flag.shown)]].concat());
                let list = said.split_once("give one of ").map(|(_, list)| list.to_owned());
                let offered = match flag.value {
                    Value::Words(words) => Some(words.join(", ")),
                    _ => None,
                };
                assert_eq!(offered, list, "{}: {said}", flag.shown);
            }
        }
    }

    #[test]
    fn repeatable_flags_are_known() {
        let repeatable = main_flags().into_iter().filter(|flag| flag.repeatable);
        let names: Vec<String> = repeatable.map(|flag| flag.name).collect();
        assert_eq!(names, ["header", "ffmpeg-arg", "fault"]);
    }
}
