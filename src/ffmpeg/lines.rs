//! Splits a byte stream into lines of bounded length.
