//! The command line of `merge`: input files and an output file.

use std::path::{Path, PathBuf};

use clap::FromArgMatches;
use clap::error::ErrorKind;

use super::flags::{MergeFlags, merge_command};
use super::{UsageError, argv, error, from_matches, help};
use crate::config::{Invocation, MergeConfig};

/// Parses the arguments after `merge`.
///
/// # Errors
/// Bad usage, with the remedy.
pub(super) fn parse(program: String, args: &[String]) -> Result<Invocation, UsageError> {
    let command = merge_command();
    let mut rewritten = argv::rewrite(&command, args)?;
    let files = std::mem::take(&mut rewritten.positionals);
    let words = std::iter::once(program).chain(rewritten.flags.iter().cloned());
    let matches = match command.try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(why) => {
            return match why.kind() {
                ErrorKind::DisplayHelp => Ok(Invocation::Help(help::merge_help(&merge_command()))),
                ErrorKind::DisplayVersion => Ok(Invocation::Print(help::version())),
                _ => Err(error::explain(&why, &rewritten, |_| None)),
            };
        }
    };
    let flags = from_matches(MergeFlags::from_arg_matches(&matches))?;
    let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
    if files.is_empty() {
        return Err(UsageError::new(
            "merge needs files; give those written by -summary-json of each shard, as in \
             ffmpeg-hls-swarm merge shard-0.json shard-1.json",
        ));
    }
    for (place, file) in files.iter().enumerate() {
        if files.iter().take(place).any(|before| before == file) {
            let shown = error::quoted(&file.to_string_lossy());
            return Err(UsageError::new(format!("{shown} is given twice; give each file once")));
        }
    }
    let summary_json = Some(flags.summary_json).filter(|file| file != Path::new(""));
    Ok(Invocation::Merge(MergeConfig { files, summary_json }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Invocation, UsageError> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        parse("swarm".to_owned(), &args)
    }

    #[test]
    fn accepts_files_and_flag_in_any_order() {
        let want = MergeConfig {
            files: vec!["a.json".into(), "-b.json".into()],
            summary_json: Some("all.json".into()),
        };
        for args in [
            &["a.json", "-summary-json", "all.json", "--", "-b.json"][..],
            &["--summary-json=all.json", "a.json", "--", "-b.json"],
        ] {
            match read(args) {
                Ok(Invocation::Merge(got)) => assert_eq!(got, want, "{args:?}"),
                other => panic!("{args:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn errors_name_the_remedy() {
        for (args, why) in [
            (&[][..], "merge needs files"),
            (&["a", "b", "a"], "\"a\" is given twice"),
            (&["a", "-clients", "5"], "unknown flag -clients"),
            (&["a", "-summary-jsn=b"], "did you mean -summary-json?"),
        ] {
            let error = read(args).unwrap_err().to_string();
            assert!(error.contains(why) && error.lines().count() == 1, "{args:?}: {error}");
        }
    }

    #[test]
    fn prints_help_and_version() {
        for (arg, start) in [("-h", "Merges the"), ("-help", "Merges the"), ("-version", "ffmpeg-")]
        {
            match read(&[arg]) {
                Ok(Invocation::Print(text) | Invocation::Help(text)) => {
                    assert!(text.starts_with(start), "{text}");
                }
                other => panic!("{arg}: {other:?}"),
            }
        }
    }
}
