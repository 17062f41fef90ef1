//! The snapshot as Prometheus text and as OpenMetrics.
