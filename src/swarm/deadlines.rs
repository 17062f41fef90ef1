//! Named timers of the run and of its clients, at most one deadline each, earliest
//! first.
//!
//! An indexed binary heap: setting, moving and clearing a deadline takes
//! O(log n), so that one timer of the reactor serves every client. Equal ticks
//! are in the order of their keys: those of the run, then those of the clients by
//! their places. Knows no clock, and does nothing when a deadline is reached.

use crate::units::shard::Shard;
use crate::units::{ClientId, Tick};

/// Marks a key without a deadline in the table of positions.
const NONE: u32 = u32::MAX;

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A timer of the whole run.
    Run(RunKey),
    /// A timer of this client.
    Client(ClientId, Timer),
}

/// The timers of one client. Each runs in some of its states only and is cleared when
/// the client leaves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Idle or in backoff: its next start.
    Start,
    /// Running: the check whether it is stalled, or while it is, the end of a window
    /// of its speed.
    StallCheck,
    /// Stopping: the next signal to a process that is ended alone.
    Signal,
    /// Draining: its pipes are closed although they have not ended.
    Drain,
}

impl Timer {
    /// Every timer, in the order of a client's life.
    pub const ALL: [Self; 4] = [Self::Start, Self::StallCheck, Self::Signal, Self::Drain];
}

/// The deadlines of the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunKey {
    /// The end of `-duration`.
    End,
    /// The second SIGTERM.
    TerminateAgain,
    /// SIGKILL to those left.
    Kill,
    /// The run ends whatever is left.
    ForcedFinish,
    /// The next reminder that TLS is not verified.
    Dangerous,
    /// The next line of progress in the log.
    Progress,
}

impl RunKey {
    const ALL: [Self; 6] = [
        Self::End,
        Self::TerminateAgain,
        Self::Kill,
        Self::ForcedFinish,
        Self::Dangerous,
        Self::Progress,
    ];
}

impl Key {
    fn slot(self) -> usize {
        match self {
            Self::Run(key) => key as usize,
            Self::Client(client, timer) => {
                RunKey::ALL.len() + client.index() * Timer::ALL.len() + timer as usize
            }
        }
    }

    fn of_slot(slot: u32, shard: Shard) -> Self {
        let (run_keys, timers) = (RunKey::ALL.len() as u32, Timer::ALL.len() as u32);
        if let Some(&key) = RunKey::ALL.get(slot as usize) {
            return Self::Run(key);
        }
        let timer = match (slot - run_keys) % timers {
            0 => Timer::Start,
            1 => Timer::StallCheck,
            2 => Timer::Signal,
            _ => Timer::Drain,
        };
        Self::Client(shard.client((slot - run_keys) / timers), timer)
    }
}

/// Pending deadlines of the run and of its clients.
#[derive(Debug)]
pub struct Deadlines {
    /// A binary heap of deadlines with their key's slot: no parent is later
    /// than its children.
    heap: Vec<(Tick, u32)>,
    /// Where each slot's deadline is in the heap.
    positions: Vec<u32>,
    shard: Shard,
}

