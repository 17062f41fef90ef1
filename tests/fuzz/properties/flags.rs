//! The command line and the environment: any of them is accepted or rejected with a
//! clear message, an accepted one can be run, and the command that repeats a run has
//! the same configuration.
//!
//! An input consists of lines: `$NAME=value` sets a variable, any other is an argument.
//! The first line is also parsed as a duration.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

use ffmpeg_hls_swarm::cli::{UsageError, parse};
use ffmpeg_hls_swarm::config::{Config, Invocation};
use ffmpeg_hls_swarm::ffmpeg::capabilities::Capabilities;
use ffmpeg_hls_swarm::ffmpeg::command::{Map, Template};
use ffmpeg_hls_swarm::units::ClientId;

/// A password. As the password of a URL it is never shown.
const SECRET: &str = "hunter2";

/// Longest message in bytes: a few values of 80 characters each, all escaped.
const MESSAGE_MAX: usize = 4_000;

/// Longest duration, in nanoseconds: Go's.
const LONGEST_NS: u128 = i64::MAX as u128;

const SEED: u64 = 42;

/// No file can be read.
fn no_file(_: &Path) -> std::io::Result<String> {
    Err(std::io::ErrorKind::NotFound.into())
}

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let lines = input.split(|&byte| byte == b'\n').filter(|line| !line.contains(&0));
    let lines: Vec<&[u8]> = lines.collect();
    if let Some(Ok(first)) = lines.first().map(|line| std::str::from_utf8(line)) {
        duration(first);
    }
    let (variables, arguments): (Vec<&[u8]>, Vec<&[u8]>) =
        lines.into_iter().partition(|line| line.starts_with(b"$"));
    let env = |name: &str| variables.iter().rev().find_map(|line| value_of(line, name));
    let mut argv = vec![OsString::from("swarm")];
    argv.extend(arguments.iter().map(|argument| OsString::from_vec(argument.to_vec())));
    let secret = holds_a_secret(input);
    match parse(&argv, &env, SEED, &no_file) {
        Err(error) => refused(&error, secret),
        Ok(Invocation::Load(config)) => understood(&config, &env, secret),
        Ok(Invocation::Origin(origin)) => origin.settings.check().unwrap(),
        Ok(Invocation::Merge(merge)) => assert!(!merge.files.is_empty()),
        Ok(Invocation::HealthCheck(address)) => assert!(address.is_none_or(|at| at.port() != 0)),
        Ok(Invocation::Report(config)) => assert!(!config.run.as_os_str().is_empty()),
        Ok(Invocation::LookUp(name)) => assert!(argv.iter().any(|word| *word == *name)),
        Ok(Invocation::Print(text) | Invocation::Help(text)) => assert!(!text.is_empty()),
    }
}

/// The value of a variable, from `$NAME=value`.
fn value_of(line: &[u8], name: &str) -> Option<OsString> {
    let value = line.strip_prefix(b"$")?.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
    Some(OsString::from_vec(value.to_vec()))
}

/// Whether the input contains the password, only as a password.
fn holds_a_secret(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let all = text.matches(SECRET).count();
    all > 0 && text.matches(&format!("http://user:{SECRET}@")).count() == all
}

/// An error is a line of plain text; that of `-resolve` has three.
fn refused(error: &UsageError, secret: bool) {
    let said = error.to_string();
    let lines = if said.starts_with("-resolve needs --dangerous") { 3 } else { 1 };
    assert_eq!(said.lines().count(), lines, "{said:?}");
    assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    assert!(said.len() <= MESSAGE_MAX, "a message of {} bytes", said.len());
    assert!(!secret || !said.contains(SECRET), "shows a password: {said:?}");
}

/// An accepted command line can be run and repeated.
fn understood(config: &Config, env: &dyn Fn(&str) -> Option<OsString>, secret: bool) {
    let (swarm, options) = (&config.swarm, &config.options);
    assert!(swarm.ramp_rate.is_finite() && swarm.ramp_rate >= 1.0);
    assert!(swarm.backoff.multiplier.is_finite() && swarm.backoff.multiplier >= 1.0);
    assert!(swarm.backoff.initial <= swarm.backoff.max);
    assert!(swarm.duration != Some(Duration::ZERO));
    assert!(matches!(options.url.scheme(), "http" | "https"));
    assert!(options.url.host_str().is_some_and(|host| !host.is_empty()));
    assert!(options.headers.iter().all(|header| header.contains(':')));
    let sent = options.headers.iter().chain([&options.user_agent]);
    assert!(sent.into_iter().all(|text| !text.contains(['\r', '\n', '\0'])));
    assert!(options.resolve.is_none() || swarm.dangerous);
    if let Ok(template) = Template::new(options, Map::All, &capabilities()) {
        let mut scratch = Vec::new();
        let argv: Vec<_> = template.argv(ClientId::new(7), &mut scratch).collect();
        assert_eq!(
            argv.iter().filter(|argument| argument.to_bytes() == b"-map").count(),
            1 + { options.extra_args.iter().filter(|argument| *argument == "-map").count() }
        );
        let wanted = argv.iter().map(|argument| argument.to_string_lossy().into_owned());
        let line = template.shell_line(&config.ffmpeg, ClientId::new(7));
        assert_eq!(words(&line)[1..], wanted.collect::<Vec<_>>(), "{line}");
    }
    let repeat = &config.repeat_command;
    assert!(!secret || !repeat.contains(SECRET), "shows a password: {repeat:?}");
    if !repeat.contains("***") {
        repeats(config, env);
    }
}

