//! What can be changed while the swarm runs: the target, and whether the ramp
//! goes on.
//!
//! The clients to keep up are always those with the lowest numbers. One too many
//! goes down as it would at the end of the run, alone; raised again, it waits for
//! its turn like a new one. Starts that were held keep their distance: the ramp
//! goes on where it was held, and nothing of it counts as late.

use super::client::Client;
use super::deadlines::{Key, Timer};
use super::turn::Turn;
use super::{Action, Report, Swarm, plan};
use crate::stats::State;
use crate::units::{ClientId, Tick};

impl Swarm {
    /// The most clients that the target can be raised to.
    #[must_use]
    pub const fn room(&self) -> u32 {
        self.room
    }

    /// Whether the run goes on, so that it can be changed.
    fn can_change(&self) -> bool {
        self.began.is_some() && self.common.stop.is_none()
    }

    pub(super) fn hold_ramp(&mut self, now: Tick, actions: &mut Vec<Action>) {
        if !self.can_change() || self.common.held_since.is_some() {
            return;
        }
        self.common.held_since = Some(now);
        self.common.changed = true;
        let Self { clients, ready, common, .. } = self;
        let idle = |id: &ClientId| clients.get(id.index()).map(Client::state) == Some(State::Idle);
        ready.retain(|id| !idle(id));
        for client in clients.iter().filter(|client| client.state() == State::Idle) {
            common.deadlines.clear(Key::Client(client.id(), Timer::Start));
        }
        actions.push(Action::Report(Report::RampHeld));
    }

    pub(super) fn let_ramp_go_on(&mut self, now: Tick, actions: &mut Vec<Action>) {
        if !self.can_change() {
            return;
        }
        let Some(held_since) = self.common.held_since.take() else { return };
        actions.push(Action::Report(Report::RampGoesOn));
        let mut turn = Turn { now, common: &mut self.common, actions };
        for client in self.clients.iter_mut().filter(|client| client.state() == State::Idle) {
            let after = client.due().max(held_since).since(held_since);
            client.schedule_at(&mut turn, now.after(after));
        }
    }

    pub(super) fn set_target(&mut self, now: Tick, clients: u32, actions: &mut Vec<Action>) {
        let asked = clients.clamp(1, self.room);
        let before = self.target;
        if !self.can_change() || asked == before {
            return;
        }
        self.target = asked;
        self.common.changed = true;
        actions.push(Action::Report(Report::TargetChanged { target: asked }));
        if asked < before {
            self.lower(now, actions);
        } else {
            self.raise(now, before, actions);
        }
        let wanted = self.clients.iter().take(asked as usize);
        let unstarted = wanted.filter(|client| !client.was_started()).count();
        self.unstarted = u32::try_from(unstarted).unwrap_or(u32::MAX);
    }

    /// Takes those above the target down.
    fn lower(&mut self, now: Tick, actions: &mut Vec<Action>) {
        self.ready.retain(|id| id.index() < self.target as usize);
        let mut turn = Turn { now, common: &mut self.common, actions };
        for client in self.clients.iter_mut().skip(self.target as usize) {
            client.stop(&mut turn);
        }
    }

    /// Wants those from `before` on up to the target, at the ramp's rate and after
    /// those that wait already.
    fn raise(&mut self, now: Tick, before: u32, actions: &mut Vec<Action>) {
        let (seed, shard) = (self.common.settings.seed, self.common.settings.shard);
        // The other shards start theirs between.
        let gap = plan::due(ClientId::new(shard.count()), self.common.settings.ramp_rate);
        let waiting = self.clients.iter().filter(|client| client.state() == State::Idle);
        let last = waiting.map(Client::due).max();
        let base = self.common.held_since.unwrap_or(now);
        let mut due = last.map_or(base, |last| base.max(last.after(gap)));
        let mut turn = Turn { now, common: &mut self.common, actions };
        for place in before..self.target {
            let id = shard.client(place);
            if id.index() == self.clients.len() {
                self.clients.push(Client::new(seed, id));
                turn.common.ledger.joined(1);
            }
            let Some(client) = self.clients.get_mut(id.index()) else { continue };
            if client.raise(&mut turn, due) {
                due = due.after(gap);
            }
        }
    }
}
