//! Prepares a run: everything that is determined, checked and opened before the loop.

use std::ffi::CString;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use tracing::{info, warn};

use super::{tap, variants};
use crate::config::{Config, Mode};
use crate::ffmpeg::capabilities::Capabilities;
use crate::ffmpeg::command::Template;
use crate::http::Limits;
use crate::reactor::blocking::loopback;
use crate::reactor::host::{remedy, terminal};
use crate::reactor::net::server::{Server, ServerLimits};
use crate::reactor::net::tap::TapSetup;
use crate::reactor::process::child::{self, Spawner};
use crate::reactor::process::children::Children;
use crate::reactor::table::ServiceKey;
use crate::reactor::timer::Clock;
use crate::run::board::Board;
use crate::run::demo_origin::DemoOrigin;
use crate::run::{Fatal, exporters, host, report, summary_file, target_duration, tools};
use crate::swarm::StallThreshold;
use crate::units::address::reachable;
use crate::units::nanos;

/// The service of metrics and health.
const METRICS: ServiceKey = ServiceKey(0);

/// Limits of the scrape server. Scrapers are few; 256 connections tolerate many that
/// hang, and preflight reserves the descriptors for them.
const SCRAPE_LIMITS: ServerLimits = ServerLimits {
    connections: 256,
    connection: Limits {
        head_bytes: 16 * 1024,
        head_time: Duration::from_secs(10),
        idle_time: Duration::from_secs(120),
        write_time: Duration::from_secs(10),
    },
};

/// The result of the preparation.
pub(super) enum Prepared {
    /// Print this line.
    Command(String),
    /// Run.
    Load(Box<Ready>),
}

/// Everything that a run needs.
pub(super) struct Ready {
    pub(super) servers: Vec<Server>,
    pub(super) children: Children,
    pub(super) demo_origin: Option<DemoOrigin>,
    pub(super) tap: Option<TapSetup>,
    pub(super) exporters: Option<exporters::Polls>,
    pub(super) stall: StallThreshold,
    pub(super) ffmpeg_version: String,
    /// The URL of the playlist, masked.
    pub(super) shown_url: String,
    /// The most clients that this host can run.
    pub(super) room: u32,
    pub(super) board: Option<Board>,
}

/// Determines what to run and whether it can run; returns early when `stop` becomes
/// readable.
pub(super) fn prepare(
    config: &Config,
    shown: bool,
    stop: BorrowedFd<'_>,
) -> Result<Prepared, Fatal> {
    let (ffmpeg, capabilities) =
        tools::ask(&config.ffmpeg, &config.search_path, stop).map_err(Fatal::from_display)?;
    let demo_origin = start_demo_origin(config, shown && terminal::shares_stderr(), stop)?;
    let mut options = config.options.clone();
    if let Some(demo_origin) = &demo_origin {
        options.url = demo_origin.url().clone();
    }
    // Neither ffprobe nor a command in a shell has a tap.
    let tapped = std::mem::replace(&mut options.tap, false) && config.mode != Mode::PrintCommand;
    let map = variants::choose(config, &options, &ffmpeg, &capabilities, stop)?;
    options.tap = tapped;
    let template = Template::new(&options, map, &capabilities).map_err(Fatal::from_display)?;
    warn_left_out(&template, &capabilities);
    if config.mode == Mode::PrintCommand {
        let line = template.shell_line(&ffmpeg, config.swarm.shard.client(0));
        return Ok(Prepared::Command(format!("{line}\n")));
    }
    check_summary_file(config, stop)?;
    check_start(config)?;
    report::check(config, stop)?;
    let room = host::check(config, &ffmpeg, stop)?;
    let tap = tap::set_up(config, &options)?;
    let template = match &tap {
        Some(tap) => template.through_tap(tap.listener.port()),
        None => template,
    };
    let room = if shown { room } else { config.swarm.share() };
    let shown_url = config.masking.url(options.url.as_str());
    let board = shown.then(|| Board::new(config, &shown_url, room, &ffmpeg, &template));
    let (servers, exporters) = (bind(config)?, exporters::polls(config, stop)?);
    // Last, so that a run that fails above sends no request.
    let stall = target_duration::threshold(config, &options, stop);
    Ok(Prepared::Load(Box::new(Ready {
        servers,
        children: children(config, room, &ffmpeg, template)?,
        demo_origin,
        tap,
        exporters,
        stall,
        ffmpeg_version: capabilities.version().to_owned(),
        shown_url,
        room,
        board,
    })))
}

