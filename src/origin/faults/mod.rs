//! Faults made to order, as servers and networks show them.
//!
//! `recipe` says which there are and how they are typed, `target` what they
//! may befall, `select` which requests they befall, `inject` what then goes
//! out. Time comes in with each request and chance from a seed, so the same
//! requests at the same times meet the same faults.

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
pub use recipe::{Kind, Latency, Recipe};
pub(super) use select::Client;
pub use target::Target;
pub use timeline::Timeline;

#[cfg(test)]
mod tests;
