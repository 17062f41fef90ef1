//! The command line of `report`: one or two summaries, and an output file.

use std::path::{Path, PathBuf};

use clap::FromArgMatches as _;
use clap::error::ErrorKind;

use super::flags::{ReportFlags, report_command};
use super::{UsageError, argv, error, from_matches, help};
use crate::config::{Invocation, ReportConfig};

/// The help of `report`.
pub(super) fn help() -> Invocation {
    Invocation::Help(help::report_help(&report_command()))
}

/// Parses the arguments after `report`.
///
/// # Errors
/// Bad usage, with the remedy.
pub(super) fn parse(program: &str, args: &[String]) -> Result<Invocation, UsageError> {
    let command = report_command();
    let rewritten = argv::rewrite(&command, args)?;
    let mut argv = vec![program.to_owned()];
    argv.extend(rewritten.flags.iter().cloned());
    let matches = match command.try_get_matches_from(argv) {
        Ok(matches) => matches,
        Err(error) => {
            return match error.kind() {
                ErrorKind::DisplayHelp => Ok(help()),
                ErrorKind::DisplayVersion => Ok(Invocation::Print(help::version())),
                _ => Err(error::explain(&error, &rewritten, |_| None)),
            };
        }
    };
    let flags = from_matches(ReportFlags::from_arg_matches(&matches))?;
    let mut files = rewritten.positionals.into_iter().map(PathBuf::from);
    let Some(run) = files.next() else {
        return Err(UsageError::new(
            "report needs a file written by -summary-json, as in report run.json -o run.html",
        ));
    };
    let other = files.next();
    if let Some(extra) = files.next() {
        let extra = error::quoted(&extra.to_string_lossy());
        return Err(UsageError::new(format!(
            "unexpected argument {extra}: report takes one file, or two to compare"
        )));
    }
    let output = Some(flags.output).filter(|file| file != Path::new(""));
    Ok(Invocation::Report(ReportConfig { run, other, output }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<ReportConfig, String> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        match parse("swarm", &args).map_err(|error| error.to_string())? {
            Invocation::Report(config) => Ok(config),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn accepts_one_or_two_files_and_an_output() {
        for output in [&["-o", "p.html"][..], &["--output=p.html"], &["-output", "p.html"]] {
            let args: Vec<&str> = ["a.json", "b.json"].iter().chain(output).copied().collect();
            let config = parsed(&args).unwrap();
            assert_eq!(config.run, Path::new("a.json"));
            assert_eq!(config.other.as_deref(), Some(Path::new("b.json")));
            assert_eq!(config.output.as_deref(), Some(Path::new("p.html")));
        }
        let config = parsed(&["--", "-a.json"]).unwrap();
        assert_eq!((config.run, config.other, config.output), ("-a.json".into(), None, None));
    }

    #[test]
    fn errors_name_the_remedy() {
        for (args, want) in [
            (&[][..], "report needs a file"),
            (&["a", "b", "c"], "one file, or two"),
            (&["a", "-clients", "5"], "-clients"),
            (&["a", "-o"], "-output needs a value"),
        ] {
            let error = parsed(args).unwrap_err();
            assert!(error.contains(want), "{args:?}: {error}");
        }
    }
}
