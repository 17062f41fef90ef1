//! The tap: the exchanges between a client and its origin, as they are on the wire.
//!
//! A client uses the tap as its HTTP proxy. A [`Relay`] is one connection of a client
//! and the one connection to the origin that mirrors it: what closes on one side closes
//! on the other, and a reset is mirrored as a reset. Bytes and the time go in; bytes,
//! the wanted connection and one [`Record`] for each exchange come out. Knows no socket,
//! no clock and no name service.
//!
//! After each input the owner of the sockets polls the outputs until nothing changes:
//! the wanted target, the bytes for each side, how much of the body may be relayed
//! unseen, whether the counters of the connection are wanted, and whether to close.

mod cache;
mod catalogue;
mod exchange;
mod link;
mod media;
mod playlist;
mod relay;
mod request;
mod response;
mod settings;

use crate::exchange::record::Record;
use crate::units::ClientId;

pub use link::{Close, Closed, ConnectFailure, Connected, Target};
pub use relay::Relay;
pub use settings::{HeaderHosts, Settings};

use catalogue::Catalogue;

/// What all relays of a run share.
#[derive(Debug)]
pub struct Tap {
    settings: Settings,
    catalogue: Catalogue,
    refused: u64,
}

impl Tap {
    /// The tap of a run that has made no exchange yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let catalogue = Catalogue::new(&settings.url);
        Self { settings, catalogue, refused: 0 }
    }

    /// Forgets which playlists this client has loaded: its attempt has ended.
    pub fn forget(&mut self, client: ClientId) {
        self.catalogue.forget(client);
    }

    /// Requests of clients that were refused, since a proxy of this kind cannot forward
    /// them. They are no exchanges and have no record.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

/// What a relay needs to handle an input.
pub struct Context<'a> {
    /// What all relays share.
    pub tap: &'a mut Tap,
    /// Takes the record of each exchange that has ended.
    pub records: &'a mut dyn FnMut(ClientId, &Record<'_>),
}
