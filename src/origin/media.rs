//! Synthetic MPEG-TS.
