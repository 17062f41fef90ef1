//! Every flag: its name, default, heading and help.
//!
//! These declarations are the one source for parsing, for `-help` and for the tests of
//! docs/CLI.md. Knows neither dash styles nor the environment.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Command, CommandFactory, Parser};
use url::Url;

use super::environment::SCRAPE_ADDRESS;
use super::secrets::{self, Header};
use super::values::{self, Bitrates, Names, Scrape};
use crate::config::{LogFormat, LogLevel, ProbeFailurePolicy};
use crate::ffmpeg::options::{LogDetail, Variant};
use crate::origin::faults::Recipe;
use crate::units::shard::Shard;
use crate::units::{Wall, duration};

/// `User-Agent` without the client's suffix.
const USER_AGENT: &str = concat!("ffmpeg-hls-swarm/", env!("CARGO_PKG_VERSION"));

/// Default scrape address of a swarm.
pub(super) const SCRAPE_DEFAULT: &str = ":9090";

/// The arguments of a load run.
#[derive(Debug, Parser)]
#[command(name = "ffmpeg-hls-swarm", version)]
pub(super) struct LoadFlags {
    // Declared for help and docs only: it is removed before clap parses flags, since a
    // URL may follow `--` and flags may follow the URL.
    /// Playlist to load, http or https
    #[arg(value_name = "HLS_URL", help_heading = "Playlist")]
    url: Option<String>,
    #[command(flatten)]
    pub(super) load: Load,
    #[command(flatten)]
    pub(super) restarts: Restarts,
    #[command(flatten)]
    pub(super) stream: Stream,
    #[command(flatten)]
    pub(super) network: Network,
    #[command(flatten)]
    pub(super) ffmpeg: Ffmpeg,
    #[command(flatten)]
    pub(super) metrics: Metrics,
    #[command(flatten)]
    pub(super) log: Log,
    #[command(flatten)]
    pub(super) origin_side: OriginSide,
    #[command(flatten)]
    pub(super) modes: Modes,
    #[command(flatten)]
    about: About,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub(super) struct Load {
    /// Target number of concurrent clients
    #[arg(long, value_name = "N", default_value = "10", value_parser = values::clients)]
    pub(super) clients: NonZeroU32,
    /// Clients started per second, 1 or more
    #[arg(long, value_name = "RATE", default_value = "5", value_parser = values::ramp_rate)]
    pub(super) ramp_rate: f64,
    /// Random offset of each start, 0 to this
    #[arg(long, value_name = "SPAN", default_value = "200ms", value_parser = duration::parse)]
    pub(super) ramp_jitter: Duration,
    /// Run time; 0 runs until stopped. Default 30s with --demo, 10s with --check
    #[arg(long, value_name = "SPAN", default_value = "0", value_parser = duration::parse)]
    pub(super) duration: Duration,
    /// Makes jitter and backoff reproducible; random and printed by default
    #[arg(long, value_name = "N", value_parser = values::seed)]
    pub(super) seed: Option<u64>,
    /// Share of the clients: I of N, from 0, as in 0/4; all shards need the same -seed
    #[arg(long, value_name = "I/N", default_value = "0/1", value_parser = values::shard)]
    pub(super) shard: Shard,
    /// Start the ramp at this time (RFC 3339), on all hosts at once
    #[arg(long, value_name = "TIME", value_parser = values::start_at)]
    pub(super) start_at: Option<Wall>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Restarts")]
pub(super) struct Restarts {
    /// Restarts of each client; 0 is unlimited
    #[arg(long, value_name = "N", default_value = "0", value_parser = values::max_restarts)]
    pub(super) max_restarts: u64,
    /// Delay before the first restart of a client, ±20 %
    #[arg(long, value_name = "SPAN", default_value = "250ms", value_parser = values::backoff)]
    pub(super) backoff_initial: Duration,
    /// Longest delay before a restart, ±20 %
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = values::backoff)]
    pub(super) backoff_max: Duration,
    /// Factor by which the delay grows from one restart to the next
    #[arg(long, value_name = "X", default_value = "1.7", value_parser = values::multiplier)]
    pub(super) backoff_multiplier: f64,
    /// Kill stalled clients, so that they restart
    #[arg(long)]
    pub(super) restart_on_stall: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Stream")]
pub(super) struct Stream {
    /// Read the playlist's URL from this file, which hides it from ps; - is stdin
    #[arg(long, value_name = "FILE", value_parser = secrets::input_file)]
    pub(super) url_from: Option<PathBuf>,
    /// Renditions that each client reads: all, highest, lowest or first
    #[arg(long, value_name = "WHICH", default_value = "all", value_parser = values::variant)]
    pub(super) variant: Variant,
    /// If ffprobe finds no variants: fallback (use first, and warn) or fail
    #[arg(long, value_name = "POLICY", default_value = "fallback", value_parser = values::policy)]
    pub(super) probe_failure_policy: ProbeFailurePolicy,
    /// Expected segment duration, if not the stream's own; a stall is twice as long without media
    #[arg(long, value_name = "SPAN", value_parser = values::target_duration)]
    pub(super) target_duration: Option<Duration>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub(super) struct Network {
    /// Connect to this IP, v4 or v6, and keep the URL's port; needs --dangerous
    #[arg(long, value_name = "IP", value_parser = values::ip)]
    pub(super) resolve: Option<IpAddr>,
    /// Bypass caches: send Cache-Control and Pragma: no-cache
    #[arg(long)]
    pub(super) no_cache: bool,
    /// Extra request header 'Name: value', or @FILE with one per line; repeatable
    #[arg(long, value_name = "HEADER", value_parser = secrets::header)]
    pub(super) header: Vec<Header>,
    /// User-Agent; /client-N is appended, so that origin logs can be joined
    #[arg(long, value_name = "TEXT", default_value = USER_AGENT, value_parser = values::user_agent)]
    pub(super) user_agent: String,
    /// Network read and write timeout; 0 is none
    #[arg(long, value_name = "SPAN", default_value = "15s", value_parser = duration::parse)]
    pub(super) timeout: Duration,
    /// Let FFmpeg reconnect when the first playlist's connection fails
    #[arg(long, default_value = "true")]
    pub(super) reconnect: bool,
    /// Longest reconnect delay, in seconds
    #[arg(long, value_name = "SECS", default_value = "5", value_parser = values::reconnect_delay)]
    pub(super) reconnect_delay: u32,
    /// Retries of a segment, if this FFmpeg supports the option
    #[arg(long, value_name = "N", default_value = "3", value_parser = values::segment_retries)]
    pub(super) seg_retry: u32,
    /// FFmpeg's own prefetching; off by default, so that downloads can be timed
    #[arg(long)]
    pub(super) http_multiple: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "FFmpeg")]
pub(super) struct Ffmpeg {
    /// FFmpeg: a path, or a name to search in PATH
    #[arg(long, value_name = "FILE", default_value = "ffmpeg", value_parser = values::file)]
    pub(super) ffmpeg: PathBuf,
    /// ffprobe; by default the one next to FFmpeg, or the one in PATH
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    pub(super) ffprobe: Option<PathBuf>,
    /// Kill an FFmpeg whose resident memory exceeds this, such as 512M; 0 is no limit
    #[arg(long, value_name = "SIZE", default_value = "0", value_parser = values::memory_max)]
    pub(super) ffmpeg_memory_max: u64,
    /// Extra argument for FFmpeg, placed before -i; repeatable, one argument at a time
    #[arg(long, value_name = "ARG", value_parser = values::ffmpeg_arg)]
    pub(super) ffmpeg_arg: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Metrics and logs")]
pub(super) struct Metrics {
    /// Scrape address: a port or addr:port; '' is off. Also -metrics-port
    #[arg(long, value_name = "ADDR", default_value = SCRAPE_DEFAULT, alias = "metrics-port")]
    #[arg(value_parser = values::scrape_address)]
    pub(super) metrics: Scrape,
    /// Export series per client, for the first 1,000 clients at most
    #[arg(long)]
    pub(super) prom_client_metrics: bool,
    /// Write the exit summary as JSON to this file; '' is off
    #[arg(long, value_name = "FILE", default_value = "", value_parser = values::output_file)]
    pub(super) summary_json: PathBuf,
    /// Write an HTML report of the run to this file; '' is off
    #[arg(long, value_name = "FILE", default_value = "", value_parser = values::output_file)]
    pub(super) report: PathBuf,
    /// Read FFmpeg's progress and log; otherwise only processes are counted
    #[arg(long, default_value = "true")]
    pub(super) stats: bool,
    /// FFmpeg's log level when stats are on: info, verbose or debug
    #[arg(long, value_name = "LEVEL", default_value = "verbose")]
    #[arg(value_parser = values::log_detail)]
    pub(super) stats_loglevel: LogDetail,
    /// Dashboard on the terminal; by default only if stdout is one
    #[arg(long, default_value = "true")]
    pub(super) tui: bool,
    /// Show the values of these query parameters; all others are masked
    #[arg(long, value_name = "NAME,...", default_value = "", value_parser = values::names)]
    pub(super) show_query: Names,
    /// Verbose: log FFmpeg's stderr lines; as the only argument, print the version
    #[arg(long = "v")]
    pub(super) verbose: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Origin's side")]
pub(super) struct OriginSide {
    /// node_exporter of the origin's host, such as http://origin:9100/metrics; http only
    #[arg(long, value_name = "URL", value_parser = values::exporter)]
    pub(super) origin_metrics: Option<Url>,
    /// The origin's nginx: nginx-prometheus-exporter or stub_status; http only
    #[arg(long, value_name = "URL", value_parser = values::exporter)]
    pub(super) nginx_metrics: Option<Url>,
    /// Host of both exporters, at their usual ports: 9100 and 9113
    #[arg(long, value_name = "HOST", value_parser = values::exporter_host)]
    pub(super) origin_metrics_host: Option<String>,
    /// Interval between polls of the origin's exporters
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = values::poll_interval)]
    pub(super) origin_metrics_interval: Duration,
    /// Time window of the recent percentiles of the origin's exporters
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = values::poll_window)]
    pub(super) origin_metrics_window: Duration,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Metrics and logs")]
