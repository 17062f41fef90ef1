//! HTTP/1.1: requests and responses, bytes only.
//!
//! Knows no socket and no clock. [`connection`] is the state machine from the bytes of
//! a request to the bytes of a response; `reactor::net::server` moves them.
//! [`response_reader`] is the client's side: it reads a response.

pub mod connection;
pub mod delivery;
pub mod framing;
pub mod get_request;
pub mod guard;
pub mod inbox;
pub mod peer;
pub mod redact;
pub mod refusal;
pub mod request;
pub mod response;
mod response_error;
pub mod response_reader;
pub mod select;
pub mod service;

pub use connection::{Connection, Limits};
pub use delivery::{Cut, CutEnd, Delivery};
pub use get_request::GetRequest;
pub use peer::PeerAddress;
pub use refusal::Refusal;
pub use request::{Method, Request};
pub use response::{Audience, Body, Response, Status};
pub use response_error::ResponseError;
pub use response_reader::{Fetched, ResponseReader};
pub use select::{Selection, select};
pub use service::{Delivered, More, Service, Ticket};
