//! A load run: prepare, run the loop, conclude.

mod application;
mod conclude;
mod prepare;
mod tap;
mod variants;

use std::os::fd::AsFd as _;
use std::rc::Rc;

use tracing::warn;

use self::application::Load;
use self::conclude::conclude;
use self::prepare::{Prepared, Ready, prepare};
use super::backdrop::Backdrop;
use super::board::{self, Board};
use super::check::Check;
use super::conclusion::Conclusion;
use super::recorder::Recorder;
use super::{Fatal, complain, install_journal, plan, print, stopped_by, take_signals};
use crate::config::{Config, Mode};
use crate::measures::Measured;
use crate::measures::per_client;
use crate::reactor::Reactor;
use crate::reactor::host::journal::Journal;
use crate::reactor::host::signals::Signals;
use crate::reactor::host::terminal::{self, Terminal};
use crate::reactor::host::{remedy, reports};
use crate::reactor::net::server::Server;
use crate::reactor::net::traffic::Traffic;
use crate::reactor::process::children::Children;
use crate::reactor::process::orphans;
use crate::reactor::process::usage;
use crate::swarm::{Report, Settings, Swarm};

/// Runs a load.
pub(super) fn load(config: &Config) -> Result<Conclusion, Fatal> {
    let shown = match board::is_wanted(config, terminal::is_there()) {
        Ok(shown) => shown,
        Err(why) => {
            complain(why);
            return Ok(Conclusion::BadUsage);
        }
    };
    let journal = install_journal(config.log, &config.masking);
    let mut signals = take_signals()?;
    orphans::adopt();
    let prepared = prepare(config, shown, signals.as_fd());
    // A stop request is the cause of any other error.
    let prepared = signals.take_stop().map_or(prepared, |signal| Err(stopped_by(signal)));
    if let Ok(Prepared::Load(ready)) = prepared {
        return run(config, &journal, signals, *ready);
    }
    orphans::end_all();
    if let Prepared::Command(line) = prepared? {
        signals.release();
        print(&line)?;
    }
    Ok(Conclusion::Finished)
}

/// Runs the loop to its end.
fn run(
    config: &Config,
    journal: &Journal,
    signals: Signals,
    ready: Ready,
) -> Result<Conclusion, Fatal> {
    let Ready {
        servers,
        children,
        demo_origin,
        tap,
        exporters,
        stall,
        ffmpeg_version,
        shown_url,
        room,
        board,
    } = ready;
    let settings = Settings { target_duration: stall.target_duration, ..config.swarm.clone() };
    let mut reactor = set_up_reactor(config, journal, signals, servers, children)?;
    if let Some(demo_origin) = &demo_origin {
        reactor.watch(Rc::clone(demo_origin.process()));
    }
    if let Some(tap) = tap {
        reactor.carry(tap).map_err(|error| Fatal(format!("the tap cannot be set up: {error}")))?;
    }
    warn_of(config);
    let mut load = Load {
        swarm: Swarm::with_room(settings, room),
        backdrop: Backdrop {
            ffmpeg_version,
            measured: Measured {
                log: config.swarm.stats,
                tap: config.swarm.tap,
                tcp: config.swarm.stats && !config.swarm.tap && sample_sockets(&mut reactor),
            },
            stall,
            cores: usage::cores(),
            exporters: exporters.map(|polls| polls.start(&mut reactor)),
        },
        board: None,
        shown_url,
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
    drop(demo_origin);
    orphans::end_all();
    let ended = ended.map_err(|error| Fatal(format!("the reactor failed: {error}")))?;
    Ok(conclude(config, journal, &mut reactor, &load, ended))
}

/// The reactor, with the memory limit of the clients.
fn set_up_reactor(
    config: &Config,
    journal: &Journal,
    signals: Signals,
    servers: Vec<Server>,
    children: Children,
) -> Result<Reactor, Fatal> {
    let mut reactor =
        Reactor::new(journal.clone(), signals, servers, Some(children)).map_err(|error| {
            Fatal(format!("the reactor cannot be set up: {}", remedy::with_remedy(&error)))
        })?;
    if config.swarm.ffmpeg_memory_max.is_some() {
        reactor.limit_memory();
    }
    Ok(reactor)
}

/// Warns of settings with surprising effects.
fn warn_of(config: &Config) {
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
}

/// Opens the terminal for the dashboard. If it cannot be opened, as after su(1), a
/// dashboard that was not requested is skipped with a warning.
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
            Err(Fatal(format!("-tui: the terminal cannot be opened: {error}; remove -tui")))
        }
        Err(error) => {
            warn!(%error, "no_dashboard");
            Ok(None)
        }
    }
}

/// Samples the clients' sockets. Without it bytes are counted late, and TCP statistics
/// not at all.
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
