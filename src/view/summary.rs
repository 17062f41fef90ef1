//! The exit summary.
