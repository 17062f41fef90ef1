//! What is registered with the kernel, and whose turn it is.
//!
//! Knows only the owner of each entry, not the meaning of its readiness.

use std::io;
use std::time::Duration;

use mio::{Poll, Token};

use super::process::pipes::Pipes;
use super::ready::Ready;
use super::table::Table;
use crate::units::Tick;

/// The poll, the table of what is registered with it, and what waits for a turn.
#[derive(Debug)]
pub struct Registrar {
    pub(super) poll: Poll,
    pub(super) table: Table,
    pub(super) pipes: Pipes,
    pub(super) ready: Ready,
}

impl Registrar {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            table: Table::default(),
            pipes: Pipes::new(Duration::ZERO)?,
            ready: Ready::default(),
        })
    }

    /// Puts an entry at the back of its line, once. Readiness is reported only when it
    /// begins (epoll(7)), so an entry that stopped before EAGAIN must be queued again.
    pub(super) fn queue(&mut self, token: Token, hung_up: bool) {
        if let Some(owner) = self.table.mark_ready(token, hung_up) {
            self.ready.push(token, owner);
        }
    }

    /// Queues the ready pipes, if a poll of them is due; returns how many.
    pub(super) fn look_at_pipes(&mut self, now: Tick) -> io::Result<u64> {
        let Self { poll, table, pipes, ready } = self;
        let mut found = 0;
        pipes.look(poll.registry(), now, |token, hung_up| {
            found += 1;
            if let Some(owner) = table.mark_ready(token, hung_up) {
                ready.push(token, owner);
            }
        })?;
        Ok(found)
    }
}
