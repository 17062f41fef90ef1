//! Rewrites Go's dash styles to the one that clap parses.
//!
//! `-name value`, `-name=value` and `--name value` all become `--name=value`, by the
//! command's list of arguments. Knows nothing about a flag except whether it takes a
//! value.

use clap::Command;

use super::UsageError;
use super::help::house_dashes;

/// Arguments in clap's style.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// `--name` and `--name=value`, in order.
    pub(super) flags: Vec<String>,
    /// The other arguments, in order.
    pub(super) positionals: Vec<String>,
    /// The first unknown flag, as typed, without its value.
    pub(super) first_unknown: Option<String>,
    /// The flags that were typed, by their canonical names.
    pub(super) typed: Vec<String>,
}

/// How a flag takes its value.
enum Value {
    /// After `=` or as the next argument.
    Required,
    /// After `=` only, or none.
    Optional,
}

/// Rewrites arguments, without the program's name.
///
/// # Errors
/// A flag without a name, or a last flag without the value that it needs.
pub(super) fn rewrite(command: &Command, args: &[String]) -> Result<Rewritten, UsageError> {
    let mut out = Rewritten::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            out.positionals.extend(args.cloned());
            break;
        }
        let Some((name, value)) = split(arg) else {
            out.positionals.push(arg.clone());
            continue;
        };
        if name.is_empty() {
            return Err(UsageError::new("unknown flag without a name; see -help for all flags"));
        }
        let Some((canonical, kind)) = find(command, name) else {
            out.first_unknown.get_or_insert_with(|| typed_name(arg).to_owned());
            out.flags.push(format!("--{name}"));
            continue;
        };
        let flag = match (value, kind) {
            (Some(value), _) => format!("--{canonical}={value}"),
            (None, Value::Optional) => format!("--{canonical}"),
            (None, Value::Required) => match args.next() {
                Some(value) => format!("--{canonical}={value}"),
                None => {
                    let name = house_dashes(&canonical);
                    return Err(UsageError::new(format!("{name} needs a value; see -help")));
                }
            },
        };
        out.flags.push(flag);
        out.typed.push(canonical);
    }
    Ok(out)
}

/// A flag without its value, with its dashes as typed.
fn typed_name(arg: &str) -> &str {
    arg.split_once('=').map_or(arg, |(name, _)| name)
}

/// Name and value of a flag; `None` if the argument is not a flag. `-vv` is `-v`.
fn split(arg: &str) -> Option<(&str, Option<&str>)> {
    let body = arg.strip_prefix('-')?;
    if body.is_empty() {
        return None;
    }
    if body.bytes().all(|b| b == b'v') {
        return Some(("v", None));
    }
    let body = body.strip_prefix('-').unwrap_or(body);
    Some(body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value))))
}

/// The canonical name of a flag or of its alias, and how it takes its value.
fn find(command: &Command, name: &str) -> Option<(String, Value)> {
    let arg = command.get_arguments().find(|arg| {
        arg.get_long() == Some(name)
            || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
    })?;
    let optional = !arg.get_action().takes_values() || arg.is_require_equals_set();
    let kind = if optional { Value::Optional } else { Value::Required };
    Some((arg.get_long()?.to_owned(), kind))
}

#[cfg(test)]
mod tests {
    use super::super::flags::load_command;
    use super::*;
    use proptest::prelude::*;

    fn rewritten(args: &[&str]) -> Rewritten {
        let args: Vec<String> = args.iter().map(|&a| a.to_owned()).collect();
        rewrite(&load_command(), &args).unwrap()
    }

    #[test]
    fn both_dash_styles_become_one() {
        let cases: &[(&[&str], &[&str], &[&str])] = &[
            (&["-clients", "5"], &["--clients=5"], &[]),
            (&["-clients=5"], &["--clients=5"], &[]),
            (&["--clients", "5"], &["--clients=5"], &[]),
            (&["--clients=5"], &["--clients=5"], &[]),
            (&["-ffmpeg-arg", "-vn"], &["--ffmpeg-arg=-vn"], &[]),
            (&["-ffmpeg-arg", "--"], &["--ffmpeg-arg=--"], &[]),
            (&["-header", "A: b=c"], &["--header=A: b=c"], &[]),
            (&["-metrics", ""], &["--metrics="], &[]),
            (&["-metrics-port", "1"], &["--metrics=1"], &[]),
            (&["-reconnect", "false"], &["--reconnect"], &["false"]),
            (&["-reconnect=false", "u"], &["--reconnect=false"], &["u"]),
            (&["u", "-v", "-vv", "--v"], &["--v", "--v", "--v"], &["u"]),
            (&["-v=false"], &["--v=false"], &[]),
            (&["--", "-clients", "5"], &[], &["-clients", "5"]),
            (&["-", "-h"], &["--help"], &["-"]),
            (&["-bogus=1", "2"], &["--bogus"], &["2"]),
        ];
        for (args, flags, positionals) in cases {
            let out = rewritten(args);
            assert_eq!(out.flags, *flags, "{args:?}");
            assert_eq!(out.positionals, *positionals, "{args:?}");
        }
    }

    #[test]
    fn unknown_flag_keeps_its_dashes() {
        for (arg, want) in [("-clinets=5", "-clinets"), ("--x", "--x"), ("---x", "---x")] {
            assert_eq!(rewritten(&["-v", arg, "-y"]).first_unknown.as_deref(), Some(want));
        }
    }

    #[test]
    fn names_the_flag_without_a_value() {
        let error = rewrite(&load_command(), &["-clients".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "-clients needs a value; see -help");
    }

    proptest! {
        #[test]
        fn keeps_every_argument(args in prop::collection::vec("-{0,3}[a-z=v]{0,6}", 0..8)) {
            if let Ok(out) = rewrite(&load_command(), &args) {
                prop_assert!(out.flags.iter().all(|flag| flag.starts_with("--")));
                prop_assert!(out.positionals.len() + out.flags.len() <= args.len());
            }
        }
    }
}
