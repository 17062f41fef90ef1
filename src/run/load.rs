//! A load run: from what was meant to the exit code.

use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use tracing::{info, warn};

use super::board::{self, About, Board};
use super::check::Check;
use super::companion::Companion;
use super::conclusion::{self, Conclusion};
use super::recorder::Recorder;
use super::{
    Fatal, complain, host, install_journal, origin_side, plan, print, printed, report, stopped_by,
    summary_file, take_signals, tools,
};
use crate::config::{Config, Mode, PLACEHOLDER_URL, ProbeFailurePolicy};
use crate::ffmpeg::capabilities::Capabilities;
use crate::ffmpeg::command::{Map, Template};
use crate::ffmpeg::options::Variant;
use crate::ffmpeg::variants::{
    PROBE_OUTPUT_LIMIT_BYTES, PROBE_TIME_LIMIT, Variants, probe_arguments,
};
use crate::http::{Fetched, Limits, Request, Response};
use crate::reactor::blocking::loopback;
use crate::reactor::blocking::run::{CaptureError, CaptureLimits, capture, is_readable};
use crate::reactor::blocking::tail::Tail;
use crate::reactor::host::journal::Journal;
use crate::reactor::host::signals::Signals;
use crate::reactor::host::signals::StopSignal;
use crate::reactor::host::terminal::{self, Terminal};
use crate::reactor::host::{remedy, reports, stdout};
use crate::reactor::net::server::{Server, ServerLimits};
use crate::reactor::net::traffic::Traffic;
use crate::reactor::process::child::{self, Spawner};
use crate::reactor::process::children::Children;
use crate::reactor::process::{orphans, usage};
use crate::reactor::timer::Clock;
use crate::reactor::{Application, Ended, Reactor};
use crate::stats::{Health, OriginSide, Phase, Snapshot};
use crate::swarm::{Action, Input, Report, Swarm};
use crate::units::address::reachable;
use crate::units::{ClientId, Moment, Tick, nanos};
use crate::view::metrics::per_client;
use crate::view::summary::{self, Ending, SummaryInput};
use crate::view::{Measured, Scene, endpoints, json};

/// Bounds of the scrape server. Scrapers are few; 256 connections leave room for
/// those that hang, and the descriptors for them are reserved by preflight.
const SCRAPE_LIMITS: ServerLimits = ServerLimits {
    connections: 256,
    connection: Limits {
        head_bytes: 16 * 1024,
        head_time: Duration::from_secs(10),
        idle_time: Duration::from_secs(120),
        write_time: Duration::from_secs(10),
    },
};

