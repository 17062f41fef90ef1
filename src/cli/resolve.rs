//! From typed values to a configuration: modes, and rules across several flags.

use std::ffi::OsString;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::environment::{Lookup, STREAM_URL};
use super::error::quoted;
use super::flags::{
    Exporters, LoadFlags, Log, Modes, Network, OriginFlags, Restarts, SCRAPE_DEFAULT,
};
use super::secrets::{self, ReadFile};
use super::{Outside, Typed, UsageError, playlist_url, repeat, values};
use crate::config::{
    CHECK_DURATION, Config, DEFAULT_SEARCH_PATH, DEMO_DURATION, DashboardConfig, Invocation,
    LogConfig, LogFormat, Mode, OriginConfig, OriginMetricsConfig, PLACEHOLDER_URL, TlsConfig,
};
use crate::ffmpeg::masked::secret_values;
use crate::ffmpeg::options::{LogDetail, Options};
use crate::http::redact::Masking;
use crate::origin;
use crate::origin::faults::{Faults, Recipe};
use crate::origin::settings::{VARIANTS, ladder};
use crate::swarm::{Backoff, Settings, TARGET_DURATION_DEFAULT};
use crate::tap::HeaderHosts;
use crate::units::shard::Shard;

/// The configuration of a load run.
pub(super) fn load(
    typed: &Typed,
    flags: LoadFlags,
    outside: Outside<'_>,
    random_seed: u64,
) -> Result<Invocation, UsageError> {
    let mode = mode(&flags.modes)?;
    let Outside { env, read_file } = outside;
    let url = url(typed, mode, flags.stream.url_from.as_deref(), read_file)?;
    let headers = secrets::headers(flags.network.header.clone(), env, read_file)?;
    let masking = Masking::showing(flags.metrics.show_query.0.clone())
        .with_headers(&headers)
        .with_values(secret_values(&flags.ffmpeg.ffmpeg_arg));
    // The tap verifies TLS against the name, whatever the address.
    let allowed = flags.modes.dangerous || flags.network.tap;
    if let (Some(ip), false) = (flags.network.resolve, allowed) {
        return Err(needs_dangerous(ip));
    }
    let stats = stats(&flags, mode)?;
    let shard = shard(&flags, mode)?;
    check_files(&flags)?;
    let seed = flags.load.seed.unwrap_or(random_seed);
    let swarm = swarm(typed, &flags, mode, shard, seed, stats, &url)?;
    let header_hosts = header_hosts(&flags.network)?;
    Ok(Invocation::Load(Box::new(Config {
        mode,
        swarm,
        target_duration_given: flags.stream.target_duration.is_some(),
        options: flags.network.into_options(Options {
            headers,
            extra_args: flags.ffmpeg.ffmpeg_arg,
            stats,
            ..Options::new(url)
        }),
        header_hosts,
        start_at: flags.load.start_at.filter(|_| mode != Mode::Check),
        variant: flags.stream.variant,
        probe_failure_policy: flags.stream.probe_failure_policy,
        ffmpeg: flags.ffmpeg.ffmpeg,
        ffprobe: flags.ffmpeg.ffprobe,
        search_path: search_path(env("PATH")),
        metrics: flags.metrics.metrics.0,
        demo_faults: demo_faults(flags.modes.fault, mode)?,
        client_metrics: flags.metrics.prom_client_metrics,
        origin_metrics: origin_metrics(flags.exporters)?,
        summary_json: Some(flags.metrics.summary_json).filter(|file| file != Path::new("")),
        report: Some(flags.metrics.report).filter(|file| file != Path::new("")),
        dashboard: dashboard(typed, flags.metrics.tui, env),
        log: log(&flags.log, for_people(typed, mode)),
        skip_preflight: flags.modes.skip_preflight,
        repeat_command: repeat::command(typed, seed, &masking),
        masking,
    })))
}

