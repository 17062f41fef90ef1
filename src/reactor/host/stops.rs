//! The effect of a signal that requests a stop: the stop, nothing, or a forced end.
//!
//! Pure: knows no descriptor and no clock.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::units::Tick;

/// The same signal within this time after the first is a repetition, not a second
/// request: timeout(1) signals its child and then its whole group, and a supervisor may
/// signal a process and then the cgroup. No one forces the end so soon.
pub(in crate::reactor) const REPEAT_WITHIN: Duration = Duration::from_millis(500);

/// A signal that requests a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// `SIGINT`.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
    /// `SIGHUP`.
    HangUp,
    /// `SIGPWR`: the power of this host is about to fail.
    Power,
    /// `SIGXCPU`: the limit of CPU time is near (setrlimit(2)).
    CpuLimit,
    /// Not a signal: the key `q` at the dashboard, which means the same as Ctrl-C.
    Key,
}

impl StopSignal {
    /// Its name in signal(7), or that of the key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
            Self::Power => "SIGPWR",
            Self::CpuLimit => "SIGXCPU",
            Self::Key => "q",
        }
    }

    /// Its number on x86 and ARM (signal(7)).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::HangUp => 1,
            Self::Interrupt | Self::Key => 2,
            Self::Terminate => 15,
            Self::CpuLimit => 24,
            Self::Power => 30,
        }
    }

    /// Whether the second one forces the end. A terminal that closes hangs up more than
    /// once, and the kernel sends SIGXCPU each second, without a user's request.
    #[must_use]
    pub const fn forces(self) -> bool {
        matches!(self, Self::Interrupt | Self::Terminate | Self::Key)
    }

    pub(super) const fn of(signal: Signal) -> Option<Self> {
        match signal {
            Signal::SIGINT => Some(Self::Interrupt),
            Signal::SIGTERM => Some(Self::Terminate),
            Signal::SIGHUP => Some(Self::HangUp),
            Signal::SIGPWR => Some(Self::Power),
            Signal::SIGXCPU => Some(Self::CpuLimit),
            _ => None,
        }
    }
}

/// What to do about a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::reactor) enum Request {
    /// Stop gracefully.
    Stop,
    /// Kill what is left.
    Kill,
    /// Nothing: a repetition, or a signal that forces nothing.
    Nothing,
}

/// The signals so far.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::reactor) struct Stops {
    first: Option<(StopSignal, Tick)>,
    forced_by: Option<StopSignal>,
}

impl Stops {
    /// Takes the next one.
    pub(in crate::reactor) fn hear(&mut self, now: Tick, signal: StopSignal) -> Request {
        let Some((first, since)) = self.first else {
            self.first = Some((signal, now));
            return Request::Stop;
        };
        let repeats = first == signal && now.since(since) < REPEAT_WITHIN;
        if repeats || !signal.forces() {
            return Request::Nothing;
        }
        self.forced_by.get_or_insert(signal);
        Request::Kill
    }

    /// The first signal.
    pub(in crate::reactor) fn stopped_by(&self) -> Option<StopSignal> {
        self.first.map(|(signal, _)| signal)
    }

    /// The one that forced the end.
    pub(in crate::reactor) fn forced_by(&self) -> Option<StopSignal> {
        self.forced_by
    }
}

#[cfg(test)]
mod tests {
    use super::Request::{Kill, Nothing, Stop};
    use super::StopSignal::{CpuLimit, HangUp, Interrupt, Key, Power, Terminate};
    use super::*;

    /// The effects of these signals, each at its millisecond.
    fn heard(signals: &[(u64, StopSignal)]) -> (Vec<Request>, Stops) {
        let mut stops = Stops::default();
        let requests = signals.iter().map(|&(at, s)| stops.hear(Tick::from_millis(at), s));
        (requests.collect(), stops)
    }

    #[test]
    fn an_immediate_repetition_is_not_a_second_request() {
        for signal in [Interrupt, Terminate, Key] {
            let times = [(7_000, signal), (7_000, signal), (7_499, signal), (7_500, signal)];
            let (requests, stops) = heard(&times);
            assert_eq!(requests, [Stop, Nothing, Nothing, Kill], "{signal:?}");
            assert_eq!((stops.stopped_by(), stops.forced_by()), (Some(signal), Some(signal)));
        }
    }

    #[test]
    fn another_signal_forces_the_end_at_once() {
        let (requests, stops) = heard(&[(0, Terminate), (0, Terminate), (1, Interrupt)]);
        assert_eq!(requests, [Stop, Nothing, Kill]);
        assert_eq!((stops.stopped_by(), stops.forced_by()), (Some(Terminate), Some(Interrupt)));
    }

    #[test]
    fn some_signals_never_force_the_end() {
        for signal in [HangUp, Power, CpuLimit] {
            let (requests, stops) = heard(&[(0, signal), (9_000, signal), (9_001, Terminate)]);
            assert_eq!(requests, [Stop, Nothing, Kill], "{signal:?}");
            assert_eq!(stops.forced_by(), Some(Terminate));
        }
        assert_eq!(heard(&[(0, Terminate), (1, HangUp)]).0, [Stop, Nothing]);
    }
}
