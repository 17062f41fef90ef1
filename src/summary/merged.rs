//! What a merged summary was made of.

use serde::{Deserialize, Serialize};

/// What a merged summary was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Merged {
    /// Shards of the run.
    pub(crate) count: u32,
    /// Clients of the run.
    pub(crate) clients: u64,
    /// The shards that are in it, by index.
    pub(crate) shards: Vec<MergedShard>,
    /// Indices of those that are not.
    pub(crate) missing: Vec<u32>,
    /// What had to be left out, and why.
    pub(crate) remarks: Vec<String>,
}

/// One of the shards of a merged summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MergedShard {
    pub(crate) index: u32,
    pub(crate) file: String,
    pub(crate) clients: u64,
    pub(crate) started: u64,
}
