//! Every flag: its name, default, heading, help and variable.
//!
//! These declarations are the one source for parsing, for `-help` and for the tests of
//! docs/CLI.md. Knows neither dash styles nor the environment.

mod load;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Command, CommandFactory, Parser};

pub(super) use self::load::{Exporters, LoadFlags, Modes, Network, Restarts};
use super::values::{self, Bitrates};
use crate::config::{LogFormat, LogLevel};
use crate::origin::faults::Recipe;
use crate::units::duration;

/// Default scrape address of a swarm.
pub(super) const SCRAPE_DEFAULT: &str = ":9090";

/// Variable of extra request headers, one a line.
pub(super) const HEADERS: &str = "HEADERS";

/// Variable of the scrape address. An empty value is valid: it disables the address.
pub(super) const METRICS_PORT: &str = "METRICS_PORT";

/// Id of the argument that is a scrape address but not a flag.
pub(super) const SCRAPE_ADDRESS: &str = "scrape-address";

/// Names of flags and their variables.
pub(super) const VARIABLES: [(&str, &str); 21] = [
    ("clients", "CLIENTS"),
    ("ramp-rate", "RAMP_RATE"),
    ("ramp-jitter", "RAMP_JITTER"),
    ("duration", "DURATION"),
    ("seed", "SEED"),
    ("shard", "SHARD"),
    ("start-at", "START_AT"),
    ("variant", "VARIANT"),
    ("tap", "TAP"),
    ("resolve", "RESOLVE_IP"),
    ("no-cache", "NO_CACHE"),
    ("header", HEADERS),
    ("timeout", "TIMEOUT"),
    ("reconnect", "RECONNECT"),
    ("ffmpeg", "FFMPEG"),
    ("ffprobe", "FFPROBE"),
    ("metrics", METRICS_PORT),
    ("tui", "TUI"),
    ("log-level", "LOG_LEVEL"),
    ("log-format", "LOG_FORMAT"),
    ("dangerous", "DANGEROUS"),
];

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
