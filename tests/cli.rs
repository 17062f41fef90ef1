//! Checks every flag against its help, docs/CLI.md and its contract, and the program's
//! exit code of bad usage.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of tests may panic as a test may"
)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::Arg;
use ffmpeg_hls_swarm::cli::{
    UsageError, default_of, health_command, house_dashes, load_command, merge_command,
    origin_command, parse, report_command, signature, variable_of,
};
use ffmpeg_hls_swarm::config::Invocation;

const URL: &str = "http://h/live.m3u8";
const DOC: &str = include_str!("../docs/CLI.md");

/// A flag of the contract: its name with dashes, its default as shown in the docs, its
/// variable, and a value that is not the default.
struct Flag {
    name: &'static str,
    default: &'static str,
    variable: &'static str,
    sample: &'static str,
}

const fn flag(
    name: &'static str,
    default: &'static str,
    variable: &'static str,
    sample: &'static str,
) -> Flag {
    Flag { name, default, variable, sample }
}

const LOAD: [Flag; 57] = [
    flag("<HLS_URL>", "", "STREAM_URL", URL),
    flag("-clients", "10", "CLIENTS", "7"),
    flag("-ramp-rate", "5", "RAMP_RATE", "2.5"),
    flag("-ramp-jitter", "200ms", "RAMP_JITTER", "1s"),
    flag("-duration", "0", "DURATION", "1h30m"),
    flag("-seed", "random, printed", "SEED", "9"),
    flag("-shard", "0/1", "SHARD", "3/4"),
    flag("-start-at", "", "START_AT", "2026-01-31T18:00:00Z"),
    flag("-max-restarts", "0", "", "3"),
    flag("-backoff-initial", "250ms", "", "100ms"),
    flag("-backoff-max", "5s", "", "10s"),
    flag("-backoff-multiplier", "1.7", "", "2"),
    flag("-restart-on-stall", "false", "", "true"),
    flag("-url-from", "", "", "url.txt"),
    flag("-variant", "all", "VARIANT", "lowest"),
    flag("-probe-failure-policy", "fallback", "", "fail"),
    flag("-target-duration", "the stream's own, or 6s", "", "4s"),
    flag("-tap", "false", "TAP", "true"),
    flag("-resolve", "", "RESOLVE_IP", "192.0.2.1"),
    flag("-no-cache", "false", "NO_CACHE", "true"),
    flag("-header", "", "HEADERS", "A: b"),
    flag("-header-hosts", "", "", "all"),
    flag("-user-agent", "ffmpeg-hls-swarm/VERSION", "", "other/1"),
    flag("-timeout", "15s", "TIMEOUT", "3s"),
    flag("-reconnect", "true", "RECONNECT", "false"),
    flag("-reconnect-delay", "5", "", "8"),
    flag("-seg-retry", "3", "", "4"),
    flag("-http-multiple", "false", "", "true"),
    flag("-ffmpeg", "ffmpeg", "FFMPEG", "/opt/ffmpeg"),
    flag("-ffprobe", "beside it, else PATH", "FFPROBE", "/opt/ffprobe"),
    flag("-ffmpeg-memory-max", "0", "", "512M"),
    flag("-ffmpeg-arg", "", "", "-vn"),
    flag("-metrics", ":9090", "METRICS_PORT", "127.0.0.1:9091"),
    flag("-prom-client-metrics", "false", "", "true"),
    flag("-summary-json", "", "", "run.json"),
    flag("-report", "", "", "run.html"),
    flag("-stats", "true", "", "false"),
    flag("-stats-loglevel", "verbose", "", "debug"),
    flag("-tui", "true", "TUI", "false"),
    flag("-show-query", "", "", "a,b"),
    flag("-v", "false", "", "true"),
    flag("-log-level", "info", "LOG_LEVEL", "warning"),
    flag("-log-format", "json", "LOG_FORMAT", "text"),
    flag("-origin-metrics", "", "", "http://h:9100/metrics"),
    flag("-nginx-metrics", "", "", "http://h/status"),
    flag("-origin-metrics-host", "", "", "h"),
    flag("-origin-metrics-interval", "2s", "", "1s"),
    flag("-origin-metrics-window", "30s", "", "1m"),
    flag("--dangerous", "false", "DANGEROUS", "true"),
    flag("--print-cmd", "false", "", "true"),
    flag("--check", "false", "", "true"),
    flag("--skip-preflight", "false", "", "true"),
    flag("--demo", "false", "", "true"),
    flag("-fault", "", "", "404:5%"),
    flag("-help", "", "", ""),
    flag("-version", "", "", ""),
    flag("-metrics-port", "", "", "127.0.0.1:9091"),
];