/// Starts the origin of a demo.
fn start_demo_origin(
    config: &Config,
    quiet: bool,
    stop: BorrowedFd<'_>,
) -> Result<Option<DemoOrigin>, Fatal> {
    if config.mode != Mode::Demo {
        return Ok(None);
    }
    loopback::check().map_err(|error| {
        Fatal(format!(
            "--demo needs 127.0.0.1, which cannot be used: {error}; bring the loopback \
             interface up (`ip link set lo up`), or load another stream by its URL",
        ))
    })?;
    let demo_origin =
        DemoOrigin::start(config.log.format, &config.demo_faults, config.swarm.seed, quiet, stop)
            .map_err(|error| {
            let why = remedy::with_remedy(&error);
            Fatal(format!("the built-in origin did not start: {why}"))
        })?;
    let pid = demo_origin.process().pid();
    info!(url = demo_origin.url().as_str(), pid, "origin_started");
    Ok(Some(demo_origin))
}

fn warn_left_out(template: &Template, capabilities: &Capabilities) {
    if !template.left_out().is_empty() {
        let flags: Vec<_> = template.left_out().iter().map(|option| option.flag()).collect();
        warn!(
            options = flags.join(" "),
            ffmpeg_version = capabilities.version(),
            "ffmpeg_options_left_out"
        );
    }
}

fn bind(config: &Config) -> Result<Vec<Server>, Fatal> {
    let Some(address) = config.metrics else { return Ok(Vec::new()) };
    let server = Server::bind(METRICS, address, SCRAPE_LIMITS).map_err(|error| {
        Fatal(remedy::of_listen(address, &error, "with -metrics, or -metrics '' for none"))
    })?;
    if let Ok(address) = server.local_addr() {
        let url = format!("http://{}/metrics", reachable(address));
        info!(%address, url, "metrics_server_started");
    }
    Ok(vec![server])
}

fn children(
    config: &Config,
    room: u32,
    ffmpeg: &Path,
    template: Template,
) -> Result<Children, Fatal> {
    // The swarm needs three descriptors per client; each FFmpeg gets the limit that it
    // would have had without us.
    let before = child::raise_nofile().ok();
    // Scrapes must get responses while thousands of clients compete for the cores.
    let _ = child::go_ahead();
    let without: &[&str] = if config.swarm.tap { &tap::PROXY_VARIABLES } else { &[] };
    let spawner = Spawner::new(child::environment(without), before).map_err(|error| {
        Fatal(remedy::of_start(ffmpeg, error.raw_os_error().unwrap_or(0), tools::INSTALL))
    })?;
    let program = CString::new(ffmpeg.as_os_str().as_bytes())
        .map_err(|_| Fatal("the path of FFmpeg contains a NUL byte".to_owned()))?;
    let children = Children::new(spawner, program, template, room);
    Ok(children.in_shard(config.swarm.shard))
}

/// Rejects a run whose `-start-at` plus `-duration` has passed.
fn check_start(config: &Config) -> Result<(), Fatal> {
    let (Some(at), Some(duration)) = (config.start_at, config.swarm.duration) else {
        return Ok(());
    };
    let behind_ns = Clock::wall().as_unix_nanos().saturating_sub(at.as_unix_nanos());
    if behind_ns < nanos(duration) {
        return Ok(());
    }
    Err(Fatal(format!(
        "-start-at was {:?} ago, and the -duration of {duration:?} is over; give a later time",
        Duration::from_secs(behind_ns / 1_000_000_000)
    )))
}

/// Rejects, before the run, a summary file that cannot be written.
fn check_summary_file(config: &Config, stop: BorrowedFd<'_>) -> Result<(), Fatal> {
    let Some(file) = config.summary_json.as_deref().filter(|_| config.mode != Mode::Check) else {
        return Ok(());
    };
    summary_file::check_unless(stop, file).map_err(|error| {
        let file = file.display();
        Fatal(format!("-summary-json {file}: {error}; give a file that can be written"))
    })
}
