//! What the tap has in common, lent to a carrier for its turn.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::TlsFaults;
use super::names::Names;
use super::pipes::Pipes;
use crate::exchange::record::Record;
use crate::reactor::registrar::Registrar;
use crate::tap::{Context, Tap};
use crate::units::{ClientId, Tick};

/// What a carrier needs in its turn.
pub(super) struct Io<'a> {
    pub(super) now: Tick,
    /// From the readiness of the socket to this turn.
    pub(super) delay: Duration,
    pub(super) registrar: &'a mut Registrar,
    pub(super) buffer: &'a mut [u8],
    pub(super) pipes: &'a mut Pipes,
    pub(super) tap: &'a mut Tap,
    pub(super) records: &'a mut dyn FnMut(ClientId, &Record<'_>),
    pub(super) names: &'a mut Names,
    /// How TLS with an origin is made.
    pub(super) tls: Option<&'a Arc<ClientConfig>>,
    pub(super) tls_faults: &'a mut TlsFaults,
    /// The carrier's key.
    pub(super) key: usize,
}

/// What its relay needs of it.
pub(super) fn context<'c>(io: &'c mut Io<'_>) -> Context<'c> {
    Context { tap: io.tap, records: io.records }
}
