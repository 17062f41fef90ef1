//! The entries that wait for a turn, in two lines: our own, and the clients'.
//!
//! Knows no event and no handler.

use std::collections::VecDeque;

use mio::Token;

use super::table::Owner;

/// Pipes and exits of clients that get their turn before the next poll. At some 40 µs for
/// an exit this bounds the delay of a request to a few milliseconds when all clients exit
/// together.
const CLIENTS_PER_TURN: usize = 64;

/// The entries that wait for a turn.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// Connections and our own entries: few, and each gets its turn before any client.
    pub(super) own: VecDeque<Token>,
    /// The clients' pipes and exits.
    pub(super) clients: VecDeque<Token>,
}

/// What may still be taken from each line before the next poll.
#[derive(Debug)]
pub(super) struct Share {
    own: usize,
    clients: usize,
}

impl Ready {
    /// Puts an entry at the back of its line.
    pub(super) fn push(&mut self, token: Token, owner: Owner) {
        let line = if owner.is_of_a_client() { &mut self.clients } else { &mut self.own };
        line.push_back(token);
    }

    /// The entries that get their turn now; entries queued meanwhile come after them.
    pub(super) fn share(&self) -> Share {
        Share { own: self.own.len(), clients: self.clients.len().min(CLIENTS_PER_TURN) }
    }

    /// The clients' entries of a share.
    pub(super) fn clients_of(&self, share: &Share) -> impl Iterator<Item = Token> {
        self.clients.iter().take(share.clients).copied()
    }

    /// The next entry of a share.
    pub(super) fn take(&mut self, share: &mut Share) -> Option<Token> {
        if let Some(left) = share.own.checked_sub(1) {
            share.own = left;
            return self.own.pop_front();
        }
        share.clients = share.clients.checked_sub(1)?;
        self.clients.pop_front()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.clients.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactor::table::ServiceKey;
    use crate::units::ClientId;

    const SERVICE: ServiceKey = ServiceKey(0);

    #[test]
    fn connections_come_first_and_clients_wait_for_the_next_poll() {
        let mut ready = Ready::default();
        let exit = Owner::Exit(ClientId::new(1));
        for number in 0..CLIENTS_PER_TURN + 2 {
            ready.push(Token(number), exit);
        }
        ready.push(Token(1000), Owner::Connection(SERVICE, 0));
        let mut share = ready.share();
        // An entry queued during the turn waits as well.
        ready.push(Token(1001), Owner::Connection(SERVICE, 1));
        let mut taken = Vec::new();
        while let Some(token) = ready.take(&mut share) {
            taken.push(token.0);
        }
        assert_eq!(taken[0], 1000);
        assert_eq!(taken[1..], (0..CLIENTS_PER_TURN).collect::<Vec<_>>());
        assert_eq!((ready.own.len(), ready.clients.len()), (1, 2));
        let mut share = ready.share();
        assert_eq!(ready.take(&mut share), Some(Token(1001)));
        assert!(!ready.is_empty());
    }
}