pub(super) struct Log {
    /// Least severe event logged: debug, info, warn (or warning) or error
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = values::log_level)]
    pub(super) log_level: LogLevel,
    /// json or text
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = values::log_format)]
    pub(super) log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Modes and safety")]
pub(super) struct Modes {
    /// Required by -resolve: TLS is not verified
    #[arg(long)]
    pub(super) dangerous: bool,
    /// Print the FFmpeg command, shell-quoted, and exit; works without a URL
    #[arg(long)]
    pub(super) print_cmd: bool,
    /// Run one client for 10 s and report whether it played; text logs by default
    #[arg(long)]
    pub(super) check: bool,
    /// Do not check this host's limits
    #[arg(long)]
    pub(super) skip_preflight: bool,
    /// Start the built-in origin and load it; text logs by default
    #[arg(long)]
    pub(super) demo: bool,
    /// Fault to inject into the demo's origin, see origin -help; repeatable
    #[arg(long, value_name = "RECIPE", value_parser = values::fault)]
    pub(super) fault: Vec<Recipe>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Modes and safety")]
struct About {
    /// Print this help
    #[arg(long, alias = "h", action = ArgAction::Help)]
    help: Option<bool>,
    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// The arguments of the built-in origin.
#[derive(Debug, Parser)]
#[command(name = "ffmpeg-hls-swarm origin", version)]
pub(super) struct OriginFlags {
    #[command(flatten)]
    pub(super) serve: Serve,
    #[command(flatten)]
    pub(super) faults: FaultFlags,
    #[command(flatten)]
    pub(super) log: Log,
    #[command(flatten)]
    about: About,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Origin")]
pub(super) struct Serve {
    /// Listen address: a port on 127.0.0.1, or addr:port; port 0 is any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    #[arg(value_parser = values::listen_address)]
    pub(super) listen: SocketAddr,
    /// Bit rate of each variant, in bit/s; k and M are thousands and millions
    #[arg(long, value_name = "LIST", default_value = "200k,600k,1500k")]
    #[arg(value_parser = values::bitrates)]
    pub(super) variants: Bitrates,
    /// Instead of -variants: a ladder of N variants, 200 kbit/s to 6 Mbit/s; 0 is none
    #[arg(long, value_name = "N", default_value = "0")]
    pub(super) abr: usize,
    /// Duration of a segment
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = duration::parse)]
    pub(super) segment_duration: Duration,
    /// Segments in the live playlist
    #[arg(long, value_name = "N", default_value = "6")]
    pub(super) window: usize,
    /// Serve https, with a certificate generated at the start
    #[arg(long)]
    pub(super) tls: bool,
    /// Serve https, and write the certificate as PEM to this file, for clients to trust
    #[arg(long, value_name = "FILE", default_value = "", value_parser = values::output_file)]
    pub(super) tls_ca: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Faults and access log")]
pub(super) struct FaultFlags {
    /// Fault to inject, KIND[:TARGET][:SHARE][:/N][:@FROM-TO][:PARAM]; repeatable
    #[arg(long, value_name = "RECIPE", value_parser = values::fault)]
    pub(super) fault: Vec<Recipe>,
    /// Makes the faults reproducible; random and printed by default
    #[arg(long, value_name = "N", value_parser = values::seed)]
    pub(super) seed: Option<u64>,
    /// Append one line of JSON per response to this file; - is stdout, '' is off
    #[arg(long, value_name = "FILE", default_value = "", value_parser = values::output_file)]
    pub(super) access_log: PathBuf,
}

/// The arguments of `merge`.
#[derive(Debug, Parser)]
#[command(name = "ffmpeg-hls-swarm merge", version)]
pub(super) struct MergeFlags {
    // Declared for help and docs only, as the URL above.
    /// Summaries written by -summary-json, one per shard
    #[arg(value_name = "FILE...", help_heading = "Merge")]
    files: Option<String>,
    /// Write the merged summary as JSON to this file; '' is off
    #[arg(long, value_name = "FILE", default_value = "", value_parser = values::output_file)]
    #[arg(help_heading = "Merge")]
    pub(super) summary_json: PathBuf,
    #[command(flatten)]
    about: About,
}

/// The arguments of `healthcheck`.
#[derive(Debug, Parser)]
#[command(name = "ffmpeg-hls-swarm healthcheck", version)]
struct HealthFlags {
    // Removed before clap parses flags, as the URL above.
    /// Scrape address of the swarm: a port on this host, or addr:port
    #[arg(id = SCRAPE_ADDRESS, value_name = "ADDR", help_heading = "Swarm")]
    address: Option<String>,
    #[command(flatten)]
    about: About,
}

/// The command of `merge`, with every flag.
#[must_use]
pub fn merge_command() -> Command {
    go_style(MergeFlags::command())
}

/// The arguments of `report`.
#[derive(Debug, Parser)]
#[command(name = "ffmpeg-hls-swarm report", version)]
pub(super) struct ReportFlags {
    // Declared for help and docs only, as the URL of a load.
    /// Summary written by -summary-json
    #[arg(value_name = "RUN.json", help_heading = "Runs")]
    run: Option<String>,
    /// Another one to compare it with
    #[arg(value_name = "OTHER.json", help_heading = "Runs")]
    other: Option<String>,
    /// Write the page to this file; '' is stdout. Also -o
    #[arg(long, value_name = "FILE", default_value = "", alias = "o", help_heading = "Report")]
    #[arg(value_parser = values::output_file)]
    pub(super) output: PathBuf,
    #[command(flatten)]
    about: About,
}

/// The command of `report`, with every flag.
#[must_use]
pub fn report_command() -> Command {
    go_style(ReportFlags::command())
}

/// The command of a load run, with every flag.
#[must_use]
pub fn load_command() -> Command {
    go_style(LoadFlags::command())
}

/// The command of the built-in origin, with every flag.
#[must_use]
pub fn origin_command() -> Command {
    go_style(OriginFlags::command())
}

/// The command of `healthcheck`, with every flag.
#[must_use]
pub fn health_command() -> Command {
    go_style(HealthFlags::command())
}

/// Makes clap parse as Go's flag package does: if a flag is repeated, the last one
/// wins, and a boolean takes a value after `=` only.
fn go_style(command: Command) -> Command {
    command.args_override_self(true).disable_help_flag(true).disable_version_flag(true).mut_args(
        |arg| match arg.get_action() {
            ArgAction::SetTrue => {
                let default = arg.get_default_values().iter().any(|v| v == "true");
                arg.action(ArgAction::Set)
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_value(if default { "true" } else { "false" })
                    .default_missing_value("true")
                    .value_parser(values::boolean)
            }
            _ => arg,
        },
    )
}
