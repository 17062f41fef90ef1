//! The dashboard of a load run: between the terminal and the swarm.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::backdrop::Backdrop;
use crate::config::{Config, Mode};
use crate::dashboard::pacing::Pacing;
use crate::dashboard::{self, Dashboard, Opened, Order, Run};
use crate::ffmpeg::command::Template;
use crate::http::redact::Masking;
use crate::reactor::host::journal::{Journal, for_people};
use crate::reactor::host::signals::StopSignal;
use crate::stats::Health;
use crate::swarm::{Action, Input, Swarm};
use crate::units::{ClientId, Tick};

/// What follows an escape in a sequence comes within this, over a slow line too; an
/// escape that stands alone is one after it.
const ESCAPE_ALONE: Duration = Duration::from_millis(100);

/// Whether this run has a dashboard; `there` says that standard output is a terminal.
///
/// # Errors
/// It was requested, but no terminal can show it.
pub(super) fn is_wanted(config: &Config, there: bool) -> Result<bool, &'static str> {
    if !matches!(config.mode, Mode::Load | Mode::Demo) {
        return Ok(false);
    }
    let possible = there && config.dashboard.capable;
    match config.dashboard.asked {
        Some(true) if !there => {
            Err("-tui needs a terminal, and stdout is none; leave out -tui, or do not redirect it")
        }
        Some(true) if !possible => {
            Err("-tui needs a terminal that can move its cursor; set TERM to its kind")
        }
        asked => Ok(possible && asked != Some(false)),
    }
}

/// What a frame is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) swarm: &'a Swarm,
    pub(super) health: &'a Health,
    pub(super) backdrop: &'a Backdrop,
}

/// The dashboard, and what it shows in addition to the numbers.
pub(super) struct Board {
    dashboard: Dashboard,
    pacing: Pacing,
    run: Run,
    journal: Option<Journal>,
    ffmpeg: PathBuf,
    template: Template,
    masking: Masking,
    /// When the run began, by the last frame.
    began: Tick,
    /// When an escape that waits was one.
    escape_at: Option<Tick>,
    orders: Vec<Order>,
}

impl Board {
    /// A dashboard that was not drawn yet.
    pub(super) fn new(
        config: &Config,
        shown_url: &str,
        room: u32,
        ffmpeg: &Path,
        template: &Template,
    ) -> Self {
        let run = Run {
            url: shown_url.to_owned(),
            seed: config.swarm.seed,
            duration: config.swarm.duration,
            room,
        };
        Self {
            dashboard: Dashboard::new(config.dashboard.colours),
            pacing: Pacing::default(),
            run,
            journal: None,
            ffmpeg: ffmpeg.to_owned(),
            template: template.clone(),
            masking: config.masking.clone(),
            began: Tick::ZERO,
            escape_at: None,
            orders: Vec::new(),
        }
    }

    /// Shows the last lines of this log.
    pub(super) fn read_log_of(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Handles typed bytes.
    pub(super) fn typed(
        &mut self,
        swarm: &mut Swarm,
        now: Tick,
        bytes: &[u8],
        actions: &mut Vec<Action>,
    ) -> Vec<StopSignal> {
        self.dashboard.typed(bytes, &mut self.orders);
        self.escape_at = self.dashboard.waits_for_keys().then(|| now.after(ESCAPE_ALONE));
        self.pacing.want();
        let mut stops = Vec::new();
        for order in self.orders.drain(..) {
            let input = match order {
                Order::Quit => {
                    stops.push(StopSignal::Key);
                    continue;
                }
                Order::HoldRamp(held) => Input::RampHeld(held),
                Order::Target(clients) => Input::TargetAsked { clients },
            };
            swarm.handle(now, input, actions);
        }
        stops
    }

    /// When [`Board::draw`] is wanted next.
    pub(super) fn next_frame(&self) -> Tick {
        let frame = self.pacing.next(self.began);
        self.escape_at.map_or(frame, |escape| escape.min(frame))
    }

    /// A frame is wanted soon.
    pub(super) const fn want_frame(&mut self) {
        self.pacing.want();
    }

    /// Draws a frame, if it is time for one.
    pub(super) fn draw(
        &mut self,
        now: Tick,
        about: About<'_>,
        size: (u16, u16),
        redraw: bool,
        frame: &mut Vec<u8>,
    ) {
        if self.escape_at.take_if(|at| *at <= now).is_some() {
            self.dashboard.keys_rest();
            self.pacing.want();
        }
        if redraw {
            self.dashboard.forget_screen();
        } else if self.pacing.next(self.began) > now {
            return;
        }
        self.pacing.drawn(now);
        let About { swarm, health, backdrop } = about;
        let snapshot = swarm.snapshot(now);
        self.began = snapshot.began();
        self.dashboard.look_at(swarm.clients());
        let opened = self.dashboard.opened().and_then(|client| self.open(swarm, client, now));
        let Self { dashboard, run, journal, .. } = self;
        let (opened, scene) = (opened.as_ref(), &backdrop.scene(&snapshot, health));
        let Some(journal) = journal else { return };
        journal.with_last_lines(|log| {
            dashboard.draw(&dashboard::View { run, scene, opened, log }, size, frame);
        });
    }

    fn open(&self, swarm: &Swarm, client: ClientId, now: Tick) -> Option<Opened> {
        let detail = swarm.detail(client, now)?;
        let command = self.template.masked_line(&self.ffmpeg, client, &self.masking);
        let last_lines =
            detail.last_lines.iter().map(|line| for_people(line, &self.masking)).collect();
        Some(Opened { detail, command, last_lines })
    }
}