/// The settings of the swarm.
fn swarm(
    typed: &Typed,
    flags: &LoadFlags,
    mode: Mode,
    shard: Shard,
    seed: u64,
    stats: Option<LogDetail>,
    url: &Url,
) -> Result<Settings, UsageError> {
    Ok(Settings {
        clients: if mode == Mode::Check { NonZeroU32::MIN } else { flags.load.clients },
        shard,
        ramp_rate: flags.load.ramp_rate,
        ramp_jitter: flags.load.ramp_jitter,
        duration: run_time(typed, mode, flags.load.duration),
        seed,
        max_restarts: NonZeroU64::new(flags.restarts.max_restarts),
        backoff: backoff(&flags.restarts)?,
        verbose: flags.metrics.verbose,
        dangerous: flags.network.resolve.is_some() && !flags.network.tap,
        target_duration: flags.stream.target_duration.unwrap_or(TARGET_DURATION_DEFAULT),
        restart_on_stall: flags.restarts.restart_on_stall,
        ffmpeg_memory_max: NonZeroU64::new(flags.ffmpeg.ffmpeg_memory_max),
        stats: stats.is_some(),
        tap: flags.network.tap,
        network_timeout: flags.network.timeout,
        asks_ahead: flags.network.http_multiple,
        looks_up_name: !flags.network.tap && looks_up_name(url, flags.network.resolve, stats),
    })
}

/// The hosts that get credentials; without the tap FFmpeg sends them to every host.
fn header_hosts(network: &Network) -> Result<HeaderHosts, UsageError> {
    match &network.header_hosts {
        Some(_) if !network.tap => Err(UsageError::new(
            "-header-hosts needs -tap: without it FFmpeg sends every header to every host; \
             add -tap",
        )),
        Some(hosts) => Ok(hosts.clone()),
        None => Ok(HeaderHosts::Named(Vec::new())),
    }
}

/// Rejects a report that would overwrite the summary.
fn check_files(flags: &LoadFlags) -> Result<(), UsageError> {
    if flags.metrics.report == flags.metrics.summary_json && flags.metrics.report != Path::new("") {
        return Err(UsageError::new(
            "-report and -summary-json name the same file, so the report would overwrite the \
             summary; name two files",
        ));
    }
    Ok(())
}

/// The configuration of the built-in origin.
pub(super) fn origin(
    typed: &Typed,
    flags: OriginFlags,
    random_seed: u64,
) -> Result<Invocation, UsageError> {
    let variant_bitrates = match flags.serve.abr {
        0 => flags.serve.variants.0,
        _ if typed.typed("variants") => {
            return Err(UsageError::new(
                "-abr and -variants cannot be combined; remove one of them".to_owned(),
            ));
        }
        count if !VARIANTS.contains(&count) => {
            return Err(UsageError::new(origin::SettingsError::Variants(count).to_string()));
        }
        count => ladder(count),
    };
    let settings = origin::StreamSettings {
        variant_bitrates,
        segment_duration: flags.serve.segment_duration,
        window: flags.serve.window,
    };
    settings.check().map_err(|error| UsageError::new(error.to_string()))?;
    let ca_file = Some(flags.serve.tls_ca).filter(|file| file != Path::new(""));
    let tls = (flags.serve.tls || ca_file.is_some()).then_some(TlsConfig { ca_file });
    check_faults(&flags.faults.fault)?;
    Ok(Invocation::Origin(OriginConfig {
        listen: flags.serve.listen,
        settings,
        tls,
        faults: flags.faults.fault,
        seed: flags.faults.seed.unwrap_or(random_seed),
        access_log: Some(flags.faults.access_log).filter(|file| file != Path::new("")),
        log: log(&flags.log, false),
    }))
}

/// The address for a health check: the one given, or the swarm's default.
pub(super) fn health_check(typed: &Typed) -> Result<Invocation, UsageError> {
    let text = typed.url.as_deref().unwrap_or(SCRAPE_DEFAULT);
    let refused = |remedy: String| {
        let whose = if typed.url_typed { "address" } else { "METRICS_PORT in the environment," };
        UsageError::new(format!("{whose} {}: {remedy}", quoted(text)))
    };
    match values::scrape_address(text).map_err(refused)?.0 {
        Some(address) if address.port() == 0 => Err(refused(
            "port 0 is a different port in each run; give the port of the run to check".into(),
        )),
        address => Ok(Invocation::HealthCheck(address)),
    }
}

