//! How many clients are wanted when.
//!
//! The plan is a curve over the time since the start of the ramp. Client n of the
//! whole run starts when the curve exceeds n, so the plans of its shards together are
//! that of the run. The curve is a ramp: it rises at a constant rate to the target and
//! stays there. [`Plan::due`] is the only place that knows its form. A curve that
//! also falls needs the counterpart of it, when a client is wanted no more; arrivals
//! need other times there, drawn from the seed.
//!
//! While the run goes on, its user can hold the first starts and change the target.
//! The clients that are wanted are always those with the lowest numbers.
//!
//! Pure: knows no clock and no state of a client.

use std::time::Duration;

use super::Settings;
use super::random::Random;
use crate::units::shard::Shard;
use crate::units::{ClientId, Tick, nanos};

/// When the clients of this process start, and how many of them are wanted.
#[derive(Debug, Clone)]
pub struct Plan {
    shard: Shard,
    seed: u64,
    /// Starts a second, of the whole run.
    rate: f64,
    jitter_max: Duration,
    target: u32,
    room: u32,
    held_since: Option<Tick>,
    changed: bool,
}

impl Plan {
    /// The plan of these settings, whose target can be raised up to `room` clients of
    /// this process.
    #[must_use]
    pub fn new(settings: &Settings, room: u32) -> Self {
        let target = settings.share();
        Self {
            shard: settings.shard,
            seed: settings.seed,
            rate: settings.ramp_rate,
            jitter_max: settings.ramp_jitter,
            target,
            room: room.max(target),
            held_since: None,
            changed: false,
        }
    }

    /// Clients of this process that shall run once all have started.
    #[must_use]
    pub const fn target(&self) -> u32 {
        self.target
    }

    /// The highest target that this process has room for.
    #[must_use]
    pub const fn room(&self) -> u32 {
        self.room
    }

    /// The client at this place of the tables of this process.
    #[must_use]
    pub const fn client(&self, place: u32) -> ClientId {
        self.shard.client(place)
    }

    /// Whether this client is among the target.
    #[must_use]
    pub const fn wants(&self, client: ClientId) -> bool {
        client.index() < self.target as usize
    }

    /// When this client is due, counted from the start of the ramp and before jitter.
    #[must_use]
    pub fn due(&self, client: ClientId) -> Duration {
        due(client.number(), self.rate)
    }

    /// A random delay up to `-ramp-jitter`.
    pub fn jitter(&self, random: &mut Random) -> Duration {
        Duration::from_nanos(random.up_to(nanos(self.jitter_max)))
    }

    /// How long after the start of the ramp this client starts. `random` is its
    /// generator, from which nothing was drawn yet.
    pub fn offset(&self, client: ClientId, random: &mut Random) -> Duration {
        self.due(client).saturating_add(self.jitter(random))
    }

    /// The same, computed again instead of stored in each client; `None` once a hold
    /// or a changed target has moved the starts.
    #[must_use]
    pub fn scheduled(&self, client: ClientId) -> Option<Duration> {
        (!self.changed).then(|| self.offset(client, &mut Random::new(self.seed, client)))
    }

    /// When the first of the clients that are added now is due, before jitter. `last`
    /// is the latest start that is still to come.
    #[must_use]
    pub fn next_due(&self, now: Tick, last: Option<Tick>) -> Tick {
        let base = self.held_since.unwrap_or(now);
        last.map_or(base, |last| base.max(self.due_after(last)))
    }

    /// When the client after one that is due at `due` is: the other shards start
    /// theirs in between.
    #[must_use]
    pub fn due_after(&self, due: Tick) -> Tick {
        due.after(self::due(self.shard.count(), self.rate))
    }

    /// Whether the first starts are held.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held_since.is_some()
    }

    /// Holds the first starts from `now` on; false if they are held already.
    pub fn hold(&mut self, now: Tick) -> bool {
        let newly = self.held_since.is_none();
        if newly {
            self.held_since = Some(now);
            self.changed = true;
        }
        newly
    }

    /// Ends the hold and returns it; `None` if there is none.
    pub fn resume(&mut self) -> Option<Hold> {
        Some(Hold { since: self.held_since.take()? })
    }

    /// Changes the target to `clients`, at least 1 and at most the room. Returns the
    /// one before; `None` if it is the same.
    pub fn set_target(&mut self, clients: u32) -> Option<u32> {
        let asked = clients.clamp(1, self.room);
        if asked == self.target {
            return None;
        }
        self.changed = true;
        Some(std::mem::replace(&mut self.target, asked))
    }

    /// Whether a run of this duration ends before some client of this process is due;
    /// exact, jitter included. Takes O(target).
    #[must_use]
    pub fn cut_short(&self, duration: Duration) -> Option<CutShort> {
        let (mut started, mut takes) = (0, Duration::ZERO);
        for client in (0..self.target).map(|place| self.client(place)) {
            let offset = self.offset(client, &mut Random::new(self.seed, client));
            started += u32::from(offset < duration);
            takes = takes.max(offset);
        }
        (started < self.target).then_some(CutShort { started, takes })
    }
}