const ORIGIN: [Flag; 14] = [
    flag("-listen", "127.0.0.1:8080", "", "0"),
    flag("-variants", "200k,600k,1500k", "", "1.5M"),
    flag("-abr", "0", "", "5"),
    flag("-segment-duration", "2s", "", "4s"),
    flag("-window", "6", "", "10"),
    flag("-tls", "false", "", "true"),
    flag("-tls-ca", "", "", "ca.pem"),
    flag("-fault", "", "", "404:5%"),
    flag("-seed", "random, printed", "SEED", "9"),
    flag("-access-log", "", "", "access.log"),
    flag("-log-level", "info", "LOG_LEVEL", "debug"),
    flag("-log-format", "json", "LOG_FORMAT", "text"),
    flag("-help", "", "", ""),
    flag("-version", "", "", ""),
];

const MERGE: [Flag; 4] = [
    flag("<FILE...>", "", "", ""),
    flag("-summary-json", "", "", "all.json"),
    flag("-help", "", "", ""),
    flag("-version", "", "", ""),
];

const HEALTH: [Flag; 3] = [
    flag("<ADDR>", ":9090", "METRICS_PORT", "9091"),
    flag("-help", "", "", ""),
    flag("-version", "", "", ""),
];

const REPORT: [Flag; 5] = [
    flag("<RUN.json>", "", "", "run.json"),
    flag("<OTHER.json>", "", "", "other.json"),
    flag("-output", "", "", "run.html"),
    flag("-help", "", "", ""),
    flag("-version", "", "", ""),
];

/// The name of an argument as shown in help and docs, without its value.
fn shown(arg: &Arg) -> String {
    arg.get_long().map_or_else(|| signature(arg), house_dashes)
}

/// Every file contains a URL.
fn read_file(_: &Path) -> std::io::Result<String> {
    Ok("http://h/file.m3u8".to_owned())
}

fn read(args: &[String], env: &[(&str, &str)]) -> Result<String, UsageError> {
    let args: Vec<OsString> = std::iter::once("swarm")
        .chain(args.iter().map(String::as_str))
        .map(OsString::from)
        .collect();
    let lookup = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
    // The command that repeats a run depends on the origin of values; the configuration
    // is complete in its Debug form.
    parse(&args, &lookup, 42, &read_file).map(|invocation| match invocation {
        Invocation::Load(mut config) => {
            config.repeat_command.clear();
            format!("{config:?}")
        }
        other => format!("{other:?}"),
    })
}

/// Rows of the tables of docs/CLI.md from this heading to the next of its rank: the
/// cells, without code marks.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let (_, section) = DOC.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let row = |line: &str| -> Option<Vec<String>> {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        Some(cells.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect())
    };
    section.lines().filter_map(row).filter(|row| row[0] != "flag").collect()
}

