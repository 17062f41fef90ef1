//! Processes: started, signalled and reaped, their pipes, and what they use.
//!
//! Knows nothing of why a process is wanted.

pub mod child;
pub mod children;
pub(in crate::reactor) mod clients;
pub mod memory;
pub mod oom;
pub mod orphans;
pub(in crate::reactor) mod others;
pub mod pipes;
pub mod usage;
