//! Applies a changed plan to the clients: the first starts held, the target changed.
//!
//! A client above the target is ended as at the end of the run, but alone. A client
//! that is wanted again, or new, waits for its start like those of the ramp.

use super::client::Client;
use super::deadlines::{Key, Timer};
use super::turn::Turn;
use super::{Action, Report, Swarm};
use crate::stats::State;
use crate::units::{ClientId, Tick};

impl Swarm {
    /// The highest target that can be asked for.
    #[must_use]
    pub const fn room(&self) -> u32 {
        self.common.plan.room()
    }

    /// Whether the run has begun and does not stop yet.
    fn can_change(&self) -> bool {
        self.began.is_some() && self.common.stop.is_none()
    }

    pub(super) fn hold_ramp(&mut self, now: Tick, actions: &mut Vec<Action>) {
        if !self.can_change() || !self.common.plan.hold(now) {
            return;
        }
        let Self { clients, ready, common, .. } = self;
        let idle = |id: &ClientId| clients.get(id.index()).map(Client::state) == Some(State::Idle);
        ready.retain(|id| !idle(id));
        for client in clients.iter().filter(|client| client.state() == State::Idle) {
            common.deadlines.clear(Key::Client(client.id(), Timer::Start));
        }
        actions.push(Action::Report(Report::RampHeld));
    }

    pub(super) fn resume_ramp(&mut self, now: Tick, actions: &mut Vec<Action>) {
        if !self.can_change() {
            return;
        }
        let Some(hold) = self.common.plan.resume() else { return };
        actions.push(Action::Report(Report::RampResumed));
        let mut turn = Turn { now, common: &mut self.common, actions };
        for client in self.clients.iter_mut().filter(|client| client.state() == State::Idle) {
            let due = hold.moved(client.due(), now);
            client.schedule_at(&mut turn, due);
        }
    }

    pub(super) fn set_target(&mut self, now: Tick, clients: u32, actions: &mut Vec<Action>) {
        if !self.can_change() {
            return;
        }
        let Some(before) = self.common.plan.set_target(clients) else { return };
        let target = self.common.plan.target();
        actions.push(Action::Report(Report::TargetChanged { target }));
        if target < before {
            self.lower(now, actions);
        } else {
            self.raise(now, before, actions);
        }
        let wanted = self.clients.iter().take(target as usize);
        let unstarted = wanted.filter(|client| !client.was_started()).count();
        self.unstarted = u32::try_from(unstarted).unwrap_or(u32::MAX);
    }

    /// Ends the clients above the target.
    fn lower(&mut self, now: Tick, actions: &mut Vec<Action>) {
        let Self { clients, ready, common, .. } = self;
        ready.retain(|&id| common.plan.wants(id));
        let target = common.plan.target() as usize;
        let mut turn = Turn { now, common, actions };
        for client in clients.iter_mut().skip(target) {
            client.stop(&mut turn);
        }
    }

    /// Starts the clients from `before` up to the target, after those that wait
    /// already.
    fn raise(&mut self, now: Tick, before: u32, actions: &mut Vec<Action>) {
        let waiting = self.clients.iter().filter(|client| client.state() == State::Idle);
        let mut due = self.common.plan.next_due(now, waiting.map(Client::due).max());
        let mut turn = Turn { now, common: &mut self.common, actions };
        for place in before..turn.common.plan.target() {
            let id = turn.common.plan.client(place);
            if id.index() == self.clients.len() {
                self.clients.push(Client::new(turn.common.settings.seed, id));
                turn.common.counts.joined(1);
            }
            let Some(client) = self.clients.get_mut(id.index()) else { continue };
            if client.raise(&mut turn, due) {
                due = turn.common.plan.due_after(due);
            }
        }
    }
}