fn help(args: &[&str]) -> String {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    match parse(&args, &|_| None, 0, &read_file) {
        Ok(Invocation::Print(text) | Invocation::Help(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn contract_has_every_flag_with_default_and_variable() {
    let commands = [
        (load_command(), &LOAD[..]),
        (origin_command(), &ORIGIN[..]),
        (merge_command(), &MERGE[..]),
        (health_command(), &HEALTH[..]),
        (report_command(), &REPORT[..]),
    ];
    for (command, flags) in commands {
        for arg in command.get_arguments() {
            let name = shown(arg);
            let flag = flags.iter().find(|flag| flag.name == name).expect(&name);
            assert_eq!(variable_of(arg).unwrap_or_default(), flag.variable, "{name}");
            let default = flag.default.replace("VERSION", env!("CARGO_PKG_VERSION"));
            match default_of(arg) {
                Some(found) => assert_eq!(found, default, "{name}"),
                // The default of the address is added with the interpretation of the
                // command line.
                None if name == "<ADDR>" => {}
                None => assert!(default.is_empty() || default.contains(' '), "{name}"),
            }
        }
        for flag in flags.iter().filter(|flag| flag.name != "-metrics-port") {
            assert!(command.get_arguments().any(|arg| shown(arg) == flag.name), "{}", flag.name);
        }
    }
}

#[test]
fn docs_list_exactly_the_flags() {
    let commands = [
        (load_command(), "Flags", &LOAD[..]),
        (origin_command(), "Built-in origin", &ORIGIN),
        (merge_command(), "Merging summaries", &MERGE),
        (health_command(), "Health check", &HEALTH),
        (report_command(), "Report", &REPORT),
    ];
    for (command, heading, flags) in commands {
        let rows = rows(heading);
        let documented: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
        let known: BTreeSet<String> = command.get_arguments().map(signature).collect();
        assert_eq!(documented, known);
        assert_eq!(rows.len(), known.len(), "a flag is documented twice");
        for row in rows {
            let name = row[0].split(' ').next().unwrap();
            let flag = flags.iter().find(|flag| flag.name == name).unwrap();
            assert_eq!((row[1].as_str(), row[2].as_str()), (flag.default, flag.variable), "{name}");
            assert!(!row[3].is_empty(), "{name}");
        }
    }
}

#[test]
fn help_has_every_flag_with_default_and_variable() {
    let commands = [
        (load_command(), help(&["swarm", "-help"])),
        (origin_command(), help(&["swarm", "origin", "-help"])),
        (merge_command(), help(&["swarm", "merge", "-help"])),
        (health_command(), help(&["swarm", "healthcheck", "-help"])),
        (report_command(), help(&["swarm", "report", "-help"])),
    ];
    for (command, help) in commands {
        // A line with a deeper indent continues the entry before it.
        let entries = help.replace("\n   ", " ");
        for arg in command.get_arguments() {
            let head = format!("  {} ", signature(arg));
            let entry = entries.lines().find(|entry| entry.starts_with(&head)).expect(&head);
            if let Some(default) = default_of(arg).filter(|&default| default != "false") {
                assert!(entry.contains(&format!("[default: {default}]")), "{head}: {entry}");
            }
            if let Some(variable) = variable_of(arg) {
                assert!(entry.contains(&format!("[env: {variable}]")), "{head}: {entry}");
            }
        }
    }
}

/// Other arguments that this flag needs to be accepted and to have an effect.
fn company(name: &str) -> Vec<String> {
    let words: &[&str] = match name {
        "--demo" | "-url-from" => &[],
        "-fault" => &["--demo"],
        "-resolve" => &["--dangerous", URL],
        "-header-hosts" => &["-tap", URL],
        "-shard" => &["-seed=9", URL],
        "--dangerous" => &["-resolve=192.0.2.1", URL],
        _ => &[URL],
    };
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn every_flag_accepts_both_dash_styles_with_space_and_equals() {
    let load = LOAD.iter().map(|flag| (flag, company(flag.name)));
    let origin = ORIGIN.iter().map(|flag| (flag, vec!["origin".to_owned()]));
    let report = REPORT.iter().map(|flag| (flag, vec!["report".to_owned(), "a".to_owned()]));
    for (flag, company) in load.chain(origin).chain(report) {
        if flag.sample.is_empty() || flag.name.starts_with('<') {
            continue;
        }
        let name = flag.name.trim_start_matches('-');
        let value = flag.sample;
        let boolean = ["true", "false"].contains(&value);
        let mut ways = vec![vec![format!("-{name}={value}")], vec![format!("--{name}={value}")]];
        if !boolean {
            ways.push(vec![format!("-{name}"), value.to_owned()]);
            ways.push(vec![format!("--{name}"), value.to_owned()]);
        } else if value == "true" {
            ways.push(vec![format!("-{name}")]);
            ways.push(vec![format!("--{name}")]);
        }
        let meanings: Vec<_> = ways
            .iter()
            .map(|way| read(&[company.as_slice(), way].concat(), &[]).expect(flag.name))
            .collect();
        assert!(meanings.windows(2).all(|pair| pair[0] == pair[1]), "{name}: {meanings:#?}");
        assert_ne!(Some(&meanings[0]), read(&company, &[]).ok().as_ref(), "{name} does nothing");
    }
}

#[test]
fn every_variable_equals_its_flag_and_yields_to_it() {
    for flag in LOAD.iter().filter(|flag| !flag.variable.is_empty() && flag.name != "<HLS_URL>") {
        let company = company(flag.name);
        let env = [(flag.variable, flag.sample)];
        let typed = format!("{}={}", flag.name, flag.sample);
        let from_flag = read(&[company.clone(), vec![typed.clone()]].concat(), &[]).unwrap();
        assert_eq!(read(&company, &env).unwrap(), from_flag, "{}", flag.variable);

        let bad = [(flag.variable, "\u{1}")];
        // Those of HEADERS are sent in addition to those of the flag.
        if flag.variable != "HEADERS" {
            assert_eq!(read(&[company.clone(), vec![typed]].concat(), &bad).unwrap(), from_flag);
        }
        if !["FFMPEG", "FFPROBE"].contains(&flag.variable) {
            let error = read(&company, &bad).unwrap_err().to_string();
            assert!(error.contains(flag.variable) && error.lines().count() == 1, "{error}");
        }
    }
    assert_eq!(read(&[], &[("STREAM_URL", URL)]).unwrap(), read(&[URL.to_owned()], &[]).unwrap());
}

#[test]
fn suggests_every_flag_for_a_missing_letter() {
    for flag in LOAD.iter().filter(|flag| flag.name.trim_start_matches('-').len() > 4) {
        let Some(name) = flag.name.strip_prefix('-') else { continue };
        let mut wrong = name.to_owned();
        wrong.remove(name.len() - 2);
        let error = read(&[format!("-{wrong}"), URL.to_owned()], &[]).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("unknown flag -{wrong}; did you mean {}?", flag.name)),
            "{error}"
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "a test of the program as people start it")]
fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ffmpeg-hls-swarm"))
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn reports_bad_usage_on_stderr_with_exit_code_2() {
    let cases: [(&[&str], usize); 9] = [
        (&[], 1),
        (&["ftp://h/a"], 1),
        (&["-clients", "0", URL], 1),
        (&["-clinets", "5", URL], 1),
        (&["-header", "none", URL], 1),
        (&["-resolve", "192.0.2.1", URL], 3),
        (&["origin", "-window", "x"], 1),
        (&["healthcheck", "x"], 1),
        (&["report"], 1),
    ];
    for (args, lines) in cases {
        let out = run(args);
        let stderr = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert_eq!(stderr.lines().count(), lines, "{args:?}: {stderr}");
        assert!(stderr.starts_with("ffmpeg-hls-swarm: ") && out.stdout.is_empty(), "{stderr}");
    }
}

#[test]
fn prints_help_and_version_on_stdout_with_exit_code_0() {
    let origin = &["origin", "-h"];
    let report = &["report", "-h"];
    for args in [&["-help"][..], &["-h"], &["help"], &["-v"], &["version"], origin, report] {
        let out = run(args);
        assert_eq!(out.status.code(), Some(0), "{args:?}");
        assert!(out.stdout.starts_with(b"ffmpeg-hls-swarm 0.") || out.stdout.len() > 500);
        assert!(out.stderr.is_empty());
    }
}
