//! The swarm as the reactor's application.

use std::time::Duration;

use crate::exposition::endpoints;
use crate::http::{Fetched, Request, Response};
use crate::measures::METRICS_PATH;
use crate::measures::Scene;
use crate::measures::per_client;
use crate::reactor::host::signals::StopSignal;
use crate::reactor::table::ServiceKey;
use crate::reactor::{Application, Asker, Driver, HttpService, Screen, Status, Vitals};
use crate::run::backdrop::Backdrop;
use crate::run::board::{About, Board};
use crate::run::check::Check;
use crate::run::exporters;
use crate::run::recorder::Recorder;
use crate::stats::Phase;
use crate::swarm::{Action, Input, Swarm};
use crate::units::{ClientId, Moment, Tick};

/// The swarm as the reactor's application.
pub(super) struct Load {
    pub(super) swarm: Swarm,
    pub(super) backdrop: Backdrop,
    pub(super) board: Option<Board>,
    /// The playlist that is loaded, as it may be shown.
    pub(super) shown_url: String,
    pub(super) client_metrics: bool,
    pub(super) check: Option<Check>,
    /// How long after its moment the ramp began; `None` until it has.
    pub(super) behind: Option<Duration>,
    pub(super) recorder: Recorder,
}

impl Driver for Load {
    fn handle(&mut self, now: Tick, input: Input<'_>, actions: &mut Vec<Action>) {
        match input {
            Input::Started => self.behind = Some(Duration::ZERO),
            Input::StartedLate { behind } => self.behind = Some(behind),
            _ => {}
        }
        if self.recorder.is_due(now) {
            self.recorder.note(&self.swarm.snapshot(now), &self.backdrop);
        }
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
}

impl HttpService for Load {
    fn respond(&mut self, at: Moment, vitals: &mut Vitals<'_>, request: &Request<'_>) -> Response {
        let scrape = request.path == METRICS_PATH;
        let health = if scrape { vitals.refresh(at.tick, self) } else { vitals.health() };
        let snapshot = self.swarm.snapshot(at.tick);
        let single = self.client_metrics && scrape;
        let most = if single { per_client::MAX_CLIENTS } else { 0 };
        let clients: Vec<_> = self.swarm.figures().take(most).collect();
        let scene = Scene { clients: &clients, ..self.backdrop.scene(&snapshot, health) };
        endpoints::respond(&scene, request)
    }
}

impl Status for Load {
    fn status(&self, now: Tick) -> String {
        let snapshot = self.swarm.snapshot(now);
        let (active, target) = (snapshot.active(), snapshot.target);
        format!("{active} of {target} clients active, {} restarts", snapshot.totals.restarted)
    }

    fn is_stopping(&self, now: Tick) -> bool {
        matches!(self.swarm.snapshot(now).phase, Phase::Drain | Phase::Finished)
    }
}

impl Screen for Load {
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
        vitals: &mut Vitals<'_>,
        size: (u16, u16),
        redraw: bool,
        frame: &mut Vec<u8>,
    ) {
        let health = vitals.refresh(now, self);
        if let Some(board) = &mut self.board {
            let about = About { swarm: &self.swarm, health, backdrop: &self.backdrop };
            board.draw(now, about, size, redraw, frame);
        }
    }
}

impl Asker for Load {
    fn fetched(&mut self, now: Tick, key: usize, fetched: Fetched<'_>) {
        if let Some(side) = &mut self.backdrop.exporters {
            exporters::fetched(side, now, key, fetched);
        }
    }
}

impl Application for Load {
    fn service(&mut self, _: ServiceKey) -> &mut dyn HttpService {
        self
    }

    fn screen(&self) -> Option<&dyn Screen> {
        Some(self)
    }

    fn screen_mut(&mut self) -> Option<&mut dyn Screen> {
        Some(self)
    }

    fn asker(&mut self) -> Option<&mut dyn Asker> {
        Some(self)
    }
}
