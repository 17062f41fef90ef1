//! The flags of a load run.
//!
//! A flag of FFmpeg's network options is declared and mapped in [`Network`].

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use url::Url;

use super::{About, Log, SCRAPE_DEFAULT};
use crate::cli::secrets::{self, Header};
use crate::cli::values::{self, Names, Scrape};
use crate::config::ProbeFailurePolicy;
use crate::ffmpeg::options::{LogDetail, Options, VariantChoice};
use crate::origin::faults::Recipe;
use crate::tap::HeaderHosts;
use crate::units::shard::Shard;
use crate::units::{Wall, duration};

/// `User-Agent` without the client's suffix.
const USER_AGENT: &str = concat!("ffmpeg-hls-swarm/", env!("CARGO_PKG_VERSION"));

/// The arguments of a load run.
#[derive(Debug, Parser)]
#[command(name = "ffmpeg-hls-swarm", version)]
pub(in crate::cli) struct LoadFlags {
    // Declared for help and docs only: it is removed before clap parses flags, since a
    // URL may follow `--` and flags may follow the URL.
    /// Playlist to load, http or https
    #[arg(value_name = "HLS_URL", help_heading = "Playlist")]
    url: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) load: Load,
    #[command(flatten)]
    pub(in crate::cli) restarts: Restarts,
    #[command(flatten)]
    pub(in crate::cli) stream: Stream,
    #[command(flatten)]
    pub(in crate::cli) network: Network,
    #[command(flatten)]
    pub(in crate::cli) ffmpeg: Ffmpeg,
    #[command(flatten)]
    pub(in crate::cli) metrics: Metrics,
    #[command(flatten)]
    pub(in crate::cli) log: Log,
    #[command(flatten)]
    pub(in crate::cli) exporters: Exporters,
    #[command(flatten)]
    pub(in crate::cli) modes: Modes,
    #[command(flatten)]
    about: About,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub(in crate::cli) struct Load {
    /// Target number of concurrent clients
    #[arg(long, value_name = "N", default_value = "10", value_parser = values::clients)]
    pub(in crate::cli) clients: NonZeroU32,
    /// Clients started per second, 1 or more
    #[arg(long, value_name = "RATE", default_value = "5", value_parser = values::ramp_rate)]
    pub(in crate::cli) ramp_rate: f64,
    /// Random offset of each start, 0 to this
    #[arg(long, value_name = "SPAN", default_value = "200ms", value_parser = duration::parse)]
    pub(in crate::cli) ramp_jitter: Duration,
    /// Run time; 0 runs until stopped. Default 30s with --demo, 10s with --check
    #[arg(long, value_name = "SPAN", default_value = "0", value_parser = duration::parse)]
    pub(in crate::cli) duration: Duration,
    /// Makes jitter and backoff reproducible; random and printed by default
    #[arg(long, value_name = "N", value_parser = values::seed)]
    pub(in crate::cli) seed: Option<u64>,
    /// Share of the clients: I of N, from 0, as in 0/4; all shards need the same -seed
    #[arg(long, value_name = "I/N", default_value = "0/1", value_parser = values::shard)]
    pub(in crate::cli) shard: Shard,
    /// Start the ramp at this time (RFC 3339), on all hosts at once
    #[arg(long, value_name = "TIME", value_parser = values::start_at)]
    pub(in crate::cli) start_at: Option<Wall>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Restarts")]
pub(in crate::cli) struct Restarts {
    /// Restarts of each client; 0 is unlimited
    #[arg(long, value_name = "N", default_value = "0", value_parser = values::max_restarts)]
    pub(in crate::cli) max_restarts: u64,
    /// Delay before the first restart of a client, ±20 %
    #[arg(long, value_name = "SPAN", default_value = "250ms", value_parser = values::backoff)]
    pub(in crate::cli) backoff_initial: Duration,
    /// Longest delay before a restart, ±20 %
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = values::backoff)]
    pub(in crate::cli) backoff_max: Duration,
    /// Factor by which the delay grows from one restart to the next
    #[arg(long, value_name = "X", default_value = "1.7", value_parser = values::multiplier)]
    pub(in crate::cli) backoff_multiplier: f64,
    /// Kill stalled clients, so that they restart
    #[arg(long)]
    pub(in crate::cli) restart_on_stall: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Stream")]
