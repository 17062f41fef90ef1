//! `-help` and `-version`, derived from the command's list of arguments.

use clap::{Arg, Command};

use super::environment::variable_of;

/// Width of the help in columns: the narrowest terminal in common use.
const WIDTH: usize = 80;

/// Column at which the descriptions start.
const INDENT: usize = 26;

/// Safety gates and diagnostic modes, which are shown with two dashes; all other flags
/// have one.
const TWO_DASHES: [&str; 5] = ["dangerous", "print-cmd", "check", "skip-preflight", "demo"];

/// A flag's name with the dashes that help, docs and errors show.
#[must_use]
pub fn house_dashes(name: &str) -> String {
    if TWO_DASHES.contains(&name) { format!("--{name}") } else { format!("-{name}") }
}

/// An argument as shown in help and docs, with the name of its value.
#[must_use]
pub fn signature(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str());
    let Some(name) = arg.get_long() else { return format!("<{value}>") };
    let name = house_dashes(name);
    let takes_value = arg.get_action().takes_values() && !arg.is_require_equals_set();
    if takes_value { format!("{name} {value}") } else { name }
}

/// The default of an argument as typed.
#[must_use]
pub fn default_of(arg: &Arg) -> Option<&str> {
    arg.get_default_values().first().and_then(|value| value.to_str())
}

