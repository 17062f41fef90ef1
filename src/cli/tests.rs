//! Whole command lines: their configuration, and their errors.

mod secrets;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::{Config, LogFormat, LogLevel, Mode, OriginConfig, ProbeFailurePolicy};
use crate::ffmpeg::options::{LogDetail, VariantChoice};
use crate::units::address::EVERY;

const URL: &str = "http://h/live.m3u8";
const SEED: u64 = 42;

fn no_file(_: &Path) -> std::io::Result<String> {
    Err(std::io::ErrorKind::NotFound.into())
}

fn invocation(args: &[&str], env: &[(&str, &str)]) -> Result<Invocation, UsageError> {
    let args: Vec<OsString> = std::iter::once(&"swarm").chain(args).map(OsString::from).collect();
    let lookup = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
    parse(&args, &lookup, SEED, &no_file)
}

fn config(args: &[&str], env: &[(&str, &str)]) -> Config {
    match invocation(args, env) {
        Ok(Invocation::Load(config)) => *config,
        other => panic!("{args:?} {env:?} is {other:?}"),
    }
}

fn refusal(args: &[&str], env: &[(&str, &str)]) -> String {
    match invocation(args, env) {
        Err(error) => error.to_string(),
        other => panic!("{args:?} {env:?} is {other:?}"),
    }
}

fn origin(args: &[&str]) -> OriginConfig {
    match invocation(args, &[]) {
        Ok(Invocation::Origin(origin)) => origin,
        other => panic!("{args:?} is {other:?}"),
    }
}

fn printed(args: &[&str]) -> String {
    match invocation(args, &[]) {
        Ok(Invocation::Print(text) | Invocation::Help(text)) => text,
        other => panic!("{args:?} is {other:?}"),
    }
}

#[test]
fn url_alone_selects_the_defaults() {
    let config = config(&[URL], &[]);
    assert_eq!(config.mode, Mode::Load);
    assert_eq!(config.swarm.clients.get(), 10);
    assert_eq!(config.swarm.ramp_rate, 5.0);
    assert_eq!(config.swarm.ramp_jitter, Duration::from_millis(200));
    assert_eq!(config.swarm.duration, None);
    assert_eq!(config.swarm.seed, SEED);
    assert_eq!(config.swarm.max_restarts, None);
    assert_eq!(config.swarm.backoff.initial, Duration::from_millis(250));
    assert_eq!(config.swarm.backoff.max, Duration::from_secs(5));
    assert_eq!(config.swarm.backoff.multiplier, 1.7);
    assert!(!config.swarm.verbose && !config.swarm.dangerous);
    assert_eq!(config.options.url.as_str(), URL);
    assert_eq!(config.options.user_agent, concat!("ffmpeg-hls-swarm/", env!("CARGO_PKG_VERSION")));
    assert_eq!(config.options.timeout, Duration::from_secs(15));
    assert_eq!((config.options.reconnect_delay_secs, config.options.segment_retries), (5, 3));
    assert!(config.options.reconnect && !config.options.no_cache && !config.options.http_multiple);
    assert_eq!(config.options.resolve, None);
    assert_eq!(config.swarm.target_duration, Duration::from_secs(6));
    assert!(config.swarm.stats && !config.swarm.restart_on_stall);
    assert_eq!(config.options.stats, Some(LogDetail::Verbose));
    assert_eq!((config.client_metrics, config.summary_json), (false, None));
    assert_eq!(config.variant, VariantChoice::All);
    assert_eq!(config.probe_failure_policy, ProbeFailurePolicy::Fallback);
    assert_eq!((config.ffmpeg.as_path(), config.ffprobe), (Path::new("ffmpeg"), None));
    assert_eq!(config.search_path, [Path::new("/bin"), Path::new("/usr/bin")]);
    assert_eq!(config.metrics, Some(SocketAddr::from((EVERY, 9090))));
    assert_eq!((config.log.level, config.log.format), (LogLevel::Info, LogFormat::Json));
    assert!(!config.skip_preflight);
    assert_eq!(config.repeat_command, "swarm -seed 42 http://h/live.m3u8");
}

#[test]
fn four_ways_to_write_a_flag_are_equivalent() {
    for args in [&["-clients", "7"][..], &["-clients=7"], &["--clients", "7"], &["--clients=7"]] {
        for url_first in [true, false] {
            let mut args = args.to_vec();
            args.insert(if url_first { 0 } else { args.len() }, URL);
            assert_eq!(config(&args, &[]).swarm.clients.get(), 7, "{args:?}");
        }
    }
}

