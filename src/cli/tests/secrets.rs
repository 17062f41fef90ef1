//! Secrets from files and from the environment, and what is shown of them.

use super::*;

/// Parses with these files.
fn with_files(
    args: &[&str],
    env: &[(&str, &str)],
    files: &[(&str, &str)],
) -> Result<Config, String> {
    let args: Vec<OsString> = std::iter::once(&"swarm").chain(args).map(OsString::from).collect();
    let lookup = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
    let read = |file: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == file);
        found.map(|(_, text)| (*text).to_owned()).ok_or(std::io::ErrorKind::NotFound.into())
    };
    match parse(&args, &lookup, SEED, &read) {
        Ok(Invocation::Load(config)) => Ok(*config),
        Ok(other) => panic!("{args:?} is {other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn reads_headers_from_flags_files_and_the_environment() {
    let files = [("h", "# token of today\r\nX-Token: hunter2\r\n\n  X-Odd:1\n")];
    let env = [("HEADERS", "x-odd: env\nX-Env: 2")];
    let config = with_files(&["-header", "@h", "-header", "A: b", URL], &env, &files).unwrap();
    assert_eq!(config.options.headers, ["X-Env: 2", "X-Token: hunter2", "X-Odd:1", "A: b"]);
    assert_eq!(config.repeat_command, format!("swarm -seed 42 -header @h -header 'A: ***' {URL}"));
    assert_eq!(config.masking.text("X-Env: 2\nx-token: hunter2"), "X-Env: ***\nx-token: ***");
    for (text, why) in [
        ("", "no header in it; give a file with 'Name: value' on each line"),
        ("# x\n", "no header in it"),
        ("A: b\nhunter2\n", "line 2: give 'Name: value'"),
        ("A: b\0hunter2\n", "line 1: must not contain CR, LF or NUL"),
    ] {
        let error = with_files(&["-header", "@h", URL], &[], &[("h", text)]).unwrap_err();
        assert!(error.starts_with("-header @h") && error.contains(why), "{error}");
        assert!(!error.contains("hunter2") && error.lines().count() == 1, "{error}");
    }
    let error = with_files(&[URL], &[("HEADERS", "hunter2")], &[]).unwrap_err();
    assert!(error.starts_with("HEADERS in the environment, line 1: give"), "{error}");
    let error = with_files(&["-header", "@none", URL], &[], &[]).unwrap_err();
    assert!(error.starts_with("-header @none: "), "{error}");
}

#[test]
fn reads_the_url_from_a_file() {
    let files = [("u", "# live\nhttp://h/a?k=hunter2\n"), ("-", "http://h/stdin"), ("two", "a\nb")];
    let env = [("STREAM_URL", "http://h/env")];
    let config = with_files(&["-url-from", "u"], &env, &files).unwrap();
    assert_eq!(config.options.url.as_str(), "http://h/a?k=hunter2");
    assert_eq!(config.repeat_command, "swarm -seed 42 -url-from u");
    let config = with_files(&["-url-from", "-"], &[], &files).unwrap();
    assert_eq!(config.options.url.as_str(), "http://h/stdin");
    for (args, why) in [
        (&["-url-from", "u", URL][..], "a URL and -url-from cannot be combined"),
        (&["-url-from", "u", "--demo"], "--demo loads the built-in origin"),
        (&["-url-from", "two"], "-url-from two: more than one line in it"),
        (&["-url-from", "none"], "-url-from none: "),
        (&["-url-from", ""], "-url-from \"\": give the path of a file"),
    ] {
        let error = with_files(args, &[], &files).unwrap_err();
        assert!(error.contains(why) && error.lines().count() == 1, "{error}");
    }
    let error = with_files(&["-url-from", "u"], &[], &[("u", "ftp://h/?k=hunter2")]).unwrap_err();
    assert!(error.starts_with("-url-from u: URL") && !error.contains("hunter2"), "{error}");
}

#[test]
fn repeat_command_has_no_secret_of_the_environment() {
    let secret = [("STREAM_URL", "http://h/a?k=hunter2"), ("HEADERS", "X-A: hunter2")];
    assert_eq!(config(&[], &secret).repeat_command, "swarm -seed 42");
    let plain = config(&[], &[("STREAM_URL", URL)]).repeat_command;
    assert_eq!(plain, format!("swarm -seed 42 {URL}"));
    let args = ["-show-query", "q,%6b", "http://h/a?q=1&k=2&s=3"];
    let shown = config(&args, &[]).repeat_command;
    assert_eq!(shown, "swarm -seed 42 -show-query 'q,%6b' 'http://h/a?q=1&k=2&s=***'");
    assert!(refusal(&["-show-query", "a,,b", URL], &[]).contains("give names separated by commas"));
}