/// Default ports of the two exporters
/// (<https://github.com/prometheus/prometheus/wiki/Default-port-allocations>).
const NODE_EXPORTER_PORT: u16 = 9100;
const NGINX_EXPORTER_PORT: u16 = 9113;

/// The exporters of the origin. A URL takes precedence over the common host.
fn origin_metrics(flags: Exporters) -> Result<OriginMetricsConfig, UsageError> {
    let (every, window) = (flags.origin_metrics_interval, flags.origin_metrics_window);
    if every > window {
        return Err(UsageError::new(format!(
            "-origin-metrics-interval {every:?} is longer than -origin-metrics-window {window:?}; \
             raise -origin-metrics-window"
        )));
    }
    let at = |port: u16| {
        let host = flags.origin_metrics_host.as_deref()?;
        Url::parse(&format!("http://{host}:{port}/metrics")).ok()
    };
    let host = flags.origin_metrics.or_else(|| at(NODE_EXPORTER_PORT));
    let nginx = flags.nginx_metrics.or_else(|| at(NGINX_EXPORTER_PORT));
    Ok(OriginMetricsConfig { host, nginx, every, window })
}

/// Rejects recipes that cannot be combined.
fn check_faults(recipes: &[Recipe]) -> Result<(), UsageError> {
    let checked = Faults::new(recipes.to_vec(), 0);
    checked.map(drop).map_err(|why| UsageError::new(format!("-fault: {why}")))
}

/// The faults of the demo's origin; other origins cannot have any.
fn demo_faults(recipes: Vec<Recipe>, mode: Mode) -> Result<Vec<Recipe>, UsageError> {
    if !recipes.is_empty() && mode != Mode::Demo {
        return Err(UsageError::new(
            "-fault needs an origin that injects it: add --demo, or give it to \
             ffmpeg-hls-swarm origin and load that",
        ));
    }
    check_faults(&recipes)?;
    Ok(recipes)
}

/// The mode.
fn mode(modes: &Modes) -> Result<Mode, UsageError> {
    let asked = [
        (modes.demo, "--demo", Mode::Demo),
        (modes.check, "--check", Mode::Check),
        (modes.print_cmd, "--print-cmd", Mode::PrintCommand),
    ];
    let mut asked = asked.into_iter().filter(|&(asked, ..)| asked);
    match (asked.next(), asked.next()) {
        (Some((_, first, _)), Some((_, second, _))) => {
            Err(UsageError::new(format!("{first} and {second} cannot be combined; give one")))
        }
        (Some((.., mode)), None) => Ok(mode),
        _ => Ok(Mode::Load),
    }
}

/// The playlist, or a placeholder if the mode needs none.
fn url(
    typed: &Typed,
    mode: Mode,
    file: Option<&Path>,
    read_file: ReadFile<'_>,
) -> Result<Url, UsageError> {
    let placeholder = || playlist_url::parse(PLACEHOLDER_URL);
    match (mode, &typed.url) {
        (_, Some(_)) if typed.url_typed && file.is_some() => {
            Err(UsageError::new("a URL and -url-from cannot be combined; give one of them"))
        }
        (Mode::Demo, _) if file.is_some() => {
            Err(UsageError::new("--demo loads the built-in origin; remove -url-from or --demo"))
        }
        (_, _) if let Some(file) = file => {
            let error = |error| UsageError::new(format!("-url-from {}: {error}", file.display()));
            playlist_url::parse(&secrets::url(file, read_file)?).map_err(error)
        }
        (Mode::Demo, Some(_)) if typed.url_typed => {
            Err(UsageError::new("--demo loads the built-in origin; remove the URL or --demo"))
        }
        (Mode::Demo, _) | (Mode::PrintCommand, None) => placeholder(),
        (_, Some(text)) => playlist_url::parse(text).map_err(|error| match typed.url_typed {
            true => error,
            false => UsageError::new(format!("{STREAM_URL} in the environment: {error}")),
        }),
        (_, None) => Err(UsageError::new(
            "no URL; give one as in ffmpeg-hls-swarm https://example.com/live.m3u8, or try --demo",
        )),
    }
}