/// Runs a load.
pub(super) fn load(mut config: Config) -> Result<ExitCode, Fatal> {
    let shown = match board::is_wanted(&config, terminal::is_there()) {
        Ok(shown) => shown,
        Err(why) => {
            complain(why);
            return Ok(ExitCode::from(board::NO_TERMINAL));
        }
    };
    let journal = install_journal(config.log, &config.masking);
    let mut signals = take_signals()?;
    orphans::adopt();
    let prepared = prepare(&mut config, shown, signals.as_fd());
    // Whatever else went wrong, it is what the stop made of it.
    let prepared = signals.take_stop().map_or(prepared, |signal| Err(stopped_by(signal)));
    if let Ok(Prepared::Load(ready)) = prepared {
        return run(&config, &journal, signals, *ready);
    }
    orphans::end_all();
    if let Prepared::Command(line) = prepared? {
        signals.release();
        print(&line)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to be done once all is known.
enum Prepared {
    /// To print this line.
    Command(String),
    /// To run.
    Load(Box<Ready>),
}

/// All that a run needs.
struct Ready {
    server: Option<Server>,
    children: Children,
    companion: Option<Companion>,
    origin_side: Option<origin_side::Plan>,
    ffmpeg_version: String,
    /// Clients there is room for.
    room: u32,
    board: Option<Board>,
}

/// Finds out what is to be run and whether it can be; cut short when `stop`
/// becomes readable.
fn prepare(config: &mut Config, shown: bool, stop: BorrowedFd<'_>) -> Result<Prepared, Fatal> {
    let (ffmpeg, capabilities) =
        tools::ask(&config.ffmpeg, &config.search_path, stop).map_err(Fatal::from_display)?;
    let companion = start_companion(config, shown && terminal::shares_stderr(), stop)?;
    let map = choose_variant(config, &ffmpeg, &capabilities, stop)?;
    let template =
        Template::new(&config.options, map, &capabilities).map_err(Fatal::from_display)?;
    warn_left_out(&template, &capabilities);
    if config.mode == Mode::PrintCommand {
        let line = template.shell_line(&ffmpeg, config.swarm.shard.client(0));
        return Ok(Prepared::Command(format!("{line}\n")));
    }
    check_summary_file(config, stop)?;
    check_start(config)?;
    report::check(config, stop)?;
    let room = host::check(config, &ffmpeg, stop)?;
    let room = if shown { room } else { config.swarm.share() };
    let board = shown.then(|| Board::new(config, room, &ffmpeg, &template));
    Ok(Prepared::Load(Box::new(Ready {
        server: bind(config)?,
        children: children(config, room, &ffmpeg, template)?,
        companion,
        origin_side: origin_side::plan(config, stop)?,
        ffmpeg_version: capabilities.version().to_owned(),
        room,
        board,
    })))
}

/// Runs the loop to its end and says how it went.
fn run(
    config: &Config,
    journal: &Journal,
    signals: Signals,
    ready: Ready,
) -> Result<ExitCode, Fatal> {
    let Ready { server, children, companion, origin_side, ffmpeg_version, room, board } = ready;
    let mut reactor =
        Reactor::new(journal.clone(), signals, server, Some(children)).map_err(|error| {
            Fatal(format!("the reactor cannot be set up: {}", remedy::with_remedy(&error)))
        })?;
    if let Some(companion) = &companion {
        reactor.watch(Rc::clone(companion.process()));
    }
    if config.swarm.dangerous {
        reports::write(&Report::Dangerous);
    }
    if let Some(why) = plan::warning(&config.swarm) {
        warn!(why, "target_out_of_reach");
    }
    if let Some(why) = per_client::warning(config.swarm.share())
        && config.client_metrics
    {
        warn!(why, "many_client_series");
    }
    let mut load = Load {
        swarm: Swarm::with_room(config.swarm.clone(), room),
        board: None,
        ffmpeg_version,
        measured: Measured {
            log: config.swarm.stats,
            tcp: config.swarm.stats && sample_sockets(&mut reactor),
        },
        origin_side: origin_side.map(|plan| plan.start(&mut reactor)),
        client_metrics: config.client_metrics,
        check: (config.mode == Mode::Check)
            .then(|| Check::new(config.swarm.duration.unwrap_or_default())),
        behind: None,
        recorder: Recorder::new(config.summary_json.is_some() || config.report.is_some()),
    };
    if let Some(at) = config.start_at {
        reactor.start_at(at);
    }
    load.board = show(config, &mut reactor, journal, board)?;
    let ended = reactor.run(&mut load);
    drop(companion);
    orphans::end_all();
    let ended = ended.map_err(|error| Fatal(format!("the reactor failed: {error}")))?;
    Ok(conclude(config, journal, &mut reactor, &load, ended))
}

/// Opens the terminal for the dashboard. One that is not ours to open, as after
/// su(1), costs a dashboard that nobody asked for, and a warning.
fn show(
    config: &Config,
    reactor: &mut Reactor,
    journal: &Journal,
    board: Option<Board>,
) -> Result<Option<Board>, Fatal> {
    let Some(mut board) = board else { return Ok(None) };
    match Terminal::open().and_then(|terminal| reactor.show_on(terminal)) {
        Ok(()) => {
            journal.keep_last_lines();
            board.read_log_of(journal.clone());
            Ok(Some(board))
        }
        Err(error) if config.dashboard.asked == Some(true) => {
            Err(Fatal(format!("-tui: the terminal cannot be opened: {error}; leave out -tui")))
        }
        Err(error) => {
            warn!(%error, "no_dashboard");
            Ok(None)
        }
    }
}

/// Has the clients' sockets sampled; without it bytes come late, and TCP's own
/// figures not at all.
fn sample_sockets(reactor: &mut Reactor) -> bool {
    match Traffic::new() {
        Ok(traffic) => {
            reactor.sample_with(traffic);
            true
        }
        Err(error) => {
            warn!(%error, "tcp_not_sampled");
            false
        }
    }
}

/// The demo loads an origin of its own.
fn start_companion(
    config: &mut Config,
    quiet: bool,
    stop: BorrowedFd<'_>,
) -> Result<Option<Companion>, Fatal> {
    if config.mode != Mode::Demo {
        return Ok(None);
    }
    loopback::check().map_err(|error| {
        Fatal(format!(
            "--demo needs 127.0.0.1, which is of no use here: {error}; bring the loopback \
             interface up (`ip link set lo up`), or load another stream by its URL"
        ))
    })?;
    let companion =
        Companion::start(config.log.format, &config.demo_faults, config.swarm.seed, quiet, stop)
            .map_err(|error| {
                let why = remedy::with_remedy(&error);
                Fatal(format!("the built-in origin did not start: {why}"))
            })?;
    config.options.url = companion.url().clone();
    let pid = companion.process().pid();
    info!(url = companion.url().as_str(), pid, "origin_started");
    Ok(Some(companion))
}

/// The streams to read: by what was asked, and by ffprobe where that takes the
/// bitrates.
fn choose_variant(
    config: &Config,
    ffmpeg: &Path,
    capabilities: &Capabilities,
    stop: BorrowedFd<'_>,
) -> Result<Map, Fatal> {
    match config.variant {
        Variant::All => return Ok(Map::All),
        Variant::First => return Ok(Map::First),
        Variant::Highest | Variant::Lowest => {}
    }
    let found = if config.options.url.as_str() == PLACEHOLDER_URL {
        Err("there is no URL to probe".to_owned())
    } else {
        probe(config, ffmpeg, capabilities, stop)
    };
    match (found, config.probe_failure_policy) {
        (Ok(variants), _) => {
            let chosen = variants.chosen(config.variant).map(|program| program.to_string());
            info!(bitrates = variants.to_string(), chosen, "variants_found");
            Ok(variants.map(config.variant))
        }
        (Err(why), _) if is_readable(stop) => Err(Fatal(why)),
        (Err(why), ProbeFailurePolicy::Fallback) => {
            warn!(why, using = "first", "variants_unknown");
            Ok(Map::First)
        }
        (Err(why), ProbeFailurePolicy::Fail) => Err(Fatal(format!(
            "the variants cannot be told: {why}; use -variant all or first, or \
             -probe-failure-policy fallback"
        ))),
    }
}

fn probe(
    config: &Config,
    ffmpeg: &Path,
    capabilities: &Capabilities,
    stop: BorrowedFd<'_>,
) -> Result<Variants, String> {
    let ffprobe = config
        .ffprobe
        .as_deref()
        .map_or_else(
            || tools::locate_ffprobe(ffmpeg, &config.search_path),
            |name| tools::locate(name, &config.search_path),
        )
        .ok_or("ffprobe not found beside FFmpeg nor in PATH (name one with -ffprobe)")?;
    let args: Vec<OsString> = probe_arguments(&config.options, capabilities)
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|arg| OsString::from_vec(arg.into_bytes()))
        .collect();
    let limits = CaptureLimits { time: PROBE_TIME_LIMIT, bytes: PROBE_OUTPUT_LIMIT_BYTES, stop };
    let printed = capture(&ffprobe, &args, limits).map_err(|error| match error {
        CaptureError::TimedOut => {
            format!("{} took longer than {} s", ffprobe.display(), PROBE_TIME_LIMIT.as_secs())
        }
        CaptureError::Stopped => format!("{} was not asked to the end", ffprobe.display()),
        CaptureError::Spawn(failure) => {
            remedy::of_start(&ffprobe, failure.errno, "name another one with -ffprobe")
        }
    })?;
    Variants::parse(&printed.stdout).map_err(|error| error.to_string())
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

fn bind(config: &Config) -> Result<Option<Server>, Fatal> {
    let Some(address) = config.metrics else { return Ok(None) };
    let server = Server::bind(address, SCRAPE_LIMITS).map_err(|error| {
        Fatal(remedy::of_listen(address, &error, "with -metrics, or -metrics '' for none"))
    })?;
    if let Ok(address) = server.local_addr() {
        let url = format!("http://{}/metrics", reachable(address));
        info!(%address, url, "metrics_server_started");
    }
    Ok(Some(server))
}

fn children(
    config: &Config,
    room: u32,
    ffmpeg: &Path,
    template: Template,
) -> Result<Children, Fatal> {
    // The swarm needs three descriptors a client; each FFmpeg gets the limit
    // that it would have had without us.
    let before = child::raise_nofile().ok();
    // A scrape is to be answered while thousands of clients want the cores.
    let _ = child::go_ahead();
    let spawner = Spawner::new(child::environment(), before).map_err(|error| {
        Fatal(remedy::of_start(ffmpeg, error.raw_os_error().unwrap_or(0), tools::INSTALL))
    })?;
    let program = CString::new(PathBuf::from(ffmpeg).as_os_str().as_bytes())
        .map_err(|_| Fatal("the path of FFmpeg holds a NUL byte".to_owned()))?;
    let children = Children::new(spawner, program, template, room);
    Ok(children.in_shard(config.swarm.shard))
}

/// Says how it went, in words and in the exit code.
fn conclude(
    config: &Config,
    journal: &Journal,
    reactor: &mut Reactor,
    load: &Load,
    ended: Ended,
) -> ExitCode {
    let metrics = reactor.address().map(reachable);
    let now = reactor.now();
    let snapshot = load.swarm.snapshot(now);
    let ending = ending(ended, &snapshot, load.behind.is_some());
    let began = load.swarm.stop_began().unwrap_or(now);
    let elapsed_sec = snapshot.elapsed.as_secs();
    info!(elapsed_sec, ended = summary::ended(ending), "shutdown_complete");
    let checked = load.check.as_ref().map(|check| {
        let media = load.swarm.figures().map(|client| client.media).sum();
        check.conclude(&snapshot, media, &config.masking)
    });
    let conclusion = match checked {
        Some((_, false)) => Conclusion::CheckFailed,
        Some((_, true)) => Conclusion::Finished,
        None => {
            let played = load.measured.log.then(|| snapshot.totals.reception.played() > 0);
            Conclusion::of(ending, played, load.behind.is_some())
        }
    };
    if conclusion == Conclusion::NothingPlayed {
        conclusion::log_nothing_played(ending, &snapshot);
    }
    let text = if let Some((verdict, _)) = &checked {
        verdict.clone()
    } else {
        let health = &reactor.health().clone();
        let series = load.recorder.finish(&snapshot, &health.process);
        let input = SummaryInput {
            snapshot: &snapshot,
            health,
            measured: load.measured,
            ffmpeg_version: &load.ffmpeg_version,
            own_peak_resident_bytes: usage::own_peak_resident_bytes(),
            cores: usage::cores(),
            ending,
            seed: config.swarm.seed,
            url: &config.masking.url(config.options.url.as_str()),
            shard: config.swarm.shard,
            clients: config.swarm.clients.get(),
            late: load.behind.filter(|_| config.start_at.is_some()),
            repeat_command: &config.repeat_command,
            metrics,
            dangerous: config.swarm.dangerous,
            series: series.as_ref(),
            origin_side: load.origin_side.as_ref(),
        };
        let tail = &mut reactor.tail(began);
        write_summary_file(config, tail, &input);
        report::write(config, tail, &input);
        summary::render(&input)
    };
    let mut tail = reactor.tail(began);
    if let Err(why) = printed(stdout::write_last(text.as_bytes(), &mut tail)) {
        warn!(%why, "summary_not_printed");
    }
    journal.flush_last();
    tail.forced_by().map_or(conclusion, Conclusion::Forced).exit_code()
}

/// Tells it to programs, if a file is named, and before people are told, who may
/// not be reading. A file that cannot be written costs a warning and not the run.
fn write_summary_file(config: &Config, tail: &mut Tail<'_>, input: &SummaryInput<'_>) {
    let Some(file) = &config.summary_json else { return };
    let written = json::render(input)
        .map_err(Into::into)
        .and_then(|text| summary_file::write_last(tail, file, text));
    if let Err(error) = written {
        warn!(file = %file.display(), %error, "summary_file_not_written");
    }
}

/// A run that is over by its schedule is not begun.
fn check_start(config: &Config) -> Result<(), Fatal> {
    let (Some(at), Some(duration)) = (config.start_at, config.swarm.duration) else {
        return Ok(());
    };
    let behind_ns = Clock::wall().as_unix_nanos().saturating_sub(at.as_unix_nanos());
    if behind_ns < nanos(duration) {
        return Ok(());
    }
    Err(Fatal(format!(
        "-start-at was {:?} ago, and the -duration of {duration:?} is over; give a later moment",
        Duration::from_secs(behind_ns / 1_000_000_000)
    )))
}

/// A summary file that could not be made is told before the run.
fn check_summary_file(config: &Config, stop: BorrowedFd<'_>) -> Result<(), Fatal> {
    let Some(file) = config.summary_json.as_deref().filter(|_| config.mode != Mode::Check) else {
        return Ok(());
    };
    summary_file::check_unless(stop, file).map_err(|error| {
        let file = file.display();
        Fatal(format!("-summary-json {file}: {error}; give a file that can be written"))
    })
}

/// What ended the run. One that was stopped while it waited for its moment has
/// failed at nothing.
fn ending(ended: Ended, snapshot: &Snapshot<'_>, began: bool) -> Ending {
    let totals = snapshot.totals;
    match ended {
        Ended { forced_by: Some(signal), .. } => Ending::Forced(signal.name()),
        Ended { stopped_by, .. } if totals.started == 0 && began => {
            Ending::NothingStarted { stopped_by: stopped_by.map(StopSignal::name) }
        }
        Ended { stopped_by: Some(signal), .. } => Ending::Signal(signal.name()),
        _ if totals.max_restarts_reached >= u64::from(snapshot.target) => Ending::RestartsUsedUp,
        _ => Ending::DurationReached,
    }
}

/// The swarm as the reactor's application.
struct Load {
    swarm: Swarm,
    board: Option<Board>,
    ffmpeg_version: String,
    measured: Measured,
    origin_side: Option<OriginSide>,
    client_metrics: bool,
    check: Option<Check>,
    /// How long after its moment the ramp began; `None` until it has.
    behind: Option<Duration>,
    recorder: Recorder,
}

impl Application for Load {
    fn handle(&mut self, now: Tick, input: Input<'_>, actions: &mut Vec<Action>) {
        match input {
            Input::Started => self.behind = Some(Duration::ZERO),
            Input::StartedLate { behind } => self.behind = Some(behind),
            _ => {}
        }
        self.recorder.note(now, &self.swarm);
        if let Some(check) = &mut self.check {
            check.watch(&input, self.swarm.snapshot(now).phase);
        }
        self.swarm.handle(now, input, actions);
    }

    fn prefetch(&self, client: ClientId) {
        self.swarm.prefetch(client);
    }

    fn next_deadline(&self) -> Option<Tick> {
        self.swarm.next_deadline()
    }

    fn fetched(&mut self, now: Tick, key: usize, fetched: Fetched<'_>) {
        if let Some(side) = &mut self.origin_side {
            origin_side::fetched(side, now, key, fetched);
        }
    }

    fn typed(&mut self, now: Tick, bytes: &[u8], actions: &mut Vec<Action>) -> Vec<StopSignal> {
        let board = self.board.as_mut();
        board.map(|board| board.typed(&mut self.swarm, now, bytes, actions)).unwrap_or_default()
    }

    fn next_frame(&self) -> Option<Tick> {
        self.board.as_ref().map(Board::next_frame)
    }

    fn want_frame(&mut self) {
        if let Some(board) = &mut self.board {
            board.want_frame();
        }
    }

    fn draw(
        &mut self,
        now: Tick,
        health: &Health,
        size: (u16, u16),
        anew: bool,
        frame: &mut Vec<u8>,
    ) {
        if let Some(board) = &mut self.board {
            let (measured, origin_side) = (self.measured, self.origin_side.as_ref());
            let about = About { swarm: &self.swarm, health, measured, origin_side };
            board.draw(now, about, size, anew, frame);
        }
    }

    fn is_scrape(&self, request: &Request<'_>) -> bool {
        request.path == "/metrics"
    }

    fn status(&self, now: Tick) -> String {
        let snapshot = self.swarm.snapshot(now);
        let (active, target) = (snapshot.active(), snapshot.target);
        format!("{active} of {target} clients active, {} restarts", snapshot.totals.restarted)
    }

    fn is_stopping(&self, now: Tick) -> bool {
        matches!(self.swarm.snapshot(now).phase, Phase::Drain | Phase::Finished)
    }

    fn respond(&mut self, at: Moment, health: &Health, request: &Request<'_>) -> Response {
        let snapshot = self.swarm.snapshot(at.tick);
        let single = self.client_metrics && self.is_scrape(request);
        let most = if single { per_client::MAX_CLIENTS } else { 0 };
        let clients: Vec<_> = self.swarm.figures().take(most).collect();
        let scene = Scene {
            snapshot: &snapshot,
            health,
            ffmpeg_version: &self.ffmpeg_version,
            measured: self.measured,
            origin_side: self.origin_side.as_ref(),
            clients: &clients,
        };
        endpoints::respond(&scene, request)
    }
}
