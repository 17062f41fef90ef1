//! What was typed: flags, both dash styles, environment.
//!
//! [`parse`] turns arguments into a [`Config`](crate::config::Config). The environment
//! and a random seed are arguments, so it is a pure function. Does not know what is
//! done with the result.

mod argv;
mod commands;
mod environment;
mod error;
mod flags;
mod help;
mod man;
mod merge;
mod nearest;
mod paint;
mod playlist_url;
mod repeat;
mod report;
mod resolve;
mod secrets;
mod shells;
pub mod values;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, FromArgMatches};

pub use environment::{Lookup, variable_of};
pub use error::UsageError;
pub use flags::{health_command, load_command, merge_command, origin_command, report_command};
pub use help::{default_of, house_dashes, signature};
pub use paint::{painted, takes_colour};
pub use secrets::ReadFile;

use crate::config::Invocation;
use crate::reactor::net::tap::LOOK_UP;
use flags::{LoadFlags, OriginFlags};

/// Name of the program if it was started without one.
const PROGRAM: &str = "ffmpeg-hls-swarm";

/// A command line, parsed but not interpreted.
struct Typed {
    /// The program's name.
    program: String,
    /// The command with all its arguments.
    command: Command,
    /// Their values, from flags, environment and defaults.
    matches: ArgMatches,
    /// The flags on the command line, without those of the environment.
    flags: Vec<String>,
    /// The argument that is not a flag, the playlist's URL for most commands, if the
    /// command line or the environment has one.
    url: Option<String>,
    /// Whether it was on the command line.
    url_typed: bool,
}

impl Typed {
    /// Whether a flag has a value from the command line or the environment.
    fn given(&self, flag: &str) -> bool {
        let arg = self.command.get_arguments().find(|arg| arg.get_long() == Some(flag));
        arg.is_some_and(|arg| {
            self.matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
        })
    }

    /// Whether a flag was on the command line.
    fn typed(&self, flag: &str) -> bool {
        self.flags.iter().any(|typed| typed == flag)
    }
}

/// The environment, files and seed.
#[derive(Clone, Copy)]
struct Outside<'a> {
    env: Lookup<'a>,
    read_file: ReadFile<'a>,
}

/// The result of reading a command line.
enum Read {
    Typed(Box<Typed>),
    Help,
    Version,
}

/// Parses a command line, the program's name first. `random_seed` is the seed of a run
/// without one; `read_file` reads the files that contain the URL and headers.
///
/// # Errors
/// Bad usage, with the remedy.
pub fn parse(
    args: &[OsString],
    env: Lookup<'_>,
    random_seed: u64,
    read_file: ReadFile<'_>,
) -> Result<Invocation, UsageError> {
    let (program, args) = to_text(args)?;
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["version" | "-v" | "--v"] => return Ok(Invocation::Print(help::version())),
        // For the program itself: names are looked up in a process of their own.
        [LOOK_UP, name] => return Ok(Invocation::LookUp((*name).to_owned())),
        ["help"] => return Ok(Invocation::Help(help::load_help(&load_command()))),
        ["help", "origin"] | ["origin", "help"] => {
            return Ok(Invocation::Help(help::origin_help(&origin_command())));
        }
        ["help", "merge"] | ["merge", "help"] => {
            return Ok(Invocation::Help(help::merge_help(&merge_command())));
        }
        ["merge", ..] => return merge::parse(program, args.get(1..).unwrap_or_default()),
        ["help", "healthcheck"] | ["healthcheck", "help"] => {
            return Ok(Invocation::Help(help::health_help(&health_command())));
        }
        ["healthcheck", ..] => {
            let args = args.get(1..).unwrap_or_default();
            return parse_health_check(program, args, env);
        }
        ["completions" | "man", "-h" | "-help" | "--help"] => {
            return Ok(Invocation::Help(help::load_help(&load_command())));
        }
        ["completions", shells @ ..] => return completions(shells),
        ["man"] => return Ok(Invocation::Print(man::page())),
        ["man", ..] => return Err(UsageError::new("man takes no argument; remove it")),
        ["origin", ..] => {
            let args = args.get(1..).unwrap_or_default();
            return parse_origin(program, args, env, random_seed);
        }
        ["help", "report"] | ["report", "help"] => return Ok(report::help()),
        ["report", ..] => return report::parse(&program, args.get(1..).unwrap_or_default()),
        [word, ..] => refuse_mistyped(word)?,
        [] => {}
    }
    match read(load_command(), program, &args, env)? {
        Read::Help => Ok(Invocation::Help(help::load_help(&load_command()))),
        Read::Version => Ok(Invocation::Print(help::version())),
        Read::Typed(typed) => {
            let flags = from_matches(LoadFlags::from_arg_matches(&typed.matches))?;
            resolve::load(&typed, flags, Outside { env, read_file }, random_seed)
        }
    }
}

/// The completion script of a shell.
fn completions(words: &[&str]) -> Result<Invocation, UsageError> {
    let list = commands::SHELLS.join(", ");
    let [shell] = words else {
        return Err(UsageError::new(format!("completions takes one shell: give one of {list}")));
    };
    shells::script(shell).map(Invocation::Print).ok_or_else(|| {
        let remedy = match nearest::nearest(shell, commands::SHELLS) {
            Some(meant) => format!("did you mean {meant}? Give one of {list}"),
            None => format!("give one of {list}"),
        };
        UsageError::new(format!("shell {}: {remedy}", error::quoted(shell)))
    })
}

