//! The result of an invocation, and its exit code: all exit codes are defined here.

use std::process::ExitCode;

use tracing::error;

use crate::measures::Ending;
use crate::measures::never_played;
use crate::reactor::host::signals::StopSignal;
use crate::stats::Snapshot;

/// The result of an invocation, as far as exit codes distinguish results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conclusion {
    /// It finished, or was stopped gracefully.
    Finished,
    /// The command line cannot be carried out.
    BadUsage,
    /// It could not be started or completed; the reason was logged.
    Failed,
    /// No process could be started.
    NothingStarted,
    /// Processes ran, and no client ever received media.
    NothingPlayed,
    /// The verdict of `--check` is bad.
    CheckFailed,
    /// A second signal forced its end.
    Forced(StopSignal),
}

impl Conclusion {
    /// The result of a run with this ending. `played` is whether any client received
    /// media; `None` if unknown.
    pub(super) const fn of(ending: Ending, played: Option<bool>, began: bool) -> Self {
        match (ending, played) {
            (Ending::NothingStarted { .. }, _) => Self::NothingStarted,
            // A run that was stopped before its start time has not failed.
            (_, Some(false)) if began => Self::NothingPlayed,
            _ => Self::Finished,
        }
    }

    /// The exit code: 0, 1, 2, or 128 and the signal's number.
    pub(super) fn exit_code(self) -> ExitCode {
        match self {
            Self::Finished => ExitCode::SUCCESS,
            Self::Failed | Self::NothingStarted | Self::NothingPlayed | Self::CheckFailed => {
                ExitCode::FAILURE
            }
            Self::BadUsage => ExitCode::from(2),
            Self::Forced(signal) => ExitCode::from(128 + signal.number()),
        }
    }
}

/// Logs that no client received media, and the reason.
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
    fn distinguishes_no_media_from_unknown() {
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