/// The version, as one line.
pub(super) fn version() -> String {
    concat!("ffmpeg-hls-swarm ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

/// The help of a load run.
pub(super) fn load_help(command: &Command) -> String {
    let intro = "\
Loads an HLS origin or CDN with real FFmpeg clients.

Usage: ffmpeg-hls-swarm [flags] <HLS_URL>
       ffmpeg-hls-swarm --demo [flags]
       ffmpeg-hls-swarm origin [flags]     (see ffmpeg-hls-swarm origin -help)
       ffmpeg-hls-swarm merge FILE...      (see ffmpeg-hls-swarm merge -help)
       ffmpeg-hls-swarm report RUN.json    (see ffmpeg-hls-swarm report -help)
       ffmpeg-hls-swarm healthcheck [ADDR]
       ffmpeg-hls-swarm completions bash|zsh|fish
       ffmpeg-hls-swarm man
";
    let outro = "
One dash or two, a space or = before the value: all are accepted. A boolean
takes a value only after =, as in -reconnect=false. Durations: 200ms, 1.5s,
1h30m, 0. A flag overrides its environment variable, which overrides the
default.
Exit codes: 0 done or stopped gracefully, 1 failed, 2 bad usage, 130 or 143
forced by a second signal.

Examples:
  ffmpeg-hls-swarm --demo
  ffmpeg-hls-swarm -clients 100 -ramp-rate 20 https://example.com/live.m3u8
  ffmpeg-hls-swarm --check https://example.com/live.m3u8
";
    format!("{intro}{}{outro}", sections(command))
}

/// The help of the built-in origin.
pub(super) fn origin_help(command: &Command) -> String {
    let intro = "\
Serves synthetic HLS from memory: /stream.m3u8 live, /vod/ on demand.

Usage: ffmpeg-hls-swarm origin [flags]
";
    let outro = "
Kinds of faults, with their parameters:
  404, 503, 429:5s        Error status, 400 to 599; the time is Retry-After
  latency:200ms           Late; also 100ms-900ms, exp(300ms), normal(300ms,50ms)
  hang                    No response, and the connection stays open
  drip:10kB/s             Limited rate
  truncate:10kB           Closed after this much of the body; default half of it
  reset:10kB              Reset after this much of the body; default before it
  length:+1kB             Wrong Content-Length
  stale                   Live playlists are not updated
  rewind:3                Live playlists go back by this many segments
  discontinuity:5         Media time jumps every this many segments
  missing                 Segments are listed but 404, the same for all clients
  redirect:302            Redirect to the same resource
  refuse:@30s-60s         Connections are refused
Fields may follow in any order:
  segments                TARGET: all, playlists, master, media, segments, init
                          or keys
  5%, 0.05                SHARE of requests; for missing, of segments
  /10                     Every tenth client, by the number in its User-Agent
  @30s-60s, @30s-         Time window, from the start or the POST
Recipes can be changed at run time, from this host only: GET and POST /faults,
one per line. Metrics are at /metrics. For details see docs/ORIGIN.md.

Examples:
  ffmpeg-hls-swarm origin -listen :8080 -variants 200k,1.5M
  ffmpeg-hls-swarm origin -fault 404:segments:5% -fault 'latency:exp(300ms):/10'
  curl --data-binary stale:@10s-40s http://127.0.0.1:8080/faults
";
    format!("{intro}{}{outro}", sections(command))
}

/// The help of `merge`.
pub(super) fn merge_help(command: &Command) -> String {
    let intro = "\
Merges the summaries of the shards of one run into one.

Usage: ffmpeg-hls-swarm merge [flags] <FILE...>
";
    let outro = "
The files were written by -summary-json of each shard; their order does not
matter. Missing shards are named. Files of different runs, or the same shard
twice, are refused.

Example:
  ffmpeg-hls-swarm merge -summary-json run.json shard-0.json shard-1.json
";
    format!("{intro}{}{outro}", sections(command))
}

/// The help of `healthcheck`.
pub(super) fn health_help(command: &Command) -> String {
    let intro = "\
Checks whether a running swarm is alive: /-/healthy at its scrape address.

Usage: ffmpeg-hls-swarm healthcheck [ADDR]
";
    let outro = "
ADDR defaults to METRICS_PORT, or to port 9090 of this host.
Exit codes: 0 a response within 2 s, 1 none or an error, 2 bad usage.
";
    format!("{intro}{}{outro}", sections(command))
}

/// The help of `report`.
pub(super) fn report_help(command: &Command) -> String {
    let intro = "\
Makes an HTML report of a run from its -summary-json file, or compares two runs.
The page is self-contained and needs no network.

Usage: ffmpeg-hls-swarm report [flags] RUN.json [OTHER.json]
";
    let outro = "
Examples:
  ffmpeg-hls-swarm report run.json -o run.html
  ffmpeg-hls-swarm report before.json after.json -o compared.html
";
    format!("{intro}{}{outro}", sections(command))
}

/// All arguments, by heading.
pub(super) fn sections(command: &Command) -> String {
    let mut out = String::new();
    for (subject, args) in headings(command) {
        out.push_str(&format!("\n{subject}:\n"));
        args.into_iter().for_each(|arg| out.push_str(&entry(arg)));
    }
    out
}

/// The headings in the order of their first argument, and the arguments of each.
pub(super) fn headings(command: &Command) -> Vec<(&str, Vec<&Arg>)> {
    let mut headings: Vec<(&str, Vec<&Arg>)> = Vec::new();
    for arg in command.get_arguments() {
        let subject = arg.get_help_heading().unwrap_or("Flags");
        match headings.iter_mut().find(|(known, _)| *known == subject) {
            Some((_, args)) => args.push(arg),
            None => headings.push((subject, vec![arg])),
        }
    }
    headings
}

/// One argument: its signature, and its description next to it.
fn entry(arg: &Arg) -> String {
    let signature = signature(arg);
    let lines = wrap(&description(arg), WIDTH - INDENT);
    let mut out = format!("  {signature}");
    for (i, line) in lines.iter().enumerate() {
        if i > 0 || signature.len() + 4 > INDENT {
            out.push('\n');
            out.push_str(&" ".repeat(INDENT));
        } else {
            out.push_str(&" ".repeat(INDENT - 2 - signature.len()));
        }
        out.push_str(line);
    }
    out.push('\n');
    out
}

/// Help, default and variable, in pieces that are not split by a line break.
fn description(arg: &Arg) -> Vec<String> {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut pieces: Vec<String> = help.split_whitespace().map(str::to_owned).collect();
    if let Some(default) = default_of(arg).filter(|&default| default != "false") {
        pieces.push(format!("[default: {default}]"));
    }
    if let Some(variable) = variable_of(arg) {
        pieces.push(format!("[env: {variable}]"));
    }
    pieces
}

/// Joins pieces with spaces into lines of at most `width` columns.
fn wrap(pieces: &[String], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces {
        if !line.is_empty() && line.chars().count() + 1 + piece.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(piece);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::super::flags::{
        health_command, load_command, merge_command, origin_command, report_command,
    };
    use super::*;

    #[test]
    fn no_line_exceeds_the_width() {
        let helps = [
            load_help(&load_command()),
            origin_help(&origin_command()),
            health_help(&health_command()),
            merge_help(&merge_command()),
            report_help(&report_command()),
        ];
        for help in helps {
            for line in help.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
                assert_eq!(line.trim_end(), line);
            }
        }
    }

    #[test]
    fn headings_are_in_order() {
        let help = load_help(&load_command());
        let headings: Vec<&str> =
            help.lines().filter(|l| !l.starts_with(' ') && l.ends_with(':')).collect();
        let want = [
            "Playlist:",
            "Load:",
            "Restarts:",
            "Stream:",
            "Network:",
            "FFmpeg:",
            "Metrics and logs:",
            "Origin's side:",
            "Modes and safety:",
            "Examples:",
        ];
        assert_eq!(headings, want);
    }
}
