//! What a run came to, and the exit code that says so.

use std::process::ExitCode;

use tracing::error;

use crate::reactor::host::signals::StopSignal;
use crate::stats::Snapshot;
use crate::view::never_played;
use crate::view::summary::Ending;

/// What a run came to, as far as its exit code tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conclusion {
    /// It finished, or was stopped in good order.
    Finished,
    /// No process could be started.
    NothingStarted,
    /// Processes ran, and no client ever received media.
    NothingPlayed,
    /// The verdict of `--check` is a bad one.
    CheckFailed,
    /// A second signal forced its end.
    Forced(StopSignal),
}

impl Conclusion {
    /// What a run came to that ended so. `played` is whether any client received
    /// media; `None` where that is not known.
    pub(super) const fn of(ending: Ending, played: Option<bool>, began: bool) -> Self {
        match (ending, played) {
            (Ending::NothingStarted { .. }, _) => Self::NothingStarted,
            // One that was stopped while it waited for its moment has failed at nothing.
            (_, Some(false)) if began => Self::NothingPlayed,
            _ => Self::Finished,
        }
    }

    /// The exit code.
    pub(super) fn exit_code(self) -> ExitCode {
        match self {
            Self::Finished => ExitCode::SUCCESS,
            Self::NothingStarted | Self::NothingPlayed | Self::CheckFailed => ExitCode::FAILURE,
            Self::Forced(signal) => ExitCode::from(128 + signal.number()),
        }
    }
}

/// Logs that no client received media, and what kept them from it.
pub(super) fn log_nothing_played(ending: Ending, snapshot: &Snapshot<'_>) {
    let why = never_played::why(snapshot);
    let ended = match ending {
        Ending::Signal(signal) => format!("stopped by {signal} before any client received media"),
        Ending::RestartsUsedUp => "every client used up its restarts without media".to_owned(),
        _ => "no client ever received media".to_owned(),
    };
    error!(why = format!("{ended}: {why}"), "nothing_played");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_media_is_told_apart_from_one_of_which_nothing_is_known() {
        use Conclusion::{Finished, NothingPlayed, NothingStarted};
        for (ending, played, began, want) in [
            (Ending::DurationReached, Some(true), true, Finished),
            (Ending::DurationReached, Some(false), true, NothingPlayed),
            (Ending::Signal("SIGTERM"), Some(false), true, NothingPlayed),
            (Ending::RestartsUsedUp, Some(false), true, NothingPlayed),
            (Ending::RestartsUsedUp, None, true, Finished),
            (Ending::Signal("SIGTERM"), Some(false), false, Finished),
            (Ending::NothingStarted { stopped_by: None }, Some(false), true, NothingStarted),
            (Ending::NothingStarted { stopped_by: Some("SIGINT") }, None, true, NothingStarted),
        ] {
            assert_eq!(Conclusion::of(ending, played, began), want, "{ending:?} {played:?}");
        }
    }
}
