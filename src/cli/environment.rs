//! The environment variables of flags, and what is special in their values.
//!
//! Knows no environment: variables are looked up by the caller's closure.

use std::ffi::OsString;

use super::UsageError;

/// Looks a variable up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Variable of the playlist, which is no flag.
pub(super) const STREAM_URL: &str = "STREAM_URL";

/// Variable of the scrape address. Empty is a value of it: off.
const METRICS_PORT: &str = "METRICS_PORT";

/// Id of the argument that is a scrape address without being a flag.
pub(super) const SCRAPE_ADDRESS: &str = "scrape-address";

/// Names of flags and their variables.
const VARIABLES: [(&str, &str); 16] = [
    ("clients", "CLIENTS"),
    ("ramp-rate", "RAMP_RATE"),
    ("ramp-jitter", "RAMP_JITTER"),
    ("duration", "DURATION"),
    ("seed", "SEED"),
    ("variant", "VARIANT"),
    ("resolve", "RESOLVE_IP"),
    ("no-cache", "NO_CACHE"),
    ("timeout", "TIMEOUT"),
    ("reconnect", "RECONNECT"),
    ("ffmpeg", "FFMPEG"),
    ("ffprobe", "FFPROBE"),
    ("metrics", METRICS_PORT),
    ("log-level", "LOG_LEVEL"),
    ("log-format", "LOG_FORMAT"),
    ("dangerous", "DANGEROUS"),
];

/// The variable of an argument: of a flag, of the playlist's URL, or of the scrape
/// address of a swarm.
#[must_use]
pub fn variable_of(arg: &clap::Arg) -> Option<&'static str> {
    match arg.get_long() {
        Some(flag) => VARIABLES.iter().find(|&&(name, _)| name == flag).map(|&(_, name)| name),
        None if arg.get_id() == SCRAPE_ADDRESS => Some(METRICS_PORT),
        None => Some(STREAM_URL),
    }
}

/// The value that the environment gives an argument, in the flag's grammar.
///
/// An empty variable counts as not set, but for the scrape address, where it
/// means off.
///
/// # Errors
/// A value that is not UTF-8.
pub(super) fn value_of(arg: &clap::Arg, lookup: Lookup<'_>) -> Result<Option<String>, UsageError> {
    let Some(variable) = variable_of(arg) else { return Ok(None) };
    let Some(value) = lookup(variable) else { return Ok(None) };
    let Ok(value) = value.into_string() else {
        return Err(UsageError::new(format!("{variable} in the environment is not UTF-8")));
    };
    if value.is_empty() && variable != METRICS_PORT {
        return Ok(None);
    }
    Ok(Some(match variable {
        "RAMP_JITTER" => with_unit(value, "ms"),
        "TIMEOUT" => with_unit(value, "s"),
        _ => value,
    }))
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
        value_of(arg, &|_| Some(text.into())).unwrap()
    }

    #[test]
    fn bare_numbers_have_a_unit_where_stated() {
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
    fn empty_is_unset_but_for_the_scrape_address() {
        for (flag, variable) in VARIABLES {
            let want = (variable == METRICS_PORT).then(String::new);
            assert_eq!(value(flag, ""), want, "{variable}");
        }
    }

    #[test]
    fn every_variable_belongs_to_a_flag() {
        let command = load_command();
        for (flag, variable) in VARIABLES {
            assert!(command.get_arguments().any(|a| a.get_long() == Some(flag)), "{variable}");
        }
    }
}