/// The share of the clients. A check runs its one client without shards.
fn shard(flags: &LoadFlags, mode: Mode) -> Result<Shard, UsageError> {
    let (shard, clients) = (flags.load.shard, flags.load.clients.get());
    match mode {
        Mode::Check => return Ok(Shard::WHOLE),
        Mode::PrintCommand => {}
        Mode::Load | Mode::Demo if !shard.is_whole() && flags.load.seed.is_none() => {
            return Err(UsageError::new(format!(
                "-shard {shard} needs the seed that all shards share: give each of them the same \
                 -seed, or SEED in the environment"
            )));
        }
        Mode::Load | Mode::Demo => {}
    }
    if shard.share(clients) == 0 {
        return Err(UsageError::new(format!(
            "-shard {shard} has none of {clients} clients: give -clients {} or more, the number \
             of the whole run, or make fewer shards",
            shard.count()
        )));
    }
    Ok(shard)
}

/// The duration of the run. A check always ends.
fn run_time(typed: &Typed, mode: Mode, duration: Duration) -> Option<Duration> {
    let asked = (!duration.is_zero()).then_some(duration);
    match mode {
        Mode::Demo if !typed.given("duration") => Some(DEMO_DURATION),
        Mode::Check => asked.filter(|_| typed.typed("duration")).or(Some(CHECK_DURATION)),
        _ => asked,
    }
}

fn backoff(flags: &Restarts) -> Result<Backoff, UsageError> {
    if flags.backoff_initial > flags.backoff_max {
        return Err(UsageError::new(format!(
            "-backoff-initial {:?} is longer than -backoff-max {:?}; raise -backoff-max",
            flags.backoff_initial, flags.backoff_max
        )));
    }
    Ok(Backoff {
        initial: flags.backoff_initial,
        max: flags.backoff_max,
        multiplier: flags.backoff_multiplier,
    })
}

/// FFmpeg's log level. A check is judged by FFmpeg's progress, so it always reads it.
fn stats(flags: &LoadFlags, mode: Mode) -> Result<Option<LogDetail>, UsageError> {
    let read = flags.metrics.stats || mode == Mode::Check;
    if flags.restarts.restart_on_stall && !read {
        return Err(UsageError::new(
            "-restart-on-stall needs FFmpeg's progress; remove -stats=false",
        ));
    }
    Ok(read.then_some(flags.metrics.stats_loglevel))
}

/// Whether FFmpeg resolves a host name and would log its connects after that.
fn looks_up_name(url: &Url, resolve: Option<IpAddr>, stats: Option<LogDetail>) -> bool {
    let named = matches!(url.host(), Some(url::Host::Domain(_)));
    let seen = matches!(stats, Some(LogDetail::Verbose | LogDetail::Debug));
    named && resolve.is_none() && seen
}

/// The dashboard setting, and what the environment says about the terminal: `NO_COLOR`
/// by <https://no-color.org>, `TERM` by term(7).
fn dashboard(typed: &Typed, on: bool, env: Lookup<'_>) -> DashboardConfig {
    let term = env("TERM").unwrap_or_default();
    DashboardConfig {
        asked: typed.given("tui").then_some(on),
        capable: !term.is_empty() && term != "dumb",
        colours: env("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Whether people read the log, and no format was given.
fn for_people(typed: &Typed, mode: Mode) -> bool {
    matches!(mode, Mode::Demo | Mode::Check) && !typed.given("log-format")
}

fn log(flags: &Log, for_people: bool) -> LogConfig {
    let format = if for_people { LogFormat::Text } else { flags.log_format };
    LogConfig { level: flags.log_level, format }
}

/// The directories to search for programs.
fn search_path(path: Option<OsString>) -> Vec<PathBuf> {
    std::env::split_paths(&path.unwrap_or_else(|| DEFAULT_SEARCH_PATH.into())).collect()
}

fn needs_dangerous(ip: IpAddr) -> UsageError {
    UsageError::new(format!(
        "-resolve needs --dangerous: every client then connects to {ip}, whatever host\n\
         the URL names, so TLS certificates cannot be verified, and the server there\n\
         receives your headers and cookies. If you trust it, add --dangerous."
    ))
}
