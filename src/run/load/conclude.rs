//! Concludes a run: its summary, its files, and its result.

use tracing::{info, warn};

use super::application::Load;
use crate::config::Config;
use crate::measures::{Ending, RunFacts, Scene};
use crate::reactor::blocking::tail::Tail;
use crate::reactor::host::journal::Journal;
use crate::reactor::host::signals::StopSignal;
use crate::reactor::host::stdout;
use crate::reactor::process::usage;
use crate::reactor::{Ended, Reactor};
use crate::run::conclusion::{self, Conclusion};
use crate::run::{printed, report, summary_file};
use crate::stats::Snapshot;
use crate::summary::{Document, json, text};
use crate::units::address::reachable;

/// Writes the summary and the files of a run that has ended; returns the result
/// of the run.
pub(super) fn conclude(
    config: &Config,
    journal: &Journal,
    reactor: &mut Reactor,
    load: &Load,
    ended: Ended,
) -> Conclusion {
    let now = reactor.now();
    let snapshot = load.swarm.snapshot(now);
    let ending = ending(ended, &snapshot, load.behind.is_some());
    let began = load.swarm.stop_began().unwrap_or(now);
    let elapsed_sec = snapshot.elapsed.as_secs();
    info!(elapsed_sec, ended = text::ended(ending), "shutdown_complete");
    let checked = load.check.as_ref().map(|check| {
        let media = load.swarm.figures().map(|client| client.media).sum();
        check.conclude(&snapshot, media, &config.masking)
    });
    let conclusion = match checked {
        Some((_, false)) => Conclusion::CheckFailed,
        Some((_, true)) => Conclusion::Finished,
        None => {
            let played = load.backdrop.measured.log.then(|| snapshot.totals.reception.played() > 0);
            Conclusion::of(ending, played, load.behind.is_some())
        }
    };
    if conclusion == Conclusion::NothingPlayed {
        conclusion::log_nothing_played(ending, &snapshot);
    }
    let text = if let Some((verdict, _)) = &checked {
        verdict.clone()
    } else {
        let document = document(config, reactor, load, ending);
        let tail = &mut reactor.tail(began);
        write_summary_file(config, tail, &document);
        report::write(config, tail, &document);
        text::render(&document)
    };
    let mut tail = reactor.tail(began);
    if let Err(why) = printed(stdout::write_last(text.as_bytes(), &mut tail)) {
        warn!(%why, "summary_not_printed");
    }
    journal.flush_last();
    tail.forced_by().map_or(conclusion, Conclusion::Forced)
}

/// The summary of the run as it is now.
fn document(config: &Config, reactor: &mut Reactor, load: &Load, ending: Ending) -> Document {
    let metrics = reactor.address().map(reachable);
    let snapshot = load.swarm.snapshot(reactor.now());
    let health = reactor.health();
    let own_peak_resident_bytes = usage::own_peak_resident_bytes();
    let scene = Scene { own_peak_resident_bytes, ..load.backdrop.scene(&snapshot, health) };
    let facts = RunFacts {
        ending,
        seed: config.swarm.seed,
        url: &load.shown_url,
        shard: config.swarm.shard,
        clients: config.swarm.clients.get(),
        late: load.behind.filter(|_| config.start_at.is_some()),
        repeat_command: &config.repeat_command,
        metrics,
        dangerous: config.swarm.dangerous,
    };
    Document::of(&scene, &facts, load.recorder.finish(&scene).as_ref())
}

/// Writes the JSON summary, if a file is named, before the text: stdout may block.
/// A file that cannot be written causes a warning and does not fail the run.
fn write_summary_file(config: &Config, tail: &mut Tail<'_>, document: &Document) {
    let Some(file) = &config.summary_json else { return };
    let written = json::render(document)
        .map_err(Into::into)
        .and_then(|text| summary_file::write_last(tail, file, text));
    if let Err(error) = written {
        warn!(file = %file.display(), %error, "summary_file_not_written");
    }
}

/// What ended the run. One that was stopped while it waited for its start has
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
