//! Numbers: what the clients lived through and what the generator itself did,
//! as plain integers.

pub mod health;
pub mod histogram;
pub mod snapshot;
pub mod totals;

pub use health::{Health, ProcessUse};
pub use histogram::Histogram;
pub use snapshot::{Phase, Snapshot, State};
pub use totals::Totals;
