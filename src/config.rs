//! What was meant: resolved, validated, immutable.
//!
//! Types and the constants of the modes; knows neither flags nor environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::ffmpeg::options::{Options, Variant};
use crate::http::redact::Masking;
use crate::origin::faults::Recipe;
use crate::swarm::Settings;
use crate::units::Wall;

/// How long a demo lasts unless told otherwise: time to watch it and to scrape it.
pub const DEMO_DURATION: Duration = Duration::from_secs(30);

/// How long a check lasts: some segments of the usual 2 to 6 s.
pub const CHECK_DURATION: Duration = Duration::from_secs(10);

/// Stands for the playlist where none is needed (RFC 2606 §3).
pub const PLACEHOLDER_URL: &str = "https://example.com/live/stream.m3u8";

/// Where programs are looked for if there is no `PATH` (execvp(3)).
pub const DEFAULT_SEARCH_PATH: &str = "/bin:/usr/bin";

/// What the program is to do.
#[derive(Debug, Clone)]
pub enum Invocation {
    /// Put a playlist under load, or say how that would be done.
    Load(Box<Config>),
    /// Serve the built-in origin.
    Origin(OriginConfig),
    /// Merge the summaries of shards.
    Merge(MergeConfig),
    /// Ask the swarm that is scraped there whether it is alive; `None` is one that
    /// is not scraped.
    HealthCheck(Option<SocketAddr>),
    /// Make a report of what runs wrote.
    Report(ReportConfig),
    /// Print this text on stdout and exit 0.
    Print(String),
    /// The same with a help, which may have colour on a terminal.
    Help(String),
}

/// What a load run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Load the URL.
    Load,
    /// Start the built-in origin and load it.
    Demo,
    /// One client for 10 s, then a verdict.
    Check,
    /// Print the FFmpeg command and exit.
    PrintCommand,
}

/// What to do when ffprobe cannot tell the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeFailurePolicy {
    /// Use [`Variant::First`] and warn.
    Fallback,
    /// Do not start.
    Fail,
}

/// Least severe event that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What should not happen.
    Warn,
    /// What ends the run.
    Error,
}

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// How and what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// Least severe event that is logged.
    pub level: LogLevel,
    /// How it is written.
    pub format: LogFormat,
}

/// The dashboard on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DashboardConfig {
    /// Whether there is to be one; `None` is where standard output is a terminal that
    /// can show it.
    pub asked: Option<bool>,
    /// Whether the terminal can show it at all (`TERM`).
    pub capable: bool,
    /// Whether it has colours (`NO_COLOR`).
    pub colours: bool,
}

/// What the origin is asked of itself; nothing if neither is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginMetricsConfig {
    /// The node_exporter of its host, http.
    pub host: Option<Url>,
    /// Its nginx: nginx-prometheus-exporter or `stub_status`, http.
    pub nginx: Option<Url>,
    /// From one poll to the next.
    pub every: Duration,
    /// What recent percentiles are over.
    pub window: Duration,
}

/// A load run.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the run is for.
    pub mode: Mode,
    /// What the swarm is asked to do.
    pub swarm: Settings,
    /// Whether the swarm's target duration was asked for; else it is the default, and
    /// the stream's own goes before it.
    pub target_duration_given: bool,
    /// What every client asks of FFmpeg. In a demo, and where `--print-cmd` was
    /// given no URL, the URL is a placeholder.
    pub options: Options,
    /// When the ramp begins; `None` is as soon as all is set up.
    pub start_at: Option<Wall>,
    /// Which renditions are read.
    pub variant: Variant,
    /// What to do when ffprobe cannot tell the variants.
    pub probe_failure_policy: ProbeFailurePolicy,
    /// FFmpeg, as given: a path, or a name to be looked for in `PATH`.
    pub ffmpeg: PathBuf,
    /// ffprobe, as given; `None` is the one beside FFmpeg, else the one in `PATH`.
    pub ffprobe: Option<PathBuf>,
    /// Directories of `PATH`, in order.
    pub search_path: Vec<PathBuf>,
    /// Scrape address; `None` is off.
    pub metrics: Option<SocketAddr>,
    /// Faults of the demo's origin.
    pub demo_faults: Vec<Recipe>,
    /// Whether the scrape has series of each client.
    pub client_metrics: bool,
    /// Whom to ask for the origin's side.
    pub origin_metrics: OriginMetricsConfig,
    /// Where the summary is written as JSON; `None` is nowhere.
    pub summary_json: Option<PathBuf>,
    /// Where the report is written; `None` is nowhere.
    pub report: Option<PathBuf>,
    /// Whether there is a dashboard, and how.
    pub dashboard: DashboardConfig,
    /// How and what is logged.
    pub log: LogConfig,
    /// What of URL, headers and FFmpeg's log is shown.
    pub masking: Masking,
    /// Whether the host is left unchecked.
    pub skip_preflight: bool,
    /// The command that repeats this run: program, flags and seed, credentials
    /// masked.
    pub repeat_command: String,
}

/// The built-in origin.
#[derive(Debug, Clone)]
pub struct OriginConfig {
    /// Where it listens; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// What it serves.
    pub settings: crate::origin::Settings,
    /// How it speaks TLS; `None` is plain HTTP.
    pub tls: Option<TlsConfig>,
    /// Faults that it injects from its start on.
    pub faults: Vec<Recipe>,
    /// Makes the faults reproducible.
    pub seed: u64,
    /// Where a line of each response is written; `-` is standard output, `None` is
    /// nowhere.
    pub access_log: Option<PathBuf>,
    /// How and what is logged.
    pub log: LogConfig,
}

/// The merging of the summaries of shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeConfig {
    /// The summaries, at least one, none twice.
    pub files: Vec<PathBuf>,
    /// Where the merged one is written as JSON; `None` is nowhere.
    pub summary_json: Option<PathBuf>,
}

/// A report of one run, or of two beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportConfig {
    /// What a run wrote with `-summary-json`.
    pub run: PathBuf,
    /// What another wrote, to be compared with it.
    pub other: Option<PathBuf>,
    /// Where the report is written; `None` is standard output.
    pub output: Option<PathBuf>,
}

/// TLS of the built-in origin, with a certificate made at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where the certificate is written as PEM; `None` is nowhere.
    pub ca_file: Option<PathBuf>,
}
