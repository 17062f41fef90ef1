//! The loopback address that each client has at the tap (127.0.0.0/8, RFC 1122
//! §3.2.1.3).

use std::net::Ipv4Addr;

use super::ClientId;

/// The first address: 127.64.0.0/10 is for the clients.
const FIRST: u32 = 127 << 24 | 64 << 16;

/// Clients of one process that the addresses suffice for.
pub const CLIENTS_MAX: u32 = 1 << 22;

/// The address of a client; `None` from [`CLIENTS_MAX`] on.
#[must_use]
pub fn of_client(client: ClientId) -> Option<Ipv4Addr> {
    let place = u32::try_from(client.index()).ok().filter(|&place| place < CLIENTS_MAX)?;
    Some(Ipv4Addr::from_bits(FIRST | place))
}

/// The place of the client with this address in tables of its process.
#[must_use]
pub fn place_of(address: Ipv4Addr) -> Option<u32> {
    address.to_bits().checked_sub(FIRST).filter(|&place| place < CLIENTS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_places_match() {
        for place in [0, 1, 255, 256, 65_536, CLIENTS_MAX - 1] {
            let address = of_client(ClientId::new(place)).unwrap();
            assert_eq!(place_of(address), Some(place));
        }
        assert_eq!(of_client(ClientId::new(0x0309)), Some(Ipv4Addr::new(127, 64, 3, 9)));
        assert_eq!(of_client(ClientId::new(CLIENTS_MAX)), None);
        for other in [[127, 0, 0, 1], [127, 63, 255, 255], [127, 128, 0, 0], [128, 0, 0, 0]] {
            assert_eq!(place_of(other.into()), None);
        }
    }
}
