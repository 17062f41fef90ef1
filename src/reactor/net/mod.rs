//! Sockets: the server and its connections, requests to other servers, the clients'
//! traffic, and the kernel's TCP counters.
//!
//! Names are resolved in [`crate::reactor::blocking`].

pub mod fetch;
pub mod server;
pub(in crate::reactor) mod servers;
pub mod sock_diag;
pub mod tap;
pub mod traffic;
