//! Injected faults, as servers and networks show them.
//!
//! `recipe` defines the kinds and their notation, `target` the resources that a fault
//! can apply to, `select` the requests, `inject` the effect. Time comes with each
//! request and chance from a seed, so the same requests at the same times get the same
//! faults.

mod amounts;
mod control;
mod fields;
mod inject;
mod recipe;
mod select;
mod target;
mod timeline;

pub use control::CONTROL_PATH;
pub use fields::RecipeError;
pub use inject::{Faults, Injected};
pub use recipe::{FaultKind, Latency, Recipe};
pub(super) use select::Requester;
pub use target::FaultTarget;
pub use timeline::Timeline;

#[cfg(test)]
mod tests;