#[test]
fn booleans_take_a_value_after_an_equals_sign_only() {
    let cases = [("-reconnect", true), ("-reconnect=false", false), ("--reconnect=F", false)];
    for (arg, want) in cases {
        assert_eq!(config(&[arg, URL], &[]).options.reconnect, want, "{arg}");
    }
    assert!(!config(&["-reconnect=0", URL], &[("RECONNECT", "1")]).options.reconnect);
    for args in [["-reconnect", "false", URL], [URL, "-reconnect", "false"]] {
        let error = refusal(&args, &[]);
        assert!(error.starts_with(r#"unexpected argument "false": a boolean takes"#), "{error}");
    }
    assert!(refusal(&["-reconnect", "false"], &[]).contains("not http"));
}

#[test]
fn last_of_a_repeated_flag_wins_and_lists_accumulate() {
    let config = config(
        &[
            "-clients",
            "1",
            "-clients=2",
            "-header",
            "A: b",
            "-header=C: d",
            "-ffmpeg-arg",
            "-vn",
            URL,
        ],
        &[],
    );
    assert_eq!(config.swarm.clients.get(), 2);
    assert_eq!(config.options.headers, ["A: b", "C: d"]);
    assert_eq!(config.options.extra_args, ["-vn"]);
}

#[test]
fn flags_override_variables_and_variables_defaults() {
    let env = [("CLIENTS", "20"), ("RAMP_JITTER", "50"), ("STREAM_URL", "http://env/")];
    let from_env = config(&[], &env);
    assert_eq!(from_env.swarm.clients.get(), 20);
    assert_eq!(from_env.swarm.ramp_jitter, Duration::from_millis(50));
    assert_eq!(from_env.options.url.as_str(), "http://env/");
    let typed = config(&["-clients", "10", "-ramp-jitter", "1s", URL], &env);
    assert_eq!(typed.swarm.clients.get(), 10);
    assert_eq!(typed.swarm.ramp_jitter, Duration::from_secs(1));
    assert_eq!(typed.options.url.as_str(), URL);
}

#[test]
fn overridden_variables_are_not_checked() {
    assert_eq!(config(&["-clients", "3", URL], &[("CLIENTS", "x")]).swarm.clients.get(), 3);
    assert!(matches!(invocation(&["-help"], &[("CLIENTS", "x")]), Ok(Invocation::Help(_))));
}

#[test]
fn bare_numbers_are_for_the_environment_only() {
    assert_eq!(config(&[URL], &[("TIMEOUT", "3")]).options.timeout, Duration::from_secs(3));
    assert!(refusal(&[URL, "-timeout", "3"], &[]).starts_with(r#"-timeout "3": give a duration"#));
    assert!(refusal(&[URL, "-ramp-jitter", "3"], &[]).contains("200ms"));
}

#[test]
fn empty_counts_as_unset_except_for_the_scrape_address() {
    assert_eq!(config(&[URL], &[("CLIENTS", ""), ("DURATION", "")]).swarm.clients.get(), 10);
    assert_eq!(config(&[URL], &[("METRICS_PORT", "")]).metrics, None);
    assert_eq!(config(&[URL, "-metrics="], &[]).metrics, None);
    assert!(refusal(&[], &[("STREAM_URL", "")]).starts_with("no URL"));
}

#[test]
fn modes() {
    let demo = config(&["--demo"], &[("STREAM_URL", "not a url")]);
    assert_eq!((demo.mode, demo.log.format), (Mode::Demo, LogFormat::Text));
    assert_eq!(demo.swarm.duration, Some(Duration::from_secs(30)));
    let demo = config(&["-demo", "-duration", "0", "-log-format", "json"], &[]);
    assert_eq!((demo.swarm.duration, demo.log.format), (None, LogFormat::Json));

    let check = config(&["--check", "-clients", "50", URL], &[("DURATION", "1h")]);
    assert_eq!((check.mode, check.log.format), (Mode::Check, LogFormat::Text));
    assert_eq!(check.swarm.clients.get(), 1);
    assert_eq!(check.swarm.duration, Some(Duration::from_secs(10)));
    for (span, want) in [("3s", 3), ("0", 10)] {
        let check = config(&["--check", "-duration", span, URL], &[("LOG_FORMAT", "json")]);
        assert_eq!(check.swarm.duration, Some(Duration::from_secs(want)));
        assert_eq!(check.log.format, LogFormat::Json);
    }

    let print = config(&["--print-cmd"], &[]);
    assert_eq!(print.mode, Mode::PrintCommand);
    assert_eq!(print.options.url.as_str(), "https://example.com/live/stream.m3u8");
    assert_eq!(config(&["--print-cmd", URL], &[]).options.url.as_str(), URL);
}

#[test]
fn accepts_every_spelling_of_help_and_version() {
    let version = concat!("ffmpeg-hls-swarm ", env!("CARGO_PKG_VERSION"), "\n");
    let cases: [&[&str]; 6] = [
        &["-v"],
        &["version"],
        &["-version"],
        &["--version"],
        &["-version", URL],
        &["origin", "-version"],
    ];
    for args in cases {
        assert_eq!(printed(args), version, "{args:?}");
    }
    for args in [&["-h"][..], &["-help"], &["--help"], &["help"], &["--h"], &[URL, "-h"]] {
        assert!(printed(args).contains("-ramp-rate RATE"), "{args:?}");
    }
    for args in [&["origin", "-h"][..], &["origin", "--help"], &["help", "origin"]] {
        assert!(printed(args).contains("-segment-duration SPAN"), "{args:?}");
    }
    assert!(config(&["-v", URL], &[]).swarm.verbose);
    assert!(config(&["-vv", URL], &[]).swarm.verbose);
    assert!(!config(&["-v=false", URL], &[]).swarm.verbose);
}

#[test]
fn the_origin() {
    let plain = origin(&["origin"]);
    assert_eq!(plain.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(plain.settings.variant_bitrates, [200_000, 600_000, 1_500_000]);
    assert_eq!(plain.settings.segment_duration, Duration::from_secs(2));
    assert_eq!(plain.settings.window, 6);
    let args = [
        "origin",
        "-listen=0",
        "--variants",
        "1M",
        "-segment-duration",
        "4s",
        "-window",
        "3",
        "-log-level",
        "debug",
    ];
    let other = origin(&args);
    assert_eq!(other.listen.port(), 0);
    assert_eq!(other.settings.variant_bitrates, [1_000_000]);
    assert_eq!((other.settings.window, other.log.level), (3, LogLevel::Debug));
}

#[test]
fn errors_are_one_line_with_the_remedy() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "no URL; give one as in"),
        (&["ftp://h/a"], r#"URL "ftp://h/a" is not http or https; give one such as"#),
        (&["http://"], r#"URL "http://" has no host; give"#),
        (&["--", "-x"], r#"URL "-x" starts with a dash; give"#),
        (&["-clients", "0", URL], r#"-clients "0": give a whole number from 1 to 1000000"#),
        (&["--clients=abc", URL], r#"-clients "abc": give a whole number"#),
        (&["-ramp-rate", "0.5", URL], r#"-ramp-rate "0.5": give a number from 1 to"#),
        (&["-ramp-rate", "NaN", URL], r#"-ramp-rate "NaN": give"#),
        (&["-resolve", "host", "--dangerous", URL], r#"-resolve "host": give an IP address"#),
        (&["-header", "no colon", URL], "-header value: give 'Name: value'"),
        (&["-header", "A: b\r\nC: d", URL], "-header value: must not contain CR, LF or NUL"),
        (&["-user-agent", "a\nb", URL], r#"-user-agent "a\nb": must not contain CR, LF or NUL"#),
        (&["-variant", "best", URL], r#"-variant "best": give one of all, highest, lowest, first"#),
        (&["-probe-failure-policy", "x", URL], "give one of fallback, fail"),
        (&["-log-level", "loud", URL], "give one of debug, info, warn, warning, error"),
        (&["-log-format", "xml", URL], "give one of json, text"),
        (&["-duration", "-5s", URL], r#"-duration "-5s": must not be negative; give"#),
        (&["-ramp-jitter", "1d", URL], r#"-ramp-jitter "1d": give a duration"#),
        (&["-reconnect=maybe", URL], r#"-reconnect "maybe": give true or false"#),
        (&["-metrics", "nowhere", URL], r#"-metrics "nowhere": give a port or addr:port"#),
        (&["-ffmpeg", "", URL], r#"-ffmpeg "": give the path of a program"#),
        (&["-backoff-initial", "6s", URL], "is longer than -backoff-max 5s; raise -backoff-max"),
        (&["-backoff-initial", "0", URL], r#"-backoff-initial "0": give 1ms or more"#),
        (&["-target-duration", "0", URL], r#"-target-duration "0": give 500ms or more"#),
        (&["-ffmpeg-memory-max", "1M", URL], r#""1M": give a size of 8M or more with K, M, G"#),
        (&["-stats-loglevel", "quiet", URL], "give one of info, verbose, debug"),
        (
            &["-restart-on-stall", "-stats=0", URL],
            "-restart-on-stall needs FFmpeg's progress; remove -stats=false",
        ),
        (&[URL, "-clients"], "-clients needs a value; see -help"),
        (&[URL, "extra"], r#"unexpected argument "extra": give one URL"#),
        (&["--demo", URL], "--demo loads the built-in origin; remove the URL"),
        (&["--demo", "--check"], "--demo and --check cannot be combined; give one"),
        (&["healthcheck", "0"], r#"address "0": port 0 is a different port in each run"#),
        (&["healthcheck", "host:1"], r#"address "host:1": give a port or addr:port"#),
        (&["healthcheck", "9090", "9091"], r#"unexpected argument "9091": give one address"#),
        (&["healthcheck", "-clients", "1"], "unknown flag -clients; "),
        (&["origin", "x"], r#"unexpected argument "x": origin takes flags only"#),
        (&["origin", "-window", "1"], "a window of 1 segments: give 3 to 100"),
        (&["origin", "-abr", "101"], "101 variants: give 1 to 100"),
        (&["origin", "-abr", "3", "-variants", "1M"], "remove one of them"),
        (&["origin", "-variants", "1M,1"], "a variant of 1 bit/s: give a bit rate of 150000 to "),
        (&["origin", "-clients", "1"], "unknown flag -clients; "),
    ];
    for (args, want) in cases {
        let error = refusal(args, &[]);
        assert!(error.contains(want), "{args:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn errors_name_the_variable() {
    let cases = [
        ("CLIENTS", "0", r#"CLIENTS in the environment, "0": give a whole number"#),
        ("RAMP_JITTER", "-5", r#"RAMP_JITTER in the environment, "-5ms": must not be negative"#),
        ("METRICS_PORT", "x", r#"METRICS_PORT in the environment, "x": give a port"#),
        ("NO_CACHE", "yes", r#"NO_CACHE in the environment, "yes": give true or false"#),
        ("STREAM_URL", "ftp://h", r#"STREAM_URL in the environment: URL "ftp://h" is not http"#),
    ];
    for (name, value, want) in cases {
        let args: &[&str] = if name == "STREAM_URL" { &[] } else { &[URL] };
        let error = refusal(args, &[(name, value)]);
        assert!(error.contains(want) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn suggests_the_nearest_flag() {
    let cases = [
        ("-clinets=5", "unknown flag -clinets; did you mean -clients?"),
        ("--clinets", "unknown flag --clinets; did you mean -clients?"),
        ("-ramp_rate", "unknown flag -ramp_rate; did you mean -ramp-rate?"),
        ("-dangerus", "unknown flag -dangerus; did you mean --dangerous?"),
        ("--metrics-prot", "unknown flag --metrics-prot; did you mean -metrics"),
        ("-Clients", "unknown flag -Clients; did you mean -clients?"),
        ("-zzz", "unknown flag -zzz; see -help"),
        ("---v", "unknown flag ---v; "),
        ("-=", "unknown flag without a name; see -help"),
    ];
    for (arg, want) in cases {
        let error = refusal(&[URL, arg], &[]);
        assert!(error.starts_with(want), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn dashboard_is_on_off_or_left_to_the_terminal() {
    let xterm = ("TERM", "xterm");
    for (args, env, asked) in [
        (&[URL][..], &[xterm][..], None),
        (&["-tui", URL], &[xterm], Some(true)),
        (&["-tui=false", URL], &[xterm, ("TUI", "true")], Some(false)),
        (&[URL], &[xterm, ("TUI", "0")], Some(false)),
        (&["--demo"], &[xterm, ("TUI", "1")], Some(true)),
    ] {
        let config = config(args, env);
        assert_eq!(config.dashboard.asked, asked, "{args:?} {env:?}");
        assert!(config.dashboard.capable && config.dashboard.colours);
        assert_eq!(config.repeat_command.contains("-tui=false"), asked == Some(false));
        assert!(!config.repeat_command.contains("-tui "));
    }
    for (variable, value, capable, colours) in [
        ("TERM", "dumb", false, true),
        ("NO_COLOR", "1", false, false),
        ("NO_COLOR", "", false, true),
        ("TERM", "tmux-256color", true, true),
    ] {
        let found = config(&[URL], &[(variable, value)]).dashboard;
        assert_eq!((found.capable, found.colours), (capable, colours), "{variable}={value}");
    }
}

#[test]
fn health_check_uses_the_scrape_address() {
    let asked = |args: &[&str], env: &[(&str, &str)]| {
        let args = [&["healthcheck"], args].concat();
        match invocation(&args, env) {
            Ok(Invocation::HealthCheck(address)) => address.map(|address| address.to_string()),
            other => panic!("{args:?} is {other:?}"),
        }
    };
    let env = [("METRICS_PORT", "9100"), ("CLIENTS", "x"), ("STREAM_URL", "x")];
    assert_eq!(asked(&[], &[]).as_deref(), Some("[::]:9090"));
    assert_eq!(asked(&[], &env).as_deref(), Some("[::]:9100"));
    assert_eq!(asked(&["[::1]:1"], &env).as_deref(), Some("[::1]:1"));
    assert_eq!(asked(&[], &[("METRICS_PORT", "")]), None);
    assert_eq!(asked(&["9101"], &[("METRICS_PORT", "")]).as_deref(), Some("[::]:9101"));
    let error = refusal(&["healthcheck"], &[("METRICS_PORT", "0")]);
    assert!(error.starts_with(r#"METRICS_PORT in the environment, "0": port 0"#), "{error}");
    assert!(printed(&["healthcheck", "-h"]).contains("Usage: ffmpeg-hls-swarm healthcheck"));
}

#[test]
fn selects_what_is_read_of_ffmpeg() {
    let off = config(&["-stats=false", "-stats-loglevel", "debug", URL], &[]);
    assert_eq!((off.swarm.stats, off.options.stats), (false, None));
    let deep = config(&["-stats-loglevel", "debug", URL], &[]);
    assert_eq!((deep.swarm.stats, deep.options.stats), (true, Some(LogDetail::Debug)));
    let check = config(&["--check", "-stats=false", URL], &[]);
    assert_eq!((check.swarm.stats, check.options.stats), (true, Some(LogDetail::Verbose)));
}

#[test]
fn summary_needs_a_file_name() {
    let named = config(&["-summary-json", "out/run.json", "-report", "run.html", URL], &[]);
    assert_eq!(named.report.as_deref(), Some(Path::new("run.html")));
    assert_eq!(named.summary_json.as_deref(), Some(Path::new("out/run.json")));
    assert_eq!(config(&["-summary-json", "", URL], &[]).summary_json, None);
}

#[test]
fn resolve_needs_dangerous_and_explains_it() {
    for env in [&[("RESOLVE_IP", "192.0.2.1")][..], &[]] {
        let args: &[&str] = if env.is_empty() { &["-resolve=192.0.2.1", URL] } else { &[URL] };
        let error = refusal(args, env);
        assert!(error.starts_with("-resolve needs --dangerous: "), "{error}");
        assert!(error.contains("TLS") && error.contains("192.0.2.1") && error.lines().count() <= 4);
    }
    let config = config(&["-resolve", "2001:db8::1", "--dangerous", URL], &[]);
    assert!(config.swarm.dangerous);
    assert!(config.options.resolve.is_some_and(|ip| ip.is_ipv6()));
}

#[test]
fn command_to_repeat_a_run() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
    let cases: &[Case<'_>] = &[
        (&["-clients=10", "-v", URL], &[], "swarm -seed 42 -v http://h/live.m3u8"),
        (&["-seed", "7", URL], &[], "swarm -seed 7 http://h/live.m3u8"),
        (
            &["-reconnect=f", "-no-cache=0", URL],
            &[],
            "swarm -seed 42 '-reconnect=false' http://h/live.m3u8",
        ),
        (
            &[],
            &[("CLIENTS", "5"), ("STREAM_URL", URL)],
            "swarm -clients 5 -seed 42 http://h/live.m3u8",
        ),
        (&["--demo"], &[("STREAM_URL", URL)], "swarm -seed 42 --demo"),
        (
            &["-header", "Authorization: Bearer x", "-ffmpeg-arg", "-vn", "http://u:p@h/a?token=b"],
            &[],
            "swarm -seed 42 -header 'Authorization: ***' -ffmpeg-arg -vn 'http://***@h/a?token=***'",
        ),
        (
            &["-ffmpeg-arg", "-cookies", "-ffmpeg-arg", "sid=x", "-metrics", "", URL],
            &[],
            "swarm -seed 42 -ffmpeg-arg -cookies -ffmpeg-arg '***' -metrics '' http://h/live.m3u8",
        ),
    ];
    for (args, env, want) in cases {
        assert_eq!(config(args, env).repeat_command, *want);
    }
}

#[test]
fn repeated_run_has_the_same_configuration() {
    let args =
        ["-clients", "3", "-duration=1h30m", "-user-agent", "it's", "-reconnect=0", "-v", URL];
    let first = config(&args, &[("TIMEOUT", "3")]);
    let words = shell_words::split(&first.repeat_command).unwrap();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let second = config(&words, &[]);
    assert_eq!(first.swarm, second.swarm);
    assert_eq!(first.options, second.options);
    assert_eq!(first.repeat_command, second.repeat_command);
}

#[test]
fn errors_show_no_credential() {
    let cases: [&[&str]; 5] = [
        &["-header", "Bearer secret", URL],
        &["-header", "Cookie secret", URL],
        &["ftp://u:secret@h/"],
        &[URL, "http://u:secret@h/"],
        &["-http://u:secret@h/"],
    ];
    for args in cases {
        let error = refusal(args, &[]);
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn rejects_arguments_that_are_not_utf_8() {
    use std::os::unix::ffi::OsStringExt;
    let bad = OsString::from_vec(vec![0xff, b'a']);
    let error = parse(&["swarm".into(), bad.clone()], &|_| None, SEED, &no_file).unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
    let lookup = |name: &str| (name == "FFMPEG").then(|| bad.clone());
    let error = parse(&["swarm".into(), URL.into()], &lookup, SEED, &no_file).unwrap_err();
    assert!(error.to_string().starts_with("FFMPEG in the environment"), "{error}");
}

#[test]
fn searches_programs_in_path() {
    let config = config(&[URL], &[("PATH", "/a:/b")]);
    assert_eq!(config.search_path, [Path::new("/a"), Path::new("/b")]);
}

proptest! {
    #[test]
    fn any_command_line_is_accepted_or_rejected_briefly(
        args in prop::collection::vec(
            prop_oneof![
                any::<String>(),
                "-{0,3}(clients|v|reconnect|header|demo|check|duration|h)?=?[a-z0-9:.-]{0,6}",
            ],
            0..6,
        ),
    ) {
        let args: Vec<OsString> =
            std::iter::once("swarm".into()).chain(args.into_iter().map(OsString::from)).collect();
        if let Err(error) = parse(&args, &|_| None, SEED, &no_file) {
            let lines = error.to_string().lines().count();
            prop_assert!((1..=4).contains(&lines), "{error}");
        }
    }
}

#[test]
fn shards_need_a_common_seed_and_clients() {
    let pod = [("JOB_COMPLETION_INDEX", "1"), ("SHARDS", "3"), ("SEED", "9"), ("CLIENTS", "8")];
    let config = config(&[URL], &pod);
    assert_eq!((config.swarm.share(), config.swarm.shard.to_string().as_str()), (3, "1/3"));
    let command = config.repeat_command;
    assert!(command.contains(" -shard 1/3 ") && command.contains(" -seed 9 "), "{command}");
    let needs_seed = refusal(&["-shard", "0/4", URL], &[]);
    assert!(needs_seed.contains("-shard 0/4 needs the seed that all shards share: give each"));
    assert!(refusal(&[URL], &pod[..2]).contains("needs the seed"));
    let none = refusal(&["-shard", "2/4", "-seed", "1", "-clients", "2", URL], &[]);
    assert!(none.starts_with("-shard 2/4 has none of 2 clients: give -clients 4"), "{none}");
    let wrong = refusal(&[URL], &[("JOB_COMPLETION_INDEX", "4"), ("SHARDS", "3"), ("SEED", "9")]);
    let message =
        "JOB_COMPLETION_INDEX and SHARDS in the environment, \"4/3\": shards count from 0";
    assert!(wrong.starts_with(message), "{wrong}");
    assert!(refusal(&[URL], &[("SHARDS", "3"), ("SEED", "9")]).contains("JOB_COMPLETION_INDEX"));
}

#[test]
fn single_shard_needs_no_seed_and_a_check_is_not_divided() {
    assert!(config(&["-shard", "0/1", URL], &[]).swarm.shard.is_whole());
    let check =
        config(&["--check", "-shard", "3/4", "-start-at", "2026-01-31T18:00:00Z", URL], &[]);
    assert!(check.swarm.shard.is_whole() && check.start_at.is_none());
    assert_eq!(config(&["--print-cmd", "-shard", "3/4", URL], &[]).swarm.shard.index(), 3);
}

#[test]
fn start_is_a_time_with_an_offset() {
    let at = |text: &str| config(&[URL, "-start-at", text], &[]).start_at.unwrap();
    let noon = at("2026-01-31T12:00:00Z");
    assert_eq!(noon.as_unix_nanos(), 1_769_860_800_000_000_000);
    assert_eq!(at("2026-01-31T13:00:00+01:00"), noon);
    assert_eq!(at("2026-01-31T12:00:00.25Z").as_unix_nanos() - noon.as_unix_nanos(), 250_000_000);
    for text in ["", "now", "2026-01-31", "2026-01-31T12:00:00", "1969-12-31T00:00:00Z", "12:00"] {
        let error = refusal(&[URL, "-start-at", text], &[]);
        assert!(error.contains("such as 2026-01-31T18:00:00Z"), "{text}: {error}");
    }
    let repeat = config(&[URL, "-start-at", "2026-01-31T12:00:00Z"], &[]).repeat_command;
    assert!(!repeat.contains("start-at"), "{repeat}");
}

#[test]
fn suggests_the_nearest_word() {
    let cases: [(&[&str], &str); 10] = [
        (&["orign", "-window", "3"], "unknown command \"orign\"; did you mean origin?"),
        (&["completion"], "did you mean completions?"),
        (&["completions", "zhs"], "shell \"zhs\": did you mean zsh? Give one of bash, zsh, fish"),
        (&["completions", "tcsh"], "\"tcsh\": give one of bash"),
        (&["completions", "powershell"], "give one of bash, zsh, fish"),
        (&["completions"], "give one of bash, zsh, fish"),
        (&["man", "origin"], "man takes no argument"),
        (&["stream", URL], "unexpected argument"),
        (&["-variant", "lowst", URL], "-variant \"lowst\": did you mean lowest? Give one of all,"),
        (&["-log-format", "JSON", URL], "did you mean json?"),
    ];
    for (args, said) in cases {
        let refusal = refusal(args, &[]);
        assert!(refusal.contains(said), "{args:?}: {refusal}");
    }
    let refusal = refusal(&[URL], &[("LOG_LEVEL", "wran")]);
    assert!(refusal.starts_with("LOG_LEVEL in the environment, \"wran\": did you mean warn?"));
}

#[test]
fn exporters_are_named_by_url_or_by_host() {
    let asked = |args: &[&str]| {
        let asked = config(&[args, &[URL]].concat(), &[]).origin_metrics;
        [asked.host, asked.nginx].map(|url| url.map(String::from))
    };
    let (node, nginx) = ("http://o:9100/metrics", "http://o:9113/metrics");
    assert_eq!(asked(&[]), [None, None]);
    assert_eq!(asked(&["-origin-metrics", "http://o:9100"]), [Some(node.into()), None]);
    let both = asked(&["-origin-metrics-host", "o"]);
    assert_eq!(both, [node, nginx].map(|url| Some(url.into())));
    let mixed = asked(&["-origin-metrics-host", "::1", "-nginx-metrics", "http://o/status"]);
    let want = ["http://[::1]:9100/metrics", "http://o/status"].map(|url| Some(url.into()));
    assert_eq!(mixed, want);
    let error = refusal(&["-origin-metrics-interval", "1m", URL], &[]);
    assert!(error.contains("raise -origin-metrics-window"), "{error}");
    let error = refusal(&["-origin-metrics", "https://o/metrics", URL], &[]);
    assert!(
        error.contains("-origin-metrics") && error.contains("https is not supported"),
        "{error}"
    );
}
