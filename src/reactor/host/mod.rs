//! What surrounds the program on its host: signals, its log, standard output, the
//! terminal and the service manager.
//!
//! Knows nothing of clients.

pub(in crate::reactor) mod display;
pub mod journal;
pub mod log_sink;
pub(in crate::reactor) mod notify;
pub mod remedy;
pub mod reports;
pub mod signals;
pub mod stdout;
pub(in crate::reactor) mod stops;
pub mod terminal;
