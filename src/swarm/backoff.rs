//! The delay before a restart.
