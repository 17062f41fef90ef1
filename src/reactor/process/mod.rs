//! Processes: started, signalled and reaped, their pipes, and what they use.
//!
//! Knows nothing of why a process is wanted.

pub mod child;
pub mod children;
pub mod memory;
pub mod oom;
pub mod orphans;
pub mod pipes;
pub mod usage;
