//! A changed target or a hold, applied to one client: it goes down alone, comes back,
//! or waits.

use super::{Client, Desired, Event};
use crate::stats::{LogContext, State};
use crate::swarm::Report;
use crate::swarm::deadlines::Timer;
use crate::swarm::turn::Turn;
use crate::units::{ClientId, Tick};

impl Client {
    pub(in crate::swarm) const fn id(&self) -> ClientId {
        self.id
    }

    /// Whether it ever had a process.
    pub(in crate::swarm) const fn was_started(&self) -> bool {
        self.attempts > 0
    }

    /// It is wanted again, or new. A client that is going down restarts once it is
    /// down; one that is down or new starts at `due`. True if it waits for that start.
    pub(in crate::swarm) fn raise(&mut self, turn: &mut Turn<'_>, due: Tick) -> bool {
        self.desired = Desired::Up;
        // For one that is not down yet this is checked when its attempt is over.
        if self.state == State::Stopped && self.note_restarts_used_up(turn) {
            return false;
        }
        if !self.step(turn, Event::Raised) && self.state != State::Idle {
            return false;
        }
        let jitter = turn.common.plan.jitter(&mut self.random);
        self.schedule_at(turn, due.after(jitter));
        true
    }

    /// Sets its first start; while starts are held it has no timer.
    pub(in crate::swarm) fn schedule_at(&mut self, turn: &mut Turn<'_>, due: Tick) {
        self.due = due;
        if !turn.common.plan.is_held() {
            turn.common.deadlines.set(self.timer(Timer::Start), due);
        }
    }

    /// Goes down if its restarts are used up, and reports that once. True if they are.
    pub(super) fn note_restarts_used_up(&mut self, turn: &mut Turn<'_>) -> bool {
        let restarts = u64::from(self.attempts).saturating_sub(1);
        let most = turn.common.settings.max_restarts;
        if self.attempts == 0 || most.is_none_or(|most| restarts < most.get()) {
            return false;
        }
        self.desired = Desired::Down;
        if !std::mem::replace(&mut self.used_up, true) {
            turn.common.counts.totals.max_restarts_reached += 1;
            turn.report(Report::MaxRestartsReached { client: self.id });
        }
        true
    }

    /// Ends its process: by the stage of the stop if the run stops, else alone. One that
    /// is ended alone already continues with its own signals.
    pub(super) fn end_process(&mut self, turn: &mut Turn<'_>) {
        if turn.common.stop.is_some() {
            self.note_end(turn);
            self.signal_if_left(turn);
        } else if self.attempt.own_signals == 0 {
            self.note_end(turn);
            self.signal_alone(turn);
        }
    }

    /// From now on, what it does is no measure of the origin.
    fn note_end(&mut self, turn: &mut Turn<'_>) {
        turn.common.deadlines.clear(self.timer(Timer::Signal));
        self.attempt.viewing.ended_by_us(turn.now, &mut turn.common.counts.totals.playback);
        let lived = turn.now.since(self.attempt.spawned_at);
        let seen_since = turn.common.seen_since;
        let context = LogContext { seen_since, ..turn.common.settings.log_context() };
        self.attempt.requests.end(turn.now, lived, &context);
    }
}
