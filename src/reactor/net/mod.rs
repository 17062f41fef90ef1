//! Sockets: the server and its connections, requests to other servers, and the
//! kernel's TCP counters.
//!
//! Names are resolved in [`crate::reactor::blocking`].

pub mod fetch;
pub mod server;
pub(in crate::reactor) mod servers;
pub mod sock_diag;
pub mod traffic;
