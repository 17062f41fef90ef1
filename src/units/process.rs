//! Processes: their pipes, how they end and why they fail to start.
//!
//! Plain data: the reactor provides it, the swarm decides by it, the stats count it.

/// `SIGKILL`, the signal of the kernel's out-of-memory killer (signal(7)).
pub const SIGKILL: u8 = 9;

/// Names of the signals from 1 on, on x86 and ARM (signal(7)). A signal that does not
/// end a process has no name here: exit code 145 is FFmpeg's own code for a refused
/// connection, not 128 + SIGCHLD.
#[rustfmt::skip]
const SIGNALS: [&str; 31] = [
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
    "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
    "", "", "", "", "", "", "", "SIGXCPU",
    "SIGXFSZ", "SIGVTALRM", "SIGPROF", "", "SIGIO", "SIGPWR", "SIGSYS",
];

/// The name of the signal with this number on Linux; `None` if no process ends by it.
#[must_use]
pub fn signal_name(number: u8) -> Option<&'static str> {
    let place = usize::from(number).checked_sub(1)?;
    SIGNALS.get(place).copied().filter(|name| !name.is_empty())
}

/// How a process ended (wait(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(u8),
    /// This signal ended it.
    Signal(u8),
}

impl ExitStatus {
    /// The exit code as a shell reports it: 128 + n for signal n.
    #[must_use]
    pub const fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128_u8.saturating_add(signal),
        }
    }
}

/// One of a client's two pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pipe {
    /// FFmpeg's log.
    Stderr,
    /// FFmpeg's `-progress`.
    Stdout,
}

/// A process that could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpawnFailure {
    /// The class of the errno.
    pub reason: SpawnFailureReason,
    /// The errno itself (errno(3)).
    pub errno: i32,
}

/// Why a process could not be started, grouped by remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpawnFailureReason {
    /// `EMFILE` or `ENFILE`: no descriptors are left.
    Descriptors,
    /// `EAGAIN`: no processes are left (`RLIMIT_NPROC`, pids cgroup, `pid_max`).
    Processes,
    /// `ENOMEM`: no memory is left.
    Memory,
    /// `ENOENT` or `ENOTDIR`: the binary does not exist.
    NotFound,
    /// `EACCES` or `EPERM`: the binary may not be executed.
    Permission,
    /// Any other errno.
    Other,
}

impl SpawnFailureReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Descriptors,
        Self::Processes,
        Self::Memory,
        Self::NotFound,
        Self::Permission,
        Self::Other,
    ];

    /// The reason's index in [`SpawnFailureReason::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether this host ran out of a resource, so that other starts fail as well.
    #[must_use]
    pub const fn is_exhaustion(self) -> bool {
        matches!(self, Self::Descriptors | Self::Processes | Self::Memory)
    }

    /// The reason as a label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "descriptors",
            Self::Processes => "processes",
            Self::Memory => "memory",
            Self::NotFound => "not_found",
            Self::Permission => "permission",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_code_of_a_signal_is_128_and_its_number() {
        for (status, code) in [
            (ExitStatus::Code(0), 0),
            (ExitStatus::Code(255), 255),
            (ExitStatus::Signal(SIGKILL), 137),
            (ExitStatus::Signal(127), 255),
            (ExitStatus::Signal(255), 255),
        ] {
            assert_eq!(status.shell_code(), code, "{status:?}");
        }
    }

    #[test]
    fn signals_that_end_a_process_have_names() {
        for (number, name) in [
            (0, None),
            (1, Some("SIGHUP")),
            (6, Some("SIGABRT")),
            (SIGKILL, Some("SIGKILL")),
            (11, Some("SIGSEGV")),
            (15, Some("SIGTERM")),
            (17, None),
            (20, None),
            (24, Some("SIGXCPU")),
            (31, Some("SIGSYS")),
            (32, None),
            (255, None),
        ] {
            assert_eq!(signal_name(number), name, "{number}");
        }
    }

    #[test]
    fn indices_follow_the_list_of_all() {
        for (place, reason) in SpawnFailureReason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), place);
        }
    }
}
