//! How the map of clients classifies, filters and sorts them.

use ratatui::style::{Color, Modifier, Style};

use super::pen::FAINT;
use crate::stats::{Pace, State};
use crate::swarm::ClientView;

/// The condition of a client, from the one that needs least attention to the one
/// that needs most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    Down,
    Idle,
    Keeps,
    Opening,
    Starting,
    Stopping,
    Draining,
    Slow,
    Backoff,
    Stalled,
}

impl Look {
    /// Every look, in the order of the legend.
    pub(super) const ALL: [Self; 10] = [
        Self::Keeps,
        Self::Opening,
        Self::Slow,
        Self::Stalled,
        Self::Backoff,
        Self::Starting,
        Self::Draining,
        Self::Stopping,
        Self::Idle,
        Self::Down,
    ];

    pub(super) const fn of(view: &ClientView) -> Self {
        match (view.state, view.pace) {
            (State::Idle, _) => Self::Idle,
            (State::Starting, _) => Self::Starting,
            (State::Running, _) if view.stalled => Self::Stalled,
            (State::Running, Some(Pace::Below)) => Self::Slow,
            (State::Running, Some(Pace::Keeps)) => Self::Keeps,
            (State::Running, None) => Self::Opening,
            (State::Draining, _) => Self::Draining,
            (State::Backoff, _) => Self::Backoff,
            (State::Stopping, _) => Self::Stopping,
            (State::Stopped, _) => Self::Down,
        }
    }

    /// Its sign, which is unambiguous without colour.
    pub(super) const fn sign(self) -> (&'static str, Style) {
        match self {
            Self::Keeps => ("■", Style::new().fg(Color::Green)),
            Self::Opening => ("□", Style::new().fg(Color::Cyan)),
            Self::Slow => ("▼", Style::new().fg(Color::Yellow)),
            Self::Stalled => ("!", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD)),
            Self::Backoff => ("x", Style::new().fg(Color::Red)),
            Self::Starting => ("+", Style::new().fg(Color::Cyan)),
            Self::Draining => ("~", Style::new().fg(Color::Magenta)),
            Self::Stopping => ("-", Style::new().fg(Color::Magenta)),
            Self::Idle => ("·", FAINT),
            Self::Down => ("_", FAINT),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Keeps => "keeping up",
            Self::Opening => "opening",
            Self::Slow => "slow",
            Self::Stalled => "stalled",
            Self::Backoff => "backoff",
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Idle => "idle",
            Self::Down => "stopped",
        }
    }
}

/// The order in which clients are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// By number.
    #[default]
    Number,
    /// Clients that need attention first.
    Trouble,
    /// Clients with the most restarts first.
    Restarts,
}

impl Sort {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Number => Self::Trouble,
            Self::Trouble => Self::Restarts,
            Self::Restarts => Self::Number,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Trouble => "trouble",
            Self::Restarts => "restarts",
        }
    }
}

/// Which clients are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Filter {
    /// All.
    #[default]
    All,
    /// Clients that are stalled, slow, waiting for a restart or changing state.
    Trouble,
    /// Clients with a running process.
    Running,
    /// Clients without a process.
    Down,
}

impl Filter {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::All => Self::Trouble,
            Self::Trouble => Self::Running,
            Self::Running => Self::Down,
            Self::Down => Self::All,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Trouble => "in trouble",
            Self::Running => "running",
            Self::Down => "without a process",
        }
    }

    pub(super) fn admits(self, look: Look) -> bool {
        match self {
            Self::All => true,
            Self::Trouble => look >= Look::Slow,
            Self::Running => {
                matches!(look, Look::Keeps | Look::Opening | Look::Slow | Look::Stalled)
            }
            Self::Down => matches!(look, Look::Down | Look::Idle | Look::Backoff),
        }
    }
}