/// The words of a command as parsed by bash, including `$'...'` with control
/// characters, which the crate `shell-words` does not support.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut chars) = (Vec::new(), String::new(), line.chars());
    while let Some(character) = chars.next() {
        match character {
            ' ' => words.push(std::mem::take(&mut word)),
            '\\' => word.extend(chars.next()),
            '\'' => word.extend(chars.by_ref().take_while(|&c| c != '\'')),
            '$' if chars.as_str().starts_with('\'') => {
                chars.next();
                while let Some(character) = chars.next().filter(|&c| c != '\'') {
                    word.push(if character == '\\' { escaped(&mut chars) } else { character });
                }
            }
            plain => word.push(plain),
        }
    }
    words.push(word);
    words
}

/// The character after a backslash in `$'...'`.
fn escaped(chars: &mut std::str::Chars<'_>) -> char {
    match chars.next().unwrap() {
        'r' => '\r',
        'n' => '\n',
        size @ ('u' | 'U') => {
            let digits = if size == 'u' { 4 } else { 8 };
            let hex: String = chars.by_ref().take(digits).collect();
            u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32).unwrap()
        }
        other => other,
    }
}

/// The command that repeats a run has the same configuration without the variables,
/// except for those that may contain secrets.
fn repeats(config: &Config, env: &dyn Fn(&str) -> Option<OsString>) {
    let words = shell_words::split(&config.repeat_command).unwrap();
    let argv: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    let kept = |name: &str| ["PATH", "STREAM_URL", "HEADERS"].contains(&name);
    let path = |name: &str| if kept(name) { env(name) } else { None };
    let again = match parse(&argv, &path, SEED + 1, &no_file) {
        Ok(Invocation::Load(again)) => again,
        other => panic!("{} is {other:?}", config.repeat_command),
    };
    assert_eq!(format!("{config:?}"), format!("{again:?}"));
}

/// A duration has the same value as in Go.
fn duration(text: &str) {
    let argv = ["swarm", &format!("-ramp-jitter={text}"), "http://h/"].map(OsString::from);
    let found = match parse(&argv, &|_| None, SEED, &no_file) {
        Ok(Invocation::Load(config)) => Some(config.swarm.ramp_jitter.as_nanos()),
        _ => None,
    };
    match (found, go_ns(text)) {
        (None, None) => {}
        // Each part is rounded down to a nanosecond.
        (Some(found), Some((ns, parts))) => {
            assert!(found as f64 <= ns * 1.000_000_1 + 1.0, "{text:?} is {found} ns, not {ns}");
            assert!(found as f64 >= ns * 0.999_999_9 - parts as f64, "{text:?} is {found} ns");
        }
        (None, Some((ns, _))) => assert!(ns >= 0.999_999_9 * LONGEST_NS as f64, "{text:?} is {ns}"),
        (Some(found), None) => panic!("{text:?} is not a duration, but was parsed as {found} ns"),
    }
}

/// The nanoseconds of a Go duration and the number of its parts, in floating point;
/// `None` if it is not a duration.
fn go_ns(text: &str) -> Option<(f64, usize)> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some((0.0, 1));
    }
    let (mut ns, mut parts) = (0.0, 0);
    while !rest.is_empty() || parts == 0 {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        if number.matches('.').count() > 1 || number.trim_matches('.').is_empty() {
            return None;
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit_ns = match unit {
            "ns" => 1.0,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            _ => return None,
        };
        ns += number.parse::<f64>().ok()? * unit_ns;
        parts += 1;
        rest = after;
    }
    Some((ns, parts))
}

/// An FFmpeg that supports everything.
fn capabilities() -> Capabilities {
    let version = include_bytes!("../../data/ffmpeg-9.0.2-version.txt");
    let help = include_bytes!("../../data/ffmpeg-9.0.2-help.txt");
    Capabilities::parse(version, help).unwrap()
}
