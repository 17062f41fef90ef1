//! Tests of whether two samples differ, and of many such tests together.
//!
//! Arithmetic with its sources; knows nothing of what the numbers mean. Values of
//! samples are ascending integers, so that equal ones are equal.

pub(super) mod binomial;
pub(super) mod holm;
pub(super) mod quantile;
pub(super) mod ranks;

/// Most values of a sample and most events that are used, so that a comparison takes
/// a fraction of a second. With so many a shift of a twentieth of the standard
/// deviation is found.
pub(super) const SIZE_MAX: u64 = 10_000;
