//! Blocking calls with a time limit: helper programs, one GET, name resolution.
//!
//! For use before and after the loop, never inside it.

pub mod call;
pub mod http_get;
pub mod loopback;
pub mod measure;
pub mod resolve;
pub mod run;
pub mod tail;
pub mod wait;
