//! Shares of this host above which it, and not the origin, bounds a run.

/// Share of one core above which this program's one thread is near its limit.
pub(crate) const OWN_CPU_SHARE: f64 = 0.8;

/// Share of all cores above which clients wait for the CPU and not for the origin.
pub(crate) const HOST_CPU_SHARE: f64 = 0.9;

/// Share above which a gauge of the dashboard is shown as full.
pub(crate) const GAUGE_FULL: f64 = 0.9;

/// Share above which a gauge of the dashboard is shown as filling up.
pub(crate) const GAUGE_FILLING: f64 = 0.7;