/// A hold of the first starts that is over.
#[derive(Debug, Clone, Copy)]
pub struct Hold {
    since: Tick,
}

impl Hold {
    /// When a start that was due at `due` is due if the hold ends at `now`: those of
    /// before at once, the others at the distance that they had. None of them is late.
    #[must_use]
    pub fn moved(self, due: Tick, now: Tick) -> Tick {
        now.after(due.max(self.since).since(self.since))
    }
}

/// A ramp that the end of the run cuts short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutShort {
    /// Clients of this process that are due before the end.
    pub started: u32,
    /// When the last of them all would be due.
    pub takes: Duration,
}

/// When a ramp at `rate` starts a second, above 0, exceeds `clients`.
///
/// Counted from the start of the ramp and not from the client before, so that the
/// actual rate is the requested one, and jitter of one client does not move the next.
/// Rounded up to a whole nanosecond, so that floor(t · rate) + 1 clients are due by t.
fn due(clients: u32, rate: f64) -> Duration {
    let due_ns = (f64::from(clients) * 1e9 / rate).ceil();
    Duration::from_nanos(due_ns as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn due_ns(client: u64, rate: f64) -> u64 {
        nanos(due(client as u32, rate))
    }

    fn plan(target: u32, room: u32) -> Plan {
        Plan::new(&crate::swarm::tests::settings(target), room)
    }

    proptest! {
        #[test]
        fn due_times_increase(rate in 0.1..5_000_f64, client in 0..100_000_u64) {
            prop_assert!(due_ns(client, rate) < due_ns(client + 1, rate));
        }

        #[test]
        fn due_times_are_exact(rate in 1..=2_000_u64, t_ns in 0..600_000_000_000_u64) {
            let due_by_t = t_ns * rate / 1_000_000_000 + 1;
            prop_assert!(due_ns(due_by_t - 1, rate as f64) <= t_ns);
            prop_assert!(due_ns(due_by_t, rate as f64) > t_ns);
        }

        #[test]
        fn jitter_stays_in_bounds(seed: u64, ms in 0..10_000_u64) {
            let mut random = Random::new(seed, ClientId::new(0));
            let jitter_max = Duration::from_millis(ms);
            let plan = Plan { jitter_max, ..plan(1, 1) };
            prop_assert!(plan.jitter(&mut random) <= jitter_max);
        }
    }

    #[test]
    fn the_first_client_is_due_at_once() {
        assert_eq!(due_ns(0, 0.001), 0);
    }

    #[test]
    fn an_absurd_rate_does_not_overflow() {
        assert_eq!(due_ns(u64::from(u32::MAX), f64::MIN_POSITIVE), u64::MAX);
        assert_eq!(due_ns(7, f64::INFINITY), 0);
    }

    #[test]
    fn a_target_stays_between_one_and_the_room() {
        let mut plan = plan(3, 5);
        assert_eq!((plan.set_target(3), plan.scheduled(ClientId::new(2)).is_some()), (None, true));
        assert_eq!((plan.set_target(9), plan.target()), (Some(3), 5));
        assert_eq!((plan.set_target(0), plan.target()), (Some(5), 1));
        assert!(plan.wants(ClientId::new(0)) && !plan.wants(ClientId::new(1)));
        assert_eq!(plan.scheduled(ClientId::new(0)), None);
    }

    #[test]
    fn a_hold_keeps_the_distance_of_the_starts() {
        let at = Tick::from_millis;
        let mut plan = plan(3, 3);
        assert!(plan.hold(at(150)) && !plan.hold(at(160)));
        assert_eq!(plan.next_due(at(900), None), at(150));
        let hold = plan.resume().unwrap();
        assert!(!plan.is_held() && plan.resume().is_none());
        assert_eq!(
            [100, 150, 200].map(|due| hold.moved(at(due), at(900))),
            [900, 900, 950].map(at)
        );
    }

    #[test]
    fn added_clients_follow_those_that_wait_at_the_rate_of_the_ramp() {
        // The test's settings start ten clients a second.
        let (at, plan) = (Tick::from_millis, plan(3, 5));
        assert_eq!(plan.next_due(at(900), None), at(900));
        assert_eq!(plan.next_due(at(900), Some(at(100))), at(900));
        assert_eq!(plan.next_due(at(900), Some(at(850))), at(950));
        let shard = Plan { shard: Shard::new(0, 4).unwrap(), ..plan };
        assert_eq!(shard.next_due(at(900), Some(at(850))), at(1_250));
    }
}