pub(in crate::cli) struct Stream {
    /// Read the playlist's URL from this file, which hides it from ps; - is stdin
    #[arg(long, value_name = "FILE", value_parser = secrets::input_file)]
    pub(in crate::cli) url_from: Option<PathBuf>,
    /// Renditions that each client reads: all, highest, lowest or first
    #[arg(long, value_name = "WHICH", default_value = "all", value_parser = values::variant)]
    pub(in crate::cli) variant: VariantChoice,
    /// If ffprobe finds no variants: fallback (use first, and warn) or fail
    #[arg(long, value_name = "POLICY", default_value = "fallback", value_parser = values::policy)]
    pub(in crate::cli) probe_failure_policy: ProbeFailurePolicy,
    /// Expected segment duration, if not the stream's own; a stall is twice as long without media
    #[arg(long, value_name = "SPAN", value_parser = values::target_duration)]
    pub(in crate::cli) target_duration: Option<Duration>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub(in crate::cli) struct Network {
    /// Carry the clients' traffic and count each exchange as it is on the wire
    #[arg(long, default_value = "false")]
    pub(in crate::cli) tap: bool,
    /// Connect to this IP, v4 or v6, and keep the URL's port; needs --dangerous
    #[arg(long, value_name = "IP", value_parser = values::ip)]
    pub(in crate::cli) resolve: Option<IpAddr>,
    /// Bypass caches: send Cache-Control and Pragma: no-cache
    #[arg(long)]
    pub(in crate::cli) no_cache: bool,
    /// Extra request header 'Name: value', or @FILE with one per line; repeatable
    #[arg(long, value_name = "HEADER", value_parser = secrets::header)]
    pub(in crate::cli) header: Vec<Header>,
    /// More hosts that get Authorization and Cookie of -header, by commas, or all; needs -tap
    #[arg(long, value_name = "HOSTS", value_parser = values::header_hosts)]
    pub(in crate::cli) header_hosts: Option<HeaderHosts>,
    /// User-Agent; /client-N is appended, so that origin logs can be joined
    #[arg(long, value_name = "TEXT", default_value = USER_AGENT, value_parser = values::user_agent)]
    pub(in crate::cli) user_agent: String,
    /// Network read and write timeout; 0 is none
    #[arg(long, value_name = "SPAN", default_value = "15s", value_parser = duration::parse)]
    pub(in crate::cli) timeout: Duration,
    /// Let FFmpeg reconnect when the first playlist's connection fails
    #[arg(long, default_value = "true")]
    pub(in crate::cli) reconnect: bool,
    /// Longest reconnect delay, in seconds
    #[arg(long, value_name = "SECS", default_value = "5", value_parser = values::reconnect_delay)]
    pub(in crate::cli) reconnect_delay: u32,
    /// Retries of a segment, if this FFmpeg supports the option
    #[arg(long, value_name = "N", default_value = "3", value_parser = values::segment_retries)]
    pub(in crate::cli) seg_retry: u32,
    /// FFmpeg's own prefetching; off by default, so that downloads can be timed
    #[arg(long)]
    pub(in crate::cli) http_multiple: bool,
}

impl Network {
    /// Adds what these flags say to the options of FFmpeg.
    pub(in crate::cli) fn into_options(self, options: Options) -> Options {
        Options {
            tap: self.tap,
            resolve: self.resolve,
            no_cache: self.no_cache,
            user_agent: self.user_agent,
            timeout: self.timeout,
            reconnect: self.reconnect,
            reconnect_delay_secs: self.reconnect_delay,
            segment_retries: self.seg_retry,
            http_multiple: self.http_multiple,
            ..options
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "FFmpeg")]
pub(in crate::cli) struct Ffmpeg {
    /// FFmpeg: a path, or a name to search in PATH
    #[arg(long, value_name = "FILE", default_value = "ffmpeg", value_parser = values::file)]
    pub(in crate::cli) ffmpeg: PathBuf,
    /// ffprobe; by default the one next to FFmpeg, or the one in PATH
    #[arg(long, value_name = "FILE", value_parser = values::file)]
    pub(in crate::cli) ffprobe: Option<PathBuf>,
    /// Kill an FFmpeg whose resident memory exceeds this, such as 512M; 0 is no limit
    #[arg(long, value_name = "SIZE", default_value = "0", value_parser = values::memory_max)]
    pub(in crate::cli) ffmpeg_memory_max: u64,
    /// Extra argument for FFmpeg, placed before -i; repeatable, one argument at a time
    #[arg(long, value_name = "ARG", value_parser = values::ffmpeg_arg)]
    pub(in crate::cli) ffmpeg_arg: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Metrics and logs")]
pub(in crate::cli) struct Metrics {
    /// Scrape address: a port or addr:port; '' is off. Also -metrics-port
    #[arg(long, value_name = "ADDR", default_value = SCRAPE_DEFAULT, alias = "metrics-port")]
    #[arg(value_parser = values::scrape_address)]
    pub(in crate::cli) metrics: Scrape,
    /// Export series per client, for the first 1,000 clients at most
    #[arg(long)]
    pub(in crate::cli) prom_client_metrics: bool,
    /// Write the exit summary as JSON to this file; '' is off
    #[arg(long, value_name = "FILE", default_value = "", value_parser = values::output_file)]
    pub(in crate::cli) summary_json: PathBuf,
    /// Write an HTML report of the run to this file; '' is off
    #[arg(long, value_name = "FILE", default_value = "", value_parser = values::output_file)]
    pub(in crate::cli) report: PathBuf,
    /// Read FFmpeg's progress and log; otherwise only processes are counted
    #[arg(long, default_value = "true")]
    pub(in crate::cli) stats: bool,
    /// FFmpeg's log level when stats are on: info, verbose or debug
    #[arg(long, value_name = "LEVEL", default_value = "verbose")]
    #[arg(value_parser = values::log_detail)]
    pub(in crate::cli) stats_loglevel: LogDetail,
    /// Dashboard on the terminal; by default only if stdout is one
    #[arg(long, default_value = "true")]
    pub(in crate::cli) tui: bool,
    /// Show the values of these query parameters; all others are masked
    #[arg(long, value_name = "NAME,...", default_value = "", value_parser = values::names)]
    pub(in crate::cli) show_query: Names,
    /// Verbose: log FFmpeg's stderr lines; as the only argument, print the version
    #[arg(long = "v")]
    pub(in crate::cli) verbose: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Origin's side")]
pub(in crate::cli) struct Exporters {
    /// node_exporter of the origin's host, such as http://origin:9100/metrics; http only
    #[arg(long, value_name = "URL", value_parser = values::exporter)]
    pub(in crate::cli) origin_metrics: Option<Url>,
    /// The origin's nginx: nginx-prometheus-exporter or stub_status; http only
    #[arg(long, value_name = "URL", value_parser = values::exporter)]
    pub(in crate::cli) nginx_metrics: Option<Url>,
    /// Host of both exporters, at their usual ports: 9100 and 9113
    #[arg(long, value_name = "HOST", value_parser = values::exporter_host)]
    pub(in crate::cli) origin_metrics_host: Option<String>,
    /// Interval between polls of the origin's exporters
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = values::poll_interval)]
    pub(in crate::cli) origin_metrics_interval: Duration,
    /// Time window of the recent percentiles of the origin's exporters
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = values::poll_window)]
    pub(in crate::cli) origin_metrics_window: Duration,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Modes and safety")]
pub(in crate::cli) struct Modes {
    /// Required by -resolve: TLS is not verified
    #[arg(long)]
    pub(in crate::cli) dangerous: bool,
    /// Print the FFmpeg command, shell-quoted, and exit; works without a URL
    #[arg(long)]
    pub(in crate::cli) print_cmd: bool,
    /// Run one client for 10 s and report whether it played; text logs by default
    #[arg(long)]
    pub(in crate::cli) check: bool,
    /// Do not check this host's limits
    #[arg(long)]
    pub(in crate::cli) skip_preflight: bool,
    /// Start the built-in origin and load it; text logs by default
    #[arg(long)]
    pub(in crate::cli) demo: bool,
    /// Fault to inject into the demo's origin, see origin -help; repeatable
    #[arg(long, value_name = "RECIPE", value_parser = values::fault)]
    pub(in crate::cli) fault: Vec<Recipe>,
}
