//! The numbers of a run as Prometheus scrapes them, and the paths beside `/metrics`.
//!
//! Knows no socket: a scene and a request in, a response out.

pub mod endpoints;
pub mod format;
pub mod metrics;
pub mod origin;
