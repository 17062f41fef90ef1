//! The resolved, validated and immutable configuration.
//!
//! Types, and constants of the modes; knows neither flags nor environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::ffmpeg::options::{Options, VariantChoice};
use crate::http::redact::Masking;
use crate::origin::faults::Recipe;
use crate::swarm::Settings;
use crate::tap::HeaderHosts;
use crate::units::Wall;

/// Default duration of a demo: long enough to watch and scrape it.
pub const DEMO_DURATION: Duration = Duration::from_secs(30);

/// Default duration of a check: a few segments of the usual 2 to 6 s.
pub const CHECK_DURATION: Duration = Duration::from_secs(10);

/// Placeholder for a playlist that is not needed (RFC 2606 §3).
pub const PLACEHOLDER_URL: &str = "https://example.com/live/stream.m3u8";

/// Where programs are searched without a `PATH` (execvp(3)).
pub const DEFAULT_SEARCH_PATH: &str = "/bin:/usr/bin";

/// What the program does.
#[derive(Debug, Clone)]
pub enum Invocation {
    /// Load a playlist, or print how.
    Load(Box<Config>),
    /// Serve the built-in origin.
    Origin(OriginConfig),
    /// Merge the summaries of shards.
    Merge(MergeConfig),
    /// Check whether the swarm at this scrape address is alive; `None` is a swarm
    /// without one.
    HealthCheck(Option<SocketAddr>),
    /// Make a report of one or two runs.
    Report(ReportConfig),
    /// Look up this name for a swarm, and print its addresses.
    LookUp(String),
    /// Print this text on stdout and exit 0.
    Print(String),
    /// Print this help, which may have colour on a terminal, and exit 0.
    Help(String),
}

/// The purpose of a load run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Load the URL.
    Load,
    /// Start the built-in origin and load it.
    Demo,
    /// Run one client for 10 s and report whether it played.
    Check,
    /// Print the FFmpeg command and exit.
    PrintCommand,
}

/// What to do if ffprobe finds no variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeFailurePolicy {
    /// Use [`VariantChoice::First`] and warn.
    Fallback,
    /// Do not start.
    Fail,
}

/// Least severe event that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// Normal events.
    Info,
    /// Unexpected events.
    Warn,
    /// Events that end the run.
    Error,
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Which events are logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// Least severe event that is logged.
    pub level: LogLevel,
    /// Their format.
    pub format: LogFormat,
}

/// The dashboard on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DashboardConfig {
    /// Whether it was requested; `None` enables it if standard output is a terminal
    /// that can show it.
    pub asked: Option<bool>,
    /// Whether the terminal supports it (`TERM`).
    pub capable: bool,
    /// Whether it has colours (`NO_COLOR`).
    pub colours: bool,
}

/// The exporters of the origin; both may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginMetricsConfig {
    /// The node_exporter of its host, http.
    pub host: Option<Url>,
    /// Its nginx: nginx-prometheus-exporter or `stub_status`, http.
    pub nginx: Option<Url>,
    /// Interval between polls.
    pub every: Duration,
    /// Time window of the recent percentiles.
    pub window: Duration,
}

/// A load run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The purpose of the run.
    pub mode: Mode,
    /// The settings of the swarm.
    pub swarm: Settings,
    /// Whether the swarm's target duration was given; otherwise it is the default,
    /// which the stream's own one replaces.
    pub target_duration_given: bool,
    /// The settings of every client's FFmpeg. In a demo, and with `--print-cmd` without
    /// a URL, the URL is a placeholder.
    pub options: Options,
    /// The hosts that get the credentials of the headers, besides that of the URL.
    pub header_hosts: HeaderHosts,
    /// When the ramp starts; `None` is as soon as everything is prepared.
    pub start_at: Option<Wall>,
    /// Which renditions are read.
    pub variant: VariantChoice,
    /// What to do if ffprobe finds no variants.
    pub probe_failure_policy: ProbeFailurePolicy,
    /// FFmpeg, as given: a path, or a name to search in `PATH`.
    pub ffmpeg: PathBuf,
    /// ffprobe, as given; `None` is the one next to FFmpeg, or the one in `PATH`.
    pub ffprobe: Option<PathBuf>,
    /// Directories of `PATH`, in order.
    pub search_path: Vec<PathBuf>,
    /// Scrape address; `None` is off.
    pub metrics: Option<SocketAddr>,
    /// Faults of the demo's origin.
    pub demo_faults: Vec<Recipe>,
    /// Whether the scrape includes series per client.
    pub client_metrics: bool,
    /// The exporters of the origin.
    pub origin_metrics: OriginMetricsConfig,
    /// The file for the summary as JSON; `None` is none.
    pub summary_json: Option<PathBuf>,
    /// The file for the report; `None` is none.
    pub report: Option<PathBuf>,
    /// The dashboard.
    pub dashboard: DashboardConfig,
    /// The log.
    pub log: LogConfig,
    /// Which parts of URL, headers and FFmpeg's log are shown.
    pub masking: Masking,
    /// Whether the checks of the host are skipped.
    pub skip_preflight: bool,
    /// The command that repeats this run: program, flags and seed, credentials masked.
    pub repeat_command: String,
}

/// The built-in origin.
#[derive(Debug, Clone)]
pub struct OriginConfig {
    /// The listen address; with port 0 the kernel chooses a free port.
    pub listen: SocketAddr,
    /// The stream that it serves.
    pub settings: crate::origin::StreamSettings,
    /// Its TLS; `None` is plain HTTP.
    pub tls: Option<TlsConfig>,
    /// The faults that it injects from the start.
    pub faults: Vec<Recipe>,
    /// Makes the faults reproducible.
    pub seed: u64,
    /// The file for the access log; `-` is standard output, `None` is none.
    pub access_log: Option<PathBuf>,
    /// The log.
    pub log: LogConfig,
}

/// A merge of summaries of shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeConfig {
    /// The summaries, at least one, none twice.
    pub files: Vec<PathBuf>,
    /// The file for the merged summary as JSON; `None` is none.
    pub summary_json: Option<PathBuf>,
}

/// A report of one run, or a comparison of two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportConfig {
    /// The summary of the run.
    pub run: PathBuf,
    /// The summary of another run to compare with it.
    pub other: Option<PathBuf>,
    /// The file for the report; `None` is standard output.
    pub output: Option<PathBuf>,
}

/// TLS of the built-in origin, with a certificate generated at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The file for the certificate as PEM; `None` is none.
    pub ca_file: Option<PathBuf>,
}