/// Rejects a first word that resembles a subcommand. It cannot be a URL, which contains
/// more than letters.
fn refuse_mistyped(word: &str) -> Result<(), UsageError> {
    let names = commands::ALL.map(|subcommand| subcommand.name);
    let letters = word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !letters || names.contains(&word) {
        return Ok(());
    }
    nearest::nearest(word, names).map_or(Ok(()), |meant| {
        let list = names.join(", ");
        let word = error::quoted(word);
        Err(UsageError::new(format!(
            "unknown command {word}; did you mean {meant}? Commands are {list}"
        )))
    })
}

fn parse_origin(
    program: String,
    args: &[String],
    env: Lookup<'_>,
    random_seed: u64,
) -> Result<Invocation, UsageError> {
    match read(origin_command(), program, args, env)? {
        Read::Help => Ok(Invocation::Help(help::origin_help(&origin_command()))),
        Read::Version => Ok(Invocation::Print(help::version())),
        Read::Typed(typed) => {
            let flags = from_matches(OriginFlags::from_arg_matches(&typed.matches))?;
            resolve::origin(&typed, flags, random_seed)
        }
    }
}

fn parse_health_check(
    program: String,
    args: &[String],
    env: Lookup<'_>,
) -> Result<Invocation, UsageError> {
    match read(health_command(), program, args, env)? {
        Read::Help => Ok(Invocation::Help(help::health_help(&health_command()))),
        Read::Version => Ok(Invocation::Print(help::version())),
        Read::Typed(typed) => resolve::health_check(&typed),
    }
}

/// The program's name and its arguments as text.
fn to_text(args: &[OsString]) -> Result<(String, Vec<String>), UsageError> {
    let mut text = args.iter().map(|arg| {
        let not_utf8 = || {
            let shown = error::quoted(&arg.to_string_lossy());
            UsageError::new(format!("argument {shown} is not UTF-8; rename the file or encode it"))
        };
        arg.to_str().map(str::to_owned).ok_or_else(not_utf8)
    });
    let program = text.next().transpose()?.unwrap_or_else(|| PROGRAM.to_owned());
    Ok((program, text.collect::<Result<_, _>>()?))
}

/// Reads flags, and the environment for flags that were not typed.
fn read(
    command: Command,
    program: String,
    args: &[String],
    env: Lookup<'_>,
) -> Result<Read, UsageError> {
    let mut rewritten = argv::rewrite(&command, args)?;
    let positional = command.get_positionals().next().map(signature);
    let limit = usize::from(positional.is_some());
    match (rewritten.positionals.get(limit), &rewritten.first_unknown) {
        (Some(extra), None) => {
            let boolean = rewritten.positionals.iter().find(|word| values::is_boolean(word));
            return Err(unexpected(boolean.unwrap_or(extra), positional.as_deref()));
        }
        // Most likely the value of the unknown flag, which clap rejects below.
        (Some(_), Some(_)) => rewritten.positionals.truncate(limit),
        _ => {}
    }
    let mut argv = vec![program.clone()];
    argv.append(&mut rewritten.flags.clone());
    let mut from_env: Vec<(String, &'static str)> = Vec::new();
    let mut url = rewritten.positionals.pop();
    let url_typed = url.is_some();
    for arg in command.get_arguments() {
        match (arg.get_long(), variable_of(arg)) {
            (Some(flag), Some(_)) if !rewritten.typed.iter().any(|typed| typed == flag) => {
                if let Some((value, variable)) = environment::value_of(arg, env)? {
                    argv.push(format!("--{flag}={value}"));
                    from_env.push((flag.to_owned(), variable));
                }
            }
            (None, Some(_)) if !url_typed => {
                url = environment::value_of(arg, env)?.map(|(value, _)| value);
            }
            _ => {}
        }
    }
    match command.clone().try_get_matches_from(argv) {
        Ok(matches) => {
            let flags = rewritten.typed;
            Ok(Read::Typed(Box::new(Typed { program, command, matches, flags, url, url_typed })))
        }
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp => Ok(Read::Help),
            ErrorKind::DisplayVersion => Ok(Read::Version),
            _ => Err(error::explain(&error, &rewritten, |flag| {
                from_env.iter().find(|(name, _)| name == flag).map(|&(_, variable)| variable)
            })),
        },
    }
}

/// The error for an excess argument; often it is the value of a boolean.
fn unexpected(extra: &str, positional: Option<&str>) -> UsageError {
    let remedy = if values::is_boolean(extra) {
        "a boolean takes its value after =, as in -reconnect=false"
    } else {
        match positional {
            Some("<ADDR>") => "give one address",
            Some(_) => "give one URL, and every flag before or after it with its dash",
            None => "origin takes flags only; see origin -help",
        }
    };
    UsageError::new(format!("unexpected argument {}: {remedy}", error::quoted(extra)))
}

fn from_matches<T>(flags: Result<T, clap::Error>) -> Result<T, UsageError> {
    flags.map_err(|error| error::explain(&error, &argv::Rewritten::default(), |_| None))
}

#[cfg(test)]
mod tests;
