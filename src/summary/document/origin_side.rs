//! What the origin told of itself, as it lies in the summary's JSON.

use serde::{Deserialize, Serialize};

use super::Distribution;

/// What the origin told of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OriginSide {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<Host>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nginx: Option<Nginx>,
}

/// How asking went.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) polls: u64,
    pub(crate) failures: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_error: Option<String>,
}

/// The origin's host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) asked: Asked,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpus: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_used: Option<Distribution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_used: Option<Distribution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) received: Option<Distribution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<Distribution>,
}

/// The origin's nginx.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Nginx {
    pub(crate) asked: Asked,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connections_accepted: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connections_handled: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connections_active: Option<Distribution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requests_per_second: Option<Distribution>,
}
