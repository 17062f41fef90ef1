//! One check: the requirement, what the host has, and the remedy.

use std::fmt;

/// What a failed check means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The run cannot work and does not start.
    Hard,
    /// The run may fall short; it starts with a warning.
    Soft,
}

/// An amount of a resource.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Amount {
    /// A number; `u64::MAX` is unlimited.
    Count(u64),
    /// Bytes of memory.
    Bytes(u64),
    /// Events a second.
    PerSecond(f64),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(u64::MAX) => f.write_str("no limit"),
            Self::Count(count) => count.fmt(f),
            Self::Bytes(bytes) => write!(f, "{} MiB", bytes.div_ceil(1 << 20)),
            Self::PerSecond(rate) => write!(f, "{rate:.1}"),
        }
    }
}

/// One check of the host. Displays as one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What is checked.
    pub name: &'static str,
    /// What its failure means.
    pub severity: Severity,
    /// What the run needs; `None` if unknown.
    pub need: Option<Amount>,
    /// What the host has; `None` if unknown.
    pub have: Option<Amount>,
    /// The exact command or flag that fixes a failure.
    pub remedy: String,
}

impl Check {
    /// Whether the host has what is needed, as far as known.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.need.zip(self.have).is_none_or(|(need, have)| need <= have)
    }

    /// Whether the run must not start.
    #[must_use]
    pub fn stops(&self) -> bool {
        !self.ok() && self.severity == Severity::Hard
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |amount: Option<Amount>| {
            amount.map_or_else(|| "unknown".to_owned(), |amount| amount.to_string())
        };
        write!(f, "{}: need {}, have {}", self.name, text(self.need), text(self.have))?;
        if self.need.is_none() || self.have.is_none() {
            write!(f, " (not checked)")?;
        }
        if !self.ok() {
            write!(f, "; fix: {}", self.remedy)?;
        }
        Ok(())
    }
}
