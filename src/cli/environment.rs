//! The environment variables of flags, and the special cases of their values.
//!
//! Reads no environment: the caller provides the lookup.

use std::ffi::OsString;

use super::UsageError;
use super::flags::{HEADERS, METRICS_PORT, SCRAPE_ADDRESS, VARIABLES};

/// Looks a variable up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Variable of the playlist, which is not a flag.
pub(super) const STREAM_URL: &str = "STREAM_URL";

/// The variable of an argument: of a flag, of the playlist's URL, or of the scrape
/// address of a swarm.
#[must_use]
pub fn variable_of(arg: &clap::Arg) -> Option<&'static str> {
    match arg.get_long() {
        Some(flag) => VARIABLES.iter().find(|&&(name, _)| name == flag).map(|&(_, name)| name),
        None if arg.get_id() == SCRAPE_ADDRESS => Some(METRICS_PORT),
        None => (arg.get_id() == "url").then_some(STREAM_URL),
    }
}

/// The value of an argument from the environment, in the flag's syntax, and the name of
/// its variable.
///
/// An empty variable counts as unset, except for the scrape address, which it disables.
///
/// # Errors
/// A value that is not UTF-8, or an incomplete pair of variables.
pub(super) fn value_of(
    arg: &clap::Arg,
    lookup: Lookup<'_>,
) -> Result<Option<(String, &'static str)>, UsageError> {
    let Some(variable) = variable_of(arg) else { return Ok(None) };
    let value = match text_of(variable, lookup)? {
        // They are added to those of the flag, in `secrets.rs`.
        _ if variable == HEADERS => return Ok(None),
        Some(value) if !value.is_empty() || variable == "METRICS_PORT" => value,
        _ if variable == "SHARD" => return shard_of_job(lookup),
        _ => return Ok(None),
    };
    let value = match variable {
        "RAMP_JITTER" => with_unit(value, "ms"),
        "TIMEOUT" => with_unit(value, "s"),
        _ => value,
    };
    Ok(Some((value, variable)))
}

pub(super) fn text_of(variable: &str, lookup: Lookup<'_>) -> Result<Option<String>, UsageError> {
    lookup(variable)
        .map(OsString::into_string)
        .transpose()
        .map_err(|_| UsageError::new(format!("{variable} in the environment is not UTF-8")))
}

/// The shard of a pod of an Indexed Job: Kubernetes sets `JOB_COMPLETION_INDEX` in each
/// of the `SHARDS` pods. A job without shards has no `SHARDS`.
fn shard_of_job(lookup: Lookup<'_>) -> Result<Option<(String, &'static str)>, UsageError> {
    let given = |variable| Ok(text_of(variable, lookup)?.filter(|value| !value.is_empty()));
    let Some(count) = given("SHARDS")? else { return Ok(None) };
    let Some(index) = given("JOB_COMPLETION_INDEX")? else {
        return Err(UsageError::new(
            "SHARDS in the environment gives the number of shards, but not which one this \
             is: set SHARD=I/N, or JOB_COMPLETION_INDEX together with SHARDS",
        ));
    };
    Ok(Some((format!("{index}/{count}"), "JOB_COMPLETION_INDEX and SHARDS")))
}

/// Adds the unit to a number without one.
fn with_unit(value: String, unit: &str) -> String {
    if value.parse::<f64>().is_ok() { value + unit } else { value }
}

#[cfg(test)]
mod tests {
    use super::super::flags::load_command;
    use super::*;

    fn value(flag: &str, text: &str) -> Option<String> {
        let command = load_command();
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(flag)).unwrap();
        value_of(arg, &|_| Some(text.into())).unwrap().map(|(value, _)| value)
    }

    #[test]
    fn adds_a_unit_to_bare_numbers() {
        let cases = [
            ("ramp-jitter", "200", "200ms"),
            ("ramp-jitter", "1.5s", "1.5s"),
            ("ramp-jitter", "-5", "-5ms"),
            ("timeout", "15", "15s"),
            ("timeout", "500ms", "500ms"),
            ("duration", "15", "15"),
        ];
        for (flag, text, want) in cases {
            assert_eq!(value(flag, text).as_deref(), Some(want), "{flag} {text}");
        }
    }

    #[test]
    fn empty_counts_as_unset_except_for_the_scrape_address() {
        for (flag, variable) in VARIABLES {
            let want = (variable == METRICS_PORT).then(String::new);
            assert_eq!(value(flag, ""), want, "{variable}");
        }
    }

    #[test]
    fn reads_a_shard_or_its_index_and_count() {
        let command = load_command();
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some("shard")).unwrap();
        let ask = |env: &[(&str, &str)]| {
            let find = |name: &str| env.iter().find(|(known, _)| *known == name);
            value_of(arg, &|name| find(name).map(|(_, value)| value.into()))
                .map(|found| found.map(|(value, _)| value))
        };
        let (index, count) = (("JOB_COMPLETION_INDEX", "2"), ("SHARDS", "4"));
        assert_eq!(ask(&[index, count]), Ok(Some("2/4".to_owned())));
        assert_eq!(ask(&[index, count, ("SHARD", "0/3")]), Ok(Some("0/3".to_owned())));
        assert_eq!(ask(&[index]), Ok(None));
        assert_eq!(ask(&[index, ("SHARDS", "")]), Ok(None));
        let half = ask(&[count]).unwrap_err().to_string();
        assert!(half.contains("which one this is: set SHARD=I/N"), "{half}");
    }

    #[test]
    fn every_variable_belongs_to_a_flag() {
        let command = load_command();
        for (flag, variable) in VARIABLES {
            assert!(command.get_arguments().any(|a| a.get_long() == Some(flag)), "{variable}");
        }
    }
}