impl Deadlines {
    /// No deadline, with room for the keys of `clients` clients; deadlines of
    /// other clients are ignored.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        let slots = RunKey::ALL.len() + clients as usize * Timer::ALL.len();
        // No state of a client has two timers.
        let heap = Vec::with_capacity(RunKey::ALL.len() + clients as usize);
        Self { heap, positions: vec![NONE; slots], shard: Shard::WHOLE }
    }

    /// The same for the clients of this shard.
    #[must_use]
    pub fn in_shard(self, shard: Shard) -> Self {
        Self { shard, ..self }
    }

    /// Sets the deadline of `key`, in place of the one it had.
    pub fn set(&mut self, key: Key, tick: Tick) {
        let slot = key.slot();
        let Some(position) = self.positions.get(slot).copied() else { return };
        let entry = (tick, slot as u32);
        if position == NONE {
            self.heap.push(entry);
            self.rise(self.heap.len() - 1);
        } else if let Some(old) = self.heap.get_mut(position as usize) {
            *old = entry;
            let position = self.rise(position as usize);
            self.sink(position);
        }
    }

    /// Sets the deadline of `key` unless it has an earlier one.
    pub fn set_if_earlier(&mut self, key: Key, tick: Tick) {
        if self.get(key).is_none_or(|old| tick < old) {
            self.set(key, tick);
        }
    }

    /// Clears the deadline of `key`, if it has one.
    pub fn clear(&mut self, key: Key) {
        if let Some(&position) = self.positions.get(key.slot())
            && position != NONE
        {
            self.remove(position as usize);
        }
    }

    /// The deadline of `key`.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<Tick> {
        let position = *self.positions.get(key.slot())?;
        self.heap.get(position as usize).map(|&(tick, _)| tick)
    }

    /// The earliest deadline of this client.
    #[must_use]
    pub fn of_client(&self, client: ClientId) -> Option<Tick> {
        Timer::ALL.iter().filter_map(|&timer| self.get(Key::Client(client, timer))).min()
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Tick> {
        self.heap.first().map(|&(tick, _)| tick)
    }

    /// Removes the earliest deadline and returns its key if it is not after `now`.
    pub fn pop_due(&mut self, now: Tick) -> Option<Key> {
        let &(tick, slot) = self.heap.first()?;
        if tick > now {
            return None;
        }
        self.remove(0);
        Some(Key::of_slot(slot, self.shard))
    }

    /// Clears every deadline.
    pub fn clear_all(&mut self) {
        self.heap.clear();
        self.positions.fill(NONE);
    }

    fn remove(&mut self, position: usize) {
        let (_, slot) = self.heap.swap_remove(position);
        if let Some(gone) = self.positions.get_mut(slot as usize) {
            *gone = NONE;
        }
        if position < self.heap.len() {
            let position = self.rise(position);
            self.sink(position);
        }
    }

    /// Moves an entry up to its place and returns that place.
    fn rise(&mut self, mut position: usize) -> usize {
        while position > 0 {
            let parent = (position - 1) / 2;
            if self.heap.get(parent) <= self.heap.get(position) {
                break;
            }
            self.swap(parent, position);
            position = parent;
        }
        self.note(position);
        position
    }

    /// Moves an entry down to its place.
    fn sink(&mut self, mut position: usize) {
        loop {
            let left = 2 * position + 1;
            let right = left + 1;
            if left >= self.heap.len() {
                break;
            }
            let right_is_less =
                right < self.heap.len() && self.heap.get(right) < self.heap.get(left);
            let child = if right_is_less { right } else { left };
            if self.heap.get(position) <= self.heap.get(child) {
                break;
            }
            self.swap(position, child);
            position = child;
        }
        self.note(position);
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note(a);
        self.note(b);
    }

    /// Records that the entry at `position` is there.
    fn note(&mut self, position: usize) {
        if let Some(&(_, slot)) = self.heap.get(position)
            && let Some(noted) = self.positions.get_mut(slot as usize)
        {
            *noted = position as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const CLIENTS: u32 = 8;
    const SLOTS: u32 = RunKey::ALL.len() as u32 + CLIENTS * Timer::ALL.len() as u32;

    #[derive(Debug, Clone)]
    enum Step {
        Set(Key, u64),
        SetIfEarlier(Key, u64),
        Clear(Key),
        PopDue(u64),
    }

    fn key() -> impl Strategy<Value = Key> {
        (0..SLOTS).prop_map(|slot| Key::of_slot(slot, Shard::WHOLE))
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (key(), 0..50_u64).prop_map(|(k, t)| Step::Set(k, t)),
            (key(), 0..50_u64).prop_map(|(k, t)| Step::SetIfEarlier(k, t)),
            key().prop_map(Step::Clear),
            (0..50_u64).prop_map(Step::PopDue),
        ]
    }

    /// The same by linear search: the earliest tick, and of those the least key.
    #[derive(Default)]
    struct Naive(BTreeMap<Key, Tick>);

    impl Naive {
        fn next(&self) -> Option<(Tick, Key)> {
            self.0.iter().map(|(&key, &tick)| (tick, key)).min()
        }

        fn pop_due(&mut self, now: Tick) -> Option<Key> {
            let (_, key) = self.next().filter(|&(tick, _)| tick <= now)?;
            self.0.remove(&key);
            Some(key)
        }
    }

    proptest! {
        #[test]
        fn equals_a_linear_search(steps in prop::collection::vec(step(), 0..300)) {
            let (mut heap, mut naive) = (Deadlines::new(CLIENTS), Naive::default());
            for step in steps {
                match step {
                    Step::Set(key, t) => {
                        heap.set(key, Tick::from_nanos(t));
                        naive.0.insert(key, Tick::from_nanos(t));
                    }
                    Step::SetIfEarlier(key, t) => {
                        heap.set_if_earlier(key, Tick::from_nanos(t));
                        let tick = Tick::from_nanos(t);
                        let old = naive.0.entry(key).or_insert(tick);
                        *old = tick.min(*old);
                    }
                    Step::Clear(key) => {
                        heap.clear(key);
                        naive.0.remove(&key);
                    }
                    Step::PopDue(t) => {
                        let now = Tick::from_nanos(t);
                        prop_assert_eq!(heap.pop_due(now), naive.pop_due(now));
                    }
                }
                prop_assert_eq!(heap.next(), naive.next().map(|(tick, _)| tick));
                for slot in 0..SLOTS {
                    let key = Key::of_slot(slot, Shard::WHOLE);
                    prop_assert_eq!(heap.get(key), naive.0.get(&key).copied());
                }
            }
            heap.clear_all();
            prop_assert_eq!(heap.next(), None);
        }
    }

    #[test]
    fn slots_and_keys_are_one_to_one() {
        for slot in 0..30 {
            assert_eq!(Key::of_slot(slot, Shard::WHOLE).slot(), slot as usize);
        }
    }

    #[test]
    fn a_client_out_of_range_has_no_deadline() {
        let mut deadlines = Deadlines::new(2);
        deadlines.set(Key::Client(ClientId::new(2), Timer::Start), Tick::ZERO);
        deadlines.clear(Key::Client(ClientId::new(7), Timer::Drain));
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn timers_of_a_client_are_independent() {
        let mut deadlines = Deadlines::new(2);
        let client = ClientId::new(1);
        deadlines.set(Key::Client(client, Timer::Start), Tick::from_millis(2));
        deadlines.set(Key::Client(client, Timer::Signal), Tick::from_millis(1));
        assert_eq!(deadlines.of_client(client), Some(Tick::from_millis(1)));
        assert_eq!(deadlines.of_client(ClientId::new(0)), None);
        deadlines.clear(Key::Client(client, Timer::Signal));
        assert_eq!(deadlines.next(), Some(Tick::from_millis(2)));
    }
}
