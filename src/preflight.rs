//! Can this host do it?
