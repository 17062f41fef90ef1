//! Points in time, at most one a key, earliest first.
