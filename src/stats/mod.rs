//! Numbers: what the clients experienced and what the generator itself did, as plain
//! integers.

pub mod active_time;
pub mod client;
pub mod exchanges;
pub mod figures;
pub mod health;
pub mod histogram;
pub mod patterns;
pub mod playback;
pub mod reception;
pub mod refused;
pub mod requests;
pub mod series;
pub mod snapshot;
pub mod totals;
pub mod usage;

pub use active_time::ActiveTime;
pub use client::{ClientRequests, LogContext};
pub use exchanges::Exchanges;
pub use figures::ClientFigures;
pub use health::{ConnectionCounts, EntryKind, Health, ProcessUse, Standstills};
pub use histogram::{Histogram, quantile_of};
pub use patterns::Patterns;
pub use playback::{Pace, Playback, Viewers, Viewing};
pub use reception::Reception;
pub use requests::Requests;
pub use series::Series;
pub use snapshot::{Phase, Snapshot, State};
pub use totals::Totals;
pub use usage::{ChildrenUse, LiveUse};
