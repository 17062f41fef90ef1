//! The loop: readiness in, actions out. The only rooms that own a descriptor or
//! read a clock.

pub mod capture;
pub mod child;
pub mod journal;
pub mod log_sink;
pub mod reports;
pub mod table;
pub mod timer;
